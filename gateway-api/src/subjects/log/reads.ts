/** Reads, newest first: this organisation's own log and, at the custodian, what others' anchors have carried of theirs. */

import type { LogRow } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import { rowIn } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import type { Behind } from '../../index/read/carried-reads.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { ReadLog, Wanted } from '../reads/read-log.ts';

/** A read, and at which organisation. */
export interface ReadAt {
  organisation: string;
  read: LogRow;
  /** Where the list goes on behind it. */
  behind: ReadsPlace;
}

/** Where both lists stand. */
export interface ReadsPlace {
  own?: number;
  carried?: Behind;
}

export interface ReadsOptions {
  readLog: Pick<ReadLog, 'page'>;
  index: Pick<ReadModel, 'carriedReads'>;
  /** Name of this organisation. */
  organisation: string;
  isCustodian: boolean;
}

const PAGE = 50;

interface Found {
  organisation: string;
  read: LogRow;
  place: ReadsPlace;
}

/** Everything that is wanted, from behind a place on. */
export async function* readsFrom(
  wanted: Wanted,
  options: ReadsOptions,
  behind: ReadsPlace = {},
): AsyncGenerator<ReadAt> {
  const lists = [ownReads(wanted, options, behind.own), carriedReads(wanted, options, behind.carried)];
  const heads = await Promise.all(lists.map((list) => list.next()));
  let place = behind;
  for (;;) {
    const [own, carried] = heads.map(({ done, value }) => (done === true ? undefined : (value as Found)));
    const isOwn = own !== undefined && (carried === undefined || own.read.at >= carried.read.at);
    const next = isOwn ? own : carried;
    if (next === undefined) return;
    place = { ...place, ...next.place };
    yield { organisation: next.organisation, read: next.read, behind: place };
    const at = isOwn ? 0 : 1;
    heads[at] = await lists[at]!.next();
  }
}

async function* ownReads(
  wanted: Wanted,
  { readLog, organisation }: ReadsOptions,
  behind?: number,
): AsyncGenerator<Found> {
  for (let before = behind; ; ) {
    const rows = await readLog.page(wanted, { count: PAGE, before });
    for (const row of rows) {
      const read = { ...row, sequence: Number(row.sequence) };
      before = read.sequence;
      yield { organisation, read, place: { own: before } };
    }
    if (rows.length < PAGE) return;
  }
}

async function* carriedReads(
  { patient, access }: Wanted,
  { index, isCustodian }: ReadsOptions,
  behind?: Behind,
): AsyncGenerator<Found> {
  // Without a patient these are others' affairs.
  if (!isCustodian || patient === undefined) return;
  for (let place = behind; ; ) {
    const rows = await index.carriedReads.page([patient].flat(), { count: PAGE, behind: place });
    for (const { organisation, at, sequence, text } of rows) {
      place = { at, sequence: Number(sequence) };
      const read = rowIn(text);
      if (access === undefined || read.access === access) yield { organisation, read, place: { carried: place } };
    }
    if (rows.length < PAGE) return;
  }
}
