/** `npm run network -- status`: what every node is and does, and what to do next. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { certificatesIn } from '@telemed-ledger/network/ca/certificates.ts';
import { requireBinaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { runningConfiguration } from '@telemed-ledger/network/fabric/changes/configuration.ts';
import { certificateFindings } from '@telemed-ledger/network/fabric/changes/native.ts';
import { examine, report } from '@telemed-ledger/network/fabric/healing.ts';
import { candidates } from '@telemed-ledger/network/fabric/lag.ts';
import type { Material } from '@telemed-ledger/network/fabric/material.ts';
import { stateOf } from '@telemed-ledger/network/fabric/network.ts';
import { materialOf, writeAdministrators } from '@telemed-ledger/network/fabric/prepare.ts';
import { table } from '../table.ts';
import { daysLeft, SOON_DAYS } from './certificates.ts';
import { type NetworkContext, NO_NETWORK, networkContext } from './context.ts';
import { nodesOf } from './healing.ts';

export async function status(): Promise<number> {
  const context = networkContext();
  const states = await printState(context);
  const isRunning = states.every(({ pid }) => pid !== undefined);
  if (!existsSync(context.layout.genesisBlock)) return isRunning ? 0 : 1;
  const material = await preparedMaterial(context);
  const nodes = nodesOf(context, material);
  const { findings } = await examine(nodes);
  // The table says which do not run.
  const lines = await report(
    nodes,
    findings.filter(({ is }) => is !== 'down'),
  );
  const unknown = await certificateLines(context, material);
  for (const line of [...lines, ...unknown, ...soonest(context)]) console.log(line);
  if (candidates(findings).length > 0) console.log('npm run network -- up starts them again, one at a time');
  return isRunning && unknown.length === 0 && findings.every(({ is }) => is === 'catching-up') ? 0 : 1;
}

/** Nodes whose certificates are not what the channel and the disk say, each with its remedy. */
async function certificateLines({ consortium, layout }: NetworkContext, material: Material): Promise<string[]> {
  const binaries = await requireBinaries(process.env).catch(() => undefined);
  if (binaries === undefined) return [];
  writeAdministrators(layout, material);
  const changed = { consortium, layout, material };
  const configuration = await runningConfiguration(changed, binaries).catch(() => undefined);
  return configuration === undefined ? [] : certificateFindings(changed, configuration.group);
}

function soonest({ layout }: NetworkContext): string[] {
  const now = new Date();
  const listed = certificatesIn(join(layout.dataDir, 'organisations'));
  const soon = listed.filter(({ until }) => until === undefined || daysLeft(until, now) < SOON_DAYS).length;
  return soon === 0 ? [] : [`certificates that end within ${SOON_DAYS} days: ${soon}; npm run network -- certs`];
}

/** Prints the table. */
export async function printState({ consortium, layout }: NetworkContext): Promise<Awaited<ReturnType<typeof stateOf>>> {
  const material = existsSync(layout.genesisBlock) ? await materialOf(consortium, layout) : undefined;
  const states = await stateOf(layout, consortium.channel, material);
  const rows = states.map(({ name, port, pid, height, part }) => [
    ...[name, pid === undefined ? 'down' : 'running', String(port), String(pid ?? ''), String(height ?? '')],
    part ?? '',
  ]);
  console.log(table([['process', 'state', 'port', 'number', 'height', 'orders as'], ...rows], [0, 5]));
  return states;
}

/** @throws Error where there is no network */
export async function preparedMaterial({ consortium, layout }: NetworkContext): Promise<Material> {
  if (!existsSync(layout.genesisBlock)) throw new Error(NO_NETWORK);
  return materialOf(consortium, layout);
}
