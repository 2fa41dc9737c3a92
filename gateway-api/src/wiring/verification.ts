/** The comparison of one gateway's read model with its peer's ledger, wired. */
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { GatewayConfig } from '../config.ts';
import { indexFile } from '../index/sqlite/stores.ts';
import type { Compare } from '../index/verification/sweeper.ts';
import { type VerificationTask, verifyInThread } from '../index/verification/thread.ts';
import { making } from '../index/write/making.ts';
import type { LogAnchors } from '../subjects/reads/anchors.ts';
import type { ReadLog } from '../subjects/reads/read-log.ts';
import type { LedgerSide } from './ledger.ts';

/** Begins comparisons, each in a thread of its own. */
export function comparisons(config: GatewayConfig, consortium: Consortium, side: LedgerSide): Compare {
  return (unhurried, stop) => {
    const thread = side.systemIdentity().then((identity) => {
      const { organisation: member, connection, timeouts, dataDir } = config;
      const secrets = { identity, secret: identity.privateKey, making: making() };
      const position = side.feed.position();
      const task = { member, consortium, connection, timeouts, ...secrets, live: liveOf(config), position, unhurried };
      return verifyInThread(task, dataDir, stop);
    });
    const hurry = (): void => void thread.then((running) => running.hurry()).catch(() => {});
    return { report: thread.then((running) => running.report), hurry };
  };
}

/** The same with what is wrong with the log of reads, which is held to its own chain and to what is anchored of it. */
export const withReads =
  (compare: Compare, readLog: Pick<ReadLog, 'differences'>, anchors: Pick<LogAnchors, 'own'>): Compare =>
  (unhurried, stop) => {
    const { report, hurry } = compare(unhurried, stop);
    const whole = async () => {
      const found = await report;
      return { ...found, differences: [...found.differences, ...(await readLog.differences(anchors.own(), stop))] };
    };
    return { report: whole(), hurry };
  };

function liveOf({ dataDir, database }: GatewayConfig): VerificationTask['live'] {
  if (database === undefined) return { file: indexFile(dataDir) };
  return { database: { ...database, password: database.password() } };
}
