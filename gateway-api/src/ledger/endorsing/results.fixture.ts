/** Results of endorsers, as a test wants them: what was read at which version, what was written, what was answered. */
import { encodeRead, type Version } from '@telemed-ledger/formats/blocks/rwset.ts';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import type { Endorsement } from './endorsement.ts';

export interface Result {
  reads?: Record<string, Version | undefined>;
  /** In the collection `registers`, by hash. */
  privateReads?: Record<string, Version | undefined>;
  writes?: Record<string, string>;
  answer?: string;
  /** Version of the chaincode's definition. */
  definition?: string;
}

const readsOf = (reads: Result['reads'] = {}): Buffer[] =>
  Object.entries(reads).map(([key, version]) => encodeRead(Buffer.from(key), version));

/** peer.ProposalResponsePayload */
export function payloadOf({ reads, privateReads, writes = {}, answer = '{}', definition = '1.0' }: Result): Buffer {
  const written = Object.entries(writes).map(([key, value]) => encode([1, key], [3, value]));
  const set = encode(...repeated(1, readsOf(reads)), ...repeated(3, written));
  const collection = encode([1, 'registers'], [2, encode(...repeated(1, readsOf(privateReads))), true]);
  const namespace = encode([1, 'telemed'], [2, set], [3, collection, true]);
  const response = encode([1, 200], [3, answer]);
  const chaincode = encode([2, 'telemed'], [3, definition]);
  return encode([1, Buffer.alloc(32)], [2, encode([1, encode([2, namespace, true])], [3, response], [4, chaincode])]);
}

/** gateway.PreparedTransaction with one endorsement. */
export function preparedOf(payload: Uint8Array, signature: string): Uint8Array {
  const endorsement = encode([1, `peer of ${signature}`], [2, signature]);
  const content = encode([1, 'proposal'], [2, encode([1, payload], [2, endorsement])]);
  const transaction = encode([1, encode([1, 'action header'], [2, content]), true]);
  const envelope = encode([1, encode([1, 'header'], [2, transaction])]);
  return encode([1, 'transaction id'], [2, envelope]);
}

export function endorsementOf(organisation: string, result: Result = {}): Endorsement {
  const payload = payloadOf(result);
  const signatures = [encode([1, `peer of ${organisation}`], [2, organisation])];
  return { organisation, payload, signatures, prepared: preparedOf(payload, organisation) };
}
