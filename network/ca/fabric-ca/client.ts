/**
 * Runs `fabric-ca-client` (https://hyperledger-fabric-ca.readthedocs.io/en/latest/clientcli.html), each time in a
 * directory of its own that is removed afterwards. Secrets reach it in its configuration file, never as arguments, which
 * every user of the machine could read; nothing of them is in an error.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { KeyPair } from '../authority.ts';
import { requireProgram } from './programs.ts';
import type { FabricCaReach } from './reach.ts';

/** Fabric CA's own numbers of errors: https://github.com/hyperledger/fabric-ca/blob/main/lib/caerrors/servererror.go */
export const AUTHENTICATION_FAILURE = 20;
export const ALREADY_REGISTERED = 74;
export const ALREADY_REVOKED = 66;

/** The organisation's Fabric CA refused, or did not answer; `code` is its own number of the error, where it gave one. */
export class FabricCaError extends Error {
  override name = 'FabricCaError';
  readonly code: number | undefined;

  constructor({ organisation, url }: FabricCaReach, doing: string, reason: string, code?: number) {
    super(`the Fabric CA of ${organisation} at ${url} cannot ${doing}: ${reason}`);
    this.code = code;
  }
}

export interface ClientRun {
  /** For instance `['identity', 'list']`; nothing secret. */
  command: readonly string[];
  /** What the command is for, after "cannot": `enrol peer.clinic`. */
  doing: string;
  caName: string;
  /** Name and secret, to enrol with. */
  login?: { name: string; secret: string };
  /** Who commands it, once enrolled. */
  identity?: KeyPair;
  /** More of the client's configuration. */
  configuration: object;
}

const CONFIG_FILE = 'fabric-ca-client-config.yaml';
export const TEMPORARY = 'telemed-ledger-enrol-';
const TIMEOUT_MS = 60_000;
/** Each is a process of some 40 MB. */
const AT_ONCE = 4;

/** `read` looks into the client's MSP directory when the command has succeeded. @throws FabricCaError */
export async function runClient<T>(
  reach: FabricCaReach,
  run: ClientRun,
  read: (mspDirectory: string) => Promise<T>,
): Promise<T> {
  const program = requireProgram('fabric-ca-client', process.env);
  await turn();
  const home = await mkdtemp(join(tmpdir(), TEMPORARY));
  try {
    await writeHome(home, reach, run);
    await execute(program, [...run.command, '--home', home], home, reach, run.doing);
    return await read(join(home, 'msp'));
  } finally {
    await rm(home, { recursive: true, force: true });
    endTurn();
  }
}

async function writeHome(home: string, reach: FabricCaReach, run: ClientRun): Promise<void> {
  const url = new URL(reach.url);
  if (run.login !== undefined) {
    url.username = encodeURIComponent(run.login.name);
    url.password = run.login.secret;
  }
  const configuration = {
    url: url.href.replace(/\/$/, ''),
    mspdir: 'msp',
    caname: run.caName,
    tls: { certfiles: [reach.tlsRootCertificate] },
    ...run.configuration,
  };
  await writeFile(join(home, CONFIG_FILE), stringify(configuration), { mode: 0o600 });
  if (run.identity === undefined) return;
  const write = async (directory: string, file: string, text: string) => {
    await mkdir(join(home, 'msp', directory), { recursive: true, mode: 0o700 });
    await writeFile(join(home, 'msp', directory, file), text, { mode: 0o600 });
  };
  await write('signcerts', 'cert.pem', run.identity.certificate);
  await write('keystore', 'key.pem', run.identity.privateKey);
}

/** What an enrolment has left. */
export async function readEnrolled(mspDirectory: string): Promise<KeyPair> {
  const keys = join(mspDirectory, 'keystore');
  const [key] = await readdir(keys);
  const [certificate, privateKey] = await Promise.all(
    [join(mspDirectory, 'signcerts', 'cert.pem'), join(keys, key!)].map((path) => readFile(path, 'utf8')),
  );
  return { certificate: certificate!, privateKey: privateKey! };
}

function execute(
  program: string,
  args: readonly string[],
  home: string,
  reach: FabricCaReach,
  doing: string,
): Promise<void> {
  // Nothing of this process's environment, which may hold settings for another Fabric CA.
  const environment = { PATH: process.env['PATH'], HOME: home };
  return new Promise((resolve, reject) => {
    const options = { env: environment, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' as const };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve();
      const { reason, code } = reasonOf(`${stdout}\n${stderr}`);
      const waited = error.killed ? `no answer within ${TIMEOUT_MS / 1000} s` : undefined;
      reject(new FabricCaError(reach, doing, waited ?? reason ?? `fabric-ca-client ended with ${error.code}`, code));
    });
  });
}

/** The client repeats requests in its errors, secrets included: nothing is taken from what has braces or a login. */
export function reasonOf(output: string): { reason?: string; code?: number } {
  const answer = /Response from server: Error Code: (\d+) - ([^\n]*)/.exec(output);
  if (answer !== null) return { reason: `${answer[2]!.trim()} (error ${answer[1]})`, code: Number(answer[1]) };
  const transport = /(dial tcp|lookup |tls: |x509: |remote error: |EOF$|connection reset|timeout)[^\n{}]*/m.exec(
    output,
  );
  if (transport !== null) return { reason: transport[0].trim() };
  const complaint = /^Error: ([^{}\n]*)$/m.exec(output.replaceAll(/:\/\/[^@\s]*@/g, '://'));
  return complaint === null ? {} : { reason: complaint[1]!.trim() };
}

let running = 0;
const waiting: (() => void)[] = [];

async function turn(): Promise<void> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
}

function endTurn(): void {
  const next = waiting.shift();
  if (next === undefined) running--;
  else next();
}
