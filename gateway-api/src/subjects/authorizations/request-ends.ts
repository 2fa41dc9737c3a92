/** The payer's duty of purging what requests for authorization showed and contained, once nothing takes them any more. */
import { authorizationEnds } from '@telemed-ledger/chaincode/model/authorization-ends.ts';
import {
  type AuthorizationState,
  authorizationRecordSchema,
  authorizationStateSchema,
} from '@telemed-ledger/chaincode/model/authorizations.ts';
import type { ClaimTerms } from '@telemed-ledger/chaincode/model/claim-rules.ts';
import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import { newSalt } from '../../ledger/sender.ts';
import { rulesShown } from '../claims/claims.ts';
import { whatEnds } from '../claims/ending.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { standingOf } from './requests.ts';

async function isDue(
  { index, organisation: { name } }: Services,
  state: AuthorizationState,
  { today, terms }: { today: string; terms: ClaimTerms },
): Promise<boolean> {
  if (state.payer !== name || state.purgedAt !== undefined) return false;
  const text = await index.evidence.text(collections.billing(name), privateKeys.authorization(state.id, state.step));
  if (text === undefined) return false;
  const [, response] = authorizationRecordSchema.parse(JSON.parse(text)).resources;
  const ends = authorizationEnds(state, response!, terms);
  return ends !== undefined && ends <= today;
}

const purge = (services: Services, id: string): Promise<void> =>
  upToDate(async () => {
    const { index, ledger, organisation } = services;
    const standing = await standingOf(services, id);
    if (standing === undefined || standing.state.purgedAt !== undefined) return;
    const { provider } = standing.state;
    const rules = await rulesShown(index, collections.billing(organisation.name), organisation.name);
    const shown = { salt: newSalt(), ...standing.shown, ...rules };
    await ledger.submit('PurgeAuthorization', { id, ...(provider && { provider }) }, shown, AS_SYSTEM);
  });

export const purgeAuthorizations: Duty<AuthorizationState> = {
  name: 'purge authorizations',
  kind: 'payer',
  on: [events.AuthorizationRequested, events.AuthorizationDecided],
  idOf: ({ id }) => id,
  find: whatEnds({
    ...{ kind: 'authorization', schema: authorizationStateSchema, isDue },
    statuses: ['approved', 'partial', 'denied', 'cancelled'],
  }),
  perform: ({ id }, services) => purge(services, id),
};
