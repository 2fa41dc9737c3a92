/** How requests for authorization stand, as the 278 that answers one (005010X217). Pure. */
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { answeredLevel, type Level, saidAgain, segmentIn } from './levels.ts';
import type { Asked278, Read278 } from './requests-278.ts';
import { effectiveSegment, messageSegments, reviewOf, reviewOfAll, reviewSegment } from './reviews-278.ts';
import { elementOf } from './segments.ts';
import { compactDay, type Written } from './writing.ts';

/** Of each level the name that is said again. */
const NAMES: Readonly<Record<string, readonly [string, readonly number[]]>> = {
  '20': ['X3', [1, 2, 3, 8, 9]],
  '21': ['1P', [1, 2, 3, 4, 5, 8, 9]],
  '22': ['IL', [1, 2, 3, 4, 5, 8, 9]],
};
/** Why nothing was asked, or nothing can be said now, as AAA03 has it, and where that stands. */
export type Fault278 = { code: '72' | '75'; at: '22' } | { code: '33' | '42' | 'AA'; at: 'EV' };
/** The answer to a request. */
export type Answered278 = { response: Resource } | { fault: Fault278 };

/** The segments between ST and SE. @param now ISO 8601 UTC */
export function answer278(
  { levels, requests, reference, component }: Read278,
  answers: ReadonlyMap<Asked278, Answered278>,
  now: string,
): Written[] {
  const time = now.slice(11, 16).replace(':', '');
  const isOpen = [...answers.values()].some((one) => 'response' in one && isPended(one.response));
  return [
    // 19: some is still to be decided.
    ['BHT', '0007', '11', reference, compactDay(now), time, isOpen ? '19' : '18'],
    ...levels.flatMap((level) => [
      ...[answeredLevel(level), ...named(level), ...saidOf(level, requests, answers)].map((one) =>
        inParts(one, component),
      ),
    ]),
  ];
}

/** What is said again with its parts, as it is to be written; a message has none. */
export const inParts = ([id, ...elements]: Written, component: string): Written => [
  id,
  ...elements.map((one) =>
    id !== 'MSG' && typeof one === 'string' && one.includes(component) ? one.split(component) : one,
  ),
];

export function named(level: Level): Written[] {
  const [qualifier = '', places = []] = NAMES[level.code] ?? [];
  const segment = segmentIn(level, 'NM1', qualifier);
  return segment === undefined ? [] : [saidAgain(segment, places)];
}

function saidOf(level: Level, requests: readonly Asked278[], answers: ReadonlyMap<Asked278, Answered278>): Written[] {
  const below = requests.filter((one) => one.level === level || one.level.parent === level);
  const fault = below.map((one) => faultOf(answers.get(one))).find((one) => one?.at === level.code);
  if (level.code === '22') return fault === undefined ? [] : [faultSegment(fault)];
  for (const request of requests) {
    const at = request.services.findIndex((one) => one.level === level);
    if (request.level !== level && at < 0) continue;
    const answer = answers.get(request);
    const response = answer !== undefined && 'response' in answer ? answer.response : undefined;
    return level.code === 'EV' ? eventSegments(request, answer) : serviceSegments(level, at, response);
  }
  return [];
}

const faultOf = (answer: Answered278 | undefined): Fault278 | undefined =>
  answer !== undefined && 'fault' in answer ? answer.fault : undefined;

/** To be corrected and sent again; of 42 to be sent again as it is. */
export const faultSegment = ({ code }: Fault278): Written => ['AAA', 'N', '', code, code === '42' ? 'R' : 'C'];

function eventSegments({ level }: Asked278, answer: Answered278 | undefined): Written[] {
  const [trace, ...review] = saidBack(level);
  const fault = faultOf(answer);
  const isHere = fault?.at === 'EV';
  const response = answer !== undefined && 'response' in answer ? answer.response : undefined;
  return [trace!, ...(isHere ? [faultSegment(fault)] : []), ...review, ...(response ? ofEvent(response) : [])];
}

/** How the request stands as a whole, and by what it is named when it is amended or asked for (REF*NT). */
export function ofEvent(response: Resource): Written[] {
  const review = reviewOfAll(response);
  const { reference } = response['request'] as Reference;
  const own: Written = ['REF', 'NT', reference!.replace(/^Claim\//, '')];
  return [reviewSegment(review), own, ...effectiveSegment(review)];
}

export const isPended = (response: Resource): boolean =>
  objectsOf(response['item']).some((item) => reviewOf(item)?.code === 'A4');

function serviceSegments(level: Level, at: number, response: Resource | undefined): Written[] {
  const items = objectsOf(response?.['item']);
  const item = items.find(({ itemSequence }) => itemSequence === at + 1);
  const lines = level.segments.filter(({ id }) => id === 'SV1' || id === 'SV2');
  const review = item && reviewOf(item);
  const services = lines.map((one): Written => {
    const [count, places] = one.id === 'SV1' ? [4, [1, 3, 4]] : [5, [2, 4, 5]];
    const said = saidAgain(one, places as number[]);
    return review?.quantity === undefined ? said : (said.with(count as number, review.quantity) as unknown as Written);
  });
  const decided = review === undefined ? [] : [reviewSegment(review), ...effectiveSegment(review)];
  return [...saidBack(level), ...decided, ...services, ...(review === undefined ? [] : messageSegments(review))];
}

/** Its number, as whoever asked has it, and its review information. */
function saidBack({ segments }: Level): Written[] {
  const [trn, um] = ['TRN', 'UM'].map((id) => segments.find((one) => one.id === id));
  return [
    ...(trn === undefined ? [] : [['TRN', '2', elementOf(trn, 2), elementOf(trn, 3)] as const]),
    ...(um === undefined ? [] : [saidAgain(um, [1, 2, 3, 4, 6])]),
  ];
}
