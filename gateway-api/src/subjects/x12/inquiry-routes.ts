/** How requests for authorization stand: a 278 inquiry asks a provider's own gateway, and a 278 answers (005010X215). */
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { inquired } from '../authorizations/inquiry.ts';
import { resourcesOf } from '../authorizations/requests.ts';
import { aboutOf } from '../reads/read-log.ts';
import type { Services } from '../services.ts';
import { answerInquiry278, type Found278, type Standing278 } from './answers-278-inquiry.ts';
import { meantBy } from './authorization-of.ts';
import { type Inquiry278, readInquiry278 } from './inquiries-278.ts';
import { patientOf } from './members.ts';
import { type Asking, questionRoutes } from './question-routes.ts';
import { withReasons } from './reasons-278.ts';
import type { TransactionSet } from './segments.ts';
import type { Written } from './writing.ts';

/** Requests that one inquiry is answered with, the newest. */
const MOST = 100;

async function standing(set: TransactionSet, { services, caller, notMapped, now }: Asking): Promise<Written[]> {
  const asked = readInquiry278(set, notMapped);
  const answers = new Map<Inquiry278, Found278>();
  for (const inquiry of asked.inquiries) {
    const answer = await foundBy(inquiry, services);
    if ('found' in answer)
      for (const one of answer.found) one.response = await withReasons(one.response, services, notMapped);
    answers.set(inquiry, answer);
  }
  const shown = [...answers.values()]
    .flatMap((one) => ('found' in one ? one.found : []))
    .map(({ claim, response }) => ({ id: response.id, patient: patientOf(claim) }));
  await services.readLog.note(caller, { interaction: 'search', type: 'ClaimResponse', about: aboutOf('shown', shown) });
  return answerInquiry278(asked, answers, now);
}

async function foundBy(inquiry: Inquiry278, services: Services): Promise<Found278> {
  const meant = await meantBy(inquiry, services.index);
  if ('at' in meant) return { fault: meant };
  const example = { resourceType: 'Claim', id: 'example', item: inquiry.codes.map(itemOf) };
  const ids = await inquired(services.index, example, `Coverage/${meant.coverage}`);
  const all: Standing278[] = [];
  for (const id of ids) {
    if (all.length === MOST) break;
    const one = await resourcesOf(services, id);
    if (isMeant(one, inquiry)) all.push(one);
  }
  return { found: all };
}

const itemOf = (code: string): object => ({ productOrService: { coding: [{ code }] } });

function isMeant({ claim, response }: Standing278, { numbers, served }: Inquiry278): boolean {
  const own = [response['preAuthRef'], (response['request'] as Reference).reference?.replace(/^Claim\//, '')];
  if (numbers.length > 0 && !numbers.some((one) => own.includes(one))) return false;
  return served === undefined || daysOf(claim).some(({ start, end }) => start <= served.last && served.first <= end);
}

/** Days that are asked for; of a line without days it is open. */
const daysOf = (claim: Resource): { start: string; end: string }[] =>
  ((claim['item'] ?? []) as { servicedDate?: string; servicedPeriod?: { start?: string; end?: string } }[]).map(
    ({ servicedDate, servicedPeriod = {} }) => ({
      start: (servicedDate ?? servicedPeriod.start ?? '').slice(0, 10),
      end: (servicedDate ?? servicedPeriod.end ?? '9999-12-31').slice(0, 10),
    }),
  );

export const inquiryByX12 = questionRoutes({
  path: '/x12/278/inquiry',
  kinds: ['provider'],
  roles: ['system'],
  summary: 'How requests for prior authorization stand: an X12 278 inquiry (005010X215) is answered by a 278.',
  answer: { group: 'HI', type: '278', version: '005010X215' },
  ask: standing,
});
