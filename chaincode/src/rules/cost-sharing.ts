/** The patient's part of what is allowed, by the terms of the coverage. */
import type { BillItem, BillPart } from '../model/bill.ts';
import type { Cover } from '../model/coverage.ts';
import { percentOf } from '../model/money.ts';

/** Why a part of what is billed is not paid: `name` is an edit or one of ADJUSTMENTS. */
export interface Adjusted {
  name: string;
  units: number;
}

/** What becomes of what is allowed of a part, in minor units. */
export interface Shared {
  /** Copay, coinsurance and deductible. */
  share: number;
  deductible: number;
  benefit: number;
  /** What it is less than what was allowed, by its reasons. */
  adjustments: Adjusted[];
}

/** The terms of one claim's adjudication: they remember what its earlier parts took. */
export interface CostSharing {
  hasDeductible: boolean;
  /** Why nothing of a part is paid whatever its price, as a name of ADJUSTMENTS; undefined where it may be. */
  denies: (item: BillItem, part: BillPart) => string | undefined;
  /** @param allowed minor units */
  take: (item: BillItem, part: BillPart, allowed: number) => Shared;
}

/** Adjustments that are not of nothing. */
const adjustmentsOf = (units: Readonly<Record<string, number>>): Adjusted[] =>
  Object.entries(units).flatMap(([name, sum]) => (sum === 0 ? [] : [{ name, units: sum }]));

/** By the Coverage alone: its copay first, once per claim, from the lines in their order; its coinsurance on what is left of each. */
export function sharingOf(cover: Cover): CostSharing {
  let copayLeft = cover.copay?.units ?? 0;
  return {
    hasDeductible: false,
    denies: () => undefined,
    take: (_item, _part, allowed) => {
      const copay = Math.min(allowed, copayLeft);
      copayLeft -= copay;
      const coinsurance = cover.coinsurance === undefined ? 0 : percentOf(allowed - copay, cover.coinsurance);
      const share = copay + coinsurance;
      return { share, deductible: 0, benefit: allowed - share, adjustments: adjustmentsOf({ copay, coinsurance }) };
    },
  };
}
