/**
 * The parts of fabric-shim that a chaincode server needs, loaded by themselves (the whole brings a command line
 * with it) and typed as far as they are used.
 */
import './shim-log.ts';
import { createRequire } from 'node:module';
import type { ServerCredentials } from '@grpc/grpc-js';
import type { Contract } from 'fabric-contract-api';
import { noteBatches, withBatches } from './write-batches.ts';

const load = createRequire(import.meta.url);

/** What the shim calls for each proposal; made by {@link chaincodeOf}. */
export interface Chaincode {
  Init(stub: unknown): Promise<unknown>;
  Invoke(stub: unknown): Promise<unknown>;
}

interface Serializers {
  transaction: string;
  serializers: Record<string, unknown>;
}

export interface ServerOptions {
  ccid: string;
  address: string;
  tlsProps?: { key: Buffer; cert: Buffer; clientCACerts?: Buffer };
  [option: `grpc.${string}`]: number | string;
}

/** The shim's server, with the two members that stand in for what it lacks: a stop, and the port really used. */
export interface ShimServer {
  /** Called for each peer that connects. */
  connect(stream: PeerStream): void;
  readonly _credentials: ServerCredentials;
  readonly _server: {
    bindAsync(address: string, credentials: ServerCredentials, done: (error: Error | null, port: number) => void): void;
    forceShutdown(): void;
  };
}

const ChaincodeFromContract = load('fabric-shim/lib/contract-spi/chaincodefromcontract.js') as new (
  contracts: (new () => Contract)[],
  serializers: Serializers,
  metadata: object,
  title: string,
  version: string,
) => Chaincode;

const { JSONSerializer } = load('fabric-contract-api') as { JSONSerializer: unknown };

type PeerStream = Parameters<typeof noteBatches>[0];

const ShimChaincodeServer = load('fabric-shim/lib/server.js') as new (
  chaincode: Chaincode,
  options: ServerOptions,
) => ShimServer;

/** fabric-shim's server for chaincode as a service, which notes what its peer can do. */
export class ChaincodeServer extends ShimChaincodeServer {
  override connect(stream: PeerStream): void {
    noteBatches(stream);
    super.connect(stream);
  }
}

/** The shim's dispatcher over contracts that already exist; it takes classes, so each is wrapped in one. */
export function chaincodeOf(contracts: readonly Contract[]): Chaincode {
  const classes = contracts.map(
    (contract) =>
      function instance(): Contract {
        return contract;
      } as unknown as new () => Contract,
  );
  const serializers = { transaction: 'jsonSerializer', serializers: { jsonSerializer: JSONSerializer } };
  const chaincode = new ChaincodeFromContract(classes, serializers, {}, 'telemed', '');
  return { Init: (stub) => chaincode.Init(stub), Invoke: (stub) => chaincode.Invoke(withBatches(stub)) };
}
