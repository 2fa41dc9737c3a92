/**
 * Whether the actors of a provision mean whoever asks: by organisation, by practitioner as his organisation certified him,
 * by identifier, or by role. A role of custodian says whose data it is.
 */
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import { actorNamed, keyOfActor, type NamedActor, type Person } from '../model/actors.ts';
import { actorMeaning } from '../model/consent-codes.ts';
import type { ConsentRefusal, Doubt } from '../model/consent-refusals.ts';
import type { AccessFacts, Actor, BoundActors, ConsentContent, Provision, Question } from './consent-content.ts';

type Meaning = ReturnType<typeof actorMeaning>;

const meaningOf = ({ role }: Actor): Meaning =>
  (role?.coding ?? []).map(actorMeaning).find((meaning) => meaning !== undefined);

/** Custodians and recipients are said of different things: of each kind that is named, one must fit. */
export function meetsActors(actors: readonly Actor[], question: Question): boolean {
  if (actors.length === 0) return question.denies;
  const custodians = actors.filter((actor) => meaningOf(actor) === 'custodian');
  const recipients = actors.filter((actor) => meaningOf(actor) !== 'custodian');
  const isHeld = custodians.length === 0 || custodians.some((actor) => isCustodian(actor, question));
  return isHeld && (recipients.length === 0 || recipients.some((actor) => isRecipient(actor, question)));
}

/** A denial that names another organisation as custodian was given when that meant whoever asks: it goes on denying. */
function isCustodian({ reference }: Actor, { request, denies }: Question): boolean {
  const named = actorNamed(reference ?? {}, request.holder);
  if (named.kind !== 'organisation') return denies;
  if (named.isElsewhere === true && !denies) return false;
  return named.name === request.holder || (denies && named.name === request.organisation);
}

const LEDGER_ROLES: readonly Meaning[] = ['practitioner', 'system', 'caretaker'];

function isRecipient(actor: Actor, question: Question): boolean {
  const { request, denies } = question;
  const meaning = meaningOf(actor);
  const codings = actor.role?.coding ?? [];
  if (meaning === undefined && codings.length > 0 && !denies) return false;
  if (LEDGER_ROLES.includes(meaning) && meaning !== request.role) return false;
  if (actor.reference === undefined) return meaning === request.role || (denies && meaning === undefined);
  return isNamed(actorNamed(actor.reference, request.holder), question);
}

function isNamed(named: NamedActor, { request, denies, bound }: Question): boolean {
  switch (named.kind) {
    case 'organisation':
      return named.name === request.organisation && (denies || named.isElsewhere !== true);
    case 'related':
      return named.fhirUser === request.practitioner;
    case 'practitioner':
    case 'role':
    case 'identified': {
      const found = bound[keyOfActor(named) ?? ''];
      return (
        found?.some((person) => isPerson(person, request)) === true || isPractitioner(named, found, request, denies)
      );
    }
    default:
      // Nobody can tell whom it names: so nobody is permitted, and nobody left out of a denial.
      return denies;
  }
}

const isPerson = ({ organisation, practitioner }: Person, request: AccessFacts): boolean =>
  organisation === request.organisation && practitioner === request.practitioner;

/**
 * A practitioner by what his reference says alone, and whether a denial may mean whoever asks. A system is no person; a
 * practitioner who does not say who he is may be any.
 */
function isPractitioner(
  named: Extract<NamedActor, { kind: 'practitioner' | 'role' | 'identified' }>,
  found: readonly Person[] | undefined,
  request: AccessFacts,
  denies: boolean,
): boolean {
  if (request.practitioner === undefined) return denies && request.role !== 'system';
  if (named.kind === 'practitioner') {
    if (named.fhirUser !== request.practitioner) return false;
    const isHis = named.organisation === request.organisation && (found === undefined || !named.isRelative);
    return isHis || (denies && (named.isRelative || named.organisation === undefined));
  }
  if (!denies) return false;
  return named.kind === 'role' ? found === undefined : mayHave(named, request);
}

/** Whether whoever asks has an identifier, or does not show that he has another one of the same system. */
function mayHave({ system, value }: { system: string; value: string }, { identifiers = [] }: AccessFacts): boolean {
  const own = identifiers.filter((identifier) => identifier.system === system);
  return own.length === 0 || own.some((identifier) => identifier.value === value);
}

/** Where an actor stands in a consent. */
export interface PlacedActor {
  actor: Actor;
  /** FHIRPath of the actor. */
  expression: string;
}

export function actorsIn({ provision }: ConsentContent): PlacedActor[] {
  return provision === undefined ? [] : actorsOf(provision, 'Consent.provision');
}

function actorsOf({ actor = [], provision: inner = [] }: Provision, at: string): PlacedActor[] {
  const own = actor.map((one, index) => ({ actor: one, expression: `${at}.actor[${index}]` }));
  return [...own, ...inner.flatMap((one, index) => actorsOf(one, `${at}.provision[${index}]`))];
}

/** What a consent is held against beside its text when it is given. */
export interface Surroundings {
  consortium: Consortium;
  /** Name of the provider whose data it governs. */
  provider: string;
  bound: BoundActors;
}

/** Actors whom nobody in the consortium is, each with its place. */
export const unknownActors = (consent: ConsentContent, surroundings: Surroundings): Doubt[] =>
  actorsIn(consent).flatMap(({ actor, expression }) => {
    const rule = whyUnknown(actor, surroundings);
    return rule === undefined ? [] : [{ rule, expression: `${expression}.reference` }];
  });

function whyUnknown(actor: Actor, { consortium, provider, bound }: Surroundings): ConsentRefusal | undefined {
  if (actor.reference === undefined) return undefined;
  const named = actorNamed(actor.reference, provider);
  const isMember = (name: string | undefined): boolean => organisationByName(consortium, name ?? '') !== undefined;
  const key = keyOfActor(named);
  if (named.kind === 'organisation' && named.isElsewhere === true) return 'organisation-elsewhere';
  if (meaningOf(actor) === 'custodian' && (named.kind !== 'organisation' || named.name !== provider))
    return named.kind === 'organisation' && !isMember(named.name) ? 'unknown-organisation' : 'custodian-elsewhere';
  if (key !== undefined) return (bound[key] ?? []).length > 0 ? undefined : 'unknown-practitioner';
  if (named.kind === 'organisation') return isMember(named.name) ? undefined : 'unknown-organisation';
  if (named.kind !== 'practitioner') return undefined;
  if (named.organisation === undefined) return 'unknown-practitioner';
  return isMember(named.organisation) ? undefined : 'unknown-organisation';
}
