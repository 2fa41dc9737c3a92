/** The content types that the gateway accepts as FHIR in JSON, the registered name first. */
export const JSON_TYPES = ['application/fhir+json', 'application/json', 'text/json', 'application/json+fhir'];
