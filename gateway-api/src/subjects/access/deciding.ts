/**
 * Has one request decided. The custodian's own peer says first what comes of it: that stands in no block. Only what is
 * permitted goes to the holder, and waits for it; a refusal waits for nobody and shows nobody why.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { isWaiting } from '@telemed-ledger/chaincode/model/waiting.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { CompanionFinder } from './companions.ts';
import { counted } from './counting.ts';
import { evidenceAt, isWaitedFor, type Shown } from './decision.ts';
import { type FilledPart, filledPart, type Source } from './parts.ts';
import { refuse } from './refusals.ts';

/**
 * @returns when it is to be looked at again whatever happens, milliseconds since 1970, where it waits for the patient
 * @throws what the decision lacks: it is to be tried again, also where what was permitted is so no more
 */
export async function decided(
  state: AccessState,
  shown: Shown,
  services: Pick<Services, 'index' | 'ledger' | 'refusals' | 'refusalsEveryMs'>,
): Promise<number | undefined> {
  const { id, holder, waitUntil, requestedAt } = state;
  const { ledger, index } = services;
  if (shown.request.overview === true) return overviewed(state, shown, services);
  const part = await filledFrom(shown, { index, holder, since: requestedAt }, (records, companions) =>
    ledger.evaluate('EvaluateAccess', { id, holder }, { private: { ...shown.grounds, records, companions } }),
  );
  const { records, companions, refusal, again = waitUntil } = part;
  if (records.length > 0) {
    const { withheld } = part;
    const delivered = { ...shown.grounds, records, companions, ...toldOf(part), withheld, salt: newSalt() };
    await ledger.submit('DecideAccess', { id, holder }, delivered, AS_SYSTEM);
  } else if (again !== undefined && isWaiting(state, new Date().toISOString())) return Date.parse(again);
  else await refuse(state, refusal ?? { reason: 'records-absent' }, services);
  return undefined;
}

/** Of whichever type something may be shown, by one record of each. @returns as decided */
async function overviewed(
  state: AccessState,
  shown: Shown,
  services: Pick<Services, 'index' | 'ledger' | 'refusals' | 'refusalsEveryMs'>,
): Promise<number | undefined> {
  const { id, holder, requestedAt } = state;
  const { ledger, index } = services;
  const { counts, samples, refusal, again } = await counted(
    shown,
    { evidenceOf: (record) => evidenceAt(index, record), isWaitedFor: isWaitedFor(requestedAt) },
    (records) => ledger.evaluate('EvaluateAccess', { id, holder }, { private: { ...shown.grounds, records } }),
  );
  if (samples.length > 0) {
    const told = { ...shown.grounds, records: samples, counts, salt: newSalt() };
    await ledger.submit('DecideAccess', { id, holder }, told, AS_SYSTEM);
  } else if (again !== undefined && isWaiting(state, new Date().toISOString())) return Date.parse(again);
  else await refuse(state, refusal ?? { reason: 'records-absent' }, services);
  return undefined;
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
