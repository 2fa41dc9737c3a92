/**
 * One `protos.Chaincode/Connect` stream to a chaincode server. A transaction may exchange thousands of small messages
 * over it, so the gRPC framing is done here on node:http2, without the per-message promises and filters of a client
 * library.
 */
import { connect, constants } from 'node:http2';

/** 5 bytes before each message: compression flag and length. */
const PREFIX = 5;
const WINDOW = 4 * 1024 * 1024;

export interface MessageStream {
  send(message: Uint8Array): void;
  close(): void;
}

export interface StreamEvents {
  /** The connection stands; messages may be sent. */
  opened(): void;
  message(bytes: Buffer): void;
  /** Called once, whoever ends the stream and for whatever reason. */
  closed(reason: string): void;
}

/** Dials `host:port` without TLS. */
export function openStream(address: string, events: StreamEvents): MessageStream {
  const session = connect(`http://${address}`, { settings: { initialWindowSize: WINDOW } });
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: '/protos.Chaincode/Connect',
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
  });
  let isClosed = false;
  const closed = (reason: string) => {
    if (isClosed) return;
    isClosed = true;
    session.destroy();
    events.closed(reason);
  };
  session.once('connect', () => {
    session.setLocalWindowSize(WINDOW);
    events.opened();
  });
  session.on('error', (error) => closed(error.message));
  session.on('close', () => closed('connection closed'));
  stream.on('error', (error) => closed(error.message));
  stream.on('close', () => closed('stream closed'));
  // A server that gives up ends its half with a status; the other half would stay open for ever.
  stream.on('end', () => closed('stream ended'));
  stream.on('data', messageReader(events.message));
  return {
    send(message) {
      if (isClosed) return;
      const frame = Buffer.allocUnsafe(PREFIX + message.length);
      frame[0] = 0;
      frame.writeUInt32BE(message.length, 1);
      frame.set(message, PREFIX);
      stream.write(frame);
    },
    close: () => closed('closed by the peer'),
  };
}

/** Cuts what arrives into messages. */
function messageReader(deliver: (message: Buffer) => void): (chunk: Buffer) => void {
  let pending: Buffer[] = [];
  let size = 0;
  return (chunk) => {
    pending.push(chunk);
    size += chunk.length;
    const first = pending[0] as Buffer;
    const needed = first.length >= PREFIX ? PREFIX + first.readUInt32BE(1) : PREFIX;
    if (size < needed) return;
    const buffer = pending.length === 1 ? first : Buffer.concat(pending, size);
    let at = 0;
    while (buffer.length - at >= PREFIX) {
      const end = at + PREFIX + buffer.readUInt32BE(at + 1);
      if (end > buffer.length) break;
      deliver(buffer.subarray(at + PREFIX, end));
      at = end;
    }
    pending = at < buffer.length ? [buffer.subarray(at)] : [];
    size = buffer.length - at;
  };
}
