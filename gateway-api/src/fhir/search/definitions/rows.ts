/** The shapes of parameters.json and summaries.json. */

/** A search parameter of one type, as R4 defines it. */
export interface ParameterRow {
  n: string;
  t: 'token' | 'reference' | 'date' | 'string' | 'number' | 'quantity' | 'uri' | 'composite';
  /** Id of R4's SearchParameter. */
  d: string;
  /** Where its values are, each `path:Datatype` (see paths.ts); of a composite its bases, empty for the resource. */
  p: string[];
  /** Of a reference: the types that it may lead to; absent for any. */
  r?: string[];
  /** Of a composite: its components. */
  c?: { t: ParameterRow['t']; p: string[] }[];
}

/** By resource type. */
export type ParameterRows = Record<string, ParameterRow[]>;

/** By resource type: the elements that a summary has (hl7.org/fhir/R4/search.html#summary), and those that are required. */
export type SummaryRows = Record<string, { s: string[]; m: string[] }>;
