/**
 * Which other claims of a provider's are counted together with one, where a payer's tables limit what it pays of a person and day: those
 * of the same patient that stand, and of those that are not decided yet the ones that came before it.
 */
import type { Bill, BillPart } from './bill.ts';
import { targetOf } from './claim-evidence.ts';
import type { ClaimStatus } from './claim-steps.ts';
import { type ClaimTables, isNamedBy } from './claim-tables.ts';
import type { ClaimRecord } from './claims.ts';
import type { ClaimState } from './values.ts';

/** The most claims that are counted beside one. */
export const MAX_BESIDE = 100;

/** Not decided yet. */
const OPEN: readonly ClaimStatus[] = ['submitted', 'pended', 'queued', 'countersign'];
/** They take no part: nothing of them is paid, or another claim has taken their place. */
const OVER: readonly ClaimStatus[] = ['denied', 'cancelled', 'voided', 'replaced'];

export const isOpen = ({ status }: Pick<ClaimState, 'status'>): boolean => OPEN.includes(status);

type Told = Pick<ClaimState, 'id' | 'submittedAt'>;

/** Claims come in the order in which they were submitted; of two at one moment by their ids. */
const isBefore = (one: Told, other: Told): boolean =>
  one.submittedAt === other.submittedAt ? one.id < other.id : one.submittedAt < other.submittedAt;

/** Whether a claim counts beside another one, by how it stands. */
export function countsBeside(own: Told, other: Told & Pick<ClaimState, 'status'>): boolean {
  if (own.id === other.id || OVER.includes(other.status)) return false;
  return !isOpen(other) || isBefore(other, own);
}

type Person = Pick<ClaimRecord, 'identities' | 'resource'>;

const patientIn = ({ resource }: Person): string | undefined => targetOf(resource['patient']);

/** Whether two claims of one provider are for one person: by her record, or by her names with birth date and gender. */
export const isSamePerson = (one: Person, other: Person): boolean =>
  patientIn(one) === patientIn(other) ||
  (one.identities ?? []).some((name) => other.identities?.includes(name) === true);

/** Whether two bills are of one kind: a service honestly has two, the practitioner's, and that of the house it was rendered in. */
export const isSameBiller = (one: Pick<Bill, 'type'>, other: Pick<Bill, 'type'>): boolean =>
  (one.type === 'institutional') === (other.type === 'institutional');

const namedIn = (code: string, { codes }: Pick<BillPart, 'codes'>): boolean =>
  codes.some((one) => isNamedBy(code, one));

const partsIn = (part: BillPart): BillPart[] => [part, ...part.parts.flatMap(partsIn)];

/** Whether any row of a payer's tables counts what a bill asks for together with what other claims do. */
export function isCounted(
  { items }: Pick<Bill, 'items'>,
  { units = [], pairs = [] }: Pick<ClaimTables, 'units' | 'pairs'>,
) {
  const parts = items.flatMap(partsIn);
  const codes = [
    ...units.flatMap(({ code, perDay }) => (perDay === undefined ? [] : [code])),
    ...pairs.flatMap((row) => [row.code, row.with]),
  ];
  return codes.some((code) => parts.some((part) => namedIn(code, part)));
}
