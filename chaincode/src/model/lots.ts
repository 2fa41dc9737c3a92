/**
 * Lots of medicines: what a dispense says of the package that it hands out, and what the regulators publish of products, as a register of
 * buckets like that of licences, so that what a dispense is held against says nothing of what is dispensed.
 */
import { z } from 'zod';
import { canonicalJson } from './canonical.ts';
import { FHIR_DATE_TIME, lastDay } from './days.ts';
import type { Resource } from './fhir.ts';
import { isGtin, readScan } from './gs1.ts';
import { bucketEvidenceSchema, emptyRootOf } from './registers.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { daySchema, fhirIdSchema, idSchema, instantSchema, line, saltSchema, table, uri, written } from './texts.ts';
import { hintSchema } from './transaction.ts';
import { schemaVersion } from './values.ts';

/** terminology.hl7.org: Global Trade Item Numbers. */
export const GTIN_SYSTEM = 'https://www.gs1.org/gtin';
/** Of an identifier of a Medication: the GS1 element string on its package, as it was scanned. */
export const SCAN_SYSTEM = 'https://telemed-ledger.example/fhir/identifier/gs1-element-string';

const MAX_LOTS = 1_000;
const MAX_PRODUCTS = 10_000;
/** Codes of one medication. */
const MAX_CODES = 20;

const lotSchema = line(64);
export const productSchema = z.strictObject({ system: uri, code: line(128) });
export type Product = z.infer<typeof productSchema>;

/** As the register knows a product: a GTIN has 14 digits. */
export function productName({ system, code }: Product): string {
  return JSON.stringify([system, system === GTIN_SYSTEM ? code.padStart(14, '0') : code]);
}
/** Lots that differ in case, or in spaces around them, are one: who types one in is not to miss a recall by that. */
export const lotName = (lot: string): string => lot.trim().replaceAll(/\s+/g, ' ').toUpperCase();

/** What a regulator says of a lot that a manufacturer has released. */
const releasedLotSchema = z.strictObject({ number: lotSchema, expiry: daySchema });
export const releasedLotsSchema = z.array(releasedLotSchema).min(1).max(MAX_LOTS);

export const recallInputSchema = z.strictObject({
  id: idSchema,
  product: productSchema,
  /** Empty: all lots of the product. */
  lots: z.array(lotSchema).max(MAX_LOTS),
  reason: written(500),
  status: z.enum(['active', 'ended']),
});
export type RecallInput = z.infer<typeof recallInputSchema>;

/** `recall/<id>/<version>` in registers. */
export const recallSchema = z.strictObject({
  schema: schemaVersion,
  ...recallInputSchema.shape,
  version: z.int().min(1).max(10_000),
  /** Name of the regulator. */
  by: line(64),
  /** Of its first version, and of this one. */
  publishedAt: instantSchema,
  changedAt: instantSchema,
  salt: saltSchema,
});
export type Recall = z.infer<typeof recallSchema>;

/** What the register holds of a product. */
const knownProductSchema = z.strictObject({
  /** Expiry by lot; nothing where no lots were published. */
  lots: table(lotSchema, daySchema, 20 * MAX_LOTS),
  /** Recalls that are active. */
  recalls: table(
    idSchema,
    z.strictObject({ lots: z.array(lotSchema).max(MAX_LOTS), publishedAt: instantSchema }),
    MAX_LOTS,
  ),
});
export type KnownProduct = z.infer<typeof knownProductSchema>;

/** `lot-bucket/<index>/<generation>` in registers: the products of a bucket by name. */
export const lotBucketSchema = z.strictObject({
  schema: schemaVersion,
  products: table(line(4_096), knownProductSchema, MAX_PRODUCTS),
});
export type LotBucket = z.infer<typeof lotBucketSchema>;
export const EMPTY_LOT_BUCKET = canonicalJson({ schema: 1, products: {} } satisfies LotBucket);
export const EMPTY_LOTS_ROOT = emptyRootOf(EMPTY_LOT_BUCKET);

/** What a MedicationDispense shows of what it hands out. */
export const lotShownSchema = z.strictObject({
  /** Id of the MedicationDispense, which the transaction records. */
  id: fhirIdSchema,
  /** The Medication that it refers to, and its provider; absent where it is contained, or recorded along with it. */
  medication: z.strictObject({ provider: line(64), record: recordEvidenceSchema }).optional(),
  /** A generation of the register of lots that is known, and its buckets of the medication's codes, ascending. */
  register: hintSchema,
  buckets: z.array(bucketEvidenceSchema).max(MAX_CODES),
});
export type LotShown = z.infer<typeof lotShownSchema>;

/** A medication as far as its lot goes. */
export interface Package {
  /** Names of its products, each once. */
  products: string[];
  lot?: string;
  /** FHIR dateTime. */
  expiry?: string;
}

type Part = Record<string, unknown>;
const listed = (value: unknown): Part[] =>
  ([value ?? []].flat() as unknown[]).filter((one): one is Part => typeof one === 'object' && one !== null);

function productsIn(concept: unknown): string[] {
  const codings = listed((concept as Part | undefined)?.['coding']);
  const names = codings
    .slice(0, MAX_CODES)
    .flatMap(({ system, code }) =>
      typeof system === 'string' && typeof code === 'string' ? [productName({ system, code })] : [],
    );
  return [...new Set(names)];
}

/** What a Medication says of its lot. */
export function packageOf(medication: Part): Package {
  const { lotNumber, expirationDate } = (medication['batch'] ?? {}) as Part;
  return {
    products: productsIn(medication['code']),
    ...(typeof lotNumber === 'string' ? { lot: lotNumber } : {}),
    ...(typeof expirationDate === 'string' && FHIR_DATE_TIME.test(expirationDate) ? { expiry: expirationDate } : {}),
  };
}

/** The id of the Medication that a dispense refers to; undefined where it contains it, or names a code alone. */
export function medicationIdOf({ medicationReference }: Resource): string | undefined {
  const { reference } = (medicationReference ?? {}) as Part;
  return /^Medication\/([A-Za-z0-9.-]{1,64})(?:\/_history\/\d+)?$/.exec(String(reference))?.[1];
}

/** What a dispense says itself of what it hands out; undefined where it refers to a Medication. */
export function packageIn(dispense: Resource): Package | undefined {
  const { reference } = (dispense['medicationReference'] ?? {}) as Part;
  if (reference === undefined) return { products: productsIn(dispense['medicationCodeableConcept']) };
  const held = listed(dispense['contained']).find(({ id }) => reference === `#${String(id)}`);
  return held && packageOf(held);
}

/** The Medications in a resource, itself included, and where each stands. */
const medicationsIn = (resource: Resource): { medication: Part; at: string }[] =>
  resource.resourceType === 'Medication'
    ? [{ medication: resource, at: '' }]
    : resource.resourceType === 'MedicationDispense'
      ? listed(resource['contained']).flatMap((medication, index) =>
          medication['resourceType'] === 'Medication' ? [{ medication, at: `.contained[${index}]` }] : [],
        )
      : [];

interface ScanText {
  text: string;
  at: string;
}
const scansOf = (medication: Part): ScanText[] =>
  listed(medication['identifier']).flatMap(({ system, value }, index) =>
    system === SCAN_SYSTEM ? [{ text: String(value), at: `.identifier[${index}].value` }] : [],
  );

export interface ScanRefusal {
  reason: string;
  /** From the resource on. */
  at: string;
}

/** Why what was scanned does not go with what its Medication says; undefined where it does. @param today YYYY-MM-DD */
export function scanRefusal(resource: Resource, today: string): ScanRefusal | undefined {
  for (const { medication, at } of medicationsIn(resource)) {
    const { lot, expiry, products } = packageOf(medication);
    for (const code of listed((medication['code'] as Part | undefined)?.['coding']))
      if (code['system'] === GTIN_SYSTEM && !isGtin(String(code['code'])))
        return { reason: 'is no GTIN: its digits or their check digit are wrong', at: `${at}.code` };
    for (const { text, at: place } of scansOf(medication)) {
      const scan = readScan(text, today);
      if ('fault' in scan) return { reason: `${scan.fault} (character ${scan.at + 1})`, at: `${at}${place}` };
      if (!products.includes(productName({ system: GTIN_SYSTEM, code: scan.gtin })))
        return { reason: 'the code is not what was scanned', at: `${at}.code` };
      if (scan.lot !== undefined && scan.lot !== lot)
        return { reason: 'the lot is not what was scanned', at: `${at}.batch.lotNumber` };
      if (scan.expiry !== undefined && (expiry === undefined || lastDay(expiry) !== scan.expiry))
        return { reason: 'the expiry is not what was scanned', at: `${at}.batch.expirationDate` };
    }
  }
  return undefined;
}

/** The resource with what was scanned in its elements, where these say nothing yet. @param today YYYY-MM-DD */
export function withScans(resource: Resource, today: string): Resource {
  const all = medicationsIn(resource);
  if (!all.some(({ medication }) => scansOf(medication).length > 0)) return resource;
  if (resource.resourceType === 'Medication') return withScan(resource, today) as Resource;
  const held = new Set<unknown>(all.map(({ medication }) => medication));
  const contained = (resource['contained'] as Part[]).map((one) => (held.has(one) ? withScan(one, today) : one));
  return { ...resource, contained };
}

function withScan(medication: Part, today: string): Part {
  const [first] = scansOf(medication);
  const scan = first && readScan(first.text, today);
  if (scan === undefined || 'fault' in scan) return medication;
  const code = (medication['code'] ?? {}) as Part;
  const coding = { system: GTIN_SYSTEM, code: scan.gtin };
  const isCoded = productsIn(code).includes(productName(coding));
  const { lot: lotNumber, expiry: expirationDate } = scan;
  const batch = {
    ...(lotNumber === undefined ? {} : { lotNumber }),
    ...(expirationDate === undefined ? {} : { expirationDate }),
    ...((medication['batch'] ?? {}) as Part),
  };
  return {
    ...medication,
    ...(isCoded ? {} : { code: { ...code, coding: [...listed(code['coding']), coding] } }),
    ...(Object.keys(batch).length === 0 ? {} : { batch }),
  };
}
