/** What providers offer to patients (chaincode/model/bookings.ts): a patient sees it beside what is about her. */
import { isOffer, offeredTypes } from '@telemed-ledger/chaincode/model/bookings.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { View } from '../../index/read/deliveries.ts';

/** A patient sees what providers offer, as it stands. */
export const withOffers = (view: View): View =>
  view.compartment === undefined ? view : { ...view, offered: offeredTypes };

/** What is written in free words, which may be about somebody. */
const WORDS = ['comment', 'text'];
const withoutWords = (one: StoredResource): StoredResource => ({
  ...one,
  resource: Object.fromEntries(Object.entries(one.resource).filter(([name]) => !WORDS.includes(name))) as Resource,
});

/**
 * Of what is about no patient and is seen as an offer, what is one, without its free words: every patient sees it. What names several
 * patients is none.
 */
export const onlyOffers = (found: readonly (StoredResource | undefined)[], { offered = [] }: View): StoredResource[] =>
  found.flatMap((one) => {
    if (one === undefined) return [];
    const isSeenAsOffer = one.patient === undefined && offered.includes(one.resource.resourceType);
    if (!isSeenAsOffer) return [one];
    return isOffer(one.resource) ? [withoutWords(one)] : [];
  });
