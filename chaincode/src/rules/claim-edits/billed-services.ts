/**
 * What a billed line is for, as the records it points to say: a visit, a procedure, an observation or a medicine, of a person,
 * at a time. Each is told by several factors, any one of which gives a second bill for the same service away.
 */
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Bill, BillItem, BillPart } from '../../model/bill.ts';
import { canonicalJson, sha256Hex } from '../../model/canonical.ts';
import { classOf, isStay, objectsOf, targetOf } from '../../model/claim-evidence.ts';
import { addDays, daysFrom, firstDay } from '../../model/days.ts';
import type { Resource } from '../../model/fhir.ts';
import { identitiesIn } from '../../model/links.ts';
import { instantOf } from '../../model/periods.ts';
import { type ClaimBasis, patientOf } from '../claim-facts.ts';
import { type Span, spanOf } from './when.ts';

/**
 * What a factor does to other claims. `sole`: no other may have it. `shared`: others may, and it is found by those who ask
 * for it. `asked`: no other may have it, and this one does not take it.
 */
export type Use = 'sole' | 'shared' | 'asked';

export interface Factor {
  use: Use;
  /** Whose or what it is of first: a name of the patient's, or a record. */
  parts: readonly string[];
  /** Of a name: the time that it is in, which whoever has the same factor names alike; absent where it is of a record. */
  time?: string;
}

/** The one evaluation that a visit has, in office, hospital, emergency room or by telephone; not prevention. */
const EVALUATION = /^(9920[2-9]|9921[1-5]|9924[1-5]|9928[1-5]|9942[1-3]|9944[1-3]|9896[6-8])$/;
/** Sides, eyelids, fingers and toes: each is a service of its own. */
const SIDE = /^(RT|LT|E[1-4]|FA|F[1-9]|TA|T[1-9])$/;
/** The reader's part of a service, and that of whoever ran the machine: each is billed for itself. */
const PART = /^(26|TC)$/;
/** A newborn is often insured under its mother's coverage for this long. */
const NEWBORN_DAYS = 31;
/** Days of stays that are looked for together. */
const STAY_DAYS = 32;
/** No visit is told apart by its minutes where it lasts longer. */
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const MINUTES_OF_DAY = DAY_MS / MINUTE_MS;
const GRID = 15;

/** In capitals: systems and the case of letters tell no services apart. */
export const codesOf = (item: BillItem): string[] => [...new Set(allCodes(item).map((code) => code.toUpperCase()))];

/** Its own, and those of its details: what a detail bills is billed. */
const allCodes = ({ codes, parts }: BillPart): string[] => [
  ...codes.map(({ code }) => code),
  ...parts.flatMap(allCodes),
];

/** The parts of the body that an item's modifiers name; `whole` where they name none. */
export const sideOf = ({ modifiers }: BillItem): string => {
  const sides = [...new Set(modifiers.filter((modifier) => SIDE.test(modifier)))].sort();
  return sides.length === 0 ? 'whole' : sides.join('+');
};

/** The codes that an Encounter says it is: billing one of them bills the visit itself. */
const typesOf = (encounter: Resource | undefined): string[] =>
  objectsOf(encounter?.['type']).flatMap(({ coding }) =>
    objectsOf(coding).map(({ code }) => String(code).toUpperCase()),
  );

/** The two bills that one service honestly has: the practitioner's, and that of the house it was rendered in. */
const payeeOf = ({ type }: Bill): 'professional' | 'institutional' =>
  type === 'institutional' ? 'institutional' : 'professional';

/** Told in what the house bills alone, so that what was held before the two were told apart is the practitioner's. */
const ofHouse = (bill: Bill): string[] => (payeeOf(bill) === 'institutional' ? ['facility'] : []);

/**
 * All names that the patient goes by: a second Patient record of the same human has one of them too. The coverage is one, its
 * beneficiary's number, every identifier of the Patient's, what its links name, and its name with birth date and gender.
 */
export function namesOf(basis: ClaimBasis, isAcross = false): string[] {
  const { bill, cover, provider } = basis;
  const patient = patientOf(basis);
  const { identifier: insured } = cover.beneficiary;
  const apart = newbornOf(patient, bill);
  const numbers = objectsOf(patient?.['identifier']).filter(
    ({ value }) => value !== undefined && (value !== cover.subscriberId || value === insured?.value),
  );
  const names = [
    isAcross ? at(provider, bill.patient) : bill.patient,
    `${bill.coverage}${apart}`,
    ...[...numbers, ...(insured === undefined ? [] : [insured])].map(({ system = '', value }) =>
      value === insured?.value ? `${system}|${value}${apart}` : `${system}|${value}`,
    ),
    ...numbers.flatMap(nationalNumberOf),
    ...objectsOf(patient?.['link']).flatMap(({ other }) => {
      const linked = targetOf(other);
      return linked === undefined ? [] : [isAcross ? at(provider, linked) : linked];
    }),
    ...(basis.identities ?? identitiesOf(patient)),
  ];
  return [...new Set(names)];
}

/** Numbers of the state's, by whichever name of their system, and what they look like without what parts them. */
const NATIONAL: { name: string; systems: readonly string[]; form: RegExp }[] = [
  {
    name: 'us-ssn',
    systems: ['http://hl7.org/fhir/sid/us-ssn', 'urn:oid:2.16.840.1.113883.4.1'],
    form: /^(?!000|666|(\d)\1{8}|123456789)\d{9}$/,
  },
  {
    name: 'us-mbi',
    systems: ['http://hl7.org/fhir/sid/us-mbi', 'urn:oid:2.16.840.1.113883.4.927'],
    form: /^[1-9][0-9A-Z]{10}$/,
  },
];

/** One number that two records write otherwise, or of two names of its system, is one. */
function nationalNumberOf({ system, value }: Record<string, unknown>): string[] {
  const bare = String(value).toUpperCase().replace(/[\s-]/g, '');
  const known = NATIONAL.find(({ systems, form }) => systems.includes(String(system)) && form.test(bare));
  return known === undefined ? [] : [`${known.name}|${bare}`];
}

/** What a Patient's names with birth date and gender come to; a claim keeps this of them (`ClaimRecord.identities`). */
export const identitiesOf = (patient: Resource | undefined): string[] =>
  (patient === undefined ? [] : identitiesIn(patient))
    .filter(({ kind }) => kind === 'person')
    .map(({ parts }) => sha256Hex(`identity/${canonicalJson(parts)}`));

/** A record of a provider's where others' may have its id. */
const at = ({ name }: Organisation, reference: string): string => `${name} ${reference}`;

/** What tells a newborn from its mother and its twin under one coverage; empty of everybody else. */
function newbornOf(patient: Resource | undefined, { items }: Bill): string {
  const { birthDate, multipleBirthInteger = '' } = (patient ?? {}) as Record<string, unknown>;
  if (typeof birthDate !== 'string' || birthDate.length !== 10) return '';
  const isNewborn = items.every(({ first }) => first >= birthDate && first < addDays(birthDate, NEWBORN_DAYS));
  return isNewborn ? `|newborn ${birthDate} ${multipleBirthInteger}` : '';
}

const minutesOf = (text: string): number => (text.includes('T') ? Math.floor(instantOf(text) / MINUTE_MS) : Number.NaN);

/** The minute of its beginning, and each quarter of an hour in it: two that overlap for that long share one. */
function pointsOf({ start, end }: Span): number[] | undefined {
  const [from, to] = [minutesOf(start), minutesOf(end)];
  if (!(to >= from) || (to - from) * MINUTE_MS > DAY_MS) return undefined;
  const points = [from];
  for (let point = (Math.floor(from / GRID) + 1) * GRID; point < to; point += GRID) points.push(point);
  return points;
}

type When = [kind: 'day' | 'hours' | 'at', when: string];
type Named = (use: Use, ...when: When) => Factor[];

/** That any of these names had this. */
const namedFor =
  (names: readonly string[], ...what: string[]): Named =>
  (use, ...when) =>
    names.map((name) => ({ use, parts: [name, ...what, ...when], time: timeOf(what, when) }));

/** That a record has this, of those days or of that minute. */
const recordedIn =
  (record: string, ...what: string[]): Named =>
  (use, ...when) => [{ use, parts: [record, ...what, ...when] }];

/** The day, of a stay the month or so, since 1970. */
function timeOf([kind]: readonly string[], [unit, when]: When): string {
  const day = Math.floor(unit === 'at' ? Number(when) / MINUTES_OF_DAY : Date.parse(when) / DAY_MS);
  return kind === 'stay' ? `stay ${Math.floor(day / STAY_DAYS)}` : String(day);
}

const onDays = (named: Named, { first, last }: BillItem): Factor[] =>
  daysFrom(first, last).flatMap((day) => named('sole', 'day', day));

/** That a person had this beginning at this minute, or on this day where no hour is known. */
function begunAt(named: Named, span: Span | undefined, item: BillItem): Factor[] {
  const [point] = (span === undefined ? undefined : pointsOf(span)) ?? [];
  return point === undefined ? onDays(named, item) : named('sole', 'at', String(point));
}

/** That a person was there all this time; what has no hours may be at any of its days'. */
function during(named: Named, span: Span | undefined, item: BillItem): Factor[] {
  const points = span === undefined ? undefined : pointsOf(span);
  if (points === undefined || span === undefined) {
    const hours = daysFrom(item.first, item.last).flatMap((day) => named('asked', 'hours', day));
    return [...onDays(named, item), ...hours];
  }
  const day = firstDay(span.start);
  const sole = points.flatMap((point) => named('sole', 'at', String(point)));
  return [...sole, ...named('shared', 'hours', day), ...named('asked', 'day', day)];
}

/** A record is billed once: as a whole, or in its parts. */
function recordFactors(reference: string, item: BillItem): Factor[] {
  const side = sideOf(item);
  const of = (use: Use, part: string): Factor => ({ use, parts: [reference, part] });
  if (side === 'whole') return [of('sole', 'whole'), of('asked', 'part')];
  return [...side.split('+').map((one) => of('sole', one)), of('shared', 'part'), of('asked', 'whole')];
}

/**
 * A part of a service bars that part and the whole, and the whole bars its parts. Of persons the whole does not ask for parts: its
 * record does.
 */
function inParts(factors: readonly Factor[], { modifiers }: BillItem, asking: boolean): Factor[] {
  const [part, ...more] = new Set(modifiers.filter((modifier) => PART.test(modifier)));
  if (part === undefined || more.length > 0) {
    const asked = factors.filter(({ use }) => asking && use === 'sole');
    return [...factors, ...asked.map((one): Factor => ({ ...one, use: 'asked', parts: [...one.parts, 'component'] }))];
  }
  return factors.flatMap((factor): Factor[] => {
    const { use, parts } = factor;
    if (use !== 'sole') return [factor];
    return [
      { ...factor, parts: [...parts, part] },
      { ...factor, use: 'shared', parts: [...parts, 'component'] },
      { ...factor, use: 'asked' },
    ];
  });
}

interface Line {
  basis: ClaimBasis;
  item: BillItem;
  names: readonly string[];
  /** Told from what other providers bill, to whichever payer: whatever a visit is billed as, it is that visit. */
  isAcross: boolean;
}

const recordIn = ({ basis, isAcross }: Line, reference: string): string =>
  isAcross ? at(basis.provider, reference) : reference;

const spanIn = ({ evidence }: ClaimBasis, reference: string): Span | undefined =>
  spanOf(evidence.get(reference)?.resource);

function ofProcedure(line: Line, reference: string): Factor[] {
  const { basis, item, names } = line;
  const byCode = codesOf(item).flatMap((code) => {
    const named = namedFor(names, 'procedure', code, sideOf(item));
    return begunAt(named, spanIn(basis, reference), item);
  });
  return [...inParts(recordFactors(recordIn(line, reference), item), item, true), ...inParts(byCode, item, false)];
}

/** One observation may bear out several services, each under its code. */
function ofObservation(line: Line, reference: string): Factor[] {
  const { basis, item, names } = line;
  return codesOf(item).flatMap((code): Factor[] => [
    ...inParts([{ use: 'sole', parts: [recordIn(line, reference), code] }], item, true),
    ...inParts(begunAt(namedFor(names, 'observation', code), spanIn(basis, reference), item), item, false),
  ]);
}

/** A stay is billed by its days. */
function ofStay(line: Line, reference: string): Factor[] {
  const { item, names, basis } = line;
  const { bill } = basis;
  const record = recordIn(line, reference);
  return codesOf(item).flatMap((code) => [
    ...onDays(recordedIn(record, 'stay', payeeOf(bill), code), item),
    ...onDays(namedFor(names, 'stay', payeeOf(bill), code), item),
    ...(EVALUATION.test(code) ? onDays(recordedIn(record, 'evaluation', ...ofHouse(bill)), item) : []),
  ]);
}

/** A visit is billed once for what it was, whatever code, day and kind of claim it is billed under. */
function ofVisit(line: Line, reference: string): Factor[] {
  const { basis, item, names, isAcross } = line;
  const { bill, evidence } = basis;
  const span = spanIn(basis, reference);
  const payee = payeeOf(bill);
  const record = recordIn(line, reference);
  const own: Factor[] = [
    { use: 'sole', parts: [record, 'visit', payee] },
    // As it was held before kinds of claims were told by who is paid.
    ...(bill.type === payee ? [] : [{ use: 'asked', parts: [record, 'visit', bill.type] } as const]),
  ];
  // One who comes to an emergency room from another visit is at both.
  const emergency = classOf(evidence.get(reference)?.resource) === 'EMER' ? ['EMER'] : [];
  if (isEvaluation(line, [reference]) || isAcross) {
    const told = ['evaluation', ...ofHouse(bill)] as const;
    return [
      ...own,
      { use: 'sole', parts: [record, ...told] },
      ...during(namedFor(names, ...told, ...emergency), span, item),
    ];
  }
  return [...own, ...codesOf(item).flatMap((code) => begunAt(namedFor(names, 'visit', payee, code), span, item))];
}

/** Whether an item bills the visit itself: by a code of one, or by what an Encounter says it is. */
const isEvaluation = ({ basis: { evidence }, item }: Line, encounters: readonly string[]): boolean =>
  codesOf(item).some(
    (code) => EVALUATION.test(code) || encounters.some((one) => typesOf(evidence.get(one)?.resource).includes(code)),
  );

/** Medicines are billed next to the visit that they were prescribed at. */
const ofMedicine = (line: Line, reference: string): Factor[] =>
  codesOf(line.item).flatMap((code): Factor[] => [
    { use: 'sole', parts: [recordIn(line, reference), 'medicine', code] },
    ...onDays(namedFor(line.names, 'medicine', code), line.item),
  ]);

/** What was handed out, or given, is billed once. */
const ofDispense = (line: Line, reference: string): Factor[] => [
  { use: 'sole', parts: [recordIn(line, reference), 'whole'] },
  ...codesOf(line.item).flatMap((code) => onDays(namedFor(line.names, 'medicine', code), line.item)),
];

/** A procedure is what it says, also where its visit is named; an evaluation is its visit. */
function ofServices(line: Line): Factor[] {
  const of = (type: string): string[] => line.item.services.filter((service) => service.startsWith(`${type}/`));
  const [encounters, procedures] = [of('Encounter'), of('Procedure')];
  const findings = ['Observation', 'DiagnosticReport'].flatMap(of);
  const given = ['MedicationDispense', 'MedicationAdministration', 'Immunization', 'SupplyDelivery'].flatMap(of);
  const ofVisits = (): Factor[] =>
    encounters.flatMap((one) => (isStay(line.basis.evidence.get(one)?.resource) ? ofStay : ofVisit)(line, one));
  if (encounters.length > 0 && isEvaluation(line, encounters)) return ofVisits();
  const handedOut = given.flatMap((reference) => ofDispense(line, reference));
  if (line.basis.bill.type === 'pharmacy')
    return [...handedOut, ...encounters.flatMap((reference) => ofMedicine(line, reference))];
  const shown = [
    ...procedures.flatMap((reference) => ofProcedure(line, reference)),
    ...findings.flatMap((reference) => ofObservation(line, reference)),
    ...handedOut,
  ];
  return shown.length > 0 ? shown : ofVisits();
}

/**
 * The factors of one billed item; of what points to no record that is known here, its names, codes and days.
 * @param isAcross by which it is told across providers and payers
 * @param names as {@link namesOf} has them, of all items of a claim
 */
export function factorsOf(
  basis: ClaimBasis,
  item: BillItem,
  isAcross = false,
  names: readonly string[] = namesOf(basis, isAcross),
): Factor[] {
  const line: Line = { basis, item, names, isAcross };
  const found = ofServices(line);
  if (found.length > 0) return found;
  return codesOf(item).flatMap((code) => onDays(namedFor(line.names, 'other', code), item));
}
