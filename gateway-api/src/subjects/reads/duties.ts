/** Anchors the log of reads at an interval, each organisation its own, and purges from the ledger what anchors carried six years ago. */
import { KINDS, type Kind } from '@telemed-ledger/consortium/members.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import type { Services } from '../services.ts';

const anchorLog = (kind: Kind): Duty<number> => ({
  name: 'anchor the log of reads',
  kind,
  on: [],
  idOf: String,
  async *find({ logAnchors, organisation }) {
    const dueAt = await logAnchors.dueAt();
    if (dueAt !== undefined && dueAt <= Date.now()) yield (await logAnchors.newest(organisation.name)) + 1;
  },
  soonest: ({ logAnchors }) => logAnchors.dueAt(),
  async perform(_n, { logAnchors }) {
    await logAnchors.anchor({ quiet: true });
  },
});

export const anchorLogs: readonly Duty<number>[] = KINDS.map(anchorLog);

interface OverReads {
  organisation: string;
  from: number;
  to: number;
}

/** How long the custodian leaves it to an organisation to purge its own. */
const LEFT_TO_ITS_OWN_MS = 7 * 24 * 3_600_000;

/** Whose rows an organisation purges, and how long after their time is over: the custodian's own are on no ledger. */
const purgedBy = ({ consortium, organisation: { name, kind } }: Services): { of: string; afterMs: number }[] =>
  kind === 'custodian'
    ? consortium.organisations
        .filter((one) => one.name !== name)
        .map((one) => ({ of: one.name, afterMs: LEFT_TO_ITS_OWN_MS }))
    : [{ of: name, afterMs: 0 }];

const purgeReads = (kind: Kind): Duty<OverReads> => ({
  name: 'purge rows of logs of reads',
  kind,
  on: [],
  idOf: ({ organisation, from }) => `${organisation}/${from}`,
  async *find(services) {
    const { logAnchors } = services;
    for (const { of: organisation, afterMs } of purgedBy(services)) {
      const over = await logAnchors.over(organisation, afterMs);
      if (over !== undefined) yield { organisation, ...over };
    }
  },
  async soonest(services) {
    let soonest: number | undefined;
    for (const { of, afterMs } of purgedBy(services)) {
      const at = await services.logAnchors.overAt(of);
      if (at !== undefined) soonest = Math.min(soonest ?? Number.POSITIVE_INFINITY, at + afterMs);
    }
    return soonest;
  },
  async perform(over, { ledger }) {
    await ledger.submit('PurgeReads', over, undefined, AS_SYSTEM);
  },
});

export const purgeOverReads: readonly Duty<OverReads>[] = KINDS.map(purgeReads);
