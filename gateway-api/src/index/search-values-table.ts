/** By what resources are found: see fhir/search-parameters.ts. */
export interface SearchValuesTable {
  parameter: string;
  type: string;
  /** Id of the Patient whom the resource is about, as its row has it; '' where it is about none. */
  patient: string;
  id: string;
  collection: string;
  system: string;
  /** Of a quantity its unit. */
  value: string;
  /** Of a composite: in which of its bases; 0 for everything else. */
  place: number;
  /** 1 for a date, a number or a quantity, which lies between `low` and `high`; both are 0 for a text. */
  ranged: number;
  low: number;
  high: number;
}
