/**
 * The suite's own chaincode on the unmodified fabric-shim: every function does one thing that a peer must answer.
 * It is served as a service, one server per organisation and package, inside the test's process.
 */
process.env['CORE_CHAINCODE_LOGGING_LEVEL'] ??= 'CRITICAL';

import { EventEmitter, once } from 'node:events';
import type { ChaincodeResponse, ChaincodeStub, Iterators } from 'fabric-shim';
import { ORGANISATIONS, type OrganisationName } from './material.ts';

const { default: shim } = (await import('fabric-shim')) as unknown as { default: Shim };

/** What the public types leave out: the gRPC server, which takes a port of the system's choice and can be stopped. */
interface OpenServer {
  _credentials: unknown;
  _server: {
    bindAsync(address: string, credentials: unknown, done: (error: Error | null, port: number) => void): void;
    forceShutdown(): void;
  };
}

interface Shim {
  success(payload?: Uint8Array): ChaincodeResponse;
  server(chaincode: object, options: object): OpenServer;
}

/** The shim answers a private range otherwise than its types say. */
interface PrivateRange {
  iterator: Iterators.StateQueryIterator;
}

export interface Stub extends ChaincodeStub {
  purgePrivateData(collection: string, key: string): Promise<void>;
}

/** Arguments to an answer: bytes and responses as they are, an array or object as JSON. */
type Operation = (stub: Stub, where: OrganisationName, ...args: string[]) => Promise<unknown>;

/** Tells the test when a function that was waited for has begun. */
const begun = new EventEmitter();

export function whenBegun(marker: string): Promise<unknown> {
  return once(begun, marker);
}

export type PackageName = 'main' | 'callee';
/** The ccid under which an organisation's process registers. */
export type PackageId = (name: PackageName, organisation: OrganisationName) => string;

/**
 * All chaincode servers of one network; ports are chosen before the package ids are known. `main` takes messages of
 * any size, `callee` what grpc-js takes by itself, 4 MB.
 */
export class ChaincodeHost {
  readonly #servers = new Map<string, { server: OpenServer | undefined; port: number }>();
  #packageId: PackageId;

  private constructor(packageId: PackageId) {
    this.#packageId = packageId;
  }

  static async start(packageId: PackageId): Promise<ChaincodeHost> {
    const host = new ChaincodeHost(packageId);
    for (const organisation of ORGANISATIONS) {
      for (const name of ['main', 'callee'] as const) await host.restore(name, organisation);
    }
    return host;
  }

  /** Serves every package again under the ids that an installation has given. */
  async rename(packageId: PackageId): Promise<void> {
    this.#packageId = packageId;
    for (const organisation of ORGANISATIONS) {
      for (const name of ['main', 'callee'] as const) {
        this.kill(name, organisation);
        await this.restore(name, organisation);
      }
    }
  }

  address(name: PackageName, organisation: OrganisationName): string {
    return `127.0.0.1:${this.#servers.get(`${name}/${organisation}`)?.port ?? 0}`;
  }

  /** Breaks the peer's stream at once. */
  kill(name: PackageName, organisation: OrganisationName): void {
    const known = this.#servers.get(`${name}/${organisation}`);
    known?.server?._server.forceShutdown();
    if (known) known.server = undefined;
  }

  async restore(name: PackageName, organisation: OrganisationName): Promise<void> {
    const chaincode = { Init: async () => shim.success(), Invoke: (stub: ChaincodeStub) => invoke(stub, organisation) };
    const ccid = this.#packageId(name, organisation);
    const limits = name === 'main' ? { 'grpc.max_receive_message_length': -1 } : {};
    const server = shim.server(chaincode, { ccid, address: '127.0.0.1:0', ...limits });
    const wanted = this.#servers.get(`${name}/${organisation}`)?.port ?? 0;
    const port = await new Promise<number>((resolve, reject) => {
      server._server.bindAsync(`127.0.0.1:${wanted}`, server._credentials, (error, taken) =>
        error ? reject(error) : resolve(taken),
      );
    });
    this.#servers.set(`${name}/${organisation}`, { server, port });
  }

  close(): void {
    for (const { server } of this.#servers.values()) server?._server.forceShutdown();
  }
}

async function invoke(stub: ChaincodeStub, where: OrganisationName): Promise<ChaincodeResponse> {
  const { fcn, params } = stub.getFunctionAndParameters();
  if (fcn === 'throwRaw') throw new Error(params[0]);
  try {
    const answer = await (operations[fcn] ?? unknownFunction)(stub as Stub, where, ...params);
    if (answer instanceof Uint8Array || answer === undefined) return shim.success(Buffer.from(answer ?? ''));
    if (typeof answer === 'object' && answer !== null && 'status' in answer) return answer as ChaincodeResponse;
    return shim.success(Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)));
  } catch (error) {
    return { status: 500, message: (error as Error).message };
  }
}

async function unknownFunction(): Promise<never> {
  throw new Error('no such function');
}

const operations: Record<string, Operation> = {
  where: async (_stub, where) => where,
  put: (stub, _, key = '', value = '') => stub.putState(key, Buffer.from(value)),
  get: (stub, _, key = '') => stub.getState(key),
  del: (stub, _, key = '') => stub.deleteState(key),
  putThenGet: async (stub, _, key = '', value = '') => {
    await stub.putState(key, Buffer.from(value));
    return stub.getState(key);
  },
  /** Reads one key and writes another. */
  getThenPut: async (stub, _, read = '', key = '', value = '') => {
    const found = await stub.getState(read);
    await stub.putState(key, Buffer.from(value));
    return found;
  },
  putKeys: async (stub, _, keys = '[]') => {
    for (const key of JSON.parse(keys) as string[]) await stub.putState(key, Buffer.from(key));
  },
  putMany: async (stub, _, prefix = '', count = '0') => {
    const keys = Array.from({ length: Number(count) }, (_each, index) => numbered(prefix, index));
    await Promise.all(keys.map((key) => stub.putState(key, Buffer.from(key))));
  },
  putLarge: (stub, _, key = '', size = '0') => stub.putState(key, Buffer.alloc(Number(size), 'x')),
  size: async (stub, _, key = '') => String((await stub.getState(key)).length),
  range: async (stub, _, start = '', end = '') => keysOf(await stub.getStateByRange(start, end)),
  rangeThenPut: async (stub, _, start = '', end = '', key = '') => {
    const keys = await keysOf(await stub.getStateByRange(start, end));
    await stub.putState(key, Buffer.from('x'));
    return keys;
  },
  firstOfRange: async (stub, _, start = '', end = '') => {
    const iterator = await stub.getStateByRange(start, end);
    const first = await iterator.next();
    await iterator.close();
    return first.value.key;
  },
  page: async (stub, _, start = '', end = '', size = '0', bookmark = '') => {
    const { iterator, metadata } = await stub.getStateByRangeWithPagination(start, end, Number(size), bookmark);
    return { keys: await keysOf(iterator), count: metadata.fetchedRecordsCount, bookmark: metadata.bookmark };
  },
  pageThenPut: async (stub, _, start = '', end = '') => {
    await stub.getStateByRangeWithPagination(start, end, 2);
    await stub.putState('after-page', Buffer.from('x'));
  },
  putThenPage: async (stub, _, start = '', end = '') => {
    await stub.putState('before-page', Buffer.from('x'));
    await stub.getStateByRangeWithPagination(start, end, 2);
  },
  query: async (stub) => keysOf(await stub.getQueryResult('{"selector":{}}')),
  putComposite: async (stub, _, type = '', ...parts: string[]) =>
    stub.putState(stub.createCompositeKey(type, parts), Buffer.from(parts.join('/'))),
  partial: async (stub, _, type = '', ...parts: string[]) =>
    keysOf(await stub.getStateByPartialCompositeKey(type, parts)),
  history: async (stub, _, key = '') => {
    const iterator = await stub.getHistoryForKey(key);
    const entries: unknown[] = [];
    for (let item = await iterator.next(); !item.done; item = await iterator.next()) {
      const { txId, isDelete, value, timestamp } = item.value;
      entries.push({
        txId,
        isDelete,
        value: Buffer.from(value).toString(),
        at: [Number(timestamp.seconds), timestamp.nanos],
      });
    }
    await iterator.close();
    return entries;
  },
  event: async (stub, _, key = '', ...names: string[]) => {
    await stub.putState(key, Buffer.from('x'));
    for (const name of names) stub.setEvent(name, Buffer.from(`about ${key}`));
  },
  /** Reads and writes the key, so that two of these conflict. */
  eventAfterRead: async (stub, _, key = '', name = '') => {
    await stub.getState(key);
    await stub.putState(key, Buffer.from(name));
    stub.setEvent(name, Buffer.from('payload'));
  },
  putPrivate: (stub, _, collection = '', key = '', value = '') =>
    stub.putPrivateData(collection, key, stub.getTransient().get('value') ?? Buffer.from(value)),
  getPrivate: (stub, _, collection = '', key = '') => stub.getPrivateData(collection, key),
  getThenPutPrivate: async (stub, _, collection = '', key = '', value = '') => {
    await stub.getPrivateData(collection, key);
    await stub.putPrivateData(collection, key, Buffer.from(value));
  },
  hashPrivate: async (stub, _, collection = '', key = '') =>
    Buffer.from(await stub.getPrivateDataHash(collection, key)).toString('hex'),
  checkHashThenPut: async (stub, _, collection = '', key = '', written = '') => {
    await stub.getPrivateDataHash(collection, key);
    await stub.putState(written, Buffer.from('x'));
  },
  putThenRangePrivate: async (stub, _, collection = '', key = '') => {
    await stub.putState(key, Buffer.from('x'));
    const { iterator } = (await stub.getPrivateDataByRange(collection, '', '')) as unknown as PrivateRange;
    return keysOf(iterator);
  },
  purge: (stub, _, collection = '', key = '') => stub.purgePrivateData(collection, key),
  setPolicy: (stub, _, key = '', base64 = '') => stub.setStateValidationParameter(key, Buffer.from(base64, 'base64')),
  getPolicy: async (stub, _, key = '') => {
    const policy = (await stub.getStateValidationParameter(key)) as unknown as Uint8Array | undefined;
    return Buffer.from(policy ?? []).toString('base64');
  },
  invoke: async (stub, _, chaincode = '', channel = '', ...args: string[]) => {
    const { status, message, payload } = await stub.invokeChaincode(chaincode, args, channel);
    return { called: status, message, payload: Buffer.from(payload ?? []).toString() };
  },
  putThenInvoke: async (stub, _, key = '', chaincode = '', ...args: string[]) => {
    await stub.putState(key, Buffer.from('caller'));
    await stub.invokeChaincode(chaincode, args, '');
  },
  context: async (stub) => ({
    mspId: stub.getCreator().mspid,
    certificate: Buffer.from(stub.getCreator().idBytes).toString(),
    seconds: Number(stub.getTxTimestamp().seconds),
    nanos: stub.getTxTimestamp().nanos,
    transient: [...stub.getTransient()].map(([name, value]) => [name, Buffer.from(value).toString('hex')]),
    binding: stub.getBinding(),
    txId: stub.getTxID(),
    channel: stub.getChannelID(),
  }),
  fail: async (_stub, _, message = '') => {
    throw new Error(message);
  },
  answer: async (_stub, _, status = '', message = '') => ({ status: Number(status), message }),
  sleep: async (_stub, where, ms = '0', marker = '') => {
    begun.emit(marker);
    await new Promise((resolve) => setTimeout(resolve, Number(ms)));
    return where;
  },
  /** Takes its time in one organisation only. */
  sleepAt: async (_stub, where, organisation = '', ms = '0', marker = '') => {
    if (where === organisation) {
      begun.emit(marker);
      await new Promise((resolve) => setTimeout(resolve, Number(ms)));
    }
    return where;
  },
  random: (stub, _, key = '') => stub.putState(key, Buffer.from(String(Math.random()))),
};

export function numbered(prefix: string, index: number): string {
  return `${prefix}${String(index).padStart(4, '0')}`;
}

async function keysOf(iterator: Iterators.StateQueryIterator): Promise<string[]> {
  const keys: string[] = [];
  for (let item = await iterator.next(); !item.done; item = await iterator.next()) keys.push(item.value.key);
  await iterator.close();
  return keys;
}
