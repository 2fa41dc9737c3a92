/**
 * What the custodian does about a request for an emergency: asks its own peer what comes of it, opens a review, and has the
 * glass broken with the holder or else the requestor. No step of it waits for one particular other organisation.
 */
import { REVIEW_STEPS } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { AccessRequest, AccessState, InputOf, PrivateOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import { licenceNaming } from '../registers/licence-shown.ts';
import type { Services } from '../services.ts';
import { filledFrom, patientIn, toldOf } from './deciding.ts';
import { anchoredText, type Shown, shownAbout } from './decision.ts';
import type { FilledPart } from './parts.ts';
import { refuse } from './refusals.ts';

type Sides = Pick<Services, 'index' | 'ledger' | 'refusals' | 'refusalsEveryMs'>;
type Evaluated = PrivateOf<'EvaluateEmergency'>;

/** Nothing that is on its way is waited for. */
const NEVER = new Date(0).toISOString();

/** @throws what the decision lacks: it is to be tried again */
export async function emergencyDecided(state: AccessState, request: AccessRequest, sides: Sides): Promise<void> {
  const { index, ledger } = sides;
  const { id, requestor, holder } = state;
  const parties = { id, requestor, holder };
  const { licence, shown } = await shownFor(state, request, index);
  const { requestor: _, ...grounds } = shown.grounds;
  const apart = patientIn(grounds);
  const part = await filledFrom(shown, { index, holder, since: NEVER, ...apart }, async (records, companions) => {
    const asked = { ...grounds, ...licence, records, companions };
    const { permitted = [], ...evaluated } = await ledger.evaluate('EvaluateEmergency', parties, { private: asked });
    if (evaluated.outcome === 'deny') return evaluated;
    const reasons = records.map((_, place) => (permitted.includes(place) ? 'consent-permits' : 'consent-denied'));
    return { ...evaluated, reasons };
  });
  if (part.refusal !== undefined) return refuse(state, part.refusal, sides);
  const { records, companions, until } = part;
  const told = { ...toldOf(part), ...restrictedIn(part) };
  await breakGlass(parties, { ...grounds, ...licence, records, companions, until, ...told }, sides);
}

/** Whoever treats her is told that there is something that she has restricted. */
export const restrictedIn = ({ withheld }: Pick<FilledPart, 'withheld'>): { restricted?: true } =>
  withheld['disputed'] === undefined ? {} : { restricted: true };

/** Opens the review, where an earlier try has not, and delivers. */
async function breakGlass(
  parties: InputOf<'BreakGlass'>,
  shown: Evaluated & Pick<FilledPart, 'through' | 'unreadable'> & { until: string | undefined; restricted?: true },
  { index, ledger }: Sides,
): Promise<void> {
  const { request, state, licence, patient, records, companions, until, through, unreadable, restricted } = shown;
  if (licence === undefined || patient === undefined) throw new Error('a permission without a licence or a patient');
  const key = privateKeys.review(parties.id, REVIEW_STEPS.opened);
  const asked = { request, state, licence };
  if (!(await index.evidence.isWritten(collections.reviews, key)))
    await ledger.submit('OpenReview', parties, { ...asked, salt: newSalt() }, AS_SYSTEM);
  const review = await anchoredText(index, collections.reviews, key);
  const told = {
    ...(until === undefined ? {} : { until }),
    ...toldOf({ through, unreadable }),
    ...(restricted && { restricted }),
  };
  const delivered = { patient, records, companions, ...told };
  await ledger.submit('BreakGlass', parties, { ...asked, review, ...delivered, salt: newSalt() }, AS_SYSTEM);
}

/** What is shown of an emergency, without the records: what is here now, nothing that is on its way is waited for. */
async function shownFor(
  state: AccessState,
  request: AccessRequest,
  index: ReadModel,
): Promise<{ licence: Pick<Evaluated, 'licence'>; shown: Shown }> {
  const inbox = collections.inbox(state.requestor);
  const common = {
    requestor: state.requestor,
    request: await anchoredText(index, inbox, privateKeys.request(state.id)),
    state: await anchoredText(index, inbox, privateKeys.access(state.id, 1)),
  };
  const { candidates, ...shown } = await shownAbout(state, request, common, index);
  // The Patient goes apart, and with the first part.
  const records = candidates.filter(({ type }) => type !== 'Patient');
  const who = { organisation: state.requestor, practitioner: request.practitioner ?? '' };
  return { licence: await licenceNaming(index, who), shown: { ...shown, candidates: records } };
}
