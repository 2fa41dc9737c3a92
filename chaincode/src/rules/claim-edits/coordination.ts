/** The edit that has several insurances pay in their order: who comes second pays on what the first decided. */
import { billedItems } from '../../model/claim-practitioners.ts';
import type { ClaimEdit, DenialFacts } from '../claim-facts.ts';

/**
 * A coverage that comes second (`Coverage.order`) pays nothing of a line on which nobody before it has decided, and none pays
 * on its own decision, or on one in another currency.
 */
export const paidInOrder: ClaimEdit = {
  name: 'coordination',
  version: '1',
  after: [],
  judge: ({ bill, cover, prior = [] }) => {
    const { order = 1 } = cover;
    const same = prior.find(({ coverage }) => coverage === bill.coverage);
    if (same !== undefined) return [{ coverage: cover.id, decided: same.responseId }];
    const foreign = prior.find(({ currency }) => !bill.currencies.includes(currency));
    if (foreign !== undefined) return [{ coverage: cover.id, currency: foreign.currency }];
    if (order < 2) return [];
    if (prior.length === 0) return [{ coverage: cover.id, order }];
    const decided = new Set(prior.flatMap(({ lines }) => lines.map(({ sequence }) => sequence)));
    return billedItems(bill).flatMap(({ sequence }): DenialFacts[] =>
      decided.has(sequence) ? [] : [{ item: sequence, order }],
    );
  },
};
