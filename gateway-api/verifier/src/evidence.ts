/**
 * Fabric's own evidence of a transaction: its envelope, with who sent it and who endorsed it, and the header of its block. It is
 * held to the consortium's roots without the members' witnesses: who does not believe those can believe the endorsers.
 */
import type { X509Certificate } from '@peculiar/x509';
import { element, TAG, unsigned } from './der.ts';
import { fixedSignature, isSignedBy } from './ecdsa.ts';
import { type Entry, type HashedKey, writeText } from './entry.ts';
import { readEnvelope, type Signed, type Transaction } from './envelope.ts';
import { certified, demandNotRevoked, type PolicyRule, type Roots } from './roots.ts';
import { fromHex, leafHash, rootOf, sha256, toHex } from './tree.ts';

/** What a receipt carries of its block. */
export interface Evidence {
  /** As it stands in the block. */
  envelope: Uint8Array<ArrayBuffer>;
  /** The two hashes of the block's header, hex: of the header before, and of its envelopes. */
  previousHash: string;
  dataHash: string;
  /** The orderers' signatures as they stand beside the block; absent in receipts of earlier gateways. */
  blockSignatures?: Uint8Array<ArrayBuffer>;
}

/** What the evidence says, once it holds. */
export interface Endorsed {
  /** MSP id of who sent the transaction. */
  sender: string;
  /** The client's time, seconds since 1970. */
  time: number;
  chaincode: string;
  /** MSP ids of those whose peers endorsed it. */
  endorsers: string[];
  /** Which collections it writes. */
  collections: string[];
  /** Whether the roots say whom that takes; these endorsers are enough where they do. */
  isJudged: boolean;
  /** Whether the header of the block covers this envelope and no other. */
  isAlone: boolean;
}

/**
 * @returns undefined where the members found the transaction invalid: nothing of it was endorsed with any effect
 * @throws Error where the evidence is not of this entry, or does not hold
 */
export async function checkEvidence(evidence: Evidence, entry: Entry, roots: Roots): Promise<Endorsed | undefined> {
  const { envelope, previousHash, dataHash } = evidence;
  if (toHex(await sha256(envelope)) !== entry.envelope) throw new Error('the evidence is of another envelope');
  if (toHex(await sha256(headerDer(entry.block, previousHash, dataHash))) !== entry.header)
    throw new Error('the evidence is of another block');
  if (entry.code !== 0) return undefined;
  const transaction = await readEnvelope(envelope);
  if (transaction.channel !== roots.channel || transaction.transactionId !== entry.transactionId)
    throw new Error('the evidence is of another transaction');
  const { chaincode, writes } = await writtenBy(transaction, entry, roots);
  const { time, sent } = transaction;
  await demandSigned(sent, await certified(sent.certificate, { mspId: sent.mspId, time }, roots));
  const endorsers: string[] = [];
  for (const one of transaction.endorsements) endorsers.push(await endorserOf(one, transaction, roots));
  const collections = [...new Set(writes.map(({ collection }) => collection))];
  return {
    ...{ sender: sent.mspId, time, chaincode, endorsers: [...new Set(endorsers)], collections },
    isJudged: isEnough(endorsers, { chaincode, collections }, roots),
    isAlone: dataHash === entry.envelope,
  };
}

interface Written {
  chaincode: string;
  writes: HashedKey[];
}

/**
 * Which chaincode's writes the tree has: what was endorsed is what it says was written. The tree has those of one chaincode alone, and
 * nothing of another, as of Fabric's own that the members agree on definitions by.
 */
async function writtenBy({ chaincode, writes: all }: Transaction, entry: Entry, roots: Roots): Promise<Written> {
  for (const [name, writes] of all) if (await isRootOver(writes, entry)) return { chaincode: name, writes };
  const ofOurs = all.get(roots.endorsement?.chaincode ?? '') ?? [];
  if (entry.writes !== undefined || ofOurs.length > 0) throw new Error('other writes were endorsed than the tree says');
  return { chaincode, writes: [] };
}

async function isRootOver(writes: readonly HashedKey[], { writes: stated }: Entry): Promise<boolean> {
  if (stated === undefined || writes.length !== stated.count || writes.length === 0) return false;
  return toHex(await rootOf(await Promise.all(writes.map((write) => leafHash(writeText(write)))))) === stated.root;
}

/** @throws Error where it is no peer of its organisation, or has not signed this */
async function endorserOf(signed: Signed, { time }: Transaction, roots: Roots): Promise<string> {
  const { mspId } = signed;
  const { certificate, issuer } = await certified(signed.certificate, { mspId, time }, roots);
  await demandNotRevoked(certificate, issuer, mspId, roots);
  if (!certificate.subjectName.getField('OU').includes('peer')) throw new Error(`an endorser of ${mspId} is no peer`);
  await demandSigned(signed, { certificate });
  return mspId;
}

async function demandSigned(
  { mspId, message, signature }: Signed,
  { certificate }: { certificate: X509Certificate },
): Promise<void> {
  if (!(await isSignedBy(certificate, fixedSignature(signature), message)))
    throw new Error(`a signature of ${mspId} does not fit the envelope`);
}

/** Whether the roots say whom it takes. @throws Error where these are not enough */
function isEnough(
  endorsers: readonly string[],
  { chaincode, collections }: Pick<Endorsed, 'chaincode' | 'collections'>,
  { endorsement }: Roots,
): boolean {
  if (endorsement?.chaincode !== chaincode) return false;
  const demand = (rule: PolicyRule | undefined, what: string): void => {
    if (rule === undefined) throw new Error(`the roots do not say who endorses what is written to ${what}`);
    if (!isSatisfied(rule, endorsers)) throw new Error(`${endorsers.join(', ')} are not enough for ${what}`);
  };
  demand(endorsement.floor, `chaincode ${chaincode}`);
  for (const collection of collections)
    demand(new Map(Object.entries(endorsement.collections)).get(collection), collection);
  return true;
}

const isSatisfied = (rule: PolicyRule, by: readonly string[]): boolean =>
  typeof rule === 'string' ? by.includes(rule) : rule.of.filter((one) => isSatisfied(one, by)).length >= rule.need;

/** ASN.1 DER of a header, as Fabric hashes it: SEQUENCE{INTEGER number, OCTET STRING previous_hash, OCTET STRING data_hash}. */
export function headerDer(number: number, previousHash: string, dataHash: string): Uint8Array {
  const hashes = [previousHash, dataHash].map((hash) => element(TAG.octetString, fromHex(hash)));
  return element(TAG.sequence, unsigned(BigInt(number)), ...hashes);
}
