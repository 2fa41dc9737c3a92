/**
 * Remittances as an 835 (005010X221A1): one transaction set for each transfer, or for what of a day comes to nothing. Pure. What a
 * decision says that has no element here is counted by its place, never by what it says.
 */

import { correctionOf } from '@telemed-ledger/chaincode/model/claim-corrections.ts';
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import {
  amountText,
  checked,
  controlNumberOf,
  daysOf,
  LONGEST,
  lineNumberOf,
  type Service,
  serviceOf,
} from './claim-elements.ts';
import { codeIn, type DecidedLine } from './decided-lines.ts';
import { type Parties, partyOf } from './parties.ts';
import { type Beside, type Entry, type Report, sumOf } from './remittance-reports.ts';
import { PLACES } from './terms.ts';
import type { NotMapped } from './unread.ts';
import { compactDay, plainName, type Written } from './writing.ts';

/** What goes together by one trace number. */
export interface Remitted {
  payer: string;
  /** Who gets the money. */
  payee: string;
  /** The bank's reference of the transfer; of what comes to nothing a number of its own. */
  trace: string;
  /** Minor units. */
  units: number;
  currency: string;
  /** YYYY-MM-DD: of the transfer, or of the day. */
  day: string;
  reports: readonly Report[];
}

/** Adjustments of one CAS and of one PLB. */
const TOGETHER = 6;
const CURRENCY = 'USD';
/** NM105 to NM107. */
const IN_NAMES = ['', '', ''] as const;
const INVALID_MEMBER = '31';
/** Elements of a ClaimResponse that are written here, or that say what X12 needs not be told. */
const MAPPED = new Set([
  ...['resourceType', 'id', 'meta', 'status', 'type', 'use', 'patient', 'created', 'insurer', 'requestor', 'request'],
  ...['outcome', 'disposition', 'item', 'total', 'payment', 'insurance'],
]);

/**
 * The segments between ST and SE.
 * @throws LedgerError CONFLICT where it does not balance or a party's numbers are not known; INVALID where a number is longer than its element
 */
export function remittance835(remitted: Remitted, parties: Parties, notMapped: NotMapped): Written[] {
  const { reports, units, currency, payer, payee, trace, day } = remitted;
  const sum = reports.reduce((all, report) => all + sumOf(report), 0);
  if (sum !== units) throw new LedgerError('CONFLICT', 'what its claims come to is not what is paid', 'BPR02');
  const from = partyOf(parties, payer, 'taxId', 'address');
  const to = partyOf(parties, payee, 'npi');
  const { line, city, state, postalCode } = from.address;
  const entries = reports.flatMap((report) => report.entries);
  const [handling, method] = units === 0 ? ['H', 'NON'] : ['I', 'BOP'];
  const none: string[] = Array.from({ length: 11 }, () => '');
  return [
    ['BPR', handling, amountText(units, currency), 'C', method, ...none, compactDay(day)],
    ['TRN', '1', checked(trace, LONGEST.reference, 'TRN02'), `1${from.taxId}`],
    ...(currency === CURRENCY ? [] : [['CUR', 'PR', currency] as const]),
    ['DTM', '405', compactDay(day)],
    ['N1', 'PR', plainName(from.name, 60)],
    ['N3', line],
    ['N4', city, state, postalCode],
    ['REF', '2U', payer],
    ['PER', 'BL', plainName(from.name, 60), ...(from.telephone === undefined ? [] : ['TE', from.telephone])],
    ['N1', 'PE', plainName(to.name, 60), 'XX', to.npi],
    ...(to.taxId === undefined ? [] : [['REF', 'TJ', to.taxId] as const]),
    ...(entries.length === 0 ? [] : [['LX', '1'] as const]),
    ...entries.flatMap((entry) => claimSegments(entry, notMapped)),
    ...besideSegments(
      reports.flatMap(({ beside }) => beside),
      { npi: to.npi, day, currency },
    ),
  ];
}

/** 22 takes back, 4 is nobody's member, 2 and 1 are decided after another payer, or first. */
function statusOf({ decided: { lines, response }, isReversal }: Entry): string {
  if (isReversal) return '22';
  const codes = lines.flatMap(({ adjustments }) => adjustments.map(({ code }) => code));
  if (codes.length > 0 && codes.every((code) => code === INVALID_MEMBER)) return '4';
  return objectsOf(response['insurance']).length > 1 ? '2' : '1';
}

function claimSegments(entry: Entry, notMapped: NotMapped): Written[] {
  const { decided, isReversal } = entry;
  const { id, claim, charge, paid, currency, lines, submittedAt, member, persons } = decided;
  const { patient, rendering } = persons ?? {};
  const sign = isReversal ? -1 : 1;
  const all = lines.flatMap(({ adjustments }) => adjustments);
  const share = all.filter(({ group }) => group === 'PR').reduce((sum, { units }) => sum + units, 0);
  const correction = correctionOf(claim);
  const services = lines.map((line) => serviceOf(line));
  // A line that no code of X12's means is told with its claim.
  const isByLine = services.every((service) => service !== undefined);
  note(entry, isByLine, notMapped);
  const money = (units: number): string => amountText(sign * units, currency);
  return [
    [
      ...(['CLP', controlNumberOf(decided), statusOf(entry), money(charge), money(paid)] as const),
      ...[isReversal || share === 0 ? '' : amountText(share, currency), 'ZZ', checked(id, LONGEST.reference, 'CLP07')],
      ...[placeIn(lines), correction?.kind === 'replace' ? '7' : '1'],
    ],
    ...(isByLine ? [] : adjustmentSegments(all, money)),
    ['NM1', 'QC', '1', patient?.last ?? '', patient?.first ?? '', ...IN_NAMES, ...(member ? ['MI', member] : [])],
    ...(rendering === undefined
      ? []
      : [['NM1', '82', '1', rendering.last, rendering.first, ...IN_NAMES, 'XX', rendering.npi] as const]),
    ...(correction === undefined
      ? []
      : [['REF', 'F8', checked(correction.claim, LONGEST.reference, 'REF*F8 02')] as const]),
    ...(isByLine ? [] : claimDays(lines)),
    ['DTM', '050', compactDay(submittedAt)],
    ...(isByLine ? lines.flatMap((line, index) => lineSegments(line, services[index]!, { money, isReversal })) : []),
  ];
}

const placeIn = (lines: readonly DecidedLine[]): string =>
  codeIn(lines[0]?.item['locationCodeableConcept'], PLACES)?.slice(0, 2) ?? '';

function lineSegments(
  line: DecidedLine,
  { code, revenue, units }: Service,
  { money, isReversal }: { money: (units: number) => string; isReversal: boolean },
): Written[] {
  return [
    ['SVC', code, money(line.charge), money(line.paid), revenue, units],
    ...serviceDays(line),
    ...adjustmentSegments(line.adjustments, money),
    ['REF', '6R', lineNumberOf(line)],
    ...(line.allowed > 0 && !isReversal ? [['AMT', 'B6', money(line.allowed)] as const] : []),
  ];
}

function serviceDays(line: DecidedLine): Written[] {
  const { first, last } = daysOf(line);
  if (first === '') return [];
  if (first === last) return [['DTM', '472', compactDay(first)]];
  return [
    ['DTM', '150', compactDay(first)],
    ['DTM', '151', compactDay(last)],
  ];
}

function claimDays(lines: readonly DecidedLine[]): Written[] {
  const days = lines
    .flatMap((line) => Object.values(daysOf(line)))
    .filter((day) => day !== '')
    .sort();
  if (days.length === 0) return [];
  return [
    ['DTM', '232', compactDay(days[0]!)],
    ['DTM', '233', compactDay(days.at(-1)!)],
  ];
}

/** By their groups, those of one reason together. */
function adjustmentSegments(adjustments: DecidedLine['adjustments'], money: (units: number) => string): Written[] {
  return [...Map.groupBy(adjustments, ({ group }) => group)].flatMap(([group, own]) => {
    const units = new Map<string, number>();
    for (const one of own) units.set(one.code, (units.get(one.code) ?? 0) + one.units);
    return inParts([...units], TOGETHER).map(
      (some): Written => ['CAS', group, ...some.flatMap(([code, sum]) => [code, money(sum), '']).slice(0, -1)],
    );
  });
}

const inParts = <T>(all: readonly T[], most: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / most) }, (_, index) => all.slice(index * most, (index + 1) * most));

function besideSegments(
  beside: readonly Beside[],
  { npi, day, currency }: { npi: string; day: string; currency: string },
): Written[] {
  // The last day of the provider's fiscal year, or where that is not known of the year (PLB02).
  const year = `${day.slice(0, 4)}1231`;
  const adjustments = beside.filter(({ units }) => units !== 0);
  return inParts(adjustments, TOGETHER).map((some): Written => {
    const said = some.flatMap(({ code, reference, units }) => [
      [code, checked(reference, LONGEST.reference, 'PLB03')],
      amountText(units, currency),
    ]);
    return ['PLB', npi, year, ...said];
  });
}

/** Counts what is not written of a claim. */
function note({ decided: { response, lines } }: Entry, isByLine: boolean, notMapped: NotMapped): void {
  const count = (place: string): void => {
    notMapped.set(place, (notMapped.get(place) ?? 0) + 1);
  };
  for (const name of Object.keys(response)) if (!MAPPED.has(name)) count(`ClaimResponse.${name}`);
  for (const item of objectsOf(response['item'])) if (item['detail'] !== undefined) count('ClaimResponse.item.detail');
  if (!isByLine) for (const _ of lines) count('Claim.item.productOrService');
}
