/** Anchors the log of reads at an interval, each organisation its own. */
import { KINDS, type Kind } from '@telemed-ledger/consortium/members.ts';
import type { Duty } from '../../duties/duties.ts';

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
