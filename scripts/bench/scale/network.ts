/** A native Fabric network with its gateways for one measurement: brought up on ports of its own, and taken down again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';

const NETWORK = join(import.meta.dirname, '..', '..', 'network.ts');
const START = join(import.meta.dirname, '..', '..', 'start.ts');

type Environment = Record<string, string | undefined>;

/** Runs something on that network and removes the network, whatever becomes of it. */
export async function onNetwork<T>(
  directory: string,
  consortium: ConsortiumDefinition,
  run: () => Promise<T>,
): Promise<T> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'consortium.yaml');
  writeFileSync(file, JSON.stringify(consortium));
  const environment = { ...process.env, CONSORTIUM: file, DATA_DIR: directory };
  let gateways: ChildProcess | undefined;
  try {
    await command(['up'], environment);
    await command(['deploy'], environment);
    gateways = await started(environment);
    return await run();
  } finally {
    if (gateways !== undefined) await ended(gateways);
    await command(['down'], environment);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @throws Error with the end of what it wrote */
async function command(args: string[], env: Environment): Promise<void> {
  const child = spawn(process.execPath, [NETWORK, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      text = (text + chunk).slice(-2_000);
    });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`npm run network -- ${args.join(' ')} ended with ${code}:\n${text}`);
}

async function started(env: Environment): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', START, '--network', 'fabric'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) if (line === 'ready') return child;
  throw new Error('the gateways ended before they were ready');
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGINT');
  await once(child, 'close');
}
