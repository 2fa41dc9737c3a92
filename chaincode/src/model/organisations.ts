/**
 * How FHIR resources name an organisation of the consortium, by identifier or by a reference to its name, and how they name
 * the practitioners whom it certified: under its base, since another organisation's `Practitioner/x` is another person.
 */

export const ORGANISATION_SYSTEM = 'https://telemed-ledger.example/organisations';

/** What of a FHIR Reference can name an organisation or a practitioner. */
export interface ActorReference {
  reference?: string | undefined;
  identifier?: { system?: string | undefined; value?: string | undefined } | undefined;
}

const NAME = '[a-z][a-z0-9-]{0,31}';

/** The name that a Reference gives, whether or not the consortium has it; undefined where it gives none. */
export function organisationNameOf(reference: ActorReference | undefined): string | undefined {
  if (reference?.identifier?.system === ORGANISATION_SYSTEM) return reference.identifier.value;
  return new RegExp(`^Organization/(${NAME})$`).exec(reference?.reference ?? '')?.[1];
}

/** What a Reference says of a practitioner. */
export interface NamedPractitioner {
  /** `Practitioner/<id>`, as the certificate has it. */
  fhirUser: string;
  /**
   * Name of the organisation that certified him. undefined where the base is no organisation's of the consortium: then the
   * reference names nobody who can call.
   */
  organisation: string | undefined;
  /** The reference is relative: what it means follows from where it stands. */
  isRelative: boolean;
}

const PRACTITIONER = /^(?:(.+)\/)?(Practitioner\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;
const BASE = new RegExp(`^${ORGANISATION_SYSTEM.replaceAll('.', '\\.')}/(${NAME})$`);

/**
 * The practitioner that a Reference names; undefined where it names none.
 * @param home name of the organisation whose practitioner a relative reference means
 * @see https://hl7.org/fhir/R4/references.html#literal
 */
export function practitionerNamed(reference: ActorReference | undefined, home: string): NamedPractitioner | undefined {
  const [, base, fhirUser] = PRACTITIONER.exec(reference?.reference ?? '') ?? [];
  if (fhirUser === undefined) return undefined;
  if (base === undefined) return { fhirUser, organisation: home, isRelative: true };
  return { fhirUser, organisation: BASE.exec(base)?.[1], isRelative: false };
}

/** The reference that means this organisation's person wherever it stands: `<ORGANISATION_SYSTEM>/<name>/Practitioner/<id>`. */
export const referenceTo = (organisation: string, fhirUser: string): string =>
  `${ORGANISATION_SYSTEM}/${organisation}/${fhirUser}`;

/** The reference to a member of the consortium, which is everywhere under its name. */
export const memberReference = (name: string): { identifier: { system: string; value: string }; display: string } => ({
  identifier: { system: ORGANISATION_SYSTEM, value: name },
  display: name,
});
