/** What a payer has decided of a request for authorization, in the segments of a 278: review, number, reason, days. Pure. */
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import { REVIEW_REASONS } from '@telemed-ledger/chaincode/model/concept-map.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { compactDay, plainName, type Written } from './writing.ts';

const ACTION_URL = /\/extension-reviewAction$/;
const CODE_URL = /\/extension-reviewActionCode$/;
const DETAIL_URL = /\/extension-itemAuthorizedDetail$/;
const PERIOD_URL = /\/extension-itemPreAuthPeriod$/;
/** The longest number of a review (HCR02), and the longest message (MSG01). */
const LONGEST = 50;
const LONGEST_MESSAGE = 264;

type Members = Record<string, unknown>;

export interface Review {
  /** X12 306: A1 certified, A3 not, A4 pended, A6 modified, C cancelled. */
  code: string;
  number: string | undefined;
  /** Of X12 886 (HCR03). */
  reason: string | undefined;
  /** Why, in the payer's words or by the names of its rules (MSG). */
  texts: readonly string[];
  /** How much is certified where it is modified. */
  quantity: string | undefined;
  /** Days on which it holds, YYYY-MM-DD. */
  days: { start: string; end: string } | undefined;
}

const NOTHING = { number: undefined, reason: undefined, texts: [], quantity: undefined, days: undefined };
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const codingsOf = (concept: unknown): Members[] => objectsOf((concept as { coding?: unknown } | undefined)?.coding);
const daysIn = (period: unknown): Review['days'] => period as Review['days'];

/** What became of a line (an item of a ClaimResponse). */
export function reviewOf(item: Members): Review | undefined {
  const [adjudication] = objectsOf(item['adjudication']);
  const [review] = objectsOf(adjudication?.['extension']).filter(({ url }) => ACTION_URL.test(String(url)));
  const parts = objectsOf(review?.['extension']);
  const [coding] = codingsOf(parts.find(({ url }) => CODE_URL.test(String(url)))?.['valueCodeableConcept']);
  if (coding === undefined) return undefined;
  const reasons = parts.flatMap(({ url, valueCodeableConcept }) =>
    url === 'reasonCode' ? [valueCodeableConcept] : [],
  );
  const codes = reasons.flatMap(codingsOf);
  const said = reasons.flatMap((one) => textOf((one as { text?: unknown }).text) ?? []);
  const others = codes.flatMap(({ system, code }) => (system === REVIEW_REASONS ? [] : [String(code)]));
  const inside = (url: RegExp) => objectsOf(item['extension']).find((one) => url.test(String(one['url'])));
  const [detail] = objectsOf(inside(DETAIL_URL)?.['extension']).filter(({ url }) => url === 'quantity');
  const quantity = (detail?.['valueQuantity'] as { value?: unknown } | undefined)?.value;
  return {
    code: String(coding['code']),
    number: textOf(parts.find(({ url }) => url === 'number')?.['valueString']),
    reason: textOf(codes.find(({ system }) => system === REVIEW_REASONS)?.['code']),
    texts: [...said, ...others],
    quantity: quantity === undefined ? undefined : String(quantity),
    days: daysIn(inside(PERIOD_URL)?.['valuePeriod']),
  };
}

/** Of all lines together: as each, where they are alike; else modified, or pended as long as one is. */
export function reviewOfAll(response: Resource): Review {
  const { preAuthRef, preAuthPeriod, outcome, status } = response as Members;
  const lines = objectsOf(response['item']).flatMap((item) => reviewOf(item) ?? []);
  const all = [...new Set(lines.map(({ code }) => code))];
  const isDenied = all.length === 0 && outcome === 'complete';
  const decided = isDenied ? 'A3' : all.length === 1 ? all[0]! : all.includes('A4') || all.length === 0 ? 'A4' : 'A6';
  const reasons = new Set(lines.map(({ reason }) => reason));
  return {
    ...NOTHING,
    code: status === 'cancelled' ? 'C' : decided,
    number: textOf(preAuthRef),
    // One that all lines have is the event's.
    reason: reasons.size === 1 ? lines[0]?.reason : undefined,
    days: daysIn(preAuthPeriod),
  };
}

/** HCR. */
export const reviewSegment = ({ code, number, reason }: Review): Written => {
  const numbered = number === undefined ? [] : [number.slice(0, LONGEST)];
  return ['HCR', code, ...(reason === undefined ? numbered : [numbered[0] ?? '', reason])];
};

/** DTP*007: on which days it holds. */
export const effectiveSegment = ({ days }: Review): Written[] =>
  days === undefined ? [] : [['DTP', '007', 'RD8', `${compactDay(days.start)}-${compactDay(days.end)}`]];

/** MSG: why, in words; a service has one at most. */
export function messageSegments({ texts }: Review): Written[] {
  const text = plainName(texts.join(' '), LONGEST_MESSAGE);
  return text === '' ? [] : [['MSG', text]];
}
