/**
 * Coordination of benefits: what a payer owes next to what others paid before, so that all of them together pay no more than what each
 * of them allows. It pays at most what it would have paid alone.
 */
import type { PriorDecision } from '../model/coordination.ts';
import { type Adjudication, type Decided, statusOf, sumOf } from './adjudication.ts';
import type { Adjusted } from './cost-sharing.ts';

/** What others paid of a line, and the least that one of them who paid allowed; minor units. */
interface Before {
  paid: number;
  allowed: number;
}

function beforeOf(prior: readonly PriorDecision[], sequence: number): Before | undefined {
  const lines = prior.flatMap(({ lines: all }) => all.filter((line) => line.sequence === sequence));
  if (lines.length === 0) return undefined;
  const paid = lines.reduce((sum, line) => sum + line.paid, 0);
  const allowed = lines.filter((line) => line.allowed > 0).map((line) => line.allowed);
  return { paid, allowed: Math.min(...allowed, Number.MAX_SAFE_INTEGER) };
}

/** What is left of the others' payment and allowance for the next part. */
interface Left {
  paid: number;
  cut: number;
}

/** The patient's share first in its first reasons, down to what is left of it. */
function sharesWithin(adjustments: readonly Adjusted[], names: ReadonlySet<string>, share: number): Adjusted[] {
  let left = share;
  return adjustments.flatMap((one) => {
    if (!names.has(one.name)) return [one];
    const units = Math.min(left, one.units);
    left -= units;
    return units === 0 ? [] : [{ ...one, units }];
  });
}

const SHARES = new Set(['deductible', 'coinsurance', 'copay']);

/** A part that is decided itself, next to what others paid of it. */
function coordinateAlone(part: Decided, left: Left): Decided {
  const cut = Math.min(part.eligible, left.cut);
  const paid = Math.min(part.eligible - cut, left.paid);
  left.cut -= cut;
  left.paid -= paid;
  const open = part.eligible - cut - paid;
  const benefit = Math.min(part.benefit, open);
  const share = open - benefit;
  const eligible = open;
  const others = [
    { name: 'prior-payer', units: paid },
    { name: 'prior-allowed', units: cut },
  ].filter(({ units }) => units > 0);
  return {
    ...part,
    ...{ benefit, share, eligible, deductible: Math.min(part.deductible, share), reduction: part.submitted - eligible },
    adjustments: [...sharesWithin(part.adjustments, SHARES, share), ...others],
  };
}

const isInParts = ({ parts }: Decided): boolean => parts.some(({ submitted }) => submitted > 0);

function coordinate(part: Decided, left: Left): Decided {
  if (!isInParts(part)) return coordinateAlone(part, left);
  const parts = part.parts.map((inner) => coordinate(inner, left));
  const units = new Map<string, number>();
  for (const one of parts.flatMap(({ adjustments }) => adjustments))
    units.set(one.name, (units.get(one.name) ?? 0) + one.units);
  const adjustments = [...units].map(([name, sum]) => ({ name, units: sum }));
  return { ...part, ...sumOf(parts), parts, adjustments };
}

/**
 * An adjudication next to what others paid: `submitted = paid before + benefit + share + what is not allowed` of each line.
 * @param prior what they decided, in the currency of the claim
 */
export function coordinated(adjudication: Adjudication, prior: readonly PriorDecision[]): Adjudication {
  if (prior.length === 0) return adjudication;
  let all = 0;
  const items = adjudication.items.map((item) => {
    const before = beforeOf(prior, item.sequence);
    if (before === undefined) return item;
    all += before.paid;
    return coordinate(item, { paid: before.paid, cut: Math.max(0, item.eligible - before.allowed) });
  });
  const total = sumOf(items);
  return { ...adjudication, items, total, status: statusOf(total), prior: all };
}
