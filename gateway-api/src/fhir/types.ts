/**
 * Which resource types this server takes and who writes them. The routes, the Bundles and the CapabilityStatement all read
 * this table, so that what is stated is what works. How they are searched is in search-parameters.ts.
 */
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import { parametersOf, type SearchParameter } from './search-parameters.ts';

/** Records that providers write. */
const RECORDS = [
  'AllergyIntolerance',
  'CarePlan',
  'CareTeam',
  'Claim',
  'Condition',
  'Device',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'ExplanationOfBenefit',
  'ImagingStudy',
  'Immunization',
  'Location',
  'Medication',
  'MedicationAdministration',
  'MedicationDispense',
  'MedicationRequest',
  'MedicationStatement',
  'Observation',
  'Organization',
  'Patient',
  'Practitioner',
  'PractitionerRole',
  'Procedure',
  'Provenance',
  'QuestionnaireResponse',
  'RelatedPerson',
  'SupplyDelivery',
];

/** What comes about by the ledger's own transactions, with the kind of organisation that may also write it over REST. */
const LEDGER_TYPES: Record<string, Kind | undefined> = {
  AuditEvent: undefined,
  ClaimResponse: undefined,
  ConceptMap: 'payer',
  Consent: 'custodian',
  Coverage: 'payer',
  CoverageEligibilityRequest: undefined,
  InsurancePlan: 'payer',
  PaymentNotice: undefined,
  PaymentReconciliation: undefined,
  Task: undefined,
};

export interface SupportedType {
  name: string;
  /** The kind of organisation whose gateway creates and updates it; undefined where none does. */
  writer: Kind | undefined;
}

const supported = new Map<string, SupportedType>(
  [
    ...RECORDS.map((name) => ({ name, writer: 'provider' as const })),
    ...Object.entries(LEDGER_TYPES).map(([name, writer]) => ({ name, writer })),
  ]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((type) => [type.name, type]),
);

export const supportedTypes: readonly SupportedType[] = [...supported.values()];
export const supportedType = (name: string): SupportedType | undefined => supported.get(name);

/** The parameter by which conditions (If-None-Exist, conditional references) find one resource; not every type has it. */
export const identifierParameter = (type: string): SearchParameter | undefined =>
  supported.has(type) ? parametersOf(type).find(({ name }) => name === 'identifier') : undefined;
