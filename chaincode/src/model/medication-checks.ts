/**
 * What speaks against a medication for a patient, by dated tables: allergy, duplicate therapy, interaction, dose, pregnancy, renal
 * function. Pure: what is known of her goes in, and what is not shown to whoever prescribes is not known. Words come from the tables alone.
 */
import { canonicalJson } from './canonical.ts';
import { isHandedOut, isOrdered } from './dispensing.ts';
import type { Resource } from './fhir.ts';
import example from './medication-tables/example-2026.json' with { type: 'json' };
import { isNumber, numberOf } from './numbers.ts';
import { spanOf } from './periods.ts';

export type Severity = 'high' | 'moderate';
export type CheckKind = 'allergy' | 'duplicate-therapy' | 'interaction' | 'dose' | 'pregnancy' | 'renal-function';

/** Codes of what a check finds, as a DetectedIssue has them. */
export const CHECK_SYSTEM = 'https://telemed-ledger.example/fhir/CodeSystem/medication-check';

/** Of these somebody else's finding is true of her wherever she is. */
const KINDS_OF_HER: readonly CheckKind[] = ['allergy', 'pregnancy', 'renal-function'];

/** One thing that speaks against it: `high` stops it, `moderate` takes a reason. */
export interface Finding {
  kind: CheckKind;
  severity: Severity;
  /** Names the ingredients, as the table has them. */
  text: string;
  /** `Type/id` of what it rests on. */
  because: string[];
}

export interface MedicationTables {
  /** The day from which they count. */
  effective: string;
  system: string;
  ingredients: Readonly<Record<string, { name: string; class: string; products: readonly string[] }>>;
  interactions: readonly { between: readonly string[]; severity: string; text: string }[];
  doses: readonly {
    ingredient: string;
    fromYears?: number;
    belowYears?: number;
    mostMgADay?: number;
    mostMgPerKgADay?: number;
  }[];
  pregnancy: readonly { ingredient: string; severity: string }[];
  renal: readonly { ingredient: string; belowEgfr: number; severity: string }[];
}

const TABLES: readonly MedicationTables[] = [example];

/** The tables that count on a day, YYYY-MM-DD; undefined before the first. */
export const tablesOn = (day: string): MedicationTables | undefined =>
  TABLES.filter(({ effective }) => effective <= day).sort((one, other) =>
    one.effective < other.effective ? 1 : -1,
  )[0];

export interface Coding {
  system?: unknown;
  code?: unknown;
}

const listOf = <T>(value: unknown): T[] =>
  [value ?? []].flat().filter((one) => typeof one === 'object' && one !== null) as T[];
export const codingsOf = (concept: unknown): Coding[] =>
  listOf<Coding>(((concept ?? {}) as { coding?: unknown }).coding);
const has = (concept: unknown, ...codes: readonly string[]): boolean =>
  codingsOf(concept).some(({ code }) => codes.includes(String(code)));
const referenceOf = ({ resourceType, id }: Resource): string => `${resourceType}/${id}`;
const referencesAt = (resource: Resource, element: string): (string | undefined)[] =>
  listOf<{ reference?: string }>(resource[element]).map(({ reference }) => reference);

/** Ingredients that a concept names, itself or by a product. */
function ingredientsIn(concept: unknown, { system, ingredients }: MedicationTables): string[] {
  const codes = codingsOf(concept)
    .filter((one) => one.system === system)
    .map(({ code }) => String(code));
  return Object.entries(ingredients).flatMap(([id, { products }]) =>
    codes.some((code) => code === id || products.includes(code)) ? [id] : [],
  );
}

/** What a record says its medicine is: by itself, or by a Medication that it contains or that is among these. */
export function medicineOf(resource: Resource, among: readonly Resource[]): unknown {
  const { reference = '' } = (resource['medicationReference'] ?? {}) as { reference?: string };
  const contained = listOf<Resource>(resource['contained']).find(({ id }) => reference === `#${id}`);
  const named = contained ?? among.find((one) => referenceOf(one) === reference);
  return named?.['code'] ?? resource['medicationCodeableConcept'];
}

/** The ingredients of a record's medicine that the tables know, by their codes. */
export const ingredientsOf = (resource: Resource, { records, tables }: Omit<Known, 'now'>): string[] =>
  ingredientsIn(medicineOf(resource, records), tables);

export interface Known {
  tables: MedicationTables;
  /** ISO 8601 UTC. */
  now: string;
  /** The Patient and what is shown of hers: allergies, prescriptions, statements, observations, conditions, and Medications. */
  records: readonly Resource[];
}

/** What speaks against a MedicationRequest or MedicationDispense, in the order of the kinds; nothing where no table knows it. */
export function findingsAgainst(order: Resource, known: Known): Finding[] {
  const wanted = ingredientsOf(order, known);
  if (wanted.length === 0) return [];
  const asked = { order, wanted, known };
  const own = [allergies, duplicates, interactions, doses, pregnancy, renal].flatMap((check) => check(asked));
  const kinds = own.map(({ kind }) => kind);
  return [...own, ...passedOn(asked).filter(({ kind }) => !kinds.includes(kind))];
}

interface Checked {
  order: Resource;
  wanted: readonly string[];
  known: Known;
}

export const nameOf = (id: string, { ingredients }: MedicationTables): string => ingredients[id]?.name ?? '';
const ofType = ({ records }: Known, ...types: string[]): Resource[] =>
  records.filter(({ resourceType }) => types.includes(resourceType));

const isStanding = ({ clinicalStatus, verificationStatus }: Resource): boolean =>
  !has(clinicalStatus, 'inactive', 'resolved') && !has(verificationStatus, 'refuted', 'entered-in-error');

function allergies({ wanted, known }: Checked): Finding[] {
  const { tables } = known;
  const standing = ofType(known, 'AllergyIntolerance').filter(isStanding);
  return standing.flatMap((allergy) => {
    const to = [
      allergy['code'],
      ...listOf<{ substance?: unknown }>(allergy['reaction']).map(({ substance }) => substance),
    ];
    const ingredients = to.flatMap((concept) => ingredientsIn(concept, tables));
    return wanted.flatMap((id): Finding[] => {
      const isSame = ingredients.includes(id);
      const isAkin = ingredients.some((one) => tables.ingredients[one]?.class === tables.ingredients[id]?.class);
      if (!isSame && !isAkin) return [];
      const severity = isSame && allergy['criticality'] === 'high' ? 'high' : 'moderate';
      return [{ kind: 'allergy', severity, text: nameOf(id, tables), because: [referenceOf(allergy)] }];
    });
  });
}

/** The order itself, and the prescription that it is handed out by. */
const ownOf = (order: Resource): (string | undefined)[] => [
  referenceOf(order),
  ...referencesAt(order, 'authorizingPrescription'),
];

/** What she takes, by what is active; the prescription that is dispensed is not beside itself. */
function taken({ order, known }: Checked): { resource: Resource; ingredients: string[] }[] {
  const own = ownOf(order);
  return ofType(known, 'MedicationRequest', 'MedicationStatement')
    .filter((one) => one['status'] === 'active' && !own.includes(referenceOf(one)))
    .map((resource) => ({ resource, ingredients: ingredientsOf(resource, known) }));
}

function duplicates(checked: Checked): Finding[] {
  const { wanted, known } = checked;
  return taken(checked).flatMap(({ resource, ingredients }) =>
    wanted
      .filter((id) => ingredients.includes(id))
      .map((id) => ({
        ...{ kind: 'duplicate-therapy' as const, severity: 'moderate' as const },
        ...{ text: nameOf(id, known.tables), because: [referenceOf(resource)] },
      })),
  );
}

function interactions(checked: Checked): Finding[] {
  const { wanted, known } = checked;
  const { tables } = known;
  return taken(checked).flatMap(({ resource, ingredients }) =>
    tables.interactions.flatMap(({ between: [one = '', other = ''], severity, text }): Finding[] => {
      const isPair = (a: string, b: string): boolean => wanted.includes(a) && ingredients.includes(b);
      if (!isPair(one, other) && !isPair(other, one)) return [];
      const names = `${nameOf(one, tables)} and ${nameOf(other, tables)}: ${text}`;
      return [{ kind: 'interaction', severity: severity as Severity, text: names, because: [referenceOf(resource)] }];
    }),
  );
}

const numberIn = (value: unknown): number | undefined => (isNumber(value) ? numberOf(value) : undefined);
interface Dosage {
  doseAndRate?: { doseQuantity?: { value?: unknown; code?: unknown } }[];
  timing?: { repeat?: { frequency?: unknown; period?: unknown; periodUnit?: unknown } };
}
const HOURS: Readonly<Record<string, number>> = { h: 1, d: 24, wk: 168 };

/** Milligrams a day by its dosages; undefined where one does not say. */
function mgADay({ dosageInstruction }: Resource): number | undefined {
  const amounts = listOf<Dosage>(dosageInstruction).map(({ doseAndRate = [], timing }) => {
    const { value, code } = doseAndRate[0]?.doseQuantity ?? {};
    const { frequency = 1, period = 1, periodUnit } = timing?.repeat ?? {};
    const [mg, times, every] = [numberIn(value), numberIn(frequency), numberIn(period)];
    const hours = HOURS[String(periodUnit)];
    if (mg === undefined || code !== 'mg' || !times || !every || hours === undefined) return undefined;
    return (mg * times * 24) / (every * hours);
  });
  if (amounts.length === 0 || amounts.includes(undefined)) return undefined;
  return amounts.reduce<number>((sum, one) => sum + (one ?? 0), 0);
}

const MS_A_YEAR = 365.25 * 86_400_000;
function yearsOf(known: Known): number | undefined {
  const born = spanOf(ofType(known, 'Patient')[0]?.['birthDate']);
  return born && (Date.parse(known.now) - born.start) / MS_A_YEAR;
}

const isFinal = ({ status }: Resource): boolean => ['final', 'amended', 'corrected'].includes(String(status));
const timeOf = (one: Resource): number => spanOf(one['effectiveDateTime'] ?? one['issued'])?.start ?? 0;

/** The newest final Observation of one of these codes. */
function newest(known: Known, ...codes: string[]): Resource | undefined {
  const all = ofType(known, 'Observation').filter((one) => has(one['code'], ...codes) && isFinal(one));
  return all.sort((one, other) => timeOf(other) - timeOf(one))[0];
}
const quantityIn = (observation: Resource | undefined): number | undefined =>
  numberIn(((observation?.['valueQuantity'] ?? {}) as { value?: unknown }).value);

/** LOINC: body weight, of which kilograms are read. */
const WEIGHT = '29463-7';

function doses({ order, wanted, known }: Checked): Finding[] {
  const [daily, years] = [mgADay(order), yearsOf(known)];
  if (daily === undefined || years === undefined) return [];
  const weight = newest(known, WEIGHT);
  const kg = quantityIn(weight);
  return known.tables.doses.flatMap(({ ingredient, fromYears = 0, belowYears = 1_000, ...most }): Finding[] => {
    if (!wanted.includes(ingredient) || years < fromYears || years >= belowYears) return [];
    const byWeight = most.mostMgPerKgADay !== undefined && kg !== undefined ? most.mostMgPerKgADay * kg : undefined;
    const limit = most.mostMgADay ?? byWeight;
    if (limit === undefined || daily <= limit) return [];
    const because = byWeight === undefined || weight === undefined ? [] : [referenceOf(weight)];
    const severity = daily > 2 * limit ? 'high' : 'moderate';
    return [
      { kind: 'dose', severity, text: `${nameOf(ingredient, known.tables)}: more a day than the table has`, because },
    ];
  });
}

/** LOINC: pregnancy status, with its answer pregnant, which SNOMED CT codes as a condition too. */
const [PREGNANCY_STATUS, PREGNANT, PREGNANCY] = ['82810-3', 'LA15173-0', '77386006'];
const isPregnancy = ({ code, clinicalStatus }: Resource): boolean =>
  has(code, PREGNANCY) && has(clinicalStatus, 'active');

function pregnancy({ wanted, known }: Checked): Finding[] {
  const status = newest(known, PREGNANCY_STATUS);
  const isSaid = status !== undefined && has(status['valueCodeableConcept'], PREGNANT, PREGNANCY);
  const condition = ofType(known, 'Condition').find(isPregnancy);
  const because = [
    ...(isSaid ? [referenceOf(status)] : []),
    ...(condition === undefined ? [] : [referenceOf(condition)]),
  ];
  if (because.length === 0) return [];
  return known.tables.pregnancy
    .filter(({ ingredient }) => wanted.includes(ingredient))
    .map(({ ingredient, severity }) => ({
      ...{ kind: 'pregnancy' as const, severity: severity as Severity },
      ...{ text: nameOf(ingredient, known.tables), because },
    }));
}

/** LOINC: eGFR by several formulas, ml/min/1.73 m². */
const EGFR = ['33914-3', '62238-1', '98979-8', '77147-7'];

/** The codes of the Observations that checks read; of conditions the one. */
export const CHECKED_OBSERVATIONS: readonly string[] = [WEIGHT, PREGNANCY_STATUS, ...EGFR];
export const CHECKED_CONDITIONS: readonly string[] = [PREGNANCY];

function renal({ wanted, known }: Checked): Finding[] {
  const observed = newest(known, ...EGFR);
  const egfr = quantityIn(observed);
  if (observed === undefined || egfr === undefined) return [];
  const rows = known.tables.renal
    .filter(({ ingredient, belowEgfr }) => wanted.includes(ingredient) && egfr < belowEgfr)
    .sort((one, other) => one.belowEgfr - other.belowEgfr);
  return [...new Map(rows.toReversed().map((row) => [row.ingredient, row])).values()].map(
    ({ ingredient, severity }) => ({
      ...{ kind: 'renal-function' as const, severity: severity as Severity },
      ...{ text: nameOf(ingredient, known.tables), because: [referenceOf(observed)] },
    }),
  );
}

/** What others have found for this prescription, or for another of the same, and passed on, whatever it rests on. */
function passedOn({ order, wanted, known }: Checked): Finding[] {
  const own = ownOf(order);
  const isAlike = (reference: string | undefined): boolean =>
    own.includes(reference) ||
    ofType(known, 'MedicationRequest')
      .filter((one) => referenceOf(one) === reference)
      .some((one) => ingredientsOf(one, known).some((id) => wanted.includes(id)));
  return ofType(known, 'DetectedIssue')
    .filter((issue) => isCheck(issue) && issue['status'] !== 'entered-in-error')
    .filter((issue) => referencesAt(issue, 'implicated').some(isAlike))
    .flatMap((issue) => {
      const kind = KINDS_OF_HER.find((one) => has(issue['code'], one));
      const text = wanted.map((id) => nameOf(id, known.tables)).join(', ');
      return kind === undefined ? [] : [{ kind, severity: 'moderate', text, because: [referenceOf(issue)] }];
    });
}

/** What a check found, as the record of what was shown: `implicated` are the order, where it has an id, and what it rests on. @param at ISO 8601 UTC */
export const issueOf = (
  { kind, severity, text, because }: Finding,
  patient: string,
  order: readonly string[],
  at: string,
): object => ({
  ...{ resourceType: 'DetectedIssue', status: 'preliminary', severity, identifiedDateTime: at },
  code: { coding: [{ system: CHECK_SYSTEM, code: kind }], text },
  patient: { reference: `Patient/${patient}` },
  ...(order.length + because.length === 0
    ? {}
    : { implicated: [...order, ...because].map((reference) => ({ reference })) }),
});

const isCheck = ({ resourceType, code }: Resource): boolean =>
  resourceType === 'DetectedIssue' && codingsOf(code).some(({ system }) => system === CHECK_SYSTEM);

/** The reasons against an order by what was found, and what each means. */
export const CHECK_REFUSALS = {
  'hard-stop': 'what a check found stops this, whatever the reason',
  'no-reason': 'what a check found takes a reason: a DetectedIssue of that code beside it, with mitigation.action.text',
} as const;
export type CheckRefusal = keyof typeof CHECK_REFUSALS;

/**
 * Why an order cannot be recorded; undefined where it can.
 * @param beside DetectedIssues of its transaction: what was shown to whoever decided, and the reasons
 */
export function checkRefusal(
  order: Resource,
  findings: readonly Finding[],
  beside: readonly Resource[],
): CheckRefusal | undefined {
  const issues = beside.filter(
    (one) =>
      isCheck(one) &&
      one['status'] !== 'entered-in-error' &&
      referencesAt(one, 'implicated').includes(referenceOf(order)),
  );
  if ([...findings, ...issues].some(({ severity }) => severity === 'high')) return 'hard-stop';
  const answered = issues.filter(isAnswered);
  const isOpen = ({ kind }: Finding): boolean => !answered.some(({ code }) => has(code, kind));
  return answered.length < issues.length || findings.some(isOpen) ? 'no-reason' : undefined;
}

const isAnswered = ({ mitigation }: Resource): boolean =>
  listOf<{ action?: { text?: unknown } }>(mitigation).some(
    ({ action }) => typeof action?.text === 'string' && action.text.trim() !== '',
  );

/** Whether a record prescribes or hands out, as it stands. */
const isOrder = (order: Resource): boolean =>
  order.resourceType === 'MedicationDispense'
    ? isHandedOut(order)
    : order.resourceType === 'MedicationRequest' && order['status'] === 'active' && isOrdered(order);

const DAY_MS = 86_400_000;
/** What is said to be of longer ago was decided elsewhere, and is recorded afterwards. */
function isOfNow({ resourceType, ...order }: Resource, now: string): boolean {
  const span = spanOf(resourceType === 'MedicationDispense' ? order['whenHandedOver'] : order['authoredOn']);
  return span === undefined || span.end > Date.parse(now) - DAY_MS;
}

const DECIDED = ['medicationCodeableConcept', 'medicationReference', 'dosageInstruction', 'subject'];
const decidedIn = (order: Resource): string => canonicalJson(DECIDED.map((element) => order[element] ?? null));

/**
 * Whether recording this version prescribes or hands out something now.
 * @param previous the version before, where there is one and it is known @param now ISO 8601 UTC
 */
export function isDecision(
  order: Resource,
  { version, previous, now }: { version: number; previous: Resource | undefined; now: string },
): boolean {
  if (!isOrder(order)) return false;
  if (version === 1) return isOfNow(order, now);
  return previous === undefined || !isOrder(previous) || decidedIn(previous) !== decidedIn(order);
}

/** Whether the tables know what an order is of: where they do not, nothing is found. @param records as of Known */
export const isKnown = (order: Resource, known: Known): boolean => ingredientsOf(order, known).length > 0;

/** What stands against medicines by itself. Of those with `at`, milliseconds since 1970, the newest counts alone. */
export interface Alert {
  kind: 'allergy' | 'pregnancy' | 'pregnancy-status' | 'egfr' | 'medicine';
  at?: number;
}

/** What may hold an alert, whatever it holds. */
export const ALERT_TYPES: readonly string[] = [
  ...['AllergyIntolerance', 'Condition', 'MedicationRequest', 'MedicationStatement', 'Observation'],
];

/** The alert that a record is, which its provider's endorsers keep in mind for her next prescription; undefined of most. */
export function alertOf(resource: Resource, tables: MedicationTables): Alert | undefined {
  const { resourceType, code, status } = resource;
  if (resourceType === 'AllergyIntolerance') return isStanding(resource) ? { kind: 'allergy' } : undefined;
  if (resourceType === 'Condition') return isPregnancy(resource) ? { kind: 'pregnancy' } : undefined;
  if (resourceType === 'Observation') {
    const kind = has(code, PREGNANCY_STATUS) ? 'pregnancy-status' : has(code, ...EGFR) ? 'egfr' : undefined;
    return kind === undefined || !isFinal(resource) ? undefined : { kind, at: timeOf(resource) };
  }
  if (!['MedicationRequest', 'MedicationStatement'].includes(resourceType) || status !== 'active') return undefined;
  const never = tables.interactions.filter(({ severity }) => severity === 'high').flatMap(({ between }) => between);
  const ingredients = ingredientsOf(resource, { tables, records: [] });
  return ingredients.some((id) => never.includes(id)) ? { kind: 'medicine' } : undefined;
}
