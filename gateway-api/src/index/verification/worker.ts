/** The thread of a comparison: a connection of its own to the peer and to the database, both for reading alone. */

import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { qualifiedName } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collectionsOfMember } from '@telemed-ledger/consortium/collections.ts';
import type { Kysely } from 'kysely';
import { pino } from 'pino';
import { faultOf } from '../../fhir/validation/faults.ts';
import { LedgerConnection } from '../../ledger/connect.ts';
import { blockAt } from '../../ledger/late-data.ts';
import { type ChainReader, wholeChain } from '../../ledger/whole-chain.ts';
import { openPostgres } from '../postgres/postgres.ts';
import type { IndexTables } from '../schema.ts';
import { Seals } from '../seals.ts';
import { openSqlite } from '../sqlite/sqlite.ts';
import { changedCopies } from './copies.ts';
import type { FromThread, VerificationTask } from './thread.ts';
import { verifyReadModel } from './verify.ts';

const STATEMENT_TIMEOUT_MS = 60_000;
/** Rest for each time at work. */
const REST = 3;

const task = workerData as VerificationTask;

function openLive({ live }: VerificationTask): Kysely<IndexTables> {
  if ('file' in live) return openSqlite<IndexTables>(live.file, { durability: 'NORMAL', readOnly: true });
  const { password, ...settings } = live.database;
  return openPostgres<IndexTables>(
    { ...settings, password: () => password },
    {
      ...{ schema: 'index', connections: 1, durable: false, readOnly: true, statementTimeoutMs: STATEMENT_TIMEOUT_MS },
      ...{ onLoss: () => {}, failure: () => undefined },
    },
  ).kysely;
}

/** Rests after each piece of work until somebody waits for the report. */
function pauser(): () => Promise<void> {
  let { unhurried } = task;
  const hurried = new AbortController();
  parentPort?.on('message', () => {
    unhurried = false;
    hurried.abort();
  });
  parentPort?.unref();
  let resumed = performance.now();
  return async () => {
    if (!unhurried) return;
    const worked = performance.now() - resumed;
    await sleep(worked * REST, undefined, { signal: hurried.signal }).catch(() => {});
    resumed = performance.now();
  };
}

/** Asks the chaincode on this organisation's own peer. */
async function anchorsOf(
  entries: { collection: string; key: string }[],
  connection: LedgerConnection,
): Promise<string[]> {
  const request = { arguments: [JSON.stringify({ entries })], endorsingOrganizations: [task.connection.mspId] };
  const bytes = await connection.contract(task.identity).evaluate(qualifiedName('GetAnchors'), request);
  return (JSON.parse(Buffer.from(bytes).toString('utf8')) as { hashes: string[] }).hashes;
}

async function run(): Promise<FromThread> {
  const { member, consortium, secret, making, file, position } = task;
  const stop = new AbortController();
  const connection = new LedgerConnection(task.connection, task.timeouts);
  const scope = { chaincode: task.connection.chaincode, collections: collectionsOfMember(consortium, member) };
  const reader: ChainReader = { connection, identity: async () => task.identity, scope };
  const live = openLive(task);
  try {
    const report = await verifyReadModel({
      ...{
        live,
        isPostgres: 'database' in task.live,
        member,
        consortium,
        seals: new Seals(secret, making),
        judge: faultOf,
        file,
        position,
      },
      ledger: {
        blocks: () => wholeChain(reader, stop.signal),
        block: (number) => blockAt(number, reader, stop.signal),
      },
      log: pino({ level: 'silent' }),
      stop: stop.signal,
      pause: pauser(),
    });
    const changed = await changedCopies(live, (entries) => anchorsOf(entries, connection), stop.signal);
    return { report: { ...report, differences: [...report.differences, ...changed] } };
  } finally {
    stop.abort();
    await live.destroy();
    connection.close();
  }
}

const answer = await run().catch((error: Error): FromThread => ({ failure: error.message }));
parentPort?.postMessage(answer);
