/** gateway.Gateway/Submit: hands a signed envelope to the orderer and answers when it is accepted (spec 1.5). */
import { status } from '@grpc/grpc-js';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Orderer } from '../seams.ts';
import { GatewayError } from '../server/error.ts';

const SUCCESS = 200;
/** common.Status names that an orderer answers a client with. */
const STATUS_NAMES = new Map([
  [400, 'BAD_REQUEST'],
  [403, 'FORBIDDEN'],
  [404, 'NOT_FOUND'],
  [413, 'REQUEST_ENTITY_TOO_LARGE'],
]);

/** Answers a serialised SubmitRequest with an empty SubmitResponse. */
export async function submit(orderer: Orderer, channel: string, bytes: Uint8Array): Promise<Buffer> {
  const request = new Message(bytes);
  if (!request.has(3)) throw new GatewayError(status.INVALID_ARGUMENT, 'a prepared transaction is required');
  const envelope = request.bytes(3);
  if (new Message(envelope).bytes(2).length === 0) {
    throw new GatewayError(status.INVALID_ARGUMENT, 'prepared transaction must be signed');
  }
  const named = request.text(2);
  if (named !== channel) {
    const message = `failed to get config for channel [${named}]: could not get last config for channel ${named}`;
    throw new GatewayError(status.FAILED_PRECONDITION, message);
  }
  const answer = await orderer.broadcast(envelope);
  if (answer.status === SUCCESS) return Buffer.alloc(0);
  if (answer.status >= 500) {
    throw new GatewayError(status.UNAVAILABLE, 'no orderers could successfully process transaction');
  }
  const name = STATUS_NAMES.get(answer.status) ?? String(answer.status);
  const message = `received unsuccessful response from orderer: status=${name}, info=${answer.info}`;
  throw new GatewayError(status.ABORTED, message);
}
