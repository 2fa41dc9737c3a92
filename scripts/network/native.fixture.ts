/** For tests: `npm run network` as a command of its own, and a consortium whose network can run beside others. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { DEFAULT_CONSORTIUM_FILE, loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { layoutOf, portsOf } from '@telemed-ledger/network/fabric/layout.ts';
import { takenPorts } from '@telemed-ledger/network/fabric/ports.ts';

export const SCRIPT = new URL('../network.ts', import.meta.url).pathname;

export interface Outcome {
  code: number | null;
  out: string;
  error: string;
}

export interface Running {
  /** Another release's command. */
  script?: string;
  /** Asked whenever it has printed something; it is killed with -9 once this holds, and `code` is null then. */
  killWhen?: (out: string) => boolean;
}

export function runNetwork(
  args: string[],
  environment: Record<string, string>,
  { script = SCRIPT, killWhen = () => false }: Running = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const texts = { out: '', error: '' };
    child.stdout.on('data', (chunk) => {
      texts.out += chunk;
      if (killWhen(texts.out)) child.kill('SIGKILL');
    });
    child.stderr.on('data', (chunk) => {
      texts.error += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...texts }));
  });
}

/** A definition, by default the default one, with other peers' and orderers' ports, all of them free. */
export async function definitionOnFreePorts(
  file: string,
  text = readFileSync(DEFAULT_CONSORTIUM_FILE, 'utf8'),
): Promise<void> {
  for (;;) {
    const base = 10_000 + Math.floor(Math.random() * 400) * 50;
    writeFileSync(
      file,
      text.replaceAll(/(peerPort|port): 7(0|1)5(\d)/g, (_, key: string, kind: string, digit: string) => {
        return `${key}: ${base + Number(kind) * 10 + Number(digit)}`;
      }),
    );
    const layout = layoutOf('/', loadConsortium(file), 'bft');
    if ((await takenPorts(portsOf(layout))).length === 0) return;
  }
}
