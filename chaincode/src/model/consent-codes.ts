/** The codes that a consent's provisions may hold, and what each means here. A code that is not here is not guessed at. */
import { ACT_REASON, PURPOSES } from './purposes.ts';
import { ACT_CODE, CONFIDENTIALITY, isSensitivity, LEVELS } from './security-labels.ts';

/** What of a Coding is read. */
export interface Code {
  system?: string | undefined;
  code?: string | undefined;
}

export const SCOPES = 'http://terminology.hl7.org/CodeSystem/consentscope';
const isOf = (system: string, coding: Code): boolean => coding.system === undefined || coding.system === system;

/** The only scope that is an agreement about disclosure. */
export const PRIVACY = 'patient-privacy';
/** hl7.org/fhir/R4/valueset-consent-scope.html; those beside privacy are kept as documents. */
export const SCOPE_CODES: readonly string[] = ['adr', 'research', PRIVACY, 'treatment'];

/** Our own: a patient lets somebody act for her (delegations.ts). */
export const DELEGATION_SCOPES = 'https://telemed-ledger.example/fhir/CodeSystem/consent-scope';
export const DELEGATION = 'delegation';
export const CARETAKER_ACT_SYSTEM = 'https://telemed-ledger.example/fhir/CodeSystem/caretaker-act';

/**
 * What a caretaker may do: read her records, consents and log; answer requests, by a consent or a refusal; revoke consents;
 * book appointments; see bills; record what she would record, and what medication she takes.
 */
export const CARETAKER_ACTS = ['read', 'answer', 'revoke', 'book', 'bills', 'record', 'medication'] as const;
export type CaretakerAct = (typeof CARETAKER_ACTS)[number];

/** hl7.org/fhir/R4/valueset-consent-action.html */
const ACTIONS = 'http://terminology.hl7.org/CodeSystem/consentaction';
const ACTION_CODES = new Set(['collect', 'access', 'use', 'disclose', 'correct']);
/** What is decided here: access by the requestor, which is disclosure by the holder. */
export const DECIDED_ACTIONS: readonly string[] = ['access', 'disclose'];

/** hl7.org/fhir/R4/valueset-consent-data-meaning.html */
export const DATA_MEANINGS: readonly string[] = ['instance', 'related', 'dependents', 'authoredby'];

/** HL7 v3 ActCode: what no provision speaks about is permitted, or denied. */
export const POLICY_RULES: Readonly<Record<string, 'permit' | 'deny'>> = { OPTIN: 'permit', OPTOUT: 'deny' };
/** What a policy rule's coding says; undefined for one of another system, whatever its code. */
export const ruleOf = (coding: Code): 'permit' | 'deny' | undefined =>
  isOf(ACT_CODE, coding) ? POLICY_RULES[coding.code ?? ''] : undefined;

const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';
const ROLE_CODE = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
/** Our own roles, as certificates state them. */
const LEDGER_ROLES_SYSTEM = 'https://telemed-ledger.example/fhir/CodeSystem/role';

/** What an actor of a role is: who asks, whose data it is, or who asks and in which role of the ledger. */
export type ActorMeaning = 'recipient' | 'custodian' | 'practitioner' | 'system' | 'caretaker';

/** hl7.org/fhir/R4/valueset-security-role-type.html, as far as it has a meaning here. */
const ACTOR_ROLES: readonly (readonly [system: string, code: string, meaning: ActorMeaning])[] = [
  [PARTICIPATION, 'IRCP', 'recipient'],
  [PARTICIPATION, 'PRCP', 'recipient'],
  [ROLE_CODE, 'GRANTEE', 'recipient'],
  [PARTICIPATION, 'CST', 'custodian'],
  [LEDGER_ROLES_SYSTEM, 'practitioner', 'practitioner'],
  [LEDGER_ROLES_SYSTEM, 'system', 'system'],
  [LEDGER_ROLES_SYSTEM, 'caretaker', 'caretaker'],
];

/** undefined for a role that has no meaning here. */
export const actorMeaning = (coding: Code): ActorMeaning | undefined =>
  ACTOR_ROLES.find(([system, code]) => code === coding.code && isOf(system, coding))?.[2];

/** The codes of the roles that have one, for messages. */
export const ACTOR_ROLE_CODES: readonly string[] = ACTOR_ROLES.map(([, code]) => code);

export const isPurpose = (coding: Code): boolean => PURPOSES.has(coding.code ?? '') && isOf(ACT_REASON, coding);
export const isAction = (coding: Code): boolean => ACTION_CODES.has(coding.code ?? '') && isOf(ACTIONS, coding);
export const isLevel = (coding: Code): boolean => LEVELS.has(coding.code ?? '') && isOf(CONFIDENTIALITY, coding);
export const isSensitivityCode = (coding: Code): boolean => isSensitivity(coding.code ?? '') && isOf(ACT_CODE, coding);
export const isLabel = (coding: Code): boolean => isLevel(coding) || isSensitivityCode(coding);

/** hl7.org/fhir/R4/valueset-consent-content-class.html */
const RESOURCE_TYPES = 'http://hl7.org/fhir/resource-types';
const PROFILES = 'urn:ietf:rfc:3986';
const MEDIA_TYPES = 'urn:ietf:bcp:13';
const LOINC = 'http://loinc.org';
const CATEGORIES: Readonly<Record<string, string>> = {
  'http://terminology.hl7.org/CodeSystem/observation-category':
    'social-history vital-signs imaging laboratory procedure survey exam therapy activity',
  'http://terminology.hl7.org/CodeSystem/condition-category': 'problem-list-item encounter-diagnosis',
};

/** How a class of information is recognised in a record; undefined for one that is not known. */
export type ClassKind = 'type' | 'profile' | 'media' | 'coding';

export function classKind({ system, code = '' }: Code): ClassKind | undefined {
  if (system === undefined || system === RESOURCE_TYPES) return isResourceType(code) ? 'type' : undefined;
  if (system === PROFILES) return /^https?:\/\/\S+$/.test(code) ? 'profile' : undefined;
  if (system === MEDIA_TYPES) return /^[a-z]+\/[a-z0-9][a-z0-9.+-]*$/i.test(code) ? 'media' : undefined;
  if (system === LOINC) return isLoinc(code) ? 'coding' : undefined;
  return CATEGORIES[system]?.split(' ').includes(code) === true ? 'coding' : undefined;
}

/** A LOINC code ends in a check digit (modulus 10, Luhn), so that a mistyped one shows (loinc.org/kb/users-guide). */
function isLoinc(code: string): boolean {
  const [, digits = '', check] = /^(\d{1,7})-(\d)$/.exec(code) ?? [];
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const one = index % 2 === 0 ? Number(digit) * 2 : Number(digit);
    return total + (one > 9 ? one - 9 : one);
  }, 0);
  return digits !== '' && (10 - (sum % 10)) % 10 === Number(check);
}

/** Who can author a record; what else is named by `authoredby` has written nothing. */
const AUTHORS = new Set('CareTeam Device Organization Patient Practitioner PractitionerRole RelatedPerson'.split(' '));

/** Whether the `data` of a consent can name something of a type: a record, or for `authoredby` whoever can author one. */
export const isRecordOrAuthor = (type: string, meaning: string | undefined): boolean =>
  meaning === 'authoredby' ? AUTHORS.has(type) : isResourceType(type);

const isResourceType = (name: string): boolean => R4_TYPES.has(name);

/** hl7.org/fhir/R4/valueset-resource-types.html without the two abstract ones. */
const R4_TYPES: ReadonlySet<string> = new Set(
  `Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic Binary
  BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry ChargeItem
  ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest
  CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest
  CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement
  DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest
  EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
  FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy Immunization
  ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List
  Location Measure MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge
  MedicationRequest MedicationStatement MedicinalProduct MedicinalProductAuthorization MedicinalProductContraindication
  MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured
  MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect MessageDefinition
  MessageHeader MolecularSequence NamingSystem NutritionOrder Observation ObservationDefinition OperationDefinition
  OperationOutcome Organization OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation Person
  PlanDefinition Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson
  RequestGroup ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment
  RiskEvidenceSynthesis Schedule SearchParameter ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition
  StructureMap Subscription Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein
  SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest Task
  TerminologyCapabilities TestReport TestScript ValueSet VerificationResult VisionPrescription`.split(/\s+/),
);
