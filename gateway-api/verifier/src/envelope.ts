/**
 * What an envelope of a block says of its transaction (Fabric's common.Envelope and what is in it): who sent it, who endorsed
 * what. Nothing is checked here but its form and what it says of itself twice; evidence.ts says whether it holds.
 */
import type { HashedKey } from './entry.ts';
import { sha256, sha256Hex, toHex } from './tree.ts';
import { Fields } from './wire.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** What somebody signed, and by which certificate. */
export interface Signed {
  mspId: string;
  /** PEM. */
  certificate: string;
  message: Bytes;
  /** DER. */
  signature: Bytes;
}

export interface Transaction {
  channel: string;
  /** Hex. */
  transactionId: string;
  /** Its client's, seconds since 1970. */
  time: number;
  chaincode: string;
  sent: Signed;
  endorsements: Signed[];
  /** What the endorsers have signed that is written into private collections, by chaincode. */
  writes: Map<string, HashedKey[]>;
}

const ENDORSER_TRANSACTION = 3;

/** @throws Error where it is no transaction of a chaincode that Fabric takes */
export async function readEnvelope(bytes: Bytes): Promise<Transaction> {
  const envelope = new Fields(bytes).demandOnly(1, 2);
  const payload = envelope.message(1);
  const header = payload.message(1);
  const [channelHeader, signatureHeader] = [header.message(1), header.message(2)];
  if (channelHeader.number(1) !== ENDORSER_TRANSACTION) throw new Error('the envelope is no transaction');
  const creator = signatureHeader.bytes(1);
  const id = toHex(await sha256(signatureHeader.bytes(2), creator));
  if (channelHeader.text(5) !== id) throw new Error('the envelope is not of its transaction id');
  const [action, ...more] = payload.message(2).messages(1);
  if (action === undefined || more.length > 0 || toHex(action.bytes(1)) !== toHex(header.bytes(2)))
    throw new Error('the envelope is no transaction');
  return {
    ...{ channel: channelHeader.text(4), transactionId: id, time: channelHeader.message(3).number(1) },
    sent: { ...identityIn(creator), message: envelope.bytes(1), signature: envelope.bytes(2) },
    ...(await endorsedIn(action.message(2), header)),
  };
}

/** Of a peer.ChaincodeActionPayload. */
async function endorsedIn(
  action: Fields,
  header: Fields,
): Promise<Pick<Transaction, 'chaincode' | 'endorsements' | 'writes'>> {
  const endorsed = action.message(2);
  const response = endorsed.bytes(1);
  const proposal = toHex(await sha256(header.bytes(1), header.bytes(2), action.bytes(1)));
  if (toHex(new Fields(response).bytes(1)) !== proposal) throw new Error('another proposal was endorsed');
  const endorsements = [];
  for (const each of endorsed.messages(2)) {
    const endorser = each.bytes(1);
    const message = Uint8Array.from([...response, ...endorser]);
    endorsements.push({ ...identityIn(endorser), message, signature: each.bytes(2) });
  }
  const chaincodeAction = new Fields(response).message(2);
  const chaincode = chaincodeAction.message(4).text(2);
  return { chaincode, endorsements, writes: await writesIn(chaincodeAction.message(1)) };
}

/** Of a msp.SerializedIdentity. */
function identityIn(bytes: Bytes): Pick<Signed, 'mspId' | 'certificate'> {
  const identity = new Fields(bytes);
  return { mspId: identity.text(1), certificate: identity.text(2) };
}

/** Of a rwset.TxReadWriteSet, as the tree's entries have them; of a chaincode that stands there twice the first, as they do. */
async function writesIn(results: Fields): Promise<Map<string, HashedKey[]>> {
  const ofNothing = await sha256Hex('');
  const found = new Map<string, HashedKey[]>();
  for (const namespace of results.messages(2)) {
    const writes = namespace.messages(3).flatMap((one) => hashedIn(one.message(2), one.text(1), ofNothing));
    if (!found.has(namespace.text(1))) found.set(namespace.text(1), writes);
  }
  return found;
}

const hashedIn = (set: Fields, collection: string, ofNothing: string): HashedKey[] =>
  set.messages(2).map((write) => {
    const valueHash = toHex(write.bytes(3));
    const isRemoval = write.number(2) !== 0 || valueHash === '' || valueHash === ofNothing;
    return { collection, keyHash: toHex(write.bytes(1)), valueHash: isRemoval ? undefined : valueHash };
  });
