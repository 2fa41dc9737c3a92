/** What running nodes say of themselves over their operations and administration addresses. */
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { HOST, type Layout } from './layout.ts';
import { lastLines, logFile, runningPid } from './processes.ts';

const POLL_MS = 50;
const REQUEST_TIMEOUT_MS = 2_000;
const START_TIMEOUT_MS = 60_000;

export interface ClientTls {
  certificate: string;
  privateKey: string;
  rootCertificate: string;
}

interface Answer {
  status: number;
  body: string;
}

/** undefined when nobody answers. */
function ask(port: number, path: string, tls?: ClientTls): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const common = { host: HOST, port, path, timeout: REQUEST_TIMEOUT_MS, agent: false as const };
    const request =
      tls === undefined
        ? getPlain(common)
        : getSecure({
            ...common,
            cert: tls.certificate,
            key: tls.privateKey,
            ca: tls.rootCertificate,
            servername: 'localhost',
          });
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', () => resolve(undefined));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

export const isHealthy = async (operationsPort: number): Promise<boolean> =>
  (await ask(operationsPort, '/healthz'))?.status === 200;

/** Number of blocks of a peer's ledger, undefined when it does not run or has not joined. */
export async function peerHeight(operationsPort: number, channel: string): Promise<number | undefined> {
  const answer = await ask(operationsPort, '/metrics');
  const line = answer?.body.split('\n').find((row) => row.startsWith(`ledger_blockchain_height{channel="${channel}"}`));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

/** Whether an orderer's administration answers; it begins to later than operations do. */
export const isAdministrable = async (adminPort: number, channel: string, tls: ClientTls): Promise<boolean> =>
  (await askOrderer(adminPort, channel, tls)) !== undefined;

/** Number of blocks of an orderer's ledger, undefined when it does not run or has not joined. */
export async function ordererHeight(adminPort: number, channel: string, tls: ClientTls): Promise<number | undefined> {
  const answer = await askOrderer(adminPort, channel, tls);
  if (answer?.status !== 200) return undefined;
  return (JSON.parse(answer.body) as { height?: number }).height;
}

const askOrderer = (adminPort: number, channel: string, tls: ClientTls): Promise<Answer | undefined> =>
  ask(adminPort, `/participation/v1/channels/${channel}`, tls);

/** Waits until it holds. @throws Error with what the process last said when it ends before, or after a minute. */
export async function untilProcess(
  layout: Layout,
  name: string,
  what: string,
  condition: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await condition())) {
    if (runningPid(layout, name) === undefined)
      throw new Error(`${name} ended before ${what}:\n${lastWords(layout, name)}`);
    if (Date.now() > deadline) throw new Error(`${name}: not ${what} within a minute; see ${logFile(layout, name)}`);
    await delay(POLL_MS);
  }
}

const CONSIDERED_LINES = 40;
const SHOWN_LINES = 4;

function lastWords(layout: Layout, name: string): string {
  const lines = lastLines(layout, name, CONSIDERED_LINES)
    .split('\n')
    .filter((line) => line.trim() !== '');
  const serious = lines.filter((line) => /\b(ERRO|PANI|FATA|panic:|Error)\b/.test(line));
  const shown = (serious.length > 0 ? serious : lines).slice(-SHOWN_LINES);
  return [...shown.map((line) => `  ${line}`), `  (see ${logFile(layout, name)})`].join('\n');
}
