/**
 * Claims whose records were changed before they were decided: their provider's gateway shows the records as they are now, and their
 * payer's decides them by these. Nobody needs to look at a correction of an address.
 */

import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import { ownStates } from '../../duties/found.ts';
import { reopen } from './corrections.ts';
import { adjudicate } from './screenings.ts';

/** What such a claim waits for, as its state says. */
const CHANGED = 'evidence-outdated';

export const showChangedRecords: Duty<ClaimState> = {
  name: 'show changed records',
  kind: 'provider',
  on: [events.ClaimAdjudicated],
  idOf: ({ id, step }) => `${id}/${step}`,
  async *find(services) {
    for await (const state of ownStates(services, 'claim', claimStateSchema, ['pended']))
      if (state.provider === services.organisation.name && state.reason === CHANGED) yield state;
  },
  async perform({ id }, services) {
    const asked = { id, kind: 'supplement', reason: 'the records as they are now' } as const;
    await reopen(services, { ...asked, added: { records: [], items: [] } }, AS_SYSTEM);
  },
};

export const decideByChangedRecords: Duty<ClaimState> = {
  name: 'decide by changed records',
  kind: 'payer',
  on: [events.ClaimSubmitted],
  idOf: ({ id, step }) => `${id}/${step}`,
  async *find(services) {
    const own = collections.billing(services.organisation.name);
    for await (const state of ownStates(services, 'claim', claimStateSchema, ['submitted'])) {
      if (state.payer !== services.organisation.name || state.step === 1) continue;
      const text = await services.index.evidence.text(own, privateKeys.claimState(state.id, state.step - 1));
      if (text !== undefined && (JSON.parse(text) as ClaimState).reason === CHANGED) yield state;
    }
  },
  async perform({ id }, services) {
    await adjudicate(services, id, undefined, AS_SYSTEM);
  },
};
