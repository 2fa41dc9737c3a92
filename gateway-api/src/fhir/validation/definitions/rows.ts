/**
 * The shape of structures.json and codes.json, which generate.ts writes and schema.ts and bindings.ts read. Short names
 * where they are written a thousand times.
 */

export interface ElementRow {
  /** Type names; several for a choice (`value[x]`). A backbone element's type is its path. */
  t: string[];
  /** Left out when 0. */
  min?: number;
  /** Left out when 1; -1 for any number. */
  max?: number;
  choice?: true;
  /** Index into valueSets. */
  b?: number;
  /** Indexes into constraints. */
  c?: number[];
  /** Resource types a Reference may name; absent when it may name any. */
  targets?: string[];
  /** A Quantity is a SimpleQuantity, which sqty-1 is not among the constraints of. */
  simple?: true;
}
export interface TypeRow {
  kind: 'resource' | 'complex' | 'backbone';
  c?: number[];
  e: Record<string, ElementRow>;
}
export interface Structures {
  fhirVersion: string;
  valueSets: string[];
  constraints: [key: string, expression: string, human: string][];
  types: Record<string, TypeRow>;
}

/** By value set; then codes by system, `true` for a system that has no list and is checked by form. */
export type Codes = Record<string, Record<string, string[] | true>>;

/** An extension of HL7's that has a value: its types, and the value set that its codes must come from. */
export interface ExtensionRow {
  t: string[];
  v?: string;
}

/** Held by code (validation.ts, natively.ts, narrative.ts): they stand on nearly every element, or need the whole resource. */
export const NATIVE_INVARIANTS: ReadonlySet<string> = new Set(['ele-1', 'ext-1', 'dom-2', 'dom-3', 'dom-4', 'dom-5', 'ref-1', 'txt-1', 'txt-2']);
