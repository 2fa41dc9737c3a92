/**
 * Whom an actor of a consent names: an organisation of the consortium, a practitioner as his organisation certified him, a
 * practitioner's role, somebody by an identifier such as an NPI, or a related person. A name to display names nobody.
 * @see https://hl7.org/fhir/R4/references.html
 */
import { type ActorReference, ORGANISATION_SYSTEM, practitionerNamed } from './organisations.ts';

export type NamedActor =
  /** `isElsewhere`: as another server has it, which may mean another one of that name. */
  | { kind: 'organisation'; name: string; isElsewhere?: true }
  /** `organisation` is undefined where the reference is to another server: it names nobody who can call. */
  | { kind: 'practitioner'; fhirUser: string; organisation: string | undefined; isRelative: boolean }
  /** `PractitionerRole/<id>`, recorded by whichever organisation. */
  | { kind: 'role'; reference: string }
  | { kind: 'identified'; system: string; value: string }
  /** `RelatedPerson/<id>` or `Person/<id>`: a caretaker. */
  | { kind: 'related'; fhirUser: string }
  | { kind: 'unsupported' | 'display' | 'nobody' | 'several' };

/** What of a FHIR Reference is read. */
export interface Named extends ActorReference {
  display?: unknown;
  /** What it is said to be: a type of FHIR, as a name or a canonical URL. */
  type?: unknown;
}

const NAME = '[a-z][a-z0-9-]{0,31}';
const LITERAL = /^(?:(.+)\/)?([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;
/** An organisation by the address under which its people are named. */
const OWN_URL = new RegExp(`^${ORGANISATION_SYSTEM.replaceAll('.', '\\.')}/(${NAME})$`);
const PEOPLE = new RegExp(`^${ORGANISATION_SYSTEM.replaceAll('.', '\\.')}/(${NAME})/people$`);
const HTTP = /^https?:\/\/\S+$/;

/**
 * @param home name of the organisation whose practitioner a relative reference means
 */
export function actorNamed(reference: Named, home: string): NamedActor {
  const named = whoeverIsNamed(reference, home);
  const stated = String(reference.type ?? '').replace(/^http:\/\/hl7\.org\/fhir\/StructureDefinition\//, '');
  return stated === '' || isOfType(named, stated) ? named : { kind: 'several' };
}

/** Whether somebody named can be of the type that is stated. People are found by their identifiers, and nobody else is. */
function isOfType(named: NamedActor, stated: string): boolean {
  switch (named.kind) {
    case 'organisation':
      return stated === 'Organization';
    case 'practitioner':
    case 'identified':
      return stated === 'Practitioner';
    case 'role':
      return stated === 'PractitionerRole';
    case 'related':
      return named.fhirUser.startsWith(`${stated}/`);
    default:
      return true;
  }
}

function whoeverIsNamed(reference: Named, home: string): NamedActor {
  const literal = reference.reference === undefined ? undefined : byLiteral(reference, reference.reference, home);
  const { identifier } = reference;
  const logical = identifier === undefined ? undefined : byIdentifier(identifier);
  if (literal === undefined) return logical ?? { kind: reference.display === undefined ? 'nobody' : 'display' };
  // What both are said of must be one: other identifiers of an organisation or a person say nothing against a reference.
  if (logical?.kind === 'organisation' && (literal.kind !== 'organisation' || literal.name !== logical.name))
    return { kind: 'several' };
  return literal;
}

function byLiteral(reference: Named, text: string, home: string): NamedActor {
  const [, own] = OWN_URL.exec(text) ?? [];
  if (own !== undefined) return { kind: 'organisation', name: own };
  const practitioner = practitionerNamed(reference, home);
  if (practitioner !== undefined) return { kind: 'practitioner', ...practitioner };
  const [, base, type = '', id = ''] = LITERAL.exec(text) ?? [];
  if (type === 'Organization' && (base === undefined || OWN_URL.test(base))) return { kind: 'organisation', name: id };
  if (type === 'Organization' && HTTP.test(base ?? '')) return { kind: 'organisation', name: id, isElsewhere: true };
  if (base === undefined && type === 'PractitionerRole') return { kind: 'role', reference: `${type}/${id}` };
  if (base === undefined && (type === 'RelatedPerson' || type === 'Person'))
    return { kind: 'related', fhirUser: `${type}/${id}` };
  return { kind: 'unsupported' };
}

function byIdentifier({ system, value }: NonNullable<ActorReference['identifier']>): NamedActor {
  if (system === undefined || value === undefined || value === '') return { kind: 'nobody' };
  if (system === ORGANISATION_SYSTEM) return { kind: 'organisation', name: value };
  const [, organisation] = PEOPLE.exec(system) ?? [];
  if (organisation !== undefined) return { kind: 'practitioner', fhirUser: value, organisation, isRelative: false };
  return { kind: 'identified', system, value };
}

/** A practitioner, as who organisation certified him. */
export interface Person {
  organisation: string;
  /** `Practitioner/<id>` */
  practitioner: string;
}

/** What an actor's reference is remembered by when a consent is given; undefined where it needs no records to be understood. */
export function keyOfActor(named: NamedActor): string | undefined {
  if (named.kind === 'practitioner' && named.isRelative) return named.fhirUser;
  if (named.kind === 'role') return named.reference;
  return named.kind === 'identified' ? `${named.system}|${named.value}` : undefined;
}
