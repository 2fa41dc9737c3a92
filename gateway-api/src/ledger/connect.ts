/**
 * One gRPC connection to this organisation's peer, shared by every identity of the organisation that uses it;
 * one SDK gateway per identity, made when it is first needed.
 */
import { credentials, Client as GrpcClient } from '@grpc/grpc-js';
import { type Contract, connect, type Gateway, hash, type Network } from '@hyperledger/fabric-gateway';
import { newSigner, type Signer } from './signer.ts';

/** What an organisation is given to reach its peer, on either network. Certificates are PEM text. */
export interface Connection {
  /** `host:port` of the peer. */
  endpoint: string;
  tlsRootCertificate: string;
  /** Set where the peer's certificate names another host than the endpoint. */
  tlsServerName?: string;
  mspId: string;
  channel: string;
  chaincode: string;
}

/** An enrolled X.509 identity; `name` tells it apart from the organisation's others. PEM text. */
export interface Enrolled {
  name: string;
  certificate: string;
  privateKey: string;
}

export interface Timeouts {
  evaluateMs: number;
  endorseMs: number;
  submitMs: number;
  commitStatusMs: number;
}

const MESSAGE_BYTES = 100 * 1024 * 1024;

const after = (milliseconds: number) => () => ({ deadline: Date.now() + milliseconds });

/** The open connection. Close it when nothing uses it any more. */
export class LedgerConnection {
  readonly settings: Connection;
  readonly timeouts: Timeouts;
  readonly #client: GrpcClient;
  readonly #gateways = new Map<string, Gateway>();
  readonly #signers = new Map<string, Signer>();
  readonly #contracts = new Map<string, Contract>();

  constructor(settings: Connection, timeouts: Timeouts) {
    this.settings = settings;
    this.timeouts = timeouts;
    this.#client = new GrpcClient(settings.endpoint, credentials.createSsl(Buffer.from(settings.tlsRootCertificate)), {
      'grpc.max_receive_message_length': MESSAGE_BYTES,
      'grpc.max_send_message_length': MESSAGE_BYTES,
      'grpc.keepalive_time_ms': 60_000,
      'grpc.keepalive_timeout_ms': 20_000,
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 2_000,
      ...serverName(settings),
    });
  }

  gateway(identity: Enrolled): Gateway {
    const known = this.#gateways.get(identity.name);
    if (known !== undefined) return known;
    const gateway = connect({
      client: this.#client,
      identity: { mspId: this.settings.mspId, credentials: Buffer.from(identity.certificate) },
      signer: this.signer(identity),
      hash: hash.none,
      evaluateOptions: after(this.timeouts.evaluateMs),
      endorseOptions: after(this.timeouts.endorseMs),
      submitOptions: after(this.timeouts.submitMs),
      commitStatusOptions: after(this.timeouts.commitStatusMs),
    });
    this.#gateways.set(identity.name, gateway);
    return gateway;
  }

  signer(identity: Enrolled): Signer {
    const signer = this.#signers.get(identity.name) ?? newSigner(identity.privateKey);
    this.#signers.set(identity.name, signer);
    return signer;
  }

  network(identity: Enrolled): Network {
    return this.gateway(identity).getNetwork(this.settings.channel);
  }

  contract(identity: Enrolled): Contract {
    const contract = this.#contracts.get(identity.name) ?? this.network(identity).getContract(this.settings.chaincode);
    this.#contracts.set(identity.name, contract);
    return contract;
  }

  close(): void {
    for (const gateway of this.#gateways.values()) gateway.close();
    this.#gateways.clear();
    this.#client.close();
  }
}

/** TLS names no server by an IP address (RFC 6066): on this machine it goes by the name that its certificate has too. */
function serverName({ endpoint, tlsServerName }: Connection): { 'grpc.ssl_target_name_override'?: string } {
  const name = tlsServerName ?? (endpoint.startsWith('127.0.0.1:') ? 'localhost' : undefined);
  return name === undefined ? {} : { 'grpc.ssl_target_name_override': name };
}
