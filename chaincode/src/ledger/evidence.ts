/**
 * Evidence across the line of a collection: whoever holds a value shows its exact text, and every endorser,
 * member or not, checks it against the hash that its own ledger keeps.
 */
import type { z } from 'zod';
import { sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { type Anchored, anchoredSchema, type Evidence } from '../model/transactions.ts';
import { parseText } from './parse.ts';
import type { Store } from './store.ts';

/**
 * Checks that `text` is, byte for byte, what is anchored under a private key, and parses it.
 * @param expression where in the input the text stands, for the error
 * @throws LedgerError NOT_FOUND when nothing is anchored there, INVALID when something else is
 */
export async function checkPresented<S extends z.ZodType>(
  store: Store,
  collection: string,
  key: string,
  text: string,
  schema: S,
  expression: string,
): Promise<z.output<S>> {
  const anchor = await store.anchor(collection, key);
  if (anchor === undefined) throw new LedgerError('NOT_FOUND', 'nothing is anchored there', expression);
  if (anchor !== sha256Hex(text)) throw new LedgerError('INVALID', 'not what was anchored', expression);
  return parseText(schema, text, expression);
}

/**
 * Checks evidence that consists of anchored resources (records, consents, coverages) of one collection.
 * @returns the values, in the order of the evidence
 * @throws LedgerError as {@link checkPresented}; the expression is `evidence[i]`
 */
export function checkEvidence(store: Store, collection: string, evidence: readonly Evidence[]): Promise<Anchored[]> {
  return Promise.all(
    evidence.map(({ key, value }, index) =>
      checkPresented(store, collection, key, value, anchoredSchema, `evidence[${index}]`),
    ),
  );
}
