/**
 * Which resource types this server takes and who writes them. The routes, the Bundles and the CapabilityStatement all read
 * this table, so that what is stated is what works. How they are searched is in search-parameters.ts.
 */
import { patientType } from '@telemed-ledger/chaincode/model/patient-records.ts';
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import { parametersOf, type SearchParameter } from './search-parameters.ts';

/** Records that providers write. */
const RECORDS = [
  'Account',
  'AllergyIntolerance',
  'Appointment',
  'AppointmentResponse',
  'Basic',
  'Binary',
  'BodyStructure',
  'CarePlan',
  'CareTeam',
  'Claim',
  'ClinicalImpression',
  'CodeSystem',
  'Communication',
  'CommunicationRequest',
  'Composition',
  'Condition',
  'DetectedIssue',
  'Device',
  'DeviceMetric',
  'DeviceRequest',
  'DeviceUseStatement',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'Endpoint',
  'EpisodeOfCare',
  'ExplanationOfBenefit',
  'FamilyMemberHistory',
  'Flag',
  'Goal',
  'Group',
  'HealthcareService',
  'ImagingStudy',
  'Immunization',
  'ImmunizationRecommendation',
  'List',
  'Location',
  'Media',
  'Medication',
  'MedicationAdministration',
  'MedicationDispense',
  'MedicationRequest',
  'MedicationStatement',
  'MolecularSequence',
  'NutritionOrder',
  'Observation',
  'Organization',
  'Patient',
  'Practitioner',
  'PractitionerRole',
  'Procedure',
  'Provenance',
  'Questionnaire',
  'QuestionnaireResponse',
  'RelatedPerson',
  'RiskAssessment',
  'Schedule',
  'ServiceRequest',
  'Slot',
  'Specimen',
  'Substance',
  'SupplyDelivery',
  'SupplyRequest',
  'Task',
  'ValueSet',
  'VisionPrescription',
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
};

export interface SupportedType {
  name: string;
  /** The kind of organisation whose gateway creates and updates it; undefined where none does. */
  writer: Kind | undefined;
  /** Patients and their caretakers write it too, at the gateway of their custodian. */
  isPatients: boolean;
}

const supported = new Map<string, SupportedType>(
  [
    ...RECORDS.map((name) => ({ name, writer: 'provider' as const })),
    ...Object.entries(LEDGER_TYPES).map(([name, writer]) => ({ name, writer })),
  ]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((type) => [type.name, { ...type, isPatients: patientType(type.name) !== undefined }]),
);

export const supportedTypes: readonly SupportedType[] = [...supported.values()];
/** Whether the gateway of an organisation of this kind writes it. */
export const isWrittenBy = ({ writer, isPatients }: SupportedType, kind: Kind): boolean =>
  writer === kind || (isPatients && kind === 'custodian');
export const supportedType = (name: string): SupportedType | undefined => supported.get(name);

/** The parameter by which conditions (If-None-Exist, conditional references) find one resource; not every type has it. */
export const identifierParameter = (type: string): SearchParameter | undefined =>
  supported.has(type) ? parametersOf(type).find(({ name }) => name === 'identifier') : undefined;
