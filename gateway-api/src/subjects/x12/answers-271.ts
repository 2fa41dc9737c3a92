/** Whether members are covered, as a 271 (005010X279A1), of what a CoverageEligibilityResponse says. Pure. */
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { decimalOf, parseMoney } from '@telemed-ledger/chaincode/model/money.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { amountText } from './claim-elements.ts';
import { answeredLevel, type Level, saidAgain, segmentIn } from './levels.ts';
import type { Asked270, EligibilityQuestion } from './questions-270.ts';
import { type NotMapped, noteElement } from './unread.ts';
import { compactDay, plainName, type Written } from './writing.ts';

type Members = Record<string, unknown>;

/** A coverage, and what a CoverageEligibilityResponse says of it. */
export interface CoverTold {
  coverage: Resource;
  insurance: { inforce: boolean; item?: object[] };
}

const NAMES: Readonly<Record<string, readonly [string, readonly number[]]>> = {
  '20': ['PR', [1, 2, 3, 8, 9]],
  '21': ['1P', [1, 2, 3, 4, 5, 7, 8, 9]],
  '22': ['IL', [1, 2, 3, 4, 5, 7, 8, 9]],
  '23': ['03', [1, 2, 3, 4, 5, 7]],
};
/** AAA03: no member number; nobody of that number; a dependent, of whom nothing is registered. */
const FAULTS = { missing: '72', unknown: '75', dependent: '67' };
const WHOLE_PLAN = '30';
const CURRENCY = 'USD';
/** EB01 by HL7's types of benefits. */
const INFORMATION: Readonly<Record<string, string>> = {
  ...{ deductible: 'C', 'copay-maximum': 'G', copay: 'B', 'copay-percent': 'A', visit: 'F', benefit: 'F' },
};
/** EB06: a calendar year, and what remains of it. */
const [YEAR, REMAINING] = ['23', '29'];

/** The segments between ST and SE. @param now ISO 8601 UTC */
export function answer271(
  { levels, questions, reference }: Asked270,
  found: ReadonlyMap<EligibilityQuestion, readonly CoverTold[]>,
  now: string,
  notMapped: NotMapped,
): Written[] {
  const time = now.slice(11, 16).replace(':', '');
  return [
    ['BHT', '0022', '11', reference, compactDay(now), time],
    ...levels.flatMap((level) => {
      const question = questions.get(level.id);
      const traces = (question?.traces ?? []).map(([, ...rest]): Written => ['TRN', '2', ...rest]);
      const told = question === undefined ? [] : toldOf(question, found.get(question) ?? [], notMapped);
      return [answeredLevel(level), ...traces, ...named(level), ...told];
    }),
  ];
}

function named(level: Level): Written[] {
  const [qualifier = '', places = []] = NAMES[level.code] ?? [];
  const segment = segmentIn(level, 'NM1', qualifier);
  return segment === undefined ? [] : [saidAgain(segment, places)];
}

function toldOf({ level, member }: EligibilityQuestion, found: readonly CoverTold[], notMapped: NotMapped): Written[] {
  const fault =
    level.code === '23' ? 'dependent' : member === '' ? 'missing' : found.length === 0 ? 'unknown' : undefined;
  if (fault !== undefined) return [['AAA', 'N', '', FAULTS[fault], 'C']];
  return found.flatMap((one) => coverSegments(one, notMapped));
}

function coverSegments({ coverage, insurance: { inforce, item = [] } }: CoverTold, notMapped: NotMapped): Written[] {
  const { start, end } = (coverage['period'] ?? {}) as { start?: string; end?: string };
  const days: Written[] =
    start === undefined
      ? []
      : end === undefined
        ? [['DTP', '346', 'D8', compactDay(start)]]
        : [['DTP', '291', 'RD8', `${compactDay(start)}-${compactDay(end)}`]];
  const plan = objectsOf(coverage['class']).find(({ value }) => typeof value === 'string')?.['value'];
  const description = typeof plan === 'string' ? plainName(plan, 50) : '';
  return [
    ['EB', inforce ? '1' : '6', 'IND', WHOLE_PLAN, '', description],
    ...days,
    ...(inforce ? objectsOf(item).flatMap((one) => itemSegments(one, notMapped)) : []),
  ];
}

const codeOf = (concept: unknown): string =>
  String(objectsOf((concept as { coding?: unknown } | undefined)?.coding)[0]?.['code'] ?? '');

function itemSegments(item: Members, notMapped: NotMapped): Written[] {
  const name = codeOf(item['category']);
  // A kind that a payer names by X12's service types is told by that, another one by its name.
  const isType = /^[A-Z0-9]{1,2}$/.test(name);
  const kind: Written[] = isType ? [] : [['MSG', plainName(name, 264)]];
  const service = isType ? name : WHOLE_PLAN;
  const network = codeOf(item['network']);
  const rest = [
    item['authorizationRequired'] === true ? 'Y' : '',
    network === 'in' ? 'Y' : network === 'out' ? 'N' : '',
  ];
  const level = codeOf(item['unit']) === 'family' ? 'FAM' : 'IND';
  const eb = (information: string, ...amounts: string[]): Written[] => [
    ['EB', information, level, service, '', '', ...[0, 1, 2, 3, 4].map((at) => amounts[at] ?? ''), ...rest],
    ...kind,
  ];
  if (item['excluded'] === true) return eb('I');
  const benefits = objectsOf(item['benefit']).flatMap((benefit) =>
    amountsOf(benefit, notMapped).flatMap((amounts) => eb(INFORMATION[codeOf(benefit['type'])]!, ...amounts)),
  );
  return benefits.length === 0 && item['authorizationRequired'] === true ? eb('1') : benefits;
}

/** EB06 to EB10: of the year, and what remains of it where that is known. */
function amountsOf(benefit: Members, notMapped: NotMapped): string[][] {
  const type = codeOf(benefit['type']);
  const { allowedMoney, usedMoney, allowedUnsignedInt, usedUnsignedInt, allowedString } = benefit;
  if (INFORMATION[type] === undefined)
    return left('CoverageEligibilityResponse.insurance.item.benefit.type', notMapped);
  if (type === 'copay-percent') return [['', '', fractionOf(String(allowedString))]];
  if (type === 'visit') {
    const [all, used] = [Number(allowedUnsignedInt), usedUnsignedInt];
    const remaining = used === undefined ? [] : [[REMAINING!, '', '', 'P6', String(all - Number(used))]];
    return [[YEAR!, '', '', 'P6', String(all)], ...remaining];
  }
  const { units, currency } = parseMoney(allowedMoney, 'benefit.allowedMoney');
  if (currency !== CURRENCY) return left('CoverageEligibilityResponse.insurance.item.benefit.allowedMoney', notMapped);
  const used = usedMoney === undefined ? undefined : parseMoney(usedMoney, 'benefit.usedMoney').units;
  const period = type === 'copay' ? '' : YEAR!;
  const remaining = used === undefined ? [] : [[REMAINING!, amountText(units - used, currency)]];
  return [[period, amountText(units, currency)], ...remaining];
}

function left(place: string, notMapped: NotMapped): [] {
  noteElement(place, 1, notMapped);
  return [];
}

/** `.2` of `20 %`, exactly; 1 of all. */
function fractionOf(text: string): string {
  const { digits, scale } = decimalOf(parseExact(text.replace(/ %$/, ''))) ?? { digits: 0n, scale: 0 };
  const all = String(digits).padStart(scale + 3, '0');
  const at = all.length - scale - 2;
  return `${all.slice(0, at)}.${all.slice(at)}`.replace(/\.?0+$/, '').replace(/^0(?=\.)/, '') || '0';
}
