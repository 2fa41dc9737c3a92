/** Asks a peer of the embedded network to verify its ledger. */
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import type { KeyPair } from '../config.ts';
import { createSigner } from '../identity/signer.ts';
import type { Verification } from '../ledger/verification/verify.ts';
import type { VerifyAnswer } from './service.ts';

export interface PeerReach {
  /** `host:port`. */
  endpoint: string;
  tlsRootCertificate: string;
  /** The name in the peer's TLS certificate. */
  tlsServerName: string;
  channel: string;
  mspId: string;
  /** A member of the peer's organisation. */
  identity: KeyPair;
}

const bytesAsTheyAre = (bytes: Buffer): Buffer => bytes;

/** @throws ServiceError where the peer does not answer or refuses, Error where it ends without a verification. */
export async function askForVerification(
  reach: PeerReach,
  onBlock: (number: number) => void = () => undefined,
): Promise<Verification> {
  const { endpoint, tlsRootCertificate, tlsServerName } = reach;
  const client = new Client(endpoint, credentials.createSsl(Buffer.from(tlsRootCertificate)), {
    'grpc.ssl_target_name_override': tlsServerName,
    'grpc.max_receive_message_length': -1,
  });
  try {
    return await receive(client, envelope(reach), onBlock);
  } finally {
    client.close();
  }
}

function receive(client: Client, request: Buffer, onBlock: (number: number) => void): Promise<Verification> {
  return new Promise((resolve, reject) => {
    const path = '/embedded.Operations/Verify';
    const call = client.makeServerStreamRequest(path, bytesAsTheyAre, bytesAsTheyAre, request);
    call.on('data', (bytes: Buffer) => {
      const answer = JSON.parse(bytes.toString()) as VerifyAnswer;
      if ('block' in answer) onBlock(answer.block);
      else resolve(answer.verification);
    });
    call.on('error', (error: ServiceError) => reject(error));
    call.on('end', () => reject(new Error('the peer ended the verification without a result')));
  });
}

/** Signed as for Deliver; the payload is empty. */
function envelope({ channel, mspId, identity }: PeerReach): Buffer {
  const signer = createSigner(mspId, identity);
  const channelHeader = encode([3, encode([1, Math.floor(Date.now() / 1000)])], [4, channel]);
  const payload = encode([1, encode([1, channelHeader], [2, encode([1, signer.creator])])]);
  return encode([1, payload], [2, signer.sign(payload)]);
}
