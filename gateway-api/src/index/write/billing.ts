/**
 * Values about claims. The payer's collection decides; what a provider's and a bank's hold are copies, which a second
 * payer could put there too, so each counts only where the collection of the payer that it names holds the same.
 */
import { parsePrivateKey } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Anchorage } from './anchorage.ts';
import type { Kind } from './kinds.ts';

const BILLING = collections.billing('');

/** What the blocks must say for a value in a billing collection to be believed. */
export function billingAnchorages(
  { collection, key, keyHash, anchor }: { collection: string; key: string; keyHash: string; anchor: string },
  { payer, alone }: Kind,
  value: Readonly<Record<string, unknown>>,
  consortium: Consortium,
): Anchorage[] {
  if (!collection.startsWith(BILLING) || alone === true) return [];
  const payers = organisationsOfKind(consortium, 'payer').map(({ name }) => name);
  const stated = payer?.(value, consortium, parsePrivateKey(key).segments);
  const held = (payer === undefined ? payers : payers.filter((name) => name === stated)).map(collections.billing);
  const isPayers = payers.map(collections.billing).includes(collection);
  if (isPayers && held.includes(collection)) return [];
  return [{ anyOf: isPayers ? [] : held, keyHash, anchor }];
}
