/**
 * The organisations whose peers a transaction asks for endorsement: those that must endorse, and where one of several is
 * enough, those that may, in order. Names throughout.
 */
import { type Consortium, custodianOf } from './members.ts';

export interface Endorsers {
  /** Every one of these; the caller's own first. */
  must: readonly string[];
  /**
   * And one of these. The next in this order is asked when one is away, too slow, or alone in what it computes, so that
   * nobody can block a step that is not theirs. Empty: those that must are enough.
   */
  oneOf: readonly string[];
}

export const every = (...must: string[]): Endorsers => ({ must, oneOf: [] });

export const callerOnly = (_: Consortium, caller: string): Endorsers => every(caller);

export const withCustodian = (consortium: Consortium, caller: string): Endorsers =>
  every(caller, custodianOf(consortium).name);

/** The caller and one of these, the first that can. */
export const withOneOf = (caller: string, ...others: string[]): Endorsers => ({
  must: [caller],
  oneOf: [...new Set(others)].filter((name) => name !== caller),
});

/** The caller and any one other organisation: those preferred before the rest. */
export const withAnother = (consortium: Consortium, caller: string, preferred: string[] = []): Endorsers =>
  withOneOf(caller, ...preferred, ...consortium.organisations.map(({ name }) => name));
