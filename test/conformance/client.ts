/**
 * Clients of a network under test: the unmodified SDK, and protobuf clients for what the SDK cannot be brought to
 * send. Signatures are made here, low S unless a case wants otherwise.
 */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { connect, type Gateway, hash, type Network } from '@hyperledger/fabric-gateway';
import { gateway, msp, peer } from '@hyperledger/fabric-protos';
import type { KeyPair } from '@telemed-ledger/network/ca/authority.ts';
import { CHANNEL } from './network.ts';

export interface ClientOptions {
  endpoint: string;
  tlsRoot: string;
  mspId: string;
  identity: KeyPair;
}

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export class Client {
  readonly mspId: string;
  readonly identity: KeyPair;
  readonly sdk: Gateway;
  readonly network: Network;
  readonly gateway: gateway.GatewayClient;
  readonly deliver: peer.DeliverClient;
  readonly endorser: peer.EndorserClient;
  readonly #connection: grpc.Client;
  readonly #key: KeyObject;

  constructor({ endpoint, tlsRoot, mspId, identity }: ClientOptions) {
    this.mspId = mspId;
    this.identity = identity;
    this.#key = createPrivateKey(identity.privateKey);
    const credentials = grpc.credentials.createSsl(Buffer.from(tlsRoot));
    const options = {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.ssl_target_name_override': 'localhost',
    };
    this.#connection = new grpc.Client(endpoint, credentials, options);
    const shared = { ...options, channelOverride: this.#connection.getChannel() };
    this.gateway = new gateway.GatewayClient(endpoint, credentials, shared);
    this.deliver = new peer.DeliverClient(endpoint, credentials, shared);
    this.endorser = new peer.EndorserClient(endpoint, credentials, shared);
    this.sdk = connect({
      client: this.#connection,
      identity: { mspId, credentials: Buffer.from(identity.certificate) },
      hash: hash.none,
      signer: async (message) => this.sign(message),
    });
    this.network = this.sdk.getNetwork(CHANNEL);
  }

  /** SerializedIdentity. */
  get creator(): Uint8Array {
    const serialised = new msp.SerializedIdentity();
    serialised.setMspid(this.mspId);
    serialised.setIdBytes(Buffer.from(this.identity.certificate));
    return serialised.serializeBinary();
  }

  sign(message: Uint8Array): Buffer {
    return this.#der(message, (s) => (s > ORDER / 2n ? ORDER - s : s));
  }

  /** Mathematically valid, and refused by Fabric. */
  signHighS(message: Uint8Array): Buffer {
    return this.#der(message, (s) => (s > ORDER / 2n ? s : ORDER - s));
  }

  #der(message: Uint8Array, choose: (s: bigint) => bigint): Buffer {
    const fixed = sign('sha256', message, { key: this.#key, dsaEncoding: 'ieee-p1363' });
    const [r, s] = [fixed.subarray(0, 32), fixed.subarray(32)].map((part) => BigInt(`0x${part.toString('hex')}`));
    const content = Buffer.concat([integer(r!), integer(choose(s!))]);
    return Buffer.concat([Buffer.from([0x30, content.length]), content]);
  }

  close(): void {
    this.sdk.close();
    this.#connection.close();
  }
}

/** DER INTEGER of a positive number below 2^256. */
function integer(value: bigint): Buffer {
  const hex = value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  const signed = Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even;
  const bytes = Buffer.from(signed, 'hex');
  return Buffer.concat([Buffer.from([0x02, bytes.length]), bytes]);
}

/** A call of a protobuf client as a promise. */
export function unary<Request, Response>(
  call: (request: Request, options: grpc.CallOptions, done: grpc.requestCallback<Response>) => unknown,
  request: Request,
  options: grpc.CallOptions = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    call(request, options, (error, response) => (error ? reject(error) : resolve(response as Response)));
  });
}
