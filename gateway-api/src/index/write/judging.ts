/**
 * Judges the resources that other organisations are the authors of, before they become rows: who runs changed chaincode, or
 * goes past its gateway, can anchor anything. What this organisation wrote was judged before it was sent.
 */
import { inStretches } from '../../http/pauses.ts';
import { isDeletion } from '../current.ts';
import type { KeyRows, VersionRows } from './rows.ts';
import { contentOf } from './values.ts';

/** Why a resource is not shown; undefined for a sound one. */
export type Judge = (resource: Readonly<Record<string, unknown>>) => string | undefined;

/**
 * Notes what is wrong with each version of these keys. A faulty one keeps its row, so that what is on the ledger stays
 * accounted for, and is found by nothing. Holds nobody up: a block can hold thousands.
 * @param own MSP id of this organisation
 */
export async function judgeForeign(keys: readonly KeyRows[], own: string, judge: Judge): Promise<void> {
  const foreign = keys.flatMap(({ versions }) => versions).filter(({ row }) => row.author !== own);
  await inStretches(foreign, (version) => judgeVersion(version, judge));
}

/** As it would be shown: the text is read again, with the digits of its numbers. */
function judgeVersion(version: VersionRows, judge: Judge): void {
  const { row } = version;
  if (isDeletion(row)) return;
  const resources = contentOf(row)?.resources ?? [];
  const resource = resources.findLast((one) => one.resourceType === row.type && one.id === row.id);
  const fault = resource === undefined ? 'structure Resource' : judge(resource);
  if (fault === undefined) return;
  row.fault = fault;
  version.searchValues = [];
}
