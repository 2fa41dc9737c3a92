/** FHIR Money values as whole minor units of a currency with two decimals, as all of the story's amounts are. */
export const toMinorUnits = (value: number): number => Math.round(value * 100);
