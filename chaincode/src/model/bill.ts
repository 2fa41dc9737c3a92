/**
 * A FHIR R4 Claim read as a bill: what was done when, for how much, in integer minor units. Everything that
 * is malformed fails here; whether the bill is justified is for the claim edits.
 */
import { z } from 'zod';
import { targetOf } from './claim-evidence.ts';
import { countDays, FHIR_DATE_TIME, firstDay, lastDay } from './days.ts';
import { LedgerError } from './errors.ts';
import type { Reference } from './fhir.ts';
import { type Decimal, decimalOf, MAX_UNITS, multiply, ONE, parseMoney, parsePrice, roundHalfUp } from './money.ts';
import { type ActorReference, organisationNameOf } from './organisations.ts';

const MAX_ITEMS = 500;
/** Of what lies in one item, or in one of its details. */
const MAX_PARTS = 100;
/** Items, details and their details of one claim together. */
const MAX_PARTS_IN_ALL = 2_000;
/** Of a claim's other lists, and of what one item names of them: each item is held against each of them. */
const MAX_LISTED = 500;
const MAX_NAMED = 50;
/** The most days one item may span. */
const MAX_ITEM_DAYS = 366;

const dateTime = z.string().regex(FHIR_DATE_TIME);
const period = z.looseObject({ start: dateTime.optional(), end: dateTime.optional() });
const reference = z.looseObject({
  reference: z.string().optional(),
  identifier: z.looseObject({ system: z.string().optional(), value: z.string().optional() }).optional(),
});
/** hl7.org/fhir/R4/datatypes.html#code, in visible ASCII: a look-alike must not pass for another service. */
const CODE = /^[!-~]+( [!-~]+)*$/;
const sequence = z.int().min(1);
const coding = z.looseObject({ system: z.string().optional(), code: z.string().trim().regex(CODE) });

/** Numbers by their digits. */
const positive = z.custom((value) => (decimalOf(value)?.digits ?? -1n) > 0n);
const notNegative = z.custom((value) => (decimalOf(value)?.digits ?? -1n) >= 0n);

/** What items, their details and the details of those have alike. */
const partShape = {
  sequence,
  productOrService: z.looseObject({ coding: z.array(coding).min(1).max(10) }),
  modifier: z
    .array(z.looseObject({ coding: z.array(coding).max(10).optional() }))
    .max(10)
    .optional(),
  quantity: z.looseObject({ value: positive }).optional(),
  unitPrice: z.unknown().optional(),
  factor: notNegative.optional(),
  net: z.unknown().optional(),
};
const subDetailSchema = z.looseObject(partShape);
const detailSchema = z.looseObject({ ...partShape, subDetail: z.array(subDetailSchema).max(MAX_PARTS).optional() });

const itemSchema = z.looseObject({
  ...partShape,
  detail: z.array(detailSchema).max(MAX_PARTS).optional(),
  servicedDate: dateTime.optional(),
  servicedPeriod: period.optional(),
  encounter: z.array(reference).max(MAX_NAMED).optional(),
  careTeamSequence: z.array(sequence).max(MAX_NAMED).optional(),
  procedureSequence: z.array(sequence).max(MAX_NAMED).optional(),
  informationSequence: z.array(sequence).max(MAX_NAMED).optional(),
  locationCodeableConcept: z.looseObject({ coding: z.array(coding).max(10).optional() }).optional(),
});

/** As much of a Claim (hl7.org/fhir/R4/claim.html) as the ledger must understand. */
export const claimSchema = z.looseObject({
  resourceType: z.literal('Claim'),
  id: z.string(),
  status: z.literal('active'),
  use: z.literal('claim'),
  type: z.looseObject({ coding: z.array(z.looseObject({ code: z.string().optional() })).optional() }),
  patient: reference,
  created: dateTime,
  provider: reference,
  prescription: reference.optional(),
  payee: z
    .looseObject({
      type: z.looseObject({ coding: z.array(z.looseObject({ code: z.string().optional() })).optional() }),
      party: z.looseObject({}).optional(),
    })
    .optional(),
  priority: z.looseObject({}),
  billablePeriod: period.optional(),
  insurance: z
    .array(z.looseObject({ sequence, focal: z.boolean(), coverage: reference, preAuthRef: z.unknown().optional() }))
    .min(1)
    .max(MAX_NAMED),
  careTeam: z
    .array(
      z.looseObject({
        ...{ sequence, provider: reference },
        role: z.looseObject({ coding: z.array(z.looseObject({ code: z.string().optional() })).optional() }).optional(),
      }),
    )
    .max(MAX_NAMED)
    .optional(),
  procedure: z
    .array(z.looseObject({ sequence, procedureReference: reference.optional() }))
    .max(MAX_LISTED)
    .optional(),
  supportingInfo: z
    .array(z.looseObject({ sequence, valueReference: reference.optional() }))
    .max(MAX_LISTED)
    .optional(),
  item: z.array(itemSchema).min(1).max(MAX_ITEMS),
  total: z.unknown().optional(),
});
export type Claim = z.infer<typeof claimSchema>;
type ClaimItem = Claim['item'][number];
type ClaimPart = z.infer<typeof subDetailSchema>;

/** A line of a bill, or what lies in one. Amounts are minor units of the bill's currency. */
export interface BillPart {
  sequence: number;
  codes: { system: string; code: string }[];
  /** Codes of its modifiers, in capitals. */
  modifiers: string[];
  /** Codes of where it was rendered, in capitals; absent where the item says nothing. */
  places?: string[];
  quantity: Decimal;
  /** quantity × unitPrice × factor, halves up; undefined without a unit price. */
  computed: number | undefined;
  /** What is asked for: `net`, or else what was computed, or else what its parts ask for. */
  billed: number;
  /** Its details, or the details of a detail. */
  parts: BillPart[];
}

/** One line of a bill. */
export interface BillItem extends BillPart {
  /** First and last day of the service, YYYY-MM-DD. */
  first: string;
  last: string;
  /** Where the service is billed by the hour, ISO 8601 as written. */
  times?: { start: string; end: string };
  /** It says itself nothing of when: its days and times are those of the whole claim. */
  isOfClaim?: true;
  /** `Type/id` of the records of what was done that the item points to. */
  services: string[];
  careTeam: Reference[];
  /** Those of its care team who rendered it, as the team's roles say; absent where they say nothing. */
  renderedBy?: Reference[];
}

export interface Bill {
  claimId: string;
  /** A code of http://terminology.hl7.org/CodeSystem/claim-type, in small letters; empty where the type has none. */
  type: string;
  /** `Patient/<id>` */
  patient: string;
  /** `Coverage/<id>` of the focal insurance. */
  coverage: string;
  /** The payer's numbers of authorizations that the focal insurance names; absent where it names none. */
  authorizations?: string[];
  /** `Type/id` of the prescription that a pharmacy claim is for. */
  prescription?: string;
  /** Who is to be paid, where it says so: a member's name, or the code of whom else than its provider. */
  payee?: string;
  /** Currencies in order of appearance; a proper bill has one. */
  currencies: string[];
  items: BillItem[];
  /** Claim.total, where the claim states one. */
  total: number | undefined;
}

const invalid = (reason: string, expression: string): LedgerError => new LedgerError('INVALID', reason, expression);

/** `Claim.item[0].net` for a zod path. */
export const expressionOf = (root: string, path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${String(part)}`),
    root,
  );

function daysOfItem(
  claim: Claim,
  item: ClaimItem,
  at: string,
): Pick<BillItem, 'first' | 'last' | 'times' | 'isOfClaim'> {
  const isOfClaim = item.servicedDate === undefined && item.servicedPeriod === undefined;
  const span = item.servicedDate === undefined ? (item.servicedPeriod ?? claim.billablePeriod) : undefined;
  const start = item.servicedDate ?? span?.start;
  const end = item.servicedDate ?? span?.end ?? start;
  if (start === undefined || end === undefined) throw invalid('no service date', `${at}.serviced`);
  if (start.length < 10 || end.length < 10) throw invalid('a service date needs its day', `${at}.serviced`);
  const days = { first: firstDay(start), last: lastDay(end), ...(isOfClaim ? { isOfClaim: true as const } : {}) };
  const count = countDays(days.first, days.last);
  if (!(count >= 1 && count <= MAX_ITEM_DAYS)) {
    throw invalid(`a service takes one to ${MAX_ITEM_DAYS} days`, `${at}.serviced`);
  }
  return start.includes('T') && end.includes('T') ? { ...days, times: { start, end } } : days;
}

/** The members of a list that an item names by sequence. */
function named<T extends { sequence: number }>(members: T[] | undefined, sequences: number[], at: string): T[] {
  return sequences.map((wanted) => {
    const found = members?.find((member) => member.sequence === wanted);
    if (found === undefined) throw invalid('names a sequence that is not there', at);
    return found;
  });
}

function servicesOf(claim: Claim, item: ClaimItem, at: string): string[] {
  const references: unknown[] = [
    ...(item.encounter ?? []),
    ...named(claim.procedure, item.procedureSequence ?? [], `${at}.procedureSequence`).map((p) => p.procedureReference),
    ...named(claim.supportingInfo, item.informationSequence ?? [], `${at}.informationSequence`).map(
      (information) => information.valueReference,
    ),
  ];
  return [...new Set(references.map(targetOf).filter((target) => target !== undefined))];
}

/** Reads money, and remembers the currencies in the order in which they appear. */
class Reader {
  readonly currencies: string[] = [];

  units(money: unknown, at: string): number {
    const { units, currency } = parseMoney(money, at);
    this.#see(currency);
    return units;
  }

  price(money: unknown, at: string): Decimal {
    const { price, currency } = parsePrice(money, at);
    this.#see(currency);
    return price;
  }

  #see(currency: string): void {
    if (!this.currencies.includes(currency)) this.currencies.push(currency);
  }
}

function readPart(part: ClaimPart, parts: BillPart[], at: string, reader: Reader): BillPart {
  const quantity = part.quantity === undefined ? ONE : decimalOf(part.quantity.value);
  const factor = part.factor === undefined ? ONE : decimalOf(part.factor);
  if (quantity === undefined || factor === undefined) throw invalid('not a number', at);
  const price = part.unitPrice === undefined ? undefined : reader.price(part.unitPrice, `${at}.unitPrice`);
  const computed = price === undefined ? undefined : roundHalfUp(multiply(multiply(price, quantity), factor));
  if (price !== undefined && computed === undefined) throw invalid('the amount is too large', `${at}.unitPrice`);
  const net = part.net === undefined ? undefined : reader.units(part.net, `${at}.net`);
  const inParts = billedInParts({ parts });
  if (inParts > MAX_UNITS) throw invalid('the amount is too large', at);
  return {
    sequence: part.sequence,
    codes: part.productOrService.coding.map(({ system = '', code }) => ({ system, code })),
    modifiers: (part.modifier ?? []).flatMap((one) => (one.coding ?? []).map(({ code }) => code.toUpperCase())),
    ...{ quantity, computed, billed: net ?? computed ?? inParts, parts },
  };
}

/** The parts that lie in another. @throws LedgerError INVALID where two have the same sequence */
function readParts<T extends ClaimPart>(
  parts: readonly T[] | undefined,
  at: string,
  read: (part: T, at: string) => BillPart,
): BillPart[] {
  const found = (parts ?? []).map((part, index) => read(part, `${at}[${index}]`));
  if (new Set(found.map((part) => part.sequence)).size < found.length)
    throw invalid('two have the same sequence', `${at}.sequence`);
  return found;
}

/** Roles of those who did it themselves (R4's claim-careteamrole, and CARIN Blue Button's). */
const RENDERING = ['primary', 'performing', 'rendering', 'operating'];
const isRendering = ({ role }: NonNullable<Claim['careTeam']>[number]): boolean =>
  (role?.coding ?? []).some(({ code = '' }) => RENDERING.includes(code));

function readItem(claim: Claim, item: ClaimItem, at: string, reader: Reader): BillItem {
  const details = readParts(item.detail, `${at}.detail`, (detail, within) => {
    const inIt = readParts(detail.subDetail, `${within}.subDetail`, (part, deeper) =>
      readPart(part, [], deeper, reader),
    );
    return readPart(detail, inIt, within, reader);
  });
  const places = (item.locationCodeableConcept?.coding ?? []).map(({ code }) => code.toUpperCase());
  const team = claim.careTeam ?? [];
  const members =
    item.careTeamSequence === undefined ? team : named(team, item.careTeamSequence, `${at}.careTeamSequence`);
  const renderedBy = members.filter(isRendering).map((member) => member.provider as Reference);
  return {
    ...readPart(item, details, at, reader),
    ...(places.length === 0 ? {} : { places }),
    ...daysOfItem(claim, item, at),
    services: servicesOf(claim, item, at),
    careTeam: members.map((member) => member.provider as Reference),
    ...(renderedBy.length === 0 ? {} : { renderedBy }),
  };
}

const linked = z.looseObject({
  diagnosis: z.array(z.looseObject({ sequence })).optional(),
  item: z.array(z.looseObject({ diagnosisSequence: z.array(sequence).optional() })),
});

/**
 * Holds lines to diagnoses that their Claim lists. Asked when it is submitted, and not where it is read later: those of before stay.
 * @throws LedgerError INVALID with the element at fault
 */
export function checkDiagnoses(claim: unknown): void {
  const parsed = linked.safeParse(claim);
  if (!parsed.success) throw invalid('malformed', expressionOf('Claim', parsed.error.issues[0]?.path ?? []));
  const { diagnosis, item } = parsed.data;
  for (const [index, { diagnosisSequence = [] }] of item.entries())
    named(diagnosis, diagnosisSequence, `Claim.item[${index}].diagnosisSequence`);
}

/**
 * Reads a submitted Claim.
 * @throws LedgerError INVALID with the element at fault where the claim is malformed or uses what is not supported.
 */
export function readBill(resource: unknown): Bill {
  const parsed = claimSchema.safeParse(resource);
  if (!parsed.success) {
    throw invalid('missing, malformed or not supported', expressionOf('Claim', parsed.error.issues[0]?.path ?? []));
  }
  const claim = parsed.data;
  const reader = new Reader();
  const items = claim.item.map((item, index) => readItem(claim, item, `Claim.item[${index}]`, reader));
  const total = claim.total === undefined ? undefined : reader.units(claim.total, 'Claim.total');
  const { currencies } = reader;
  if (items.flatMap(partsIn).length > MAX_PARTS_IN_ALL)
    throw invalid('too many details; split it', 'Claim.item.detail');
  if (new Set(items.map((item) => item.sequence)).size < items.length) {
    throw invalid('two items have the same sequence', 'Claim.item.sequence');
  }
  if (currencies.length === 0) throw invalid('nothing is billed', 'Claim.item');
  const patient = targetOf(claim.patient);
  if (patient === undefined || !patient.startsWith('Patient/')) throw invalid('no patient', 'Claim.patient');
  const focal = claim.insurance.filter((insurance) => insurance.focal);
  const coverage = focal.length === 1 ? targetOf(focal[0]?.coverage) : undefined;
  if (coverage === undefined) throw invalid('needs one focal insurance with its coverage', 'Claim.insurance');
  const type = (claim.type.coding?.[0]?.code ?? '').toLowerCase();
  const prescription = targetOf(claim.prescription);
  const prescribed = prescription === undefined ? {} : { prescription };
  const named = { ...prescribed, ...authorizationsOf(focal[0]?.preAuthRef) };
  return { claimId: claim.id, type, patient, coverage, ...named, ...payeeOf(claim), currencies, items, total };
}

/** A number that is no text, or longer than any payer gives, is none that it could be: it stays what the claim says. */
function authorizationsOf(numbers: unknown): Pick<Bill, 'authorizations'> {
  const all = [numbers ?? []].flat().map((one) => (typeof one === 'string' ? one.trim() : ''));
  return all.length === 0 ? {} : { authorizations: [...new Set(all)].slice(0, MAX_NAMED) };
}

/** A member that is named counts, whatever the code; one that names nobody here, where its code is not the provider's. */
function payeeOf({ payee }: Claim): { payee?: string } {
  const code = payee?.type.coding?.[0]?.code?.toLowerCase();
  const named =
    organisationNameOf(payee?.party as ActorReference | undefined) ?? (code === 'provider' ? undefined : code);
  return named === undefined ? {} : { payee: named };
}

/** What the parts of a part ask for, in minor units. */
export const billedInParts = ({ parts }: Pick<BillPart, 'parts'>): number =>
  parts.reduce((sum, part) => sum + part.billed, 0);

/** A part and everything in it. */
const partsIn = (part: BillPart): BillPart[] => [part, ...part.parts.flatMap(partsIn)];

/** Whether a part is decided in its parts: where they ask for money. Where they only describe it, it is decided itself. */
export const isInParts = (part: Pick<BillPart, 'parts'>): boolean => billedInParts(part) > 0;

/** What the bill asks for in all, in minor units. */
export const billedInAll = (bill: Bill): number => bill.items.reduce((sum, item) => sum + item.billed, 0);
