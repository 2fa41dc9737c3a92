/**
 * What a running chaincode asks of its peer (chaincode_shim.proto), answered at once from the transaction's
 * simulator. A refusal is an Error with Fabric's cause; the handler names the request and the transaction.
 */
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { KeyModification, KeyValue, Simulator } from '../seams.ts';
import { type Iterators, queryResponse } from './iterators.ts';
import { MessageType } from './messages.ts';

export interface RequestContext {
  /** Name of the chaincode that asks: its namespace. */
  namespace: string;
  simulator: Simulator;
  iterators: Iterators;
}

type Payload = Uint8Array | undefined;
/** Single keys are answered at once; only what walks over keys takes a promise. */
type Answer = (context: RequestContext, request: Message) => Payload | Promise<Payload>;

const answers: Record<number, Answer> = {
  [MessageType.GET_STATE]: ({ simulator, namespace }, request) =>
    simulator.getState(namespace, request.text(2), request.text(1)),
  [MessageType.PUT_STATE]: ({ simulator, namespace }, request) => {
    simulator.putState(namespace, request.text(3), request.text(1), request.bytes(2));
    return undefined;
  },
  [MessageType.DEL_STATE]: ({ simulator, namespace }, request) => {
    simulator.deleteState(namespace, request.text(2), request.text(1));
    return undefined;
  },
  [MessageType.GET_PRIVATE_DATA_HASH]: ({ simulator, namespace }, request) =>
    simulator.getPrivateDataHash(namespace, request.text(2), request.text(1)),
  [MessageType.PURGE_PRIVATE_DATA]: ({ simulator, namespace }, request) => {
    if (!request.has(2)) throw new Error('only applicable for private data');
    simulator.purgePrivateData(namespace, request.text(2), request.text(1));
    return undefined;
  },
  [MessageType.GET_STATE_METADATA]: ({ simulator, namespace }, request) => {
    const metadata = simulator.getMetadata(namespace, request.text(2), request.text(1));
    const entries = [...metadata].map(([metakey, value]) => encode([1, metakey], [2, value]));
    return encode(...repeated(1, entries));
  },
  [MessageType.PUT_STATE_METADATA]: ({ simulator, namespace }, request) => {
    const entry = request.message(4);
    simulator.putMetadata(namespace, request.text(3), request.text(1), entry.text(1), entry.bytes(2));
    return undefined;
  },
  [MessageType.WRITE_BATCH_STATE]: (context, request) => {
    for (const record of request.messages(1)) written(context, record);
    return undefined;
  },
  [MessageType.GET_STATE_BY_RANGE]: answerRange,
  [MessageType.GET_QUERY_RESULT]: (_context, request) => {
    const isPaginated = request.text(2) === '' && isPage(request.inside(3));
    throw new Error(`${isPaginated ? 'ExecuteQueryWithMetadata' : 'ExecuteQuery'} not supported for leveldb`);
  },
  [MessageType.GET_HISTORY_FOR_KEY]: ({ simulator, namespace, iterators }, request) => {
    const history = simulator.history(namespace, request.text(1));
    return iterators.open(
      async () => {
        const result = await history.next();
        return result.done ? undefined : encodeModification(result.value);
      },
      () => void history.return?.(),
    );
  },
  [MessageType.QUERY_STATE_NEXT]: ({ iterators }, request) => iterators.next(request.text(1)),
  [MessageType.QUERY_STATE_CLOSE]: ({ iterators }, request) => {
    iterators.close(request.text(1));
    return queryResponse([], false, request.text(1));
  },
};

/**
 * The payload of the RESPONSE to one request.
 * @throws Error with the cause Fabric names.
 */
export function answerRequest(context: RequestContext, type: number, payload: Uint8Array): Payload | Promise<Payload> {
  const answer = answers[type];
  if (!answer) throw new Error(`unknown message type ${type}`);
  return answer(context, new Message(payload));
}

/** A WriteRecord: what the messages for one write hold, with the number of that message as its type. */
function written({ simulator, namespace }: RequestContext, record: Message): void {
  const [key, type, collection] = [record.text(1), record.number(5), record.text(3)];
  if (type === MessageType.PUT_STATE) simulator.putState(namespace, collection, key, record.bytes(2));
  else if (type === MessageType.DEL_STATE) simulator.deleteState(namespace, collection, key);
  else if (type === MessageType.PUT_STATE_METADATA) {
    const entry = record.message(4);
    simulator.putMetadata(namespace, collection, key, entry.text(1), entry.bytes(2));
  } else if (type !== MessageType.PURGE_PRIVATE_DATA) throw new Error('unknown operation type');
  else if (collection === '') throw new Error('only applicable for private data');
  else simulator.purgePrivateData(namespace, collection, key);
}

async function answerRange({ simulator, namespace, iterators }: RequestContext, request: Message): Promise<Payload> {
  const [start, end, collection, metadata] = [request.text(1), request.text(2), request.text(3), request.inside(4)];
  if (collection === '' && isPage(metadata)) {
    const page = await simulator.page(namespace, start, end, metadata.number(1), metadata.text(2));
    const about = encode([1, page.results.length], [2, page.bookmark]);
    return queryResponse(page.results.map(encodeKeyValue), false, '', about);
  }
  const range = simulator.range(namespace, collection, start, end);
  return iterators.open(
    async () => {
      const result = await range.next();
      return result && encodeKeyValue(result);
    },
    () => range.close(),
  );
}

/** QueryMetadata asks for a page when it names a size or a bookmark. */
function isPage(metadata: Message): boolean {
  return metadata.number(1) !== 0 || metadata.text(2) !== '';
}

function encodeKeyValue({ namespace, key, value }: KeyValue): Buffer {
  return encode([1, namespace], [2, key], [3, value]);
}

function encodeModification({ txId, value, timestamp, isDelete }: KeyModification): Buffer {
  const time = encode([1, timestamp.seconds], [2, timestamp.nanos]);
  return encode([1, txId], [2, value], [3, time, true], [4, isDelete]);
}
