/**
 * What becomes of one request. The custodian's own peer says first what comes of it: that stands in no block. Only what is
 * permitted goes to the holder, and waits for it; a refusal waits for nobody and shows nobody why.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { isWaiting } from '@telemed-ledger/chaincode/model/waiting.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { CompanionFinder } from './companions.ts';
import { counted } from './counting.ts';
import { evidenceAt, isWaitedFor, type Shown } from './decision.ts';
import { type FilledPart, filledPart, type Source } from './parts.ts';
import { refuse } from './refusals.ts';
import type { Decision } from './together.ts';

/** What becomes of a request: it is delivered by a decision that is still to be sent, it waits for the patient, or neither. */
export interface Become {
  decision?: Decision;
  /** When it is to be looked at again whatever happens, milliseconds since 1970. */
  until?: number;
}

type Deciding = Pick<Services, 'index' | 'ledger' | 'refusals' | 'refusalsEveryMs'>;

/** Where nothing is permitted and nothing is waited for, the refusal is noted. @throws what the decision lacks: it is to be tried again */
export async function becomeOf(state: AccessState, found: Shown, services: Deciding): Promise<Become> {
  const { id, holder, requestedAt } = state;
  const { ledger, index } = services;
  const shown = withoutRecordsInVain(found);
  if (shown.request.overview === true) return overviewed(state, shown, services);
  const part = await filledFrom(shown, { index, holder, since: requestedAt }, (records, companions) =>
    ledger.evaluate('EvaluateAccess', { id, holder }, { private: { ...shown.grounds, records, companions } }),
  );
  const { records, companions, withheld } = part;
  if (records.length === 0) return undelivered(state, part, services);
  const delivered = { ...shown.grounds, records, companions, ...toldOf(part), withheld, salt: newSalt() };
  return { decision: { id, holder, shown: delivered } };
}

/**
 * Without a consent nothing is permitted, whatever the records are. None is read then, so that it takes as long as of a patient whom
 * nobody knows, however many there are.
 */
const withoutRecordsInVain = (shown: Shown): Shown =>
  shown.grounds.consents.length === 0 ? { ...shown, candidates: [] } : shown;

/** Of whichever type something may be shown, by one record of each. */
async function overviewed(state: AccessState, shown: Shown, services: Deciding): Promise<Become> {
  const { id, holder, requestedAt } = state;
  const { ledger, index } = services;
  const { counts, samples, ...none } = await counted(
    shown,
    { evidenceOf: (record) => evidenceAt(index, record), isWaitedFor: isWaitedFor(requestedAt) },
    (records) => ledger.evaluate('EvaluateAccess', { id, holder }, { private: { ...shown.grounds, records } }),
  );
  if (samples.length === 0) return undelivered(state, none, services);
  return { decision: { id, holder, shown: { ...shown.grounds, records: samples, counts, salt: newSalt() } } };
}

async function undelivered(
  state: AccessState,
  { refusal, again = state.waitUntil }: { refusal?: FilledPart['refusal'] | undefined; again?: string | undefined },
  services: Deciding,
): Promise<Become> {
  if (again !== undefined && isWaiting(state, new Date().toISOString())) return { until: Date.parse(again) };
  await refuse(state, refusal ?? { reason: 'records-absent' }, services);
  return {};
}

/** What is said of a part to all that have its step. */
export const toldOf = ({
  through,
  unreadable,
}: {
  through?: FilledPart['through'] | undefined;
  unreadable?: true | undefined;
}): Pick<FilledPart, 'through' | 'unreadable'> => ({
  ...(through === undefined ? {} : { through }),
  ...(unreadable === undefined ? {} : { unreadable }),
});

/** The Patient where it goes apart from the records, for what goes with it. */
export const patientIn = ({ patient }: Pick<Shown['grounds'], 'patient'>): { apart?: Resource } =>
  patient === undefined ? {} : { apart: (JSON.parse(patient.text) as { resource: Resource }).resource };

/**
 * A part of what is shown. @param since from when on what has not arrived is waited for, ISO 8601
 * @param apart what goes with it that is none of the records
 */
export async function filledFrom(
  { request, candidates }: Shown,
  { index, holder, since, apart }: { index: ReadModel; holder: string; since: string; apart?: Resource },
  evaluate: Source['evaluate'],
): Promise<FilledPart> {
  const finder = new CompanionFinder(index, holder);
  const part = await filledPart({
    ...{ candidates, asked: request, evaluate },
    companionsOf: (resource) => finder.of(resource),
    ...(apart === undefined ? {} : { apart }),
    evidenceOf: (record) => evidenceAt(index, record),
    isWaitedFor: isWaitedFor(since),
  });
  // A content that has not arrived does not say what is in it.
  const lacking = part.through === undefined ? await index.undelivered.countIn(collections.care(holder)) : 0;
  if (lacking === 0) return part;
  return { ...part, unreadable: true, withheld: { ...part.withheld, 'not-arrived': lacking } };
}
