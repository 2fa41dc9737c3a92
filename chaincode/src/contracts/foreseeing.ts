/** A dry run: what whoever asks would be shown of a patient's records, as the custodian's own peer computes it. */
import { organisationByName } from '@telemed-ledger/consortium/members.ts';
import { checkRecord } from '../ledger/evidence.ts';
import { parseValue } from '../ledger/parse.ts';
import type { Call } from '../ledger/transaction.ts';
import { LedgerError } from '../model/errors.ts';
import { mayAskFor } from '../model/purposes.ts';
import type { OutputOf } from '../model/transactions.ts';
import { consentContentSchema, type LedgerConsent } from '../rules/consents.ts';
import { foresee } from '../rules/foreseeing.ts';
import { bindActors } from './bound-actors.ts';
import { groundsAbout } from './deciding.ts';

type Evaluated = Call<'EvaluateConsents'>;

/** @throws LedgerError NOT_FOUND, CONFLICT, INVALID where what is shown is not what stands there */
export async function evaluateFor(call: Evaluated): Promise<OutputOf<'EvaluateConsents'>> {
  const { input, store, consortium, private: shown } = call;
  const { requestor, purpose, ...asking } = shown.who;
  const kind = organisationByName(consortium, requestor)?.kind;
  if (kind === undefined || requestor === input.provider)
    throw new LedgerError('INVALID', 'is no other organisation of the consortium', 'private.who.requestor');
  const patient = await checkRecord(store, input.provider, shown.patient, 'private.patient');
  if (patient.anchored.resource.resourceType !== 'Patient')
    throw new LedgerError('INVALID', 'is no Patient', 'private.patient');
  const parties = { requestor, purpose, holder: input.provider };
  const { who, consents, considered } = await groundsAbout(store, patient, parties, { ...asking, types: [] }, shown);
  const draft = await draftIn(call);
  const all = draft === undefined ? consents : [...consents.filter(({ id }) => id !== draft.id), draft];
  const isAllowed = mayAskFor(kind, purpose);
  return { decisions: foresee(all, { ...who, isAllowed }, considered, store.time) };
}

/** The consent that is being considered, as if it were given. */
async function draftIn(call: Evaluated): Promise<LedgerConsent | undefined> {
  const { draft } = call.private;
  if (draft === undefined) return undefined;
  const { id, version, resource } = draft.consent;
  const content = parseValue(consentContentSchema, resource, 'private.draft.consent.resource');
  const actors = await bindActors(call, call.input.provider, content, draft.actors ?? []);
  return { id, version, status: 'active', resource: content, actors };
}
