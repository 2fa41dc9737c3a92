/** The content types that the gateway accepts as FHIR in JSON, the registered name first. */
export const JSON_TYPES = ['application/fhir+json', 'application/json', 'text/json', 'application/json+fhir'];

/** RFC 6902. */
export const JSON_PATCH = 'application/json-patch+json';

/** Whether a media type's parameters name another FHIR than R4 (hl7.org/fhir/R4/http.html#version-parameter). */
export const isOtherVersion = (mediaType: string): boolean =>
  mediaType.split(';').some((part) => {
    const version = /^\s*fhirversion\s*=\s*"?([^"]*?)"?\s*$/i.exec(part)?.[1];
    return version !== undefined && !/^4\.0(?:\.[01])?$/.test(version);
  });
