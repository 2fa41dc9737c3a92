/** What running nodes say of themselves over their operations and administration addresses, and waiting for it. */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { View } from './lag.ts';
import type { Layout, NodeLayout, OrdererLayout } from './layout.ts';
import { lastLines, logFile, recorded, runningPid } from './processes.ts';
import { type Answer, ask, type ClientTls, type Question } from './requests.ts';

const POLL_MS = 50;
const CONNECT_TIMEOUT_MS = 2_000;
const START_TIMEOUT_MS = 60_000;

type Operated = Pick<NodeLayout, 'ownHost' | 'operationsPort'>;
type Administered = Pick<OrdererLayout, 'ownHost' | 'serverName' | 'adminPort'>;

/** undefined when nobody answers. */
const askQuietly = (question: Question): Promise<Answer | undefined> => ask(question).catch(() => undefined);

export const isHealthy = async ({ ownHost: host, operationsPort: port }: Operated): Promise<boolean> =>
  (await askQuietly({ host, port, path: '/healthz' }))?.status === 200;

/** Number of blocks of a peer's ledger, undefined when it does not run or has not joined. */
export async function peerHeight(
  { ownHost: host, operationsPort: port }: Operated,
  channel: string,
): Promise<number | undefined> {
  const answer = await askQuietly({ host, port, path: '/metrics' });
  return answer === undefined ? undefined : heightIn(answer.body, channel);
}

function heightIn(metrics: string, channel: string): number | undefined {
  const line = metrics.split('\n').find((row) => row.startsWith(`ledger_blockchain_height{channel="${channel}"}`));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

/** What a node says of its ledger. */
export interface LedgerReading {
  /** Blocks, 0 where it is not in the channel; undefined where it says nothing. */
  height: number | undefined;
  /** Of an orderer: `active`, `onboarding` or `failed`, and `consenter` or `follower`. */
  status?: string;
  relation?: string;
}

/** Longer than anybody who answers at all needs on a busy machine. */
const READING_TIMEOUT_MS = 5_000;

export async function readPeer(
  { ownHost: host, operationsPort: port }: Operated,
  channel: string,
): Promise<LedgerReading> {
  const answer = await askQuietly({ host, port, path: '/metrics', timeoutMs: READING_TIMEOUT_MS });
  return { height: answer === undefined ? undefined : (heightIn(answer.body, channel) ?? 0) };
}

/** By the participation API. @see https://hyperledger-fabric.readthedocs.io/en/release-3.1/osnadmin.html */
export async function readOrderer(orderer: Administered, channel: string, tls: ClientTls): Promise<LedgerReading> {
  const question = { ...administration(orderer, channel, tls), timeoutMs: READING_TIMEOUT_MS };
  const answer = await askQuietly(question);
  if (answer === undefined) return { height: undefined };
  if (answer.status !== 200) return { height: 0 };
  const { height = 0, status, consensusRelation } = JSON.parse(answer.body) as Record<string, never>;
  return { height, status: String(status), relation: String(consensusRelation) };
}

/** Whether a BFT orderer says that it leads. */
export async function isLeader({ ownHost: host, operationsPort: port }: Operated, channel: string): Promise<boolean> {
  const answer = await askQuietly({ host, port, path: '/metrics' });
  return answer?.body.split('\n').includes(`consensus_BFT_is_leader{channel="${channel}"} 1`) ?? false;
}

/** What a BFT orderer agrees on now; undefined where it does not say. */
export async function readView(
  { ownHost: host, operationsPort: port }: Operated,
  channel: string,
): Promise<View | undefined> {
  const answer = await askQuietly({ host, port, path: '/metrics', timeoutMs: READING_TIMEOUT_MS });
  const lines = answer?.body.split('\n') ?? [];
  const gauge = (name: string): number => {
    const start = `consensus_smartbft_view_${name}{channel="${channel}"} `;
    return Number(lines.find((line) => line.startsWith(start))?.slice(start.length) ?? Number.NaN);
  };
  const view = { number: gauge('number'), leader: gauge('leader_id'), next: gauge('proposal_sequence') };
  return Object.values(view).some(Number.isNaN) ? undefined : view;
}

/** Whether an orderer's administration answers; it begins to later than operations do. @throws Error saying why not. */
export const isAdministrable = async (orderer: Administered, channel: string, tls: ClientTls): Promise<true> => {
  await ask(administration(orderer, channel, tls));
  return true;
};

/** Number of blocks of an orderer's ledger, undefined when it does not run or has not joined. */
export async function ordererHeight(
  orderer: Administered,
  channel: string,
  tls: ClientTls,
): Promise<number | undefined> {
  const answer = await askQuietly(administration(orderer, channel, tls));
  if (answer?.status !== 200) return undefined;
  return (JSON.parse(answer.body) as { height?: number }).height;
}

const administration = (orderer: Administered, channel: string, tls: ClientTls): Question => ({
  host: orderer.ownHost,
  port: orderer.adminPort,
  path: `/participation/v1/channels/${channel}`,
  secure: { ...tls, serverName: orderer.serverName },
});

/** Whether anything accepts connections there. */
export function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS });
    const answer = (is: boolean) => () => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(false));
  });
}

/**
 * Waits until it holds; what the condition throws means that it does not yet. @throws Error with what the process last
 * said when it ends before, where it is one of this machine; after a minute everywhere, with what was thrown last.
 */
export async function untilProcess(
  layout: Layout,
  name: string,
  what: string,
  condition: () => Promise<boolean>,
  timeoutMs: number = START_TIMEOUT_MS,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let reason = '';
  const holds = (): Promise<boolean> =>
    condition().catch((error: Error) => {
      reason = ` (${error.message})`;
      return false;
    });
  while (!(await holds())) {
    if (layout.place.ownsProcesses && runningPid(layout, name) === undefined)
      throw new Error(`${name} ended before ${what}:\n${lastWords(layout, name)}`);
    if (Date.now() > deadline)
      throw new Error(`${name}: not ${what} after ${timeoutMs / 1000} s${reason}; see ${whereItWrites(layout, name)}`);
    await delay(POLL_MS);
  }
}

/** For an operator: where the node's log is. */
const whereItWrites = (layout: Layout, name: string): string =>
  layout.place.ownsProcesses ? logFile(layout, name) : `docker compose logs ${name}`;

/** Of a process of this machine that has ended by itself: what it said of that. undefined where it runs, or was ended. */
export function endOf(layout: Layout, name: string): string | undefined {
  const hasEnded = layout.place.ownsProcesses && recorded(layout).includes(name) && !runningPid(layout, name);
  if (!hasEnded) return undefined;
  const [cause] = linesOf(layout, name).filter((line) => CRASH.test(line));
  return `${name} has ended by itself; it ${cause === undefined ? 'did not say why' : `said: ${cause}`}`;
}

/** A crash of a program in Go ends with its stack. */
const CONSIDERED_LINES = 200;
const SHOWN_LINES = 4;
const CRASH = /\b(PANI|FATA)\b|\b(panic|fatal error):|^Error: /;

function lastWords(layout: Layout, name: string): string {
  const lines = linesOf(layout, name);
  const serious = lines.filter((line) => /\b(ERRO|Error)\b/.test(line) || CRASH.test(line));
  const shown = (serious.length > 0 ? serious : lines).slice(-SHOWN_LINES);
  return [...shown.map((line) => `  ${line}`), `  (see ${logFile(layout, name)})`].join('\n');
}

const linesOf = (layout: Layout, name: string): string[] =>
  lastLines(layout, name, CONSIDERED_LINES, true)
    .split('\n')
    .filter((line) => line.trim() !== '');
