/** Adapts functions from bytes to bytes to grpc-js handlers: errors become statuses, streams keep flow control. */
import type { Writable } from 'node:stream';
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import type { Outlet } from '../deliver/deliver.ts';
import { GatewayError } from './error.ts';

/** `cancelled` is told a function to call when the client no longer waits. */
type Unary = (request: Buffer, cancelled: (stop: () => void) => void) => Promise<Buffer>;

export function unary(serve: Unary): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    serve(call.request, (stop) => call.once('cancelled', stop)).then(
      (answer) => callback(null, answer),
      (error) => callback(asGatewayError(error).toStatus()),
    );
  };
}

/** Streams end when their client goes or `reach`, the peer's own signal, aborts. */
export function serverStream(
  reach: () => AbortSignal,
  serve: (request: Buffer, outlet: Outlet) => Promise<void>,
): handleServerStreamingCall<Buffer, Buffer> {
  return (call) => {
    serve(call.request, outletOf(call, reach())).then(
      () => call.end(),
      (error) => fail(call, error),
    );
  };
}

/** `serve` gets one message after the other and answers whether the stream goes on. */
export function bidiStream(
  reach: () => AbortSignal,
  serve: (message: Buffer, outlet: Outlet) => Promise<boolean>,
): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    const outlet = outletOf(call, reach());
    let goesOn = Promise.resolve(true);
    call.on('data', (message: Buffer) => {
      goesOn = goesOn.then(async (open) => open && (await serve(message, outlet)));
      goesOn.then(
        (open) => open || call.end(),
        (error) => fail(call, error),
      );
    });
    call.on('end', () => {
      goesOn.then(
        () => call.end(),
        () => {},
      );
    });
  };
}

type Writing = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

function outletOf(call: Writing, reach: AbortSignal): Outlet {
  const controller = new AbortController();
  let resume = () => {};
  const abort = () => {
    controller.abort();
    resume();
  };
  const lose = () => fail(call, new GatewayError(status.UNAVAILABLE, 'connection closed'));
  reach.addEventListener('abort', lose);
  controller.signal.addEventListener('abort', () => reach.removeEventListener('abort', lose));
  for (const event of ['cancelled', 'error', 'close']) call.on(event, abort);
  call.on('drain', () => resume());
  return {
    signal: controller.signal,
    write(message) {
      if (controller.signal.aborted || (call as Writable).write(message)) return Promise.resolve();
      return new Promise((resolve) => {
        resume = resolve;
      });
    },
  };
}

function fail(call: Writing, error: unknown): void {
  call.emit('error', asGatewayError(error).toStatus());
}

/** Anything unforeseen is told as gRPC tells it, without a stack. */
function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError(status.UNKNOWN, error instanceof Error ? error.message : String(error));
}
