/** A payer's tables as a claim shows them: the exact texts of the newest generation and of the maps that it names. */
import type { ClaimTables } from '@telemed-ledger/chaincode/model/claim-tables.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { notHereYet } from '../../http/failures.ts';
import type { ReadModel } from '../../index/read/queries.ts';

/** The exact text of a value of the payer's. @throws {Failure} 503 while it is on its way */
export async function textAt(index: ReadModel, collection: string, key: string): Promise<string> {
  const text = await index.evidence.text(collection, key);
  if (text === undefined) throw notHereYet(1);
  return text;
}

/** Undefined where the collection has none of that payer's. @throws {Failure} 503 while a part of them is on its way */
export async function tablesShown(index: ReadModel, collection: string, payer: string) {
  const generation = await index.evidence.newest(collection, privateKeys.claimTables(payer, 0).slice(0, -1));
  if (generation === 0) return undefined;
  const text = await textAt(index, collection, privateKeys.claimTables(payer, generation));
  const { maps } = JSON.parse(text) as ClaimTables;
  const shown = maps.map(({ id, version }) => textAt(index, collection, privateKeys.conceptMap(id, version)));
  return { generation, text, maps: await Promise.all(shown) };
}
