/** How FHIR resources name an organisation of the consortium: by identifier, or by a reference to its name. */

export const ORGANISATION_SYSTEM = 'https://telemed-ledger.example/organisations';

/** What of a FHIR Reference can name an organisation. */
export interface OrganisationReference {
  reference?: string | undefined;
  identifier?: { system?: string | undefined; value?: string | undefined } | undefined;
}

/** The name that a Reference gives, whether or not the consortium has it; undefined where it gives none. */
export function organisationNameOf(reference: OrganisationReference | undefined): string | undefined {
  if (reference?.identifier?.system === ORGANISATION_SYSTEM) return reference.identifier.value;
  return /^Organization\/([a-z][a-z0-9-]{0,31})$/.exec(reference?.reference ?? '')?.[1];
}
