/** Chaincode as a service: a gRPC server that a peer connects to, for one organisation. */
import './shim-log.ts';

import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { contracts } from './index.ts';
import { ChaincodeServer, chaincodeOf, type ServerOptions } from './shim.ts';

export interface ServeOptions {
  consortium: Consortium;
  /** Chaincode id: the package id under which the peer knows it. */
  ccid: string;
  /** host:port; port 0 takes a free one. */
  address: string;
  /** PEM. With `clientCertificates` the peer must show a certificate of theirs. */
  tls?: { key: Buffer; certificate: Buffer; clientCertificates?: Buffer };
}

export interface RunningServer {
  /** host:port that it really listens on. */
  address: string;
  close(): void;
}

/**
 * Starts to listen.
 * @throws when the address cannot be bound
 * @see https://hyperledger-fabric.readthedocs.io/en/latest/cc_service.html
 */
export async function serve({ consortium, ccid, address, tls }: ServeOptions): Promise<RunningServer> {
  const options: ServerOptions = {
    ccid,
    address,
    // A transaction carries up to 2,000 resources; the peer limits what it sends.
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  };
  if (tls !== undefined)
    options.tlsProps = {
      key: tls.key,
      cert: tls.certificate,
      ...(tls.clientCertificates === undefined ? {} : { clientCACerts: tls.clientCertificates }),
    };
  const server = new ChaincodeServer(chaincodeOf(contracts(consortium)), options);
  // Bound here, not by the shim's start(), which keeps the port to itself.
  const port = await new Promise<number>((resolve, reject) => {
    server._server.bindAsync(address, server._credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const host = address.slice(0, address.lastIndexOf(':'));
  return { address: `${host}:${port}`, close: () => server._server.forceShutdown() };
}
