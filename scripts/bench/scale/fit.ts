/**
 * What one transaction costs a machine that is busy with nothing else, by what it is made of: found by least squares over
 * what was measured, no cost below zero, each measurement counting by its relative error.
 */
import { fcnnlsVector } from 'ml-fcnnls';

/** What was measured of one kind of load on one network. */
export interface Measured {
  /** Milliseconds of the machine per transaction, all of its cores together busy. */
  milliseconds: number;
  /** Private keys that a transaction writes, and records on them. */
  keys: number;
  records: number;
  /** In the chaincode's definition. */
  collections: number;
  organisations: number;
}

/** Milliseconds of the machine. */
export interface Costs {
  transaction: number;
  record: number;
  key: number;
  /** Of each key, for each collection in the definition. */
  keyAndCollection: number;
  /** Of each transaction, for each organisation, whose peer checks and stores it. */
  organisation: number;
}

const TERMS: Record<keyof Costs, (one: Measured) => number> = {
  transaction: () => 1,
  record: ({ records }) => records,
  key: ({ keys }) => keys,
  keyAndCollection: ({ keys, collections }) => keys * collections,
  organisation: ({ organisations }) => organisations,
};

/** @throws Error where there are fewer measurements than costs to be found */
export function costsOf(measured: readonly Measured[]): Costs {
  const names = Object.keys(TERMS) as (keyof Costs)[];
  if (measured.length < names.length) throw new Error(`${names.length} measurements are needed at least`);
  const left = measured.map((one) => names.map((name) => TERMS[name](one) / one.milliseconds));
  // Columns of one size each: the solver compares them.
  const sizes = names.map((_, column) => Math.max(...left.map((row) => row[column] ?? 0)));
  const scaled = left.map((row) => row.map((value, column) => value / (sizes[column] ?? 1)));
  const target = measured.map(() => 1);
  const found = fcnnlsVector(scaled, target)
    .K.to1DArray()
    .map((value, column) => value / (sizes[column] ?? 1));
  return Object.fromEntries(names.map((name, index) => [name, found[index] ?? 0])) as unknown as Costs;
}

/** What a transaction would take by these costs, milliseconds. */
export const predicted = (costs: Costs, one: Omit<Measured, 'milliseconds'>): number =>
  (Object.keys(TERMS) as (keyof Costs)[]).reduce(
    (sum, name) => sum + costs[name] * TERMS[name]({ ...one, milliseconds: 1 }),
    0,
  );
