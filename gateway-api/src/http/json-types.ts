/** The content types that are taken for FHIR in JSON, the proper name first. */
export const JSON_TYPES = ['application/fhir+json', 'application/json', 'text/json', 'application/json+fhir'];
