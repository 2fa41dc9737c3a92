/** What events share of IHE's Basic Audit Log Patterns (profiles.ihe.net/ITI/BALP). */

const DICOM = 'http://dicom.nema.org/resources/ontology/DCM';
export const DCM = {
  '110106': { system: DICOM, code: '110106', display: 'Export' },
  '110112': { system: DICOM, code: '110112', display: 'Query' },
  '110113': { system: DICOM, code: '110113', display: 'Security Alert' },
  '110150': { system: DICOM, code: '110150', display: 'Application' },
  '110152': { system: DICOM, code: '110152', display: 'Destination Role ID' },
  '110153': { system: DICOM, code: '110153', display: 'Source Role ID' },
} as const;

/** Where its profiles are. */
export const BALP = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit';

const ENTITY_TYPE = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
export const dataEntity = { system: ENTITY_TYPE, code: '2', display: 'System Object' };
export const RESOURCE_TYPES = 'http://hl7.org/fhir/resource-types';

export const patientEntity = (id: string) => ({
  what: { reference: `Patient/${id}` },
  type: { system: ENTITY_TYPE, code: '1', display: 'Person' },
  role: { system: 'http://terminology.hl7.org/CodeSystem/object-role', code: '1', display: 'Patient' },
});

/** A decision that no consent is named for: there is none, or whoever reads this is not told of it. */
export const noConsentEntity = {
  what: { type: 'Consent', display: 'none is named' },
  type: { system: RESOURCE_TYPES, code: 'Consent', display: 'Consent' },
};

/** @param consent `id/version` */
export function consentEntity(consent: string) {
  const [id, version] = consent.split('/');
  return {
    what: { reference: `Consent/${id}/_history/${version}` },
    type: { system: RESOURCE_TYPES, code: 'Consent', display: 'Consent' },
  };
}
