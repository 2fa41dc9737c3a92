/**
 * `npm run bench -- reads`: what writing every read down costs of them. A consortium of its own, in this process, so that the
 * log can be left out: rounds with it and without take turns.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadLog } from '@telemed-ledger/gateway-api/subjects/reads/read-log.ts';
import { organisations } from '../command-line.ts';
import { startConsortium } from '../consortium.ts';
import { renewedToken } from '../credentials.ts';
import { HttpClient } from '../http.ts';
import { table } from '../table.ts';
import { closedLoop, median, perSecond, quantile, type Round } from './closed-loop.ts';
import { Rest } from './rest.ts';

const CALLERS = [1, 16, 64];
const RECORDS = 64;
const ROUNDS = 5;

/** Prints reads a second with the log and without, for 1, 16 and 64 callers. */
export async function readsWithLog(seconds: number): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'telemed-bench-'));
  const all = organisations();
  const provider = all.find(({ kind }) => kind === 'provider')!;
  const ports = Object.fromEntries(all.map(({ name }) => [name, 0]));
  const running = await startConsortium({ dataDir, ports });
  const http = new HttpClient(running.urls[provider.name]!);
  const { note } = ReadLog.prototype;
  try {
    const token = renewedToken({ dataDir, organisation: provider.name, role: 'system', minutes: 60 });
    const rest = await Rest.open(http, token);
    await closedLoop(RECORDS, 1, rest.create);
    const ms = (seconds * 1000) / (CALLERS.length * ROUNDS * 2);
    const rows: string[][] = [];
    for (const callers of CALLERS) {
      const found: Record<'with' | 'without', Round[]> = { with: [], without: [] };
      await closedLoop(callers, ms, rest.read);
      for (let round = 0; round < ROUNDS; round += 1)
        for (const kind of round % 2 === 0 ? (['with', 'without'] as const) : (['without', 'with'] as const)) {
          ReadLog.prototype.note = kind === 'with' ? note : async () => {};
          found[kind].push(await closedLoop(callers, ms, rest.read));
        }
      const [logged, bare] = [found.with, found.without].map((rounds) => median(rounds.map(perSecond)));
      const p50 = (rounds: Round[]) =>
        quantile(
          rounds.flatMap((one) => one.latenciesMs),
          0.5,
        ).toFixed(1);
      rows.push([
        ...[String(callers), bare!.toFixed(0), logged!.toFixed(0), `${((1 - logged! / bare!) * 100).toFixed(1)} %`],
        ...[
          p50(found.without),
          p50(found.with),
          String([...found.with, ...found.without].reduce((sum, { errors }) => sum + errors, 0)),
        ],
      ]);
    }
    console.log(table([['callers', 'reads/s without', 'with', 'cost', 'p50 ms without', 'with', 'errors'], ...rows]));
  } finally {
    ReadLog.prototype.note = note;
    http.close();
    await running.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
