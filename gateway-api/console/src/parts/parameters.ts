/** What operations take (hl7.org/fhir/R4/parameters.html). */
import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';

export const parametersOf = (...parameter: readonly ParametersParameter[]): Parameters => ({
  resourceType: 'Parameters',
  ...(parameter.length === 0 ? {} : { parameter: [...parameter] }),
});
