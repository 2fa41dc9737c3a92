/** Reads at another organisation as its anchors carry them (chaincode model/log-anchors.ts): a row for each that is about a patient. */
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { checkBatch, logBatchSchema, rowIn } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { CarriedReadsTable } from '../log-tables.ts';
import type { PrivateValuesTable } from '../schema.ts';
import { fits, isStorable, LONGEST } from '../storable.ts';

type Place = Pick<PrivateValuesTable, 'sequence' | 'collection' | 'key' | 'key_hash'>;

/** @throws Error where the value is not what its key promises: endorsers that collude write what they like */
export function carriedReads(place: Place, value: Record<string, unknown>): CarriedReadsTable[] {
  const batch = logBatchSchema.parse(value);
  const { organisation, n } = batch.statement;
  const { collection, key, key_hash } = place;
  if (key !== privateKeys.reads(organisation, n) || collection !== collections.inbox(organisation))
    throw new Error('this is of another log');
  checkBatch(batch);
  return batch.rows.flatMap(({ text }, index) => {
    if (text === undefined) return [];
    const { patient, at, sequence: row } = rowIn(text);
    if (patient === null || !fits(patient, LONGEST.id) || !fits(at, LONGEST.status)) return [];
    const found = { sequence: place.sequence + index, collection, key_hash, organisation, row, patient, at, text };
    return isStorable(found) ? [found] : [];
  });
}
