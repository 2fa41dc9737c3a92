/**
 * The Claims of a file as they can be billed: each with what it refers to, and with what its file leaves implicit written out. Nothing is
 * invented: every change follows from the Claim itself, and is named.
 */
import { isNumber, numberOf } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { Entry } from '../load/bundle.ts';

type Members = Record<string, unknown>;
type Resource = NonNullable<Entry['resource']>;

export interface PreparedClaim {
  /** Its fullUrl in the file. */
  name: string;
  /** A Bundle for Claim/$submit; undefined where it cannot be billed. */
  bundle: object | undefined;
  /** Why not. */
  missing: string | undefined;
  /** What was done to it. */
  did: string[];
}

const UNINSURED = /^no[ _-]?insurance$/i;

const membersOf = (value: unknown): Members[] => (Array.isArray(value) ? (value as Members[]) : []);
/** Hundredths of a Money; 0 where there is none. */
const unitsOf = (money: unknown): number => {
  const value = (money as Members | undefined)?.['value'];
  return isNumber(value) ? Math.round(numberOf(value) * 100) : 0;
};

/** Each Claim of a file's entries, in their order. */
export function preparedClaims(entries: readonly Entry[]): PreparedClaim[] {
  const byUrl = new Map(
    entries.flatMap((entry) => (entry.fullUrl === undefined ? [] : [[entry.fullUrl, entry] as const])),
  );
  return entries.filter(({ resource }) => resource?.resourceType === 'Claim').map((entry) => prepared(entry, byUrl));
}

function prepared({ fullUrl = '', resource }: Entry, byUrl: ReadonlyMap<string, Entry>): PreparedClaim {
  const claim = copyOf(resource!);
  const name = fullUrl;
  const did: string[] = [];
  const insurance = membersOf(claim['insurance']);
  const { display } = (insurance[0]?.['coverage'] ?? {}) as { display?: string };
  if (insurance.length === 0 || UNINSURED.test(display ?? ''))
    return { name, bundle: undefined, missing: 'the patient has no insurance', did };
  if (claim['use'] !== 'claim') return { name, bundle: undefined, missing: `its use is ${String(claim['use'])}`, did };
  writeAmounts(claim, did);
  nameRecords(claim, byUrl, did);
  leaveOut(claim, did);
  const linked = closureOf(claim, byUrl);
  // Ids of a file are not those of this ledger.
  const { id: _, ...sent } = claim;
  const entry = [
    { fullUrl, resource: sent },
    ...linked.map((one) => ({ fullUrl: one.fullUrl, resource: one.resource })),
  ];
  return { name, bundle: { resourceType: 'Bundle', type: 'collection', entry }, missing: undefined, did };
}

/** To be written to, with its numbers as they are. */
const copyOf = (claim: Resource): Resource & Members => ({
  ...claim,
  ...(claim['supportingInfo'] === undefined
    ? {}
    : { supportingInfo: membersOf(claim['supportingInfo']).map((information) => ({ ...information })) }),
  ...(claim['item'] === undefined ? {} : { item: membersOf(claim['item']).map((item) => ({ ...item })) }),
});

/** Synthea prices the visit, or the medicine, by the total alone; and some totals leave lines out. */
function writeAmounts(claim: Members, did: string[]): void {
  const items = membersOf(claim['item']);
  const total = claim['total'] as Members | undefined;
  if (total === undefined) return;
  const sum = items.reduce((all, item) => all + unitsOf(item['net']), 0);
  const left = unitsOf(total) - sum;
  const open = items.find(
    (item) => item['net'] === undefined && item['unitPrice'] === undefined && item['encounter'] !== undefined,
  );
  if (left > 0 && open !== undefined) {
    open['net'] = { value: left / 100, currency: total['currency'] };
    did.push('what the total has beyond the lines was written as the amount of the visit or medicine');
  } else if (left !== 0) {
    delete claim['total'];
    did.push('its total was left out: it is not the sum of its lines, which count');
  }
}

/** Types of records that a line bills, and Synthea's lines do not name. */
const UNNAMED = ['DiagnosticReport', 'Immunization', 'SupplyDelivery'];

const referenceOf = (value: unknown): unknown => (value as Members | undefined)?.['reference'];
const codesIn = (concept: unknown): unknown[] =>
  membersOf((concept as Members | undefined)?.['coding']).map(({ system, code }) => `${system}|${code}`);

/** A line's information that names no record means the one of the visit, or of its patient in the time billed, that has the line's code. */
function nameRecords(claim: Members, byUrl: ReadonlyMap<string, Entry>, did: string[]): void {
  const information = membersOf(claim['supportingInfo']);
  const taken = new Set(information.map(({ valueReference }) => referenceOf(valueReference)));
  for (const item of membersOf(claim['item']))
    for (const sequence of (item['informationSequence'] ?? []) as unknown[]) {
      const open = information.find((one) => one['sequence'] === sequence && one['valueReference'] === undefined);
      const found = [...byUrl].find(
        ([url, { resource }]) => !taken.has(url) && resource !== undefined && isOfLine(resource, item, claim),
      );
      if (open === undefined || found === undefined) continue;
      taken.add(found[0]);
      open['valueReference'] = { reference: found[0] };
      did.push('a line was given the record of its visit that has its code');
    }
}

/** What no record of the file bears out is not billed: a payer denies it, and a replacement bills it once it is recorded. */
function leaveOut(claim: Members, did: string[]): void {
  const items = membersOf(claim['item']);
  const information = membersOf(claim['supportingInfo']);
  const kept = items.filter((item) => unitsOf(item['net']) === 0 || namesRecord(item, information));
  if (kept.length === items.length || kept.length === 0) return;
  claim['item'] = kept;
  delete claim['total'];
  did.push('a line that names no record, and for which the file has none, was left out, and the total with it');
}

const namesRecord = (item: Members, information: readonly Members[]): boolean =>
  [item['encounter'], item['procedureSequence']].some((one) => membersOf(one).length > 0) ||
  ((item['informationSequence'] ?? []) as unknown[]).some((sequence) =>
    information.some((one) => one['sequence'] === sequence && one['valueReference'] !== undefined),
  );

function isOfLine(resource: Members, item: Members, claim: Members): boolean {
  const { encounter, occurrenceDateTime, suppliedItem } = resource;
  const supplied = (suppliedItem as Members | undefined)?.['itemCodeableConcept'];
  const codes = [resource['code'], resource['vaccineCode'], supplied].flatMap(codesIn);
  const whose = referenceOf(resource['subject'] ?? resource['patient']);
  if (!UNNAMED.includes(String(resource['resourceType'])) || whose !== referenceOf(claim['patient'])) return false;
  if (!codesIn(item['productOrService']).some((code) => codes.includes(code))) return false;
  const visits = membersOf(claim['item']).flatMap((one) => membersOf(one['encounter']).map(referenceOf));
  const { start, end } = (claim['billablePeriod'] ?? {}) as Record<string, unknown>;
  if (encounter !== undefined) return visits.includes(referenceOf(encounter));
  const [from, at, until] = [start, occurrenceDateTime, end].map((time) => Date.parse(String(time)));
  return from! <= at! && at! <= until!;
}

/** The entries that a Claim refers to, and whose they are. */
function closureOf(claim: Members, byUrl: ReadonlyMap<string, Entry>): Entry[] {
  const found = new Set<Entry>();
  const pending = referencesIn(claim);
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const entry = byUrl.get(next);
    if (entry === undefined || found.has(entry) || entry.resource?.resourceType === 'Claim') continue;
    found.add(entry);
    const { subject, patient, encounter } = entry.resource as Members;
    pending.push(...referencesIn([subject, patient, encounter]));
  }
  return [...found];
}

function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'reference' && typeof member === 'string' ? [member] : referencesIn(member),
  );
}
