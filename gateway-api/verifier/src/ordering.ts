/**
 * The orderers' signatures of a block: over its header and what they add to it (Fabric's common.Metadata of SIGNATURES), by an
 * orderer's identity in full, or under BFT by its number in the channel's configuration, which the roots repeat.
 */
import { X509Certificate } from '@peculiar/x509';
import { fixedSignature, isSignedBy } from './ecdsa.ts';
import type { Entry } from './entry.ts';
import { type Evidence, headerDer } from './evidence.ts';
import { certified, demandNotRevoked, type Roots } from './roots.ts';
import { Fields } from './wire.ts';

type Ordering = NonNullable<Roots['ordering']>;

/** Which organisations' orderers have signed the block, each orderer once, and how many must have. */
export interface Ordered {
  orderers: string[];
  needed: number;
}

/**
 * @param time when the block was there, seconds since 1970: the orderers' certificates were in force then
 * @returns undefined where the receipt has no such signatures, or the roots do not say who orders
 * @throws Error where one of them does not hold, or they are too few
 */
export async function checkOrdered(
  { blockSignatures, previousHash, dataHash }: Evidence,
  { block }: Entry,
  { ordering }: Roots,
  time: number,
): Promise<Ordered | undefined> {
  if (blockSignatures === undefined || ordering === undefined) return undefined;
  const metadata = new Fields(blockSignatures);
  const all = metadata.messages(2);
  metadata.demandOnly(1, ...all.map(() => 2));
  const header = headerDer(block, previousHash, dataHash);
  const found = new Map<string, string>();
  for (const signature of all) {
    const { mspId, certificate, signedHeader } = await signerOf(signature, ordering, time);
    const message = Uint8Array.from([...metadata.bytes(1), ...signedHeader, ...header]);
    if (!(await isSignedBy(certificate, fixedSignature(signature.bytes(2)), message)))
      throw new Error('a signature of an orderer does not fit the block');
    found.set(certificate.toString('pem'), mspId);
  }
  if (found.size < all.length) throw new Error('an orderer signs twice');
  if (found.size < ordering.needed)
    throw new Error(`${found.size} orderers have signed the block, ${ordering.needed} are needed`);
  return { orderers: [...found.values()], needed: ordering.needed };
}

interface OrderingSigner {
  mspId: string;
  certificate: X509Certificate;
  /** What it signs of itself. */
  signedHeader: Uint8Array;
}

/** @throws Error where it is no orderer of the channel's */
async function signerOf(
  signature: Fields,
  { consenters, organisations }: Ordering,
  time: number,
): Promise<OrderingSigner> {
  const identifier = signature.bytes(3);
  if (identifier.length > 0) {
    const id = signature.demandOnly(2, 3).message(3).number(1);
    const consenter = consenters.find((one) => one.id === id);
    if (consenter === undefined) throw new Error(`orderer ${id} is none of the channel's`);
    const { mspId, certificate } = consenter;
    return { mspId, certificate: new X509Certificate(certificate), signedHeader: identifier };
  }
  const signedHeader = signature.demandOnly(1, 2).bytes(1);
  const identity = signature.message(1).message(1);
  const mspId = identity.text(1);
  const { certificate, issuer } = await certified(identity.text(2), { mspId, time }, { organisations });
  await demandNotRevoked(certificate, issuer, mspId, { organisations });
  if (!certificate.subjectName.getField('OU').includes('orderer'))
    throw new Error(`who signed the block is no orderer of ${mspId}`);
  return { mspId, certificate, signedHeader };
}
