/** The gRPC services of one peer: paths, limits and the functions behind them. Messages stay bytes. */

import { type MethodDefinition, type Server, type ServiceDefinition, status } from '@grpc/grpc-js';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import type { Blocks } from '../deliver/blocks.ts';
import { type DeliverKind, type DeliverParts, serveSeek } from '../deliver/deliver.ts';
import { processProposal } from '../endorser/service.ts';
import { chaincodeEvents } from '../gateway/chaincode-events.ts';
import { CommitWaiters, encodeCommitStatus, readCommitStatusRequest } from '../gateway/commit-status.ts';
import { endorse } from '../gateway/endorse.ts';
import { evaluate } from '../gateway/evaluate.ts';
import type { GatewayParts } from '../gateway/peers.ts';
import { submit } from '../gateway/submit.ts';
import { verify } from '../operations/service.ts';
import type { Verifications } from '../operations/verifications.ts';
import type { Orderer } from '../seams.ts';
import { bidiStream, serverStream, unary } from './calls.ts';
import { GatewayError } from './error.ts';
import { ConcurrencyLimit } from './limit.ts';

const GATEWAY_LIMIT = 500;
const PEER_LIMIT = 2500;
/** common.Status.SUCCESS */
const ACCEPTED = 200;

export interface ServiceParts extends GatewayParts {
  orderer: Orderer;
  blocks: Blocks;
  verifications: Verifications;
}

export function addServices(server: Server, parts: ServiceParts): void {
  addGateway(server, parts);
  addEndorser(server, parts);
  addDeliver(server, parts);
  addOrderer(server, parts);
  addOperations(server, parts);
}

function addGateway(server: Server, parts: ServiceParts): void {
  const { channel, orderer } = parts;
  const limit = new ConcurrencyLimit('/gateway.Gateway', GATEWAY_LIMIT);
  const waiters = new CommitWaiters(parts.ledger, parts.local.organisation);
  const events = deliverParts(parts);
  const serve = (call: (request: Buffer, cancelled: (stop: () => void) => void) => Promise<Buffer>) =>
    unary((request, cancelled) => limit.run(() => open(parts, () => call(request, cancelled))));
  server.addService(
    definitions('gateway.Gateway', {
      Evaluate: 'unary',
      Endorse: 'unary',
      Submit: 'unary',
      CommitStatus: 'unary',
      ChaincodeEvents: 'out',
    }),
    {
      Evaluate: serve((request) => evaluate(parts, request)),
      Endorse: serve((request) => endorse(parts, request)),
      Submit: serve((request) => submit(orderer, channel.name, request)),
      CommitStatus: serve(async (request, cancelled) => {
        const txId = await readCommitStatusRequest(channel, request);
        return new Promise((resolve, reject) => {
          const stop = waiters.wait(txId, (found) => resolve(encodeCommitStatus(found)));
          cancelled(() => {
            stop();
            reject(new GatewayError(status.CANCELLED, 'context canceled'));
          });
        });
      }),
      ChaincodeEvents: serverStream(reachOf(parts), (request, outlet) =>
        limit.run(() => open(parts, () => chaincodeEvents(events, request, outlet))),
      ),
    },
  );
}

function addEndorser(server: Server, parts: ServiceParts): void {
  const limit = new ConcurrencyLimit('/protos.Endorser', PEER_LIMIT);
  server.addService(definitions('protos.Endorser', { ProcessProposal: 'unary' }), {
    ProcessProposal: unary((request) =>
      limit.run(() => open(parts, () => processProposal(parts.local.endorser, request))),
    ),
  });
}

function addDeliver(server: Server, parts: ServiceParts): void {
  const limit = new ConcurrencyLimit('/protos.Deliver', PEER_LIMIT);
  const serve = (kind: DeliverKind) =>
    bidiStream(reachOf(parts), (envelope, outlet) =>
      limit.run(() => open(parts, () => serveSeek(deliverParts(parts), kind, envelope, outlet))),
    );
  server.addService(
    definitions('protos.Deliver', { Deliver: 'both', DeliverFiltered: 'both', DeliverWithPrivateData: 'both' }),
    { Deliver: serve('block'), DeliverFiltered: serve('filtered'), DeliverWithPrivateData: serve('private') },
  );
}

/** The orderer, at every peer's port: `peer` sends it envelopes and asks it for blocks. */
function addOrderer(server: Server, parts: ServiceParts): void {
  const { orderer } = parts;
  server.addService(definitions('orderer.AtomicBroadcast', { Broadcast: 'both', Deliver: 'both' }), {
    Broadcast: bidiStream(reachOf(parts), (envelope, outlet) =>
      open(parts, async () => {
        const { status: answer, info } = await orderer.broadcast(envelope);
        await outlet.write(encode([1, answer], [2, info]));
        return answer === ACCEPTED;
      }),
    ),
    Deliver: bidiStream(reachOf(parts), (envelope, outlet) =>
      open(parts, () => serveSeek(deliverParts(parts), 'ordered', envelope, outlet)),
    ),
  });
}

function addOperations(server: Server, parts: ServiceParts): void {
  server.addService(definitions('embedded.Operations', { Verify: 'out' }), {
    Verify: serverStream(reachOf(parts), (request, outlet) => open(parts, () => verify(parts, request, outlet))),
  });
}

function deliverParts({ local, channel, ledger, blocks }: ServiceParts): DeliverParts {
  return { organisation: local.organisation, channel, ledger, blocks };
}

/** A dropped peer refuses everybody, a paused one answers nobody. */
async function open<T>({ local }: ServiceParts, call: () => Promise<T>): Promise<T> {
  await local.pause.over;
  if (local.reach.signal.aborted) throw new GatewayError(status.UNAVAILABLE, 'connection refused');
  return call();
}

function reachOf({ local }: ServiceParts): () => AbortSignal {
  return () => local.reach.signal;
}

type Streaming = 'unary' | 'out' | 'both';

function definitions(service: string, methods: Record<string, Streaming>): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(methods).map(([name, streaming]): [string, MethodDefinition<Buffer, Buffer>] => [
      name,
      {
        path: `/${service}/${name}`,
        requestStream: streaming === 'both',
        responseStream: streaming !== 'unary',
        requestSerialize: (bytes) => bytes,
        requestDeserialize: (bytes) => bytes,
        responseSerialize: (bytes) => bytes,
        responseDeserialize: (bytes) => bytes,
      },
    ]),
  );
}
