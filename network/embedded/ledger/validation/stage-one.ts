/**
 * Stage 1 of validation: each transaction by itself, in parallel; then what depends on the order within the block,
 * namely key-level policies that an earlier transaction changes and repeated transaction ids (spec 4.2).
 */
import type { NamespaceRwset } from '@telemed-ledger/formats/blocks/rwset.ts';
import { CONFIG, ENDORSER_TRANSACTION } from '@telemed-ledger/formats/blocks/transaction.ts';
import * as codes from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Channel } from '../../seams.ts';
import type { Effects, ParsedTransaction } from '../blocks/transaction.ts';
import { hashKey, stateKey } from '../state/keys.ts';
import type { CheckContext } from './endorsement-check.ts';
import { endorsementSuffices, isDefined, signedEndorsements, writtenKeys } from './endorsement-check.ts';

export interface StageOneContext extends CheckContext {
  /** Whether a transaction id is in the ledger, valid or not. */
  isCommitted(txId: string): boolean;
}

/** One code per transaction. */
export async function stageOne(transactions: ParsedTransaction[], context: StageOneContext): Promise<number[]> {
  const results = await Promise.all(transactions.map((transaction) => validate(transaction, context)));
  markChangedPolicies(transactions, results);
  markRepeatedIds(transactions, results);
  return results;
}

async function validate(transaction: ParsedTransaction, context: StageOneContext): Promise<number> {
  const { header } = transaction;
  if (transaction.code !== codes.VALID || !header) return transaction.code;
  if (!(await isSignedByCreator(transaction, context))) return codes.BAD_CREATOR_SIGNATURE;
  if (header.type === CONFIG) return codes.INVALID_CONFIG_TRANSACTION;
  if (header.type !== ENDORSER_TRANSACTION) return codes.UNSUPPORTED_TX_PAYLOAD;
  if (header.txId !== sha256(header.nonce, header.creator).toString('hex')) return codes.BAD_PROPOSAL_TXID;
  if (typeof transaction.action === 'number') return transaction.action;
  if (header.channel !== context.channel.name) return codes.TARGET_CHAIN_NOT_FOUND;
  if (context.isCommitted(header.txId)) return codes.DUPLICATE_TXID;
  return validateEffects(transaction, context);
}

async function isSignedByCreator(transaction: ParsedTransaction, context: StageOneContext): Promise<boolean> {
  const { identities } = context.channel;
  const creator = identities.parse(transaction.header?.creator ?? Buffer.alloc(0));
  if (!creator || identities.invalidity(creator) !== undefined) return false;
  return identities.verify(creator, transaction.payload, transaction.signature);
}

async function validateEffects(transaction: ParsedTransaction, context: StageOneContext): Promise<number> {
  const { action, effects } = transaction;
  if (typeof action === 'number') return action;
  if (typeof effects === 'number') return effects;
  const code = checkChaincode(effects);
  if (code !== codes.VALID) return code;
  const { rwset, invoked } = effects;
  const sets = new Map(rwset.map((set) => [set.namespace, set]));
  if (sets.size !== rwset.length) return codes.ILLEGAL_WRITESET;
  const touched = new Set([invoked ?? '', ...rwset.filter(writes).map((set) => set.namespace)]);
  const signed = signedEndorsements(action);
  for (const namespace of touched) {
    if (!isDefined(namespace, context)) return codes.INVALID_CHAINCODE;
    const suffices = await endorsementSuffices(namespace, sets.get(namespace), signed, context);
    if (!suffices) return codes.ENDORSEMENT_POLICY_FAILURE;
  }
  return codes.VALID;
}

/** The chaincode named by header, action and event must be one and the same. */
function checkChaincode({ chaincode, invoked, event }: Effects): number {
  if (invoked === undefined || chaincode === undefined) return codes.INVALID_OTHER_REASON;
  if (invoked === '' || invoked !== chaincode.name || chaincode.version === '') return codes.INVALID_CHAINCODE;
  if (event && eventChaincode(event) !== invoked) return codes.INVALID_OTHER_REASON;
  return codes.VALID;
}

function eventChaincode(event: Buffer): string | undefined {
  try {
    return new Message(event).text(1);
  } catch {
    return undefined;
  }
}

function writes(set: NamespaceRwset): boolean {
  return [set, ...set.collections].some((each) => each.writes.length + each.metadataWrites.length > 0);
}

/** A key whose metadata an earlier transaction of the block changes cannot be judged by its committed policy. */
function markChangedPolicies(transactions: ParsedTransaction[], results: number[]): void {
  const changed = new Set<string>();
  transactions.forEach((transaction, index) => {
    if (results[index] !== codes.VALID) return;
    const { rwset } = transaction;
    const isHit = changed.size > 0 && rwset.flatMap(writtenKeys).some((each) => changed.has(mapKey(each.databaseKey)));
    if (isHit) results[index] = codes.ENDORSEMENT_POLICY_FAILURE;
    else for (const key of changedMetadata(rwset)) changed.add(mapKey(key));
  });
}

function changedMetadata(rwset: NamespaceRwset[]): Buffer[] {
  return rwset.flatMap(({ namespace, metadataWrites, collections }) => [
    ...metadataWrites.map(({ key }) => stateKey(namespace, key)),
    ...collections.flatMap((each) => each.metadataWrites.map(({ key }) => hashKey(namespace, each.collection, key))),
  ]);
}

function markRepeatedIds(transactions: ParsedTransaction[], results: number[]): void {
  const seen = new Set<string>();
  transactions.forEach(({ txId }, index) => {
    if (results[index] !== codes.VALID) return;
    if (seen.has(txId)) results[index] = codes.DUPLICATE_TXID;
    seen.add(txId);
  });
}

/**
 * Verifies a transaction's endorsements ahead of its block; verifications are remembered, so that validation finds
 * them done. Nothing is decided here.
 */
export async function warmSignatures(transaction: ParsedTransaction, channel: Channel): Promise<void> {
  const { action } = transaction;
  if (typeof action === 'number') return;
  for (const { creator, data, signature } of signedEndorsements(action)) {
    const identity = channel.identities.parse(creator);
    if (identity) await channel.identities.verify(identity, data, signature);
  }
}
