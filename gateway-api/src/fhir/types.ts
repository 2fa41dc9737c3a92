/**
 * Which resource types this server takes, who writes them and how they are searched. The routes, the Bundles and the
 * CapabilityStatement all read this table, so that what is stated is what works.
 */
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import { schemaOf } from './validation/schema.ts';

/** Search parameters for the patient a resource is about: hl7.org/fhir/R4/searchparameter-registry.html. */
type PatientParameter = 'patient' | 'subject';

/** Records that providers write, with their parameters for the patient. */
const RECORDS: Record<string, readonly PatientParameter[]> = {
  AllergyIntolerance: ['patient'],
  CarePlan: ['patient', 'subject'],
  CareTeam: ['patient', 'subject'],
  Claim: ['patient'],
  Condition: ['patient', 'subject'],
  Device: ['patient'],
  DiagnosticReport: ['patient', 'subject'],
  DocumentReference: ['patient', 'subject'],
  Encounter: ['patient', 'subject'],
  ExplanationOfBenefit: ['patient'],
  ImagingStudy: ['patient', 'subject'],
  Immunization: ['patient'],
  Location: [],
  Medication: [],
  MedicationAdministration: ['patient', 'subject'],
  MedicationDispense: ['patient', 'subject'],
  MedicationRequest: ['patient', 'subject'],
  MedicationStatement: ['patient', 'subject'],
  Observation: ['patient', 'subject'],
  Organization: [],
  Patient: [],
  Practitioner: [],
  PractitionerRole: [],
  Procedure: ['patient', 'subject'],
  Provenance: ['patient'],
  QuestionnaireResponse: ['patient', 'subject'],
  RelatedPerson: ['patient'],
  SupplyDelivery: ['patient'],
};

/** What comes about by the ledger's own transactions, with the kind of organisation that may also write it over REST. */
const LEDGER_TYPES: Record<string, { parameters: readonly PatientParameter[]; writer?: Kind }> = {
  AuditEvent: { parameters: ['patient'] },
  ClaimResponse: { parameters: ['patient'] },
  Consent: { parameters: ['patient'], writer: 'custodian' },
  Coverage: { parameters: ['patient'], writer: 'payer' },
  PaymentNotice: { parameters: [] },
  PaymentReconciliation: { parameters: [] },
};

export interface SupportedType {
  name: string;
  /** The kind of organisation whose gateway creates and updates it; undefined where none does. */
  writer: Kind | undefined;
  patientParameters: readonly PatientParameter[];
  /** Whether it can be searched by `identifier`. */
  hasIdentifier: boolean;
}

const describe = (name: string, writer: Kind | undefined, parameters: readonly PatientParameter[]): SupportedType => ({
  name,
  writer,
  patientParameters: parameters,
  hasIdentifier: schemaOf(name)?.elements.has('identifier') === true,
});

const supported = new Map<string, SupportedType>(
  [
    ...Object.entries(RECORDS).map(([name, parameters]) => describe(name, 'provider', parameters)),
    ...Object.entries(LEDGER_TYPES).map(([name, row]) => describe(name, row.writer, row.parameters)),
  ]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((type) => [type.name, type]),
);

export const supportedTypes: readonly SupportedType[] = [...supported.values()];
export const supportedType = (name: string): SupportedType | undefined => supported.get(name);
