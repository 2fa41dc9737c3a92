/** The systems by which Claims say what X12 has an element for: said once for what is read and what is written. */

/** Of CLM01: what the provider calls the account. */
export const CONTROL_NUMBERS = 'https://telemed-ledger.example/patient-control-numbers';
/** Of REF*6R: what the provider calls the line, as Da Vinci PAS has it (extension-itemTraceNumber). */
export const LINE_NUMBERS = 'https://telemed-ledger.example/line-item-control-numbers';
export const ITEM_TRACE_NUMBER = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-itemTraceNumber';
export const FREQUENCY = 'https://telemed-ledger.example/fhir/StructureDefinition/claim-frequency';
export const NPI = 'http://hl7.org/fhir/sid/us-npi';
export const CPT = 'http://www.ama-assn.org/go/cpt';
export const HCPCS = 'https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets';
export const REVENUE = 'https://www.nubc.org/CodeSystem/RevenueCodes';
export const PLACES = 'https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set';
/** X12's service types, as Da Vinci PAS has them. */
export const SERVICE_TYPES = 'https://codesystem.x12.org/005010/1365';
export const ICD10 = 'http://hl7.org/fhir/sid/icd-10-cm';

/** ICD-10-CM as it is written: X12 leaves the point out. */
export const dotted = (code: string): string =>
  code.length > 3 && !code.includes('.') ? `${code.slice(0, 3)}.${code.slice(3)}` : code;
