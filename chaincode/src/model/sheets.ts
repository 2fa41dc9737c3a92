/**
 * Sheets: the records of one transaction, anchored together. `sheet/<id>` is the root of a Merkle tree over their texts,
 * `content/<id>/<generation>` holds the texts, and `version/<record>/<n>` says on which sheet a version stands that its
 * record's id does not place. A record is shown to a third party by its text and its path to the sheet.
 */
import { mspIdSchema, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { CanonicalText, canonicalJson, uuidFrom } from './canonical.ts';
import { MAX_COMPANIONS } from './companions.ts';
import { leafHash } from './merkle.ts';
import { PURPOSE_CODES } from './purposes.ts';
import {
  anchoredText,
  fhirIdSchema,
  hashSchema,
  idSchema,
  instantSchema,
  resourceTypeSchema,
  saltSchema,
  versionSchema,
} from './texts.ts';
import {
  type Anchored,
  audienceSchema,
  MAX_DELIVERED,
  MAX_RECORDS,
  MAX_VALUE_LENGTH,
  schemaVersion,
} from './values.ts';

export const indexSchema = z
  .int()
  .min(0)
  .max(MAX_RECORDS - 1);

/** Longest content of several records, in UTF-16 code units. A record by itself may be longer. */
export const MAX_CONTENT_LENGTH = 4 * 1024 * 1024;

/** `sheet/<id>` */
export const sheetSchema = z.strictObject({
  schema: schemaVersion,
  /** RFC 6962 over the records' texts. */
  root: hashSchema,
  size: z.int().min(1).max(MAX_RECORDS),
  salt: saltSchema,
  /** MSP id of who wrote it, where that is not the provider: of what a patient wrote her custodian. */
  author: mspIdSchema.optional(),
});
export type Sheet = z.infer<typeof sheetSchema>;

/** `content/<id>/<generation>`: the text of each record in the order of the tree; of an erased one its leaf hash alone. */
export const contentSchema = z.strictObject({
  schema: schemaVersion,
  leaves: z
    .array(z.union([anchoredText(MAX_VALUE_LENGTH), z.strictObject({ hash: hashSchema })]))
    .min(1)
    .max(MAX_RECORDS),
  /** The exact text under `sheet/<id>`, from generation 1 on: what was written with the first stands in another block. */
  tree: anchoredText(1_024).optional(),
});
export type Content = z.infer<typeof contentSchema>;

/** `version/<record>/<n>`: where that version stands. */
export const placeSchema = z.strictObject({
  schema: schemaVersion,
  sheet: idSchema,
  index: indexSchema,
  type: resourceTypeSchema,
  salt: saltSchema,
});
export type Place = z.infer<typeof placeSchema>;

/** Where a record that was created without an id of the client's stands. */
export const originSchema = z.strictObject({ sheet: idSchema, index: indexSchema });
export type Origin = z.infer<typeof originSchema>;

/** One record version, shown: its text, its path to the sheet, and where its version's key says it stands. */
export const recordEvidenceSchema = z.strictObject({
  id: fhirIdSchema,
  version: versionSchema,
  text: anchoredText(MAX_VALUE_LENGTH),
  sheet: idSchema,
  index: indexSchema,
  path: z.array(hashSchema).max(16),
  /** The exact text under `sheet/<id>`. */
  tree: anchoredText(1_024),
  /** The exact text under `version/<id>/<version>`, where there is one. */
  place: anchoredText(1_024).optional(),
});
export type RecordEvidence = z.infer<typeof recordEvidenceSchema>;

/** A record version as its author hands it in: `resource` is canonical JSON, every digit as it was sent. */
const recordDraftSchema = z.strictObject({
  id: fhirIdSchema,
  version: versionSchema,
  salt: saltSchema,
  resource: anchoredText(MAX_VALUE_LENGTH),
  /** The version says that the record is deleted; `resource` is its tombstone (fhir.ts). */
  deleted: z.literal(true).optional(),
  /** Of a MedicationRequest and its dispenses: see {@link Anchored}. */
  handle: saltSchema.optional(),
  /** Of version 2: where version 1 stands, unless a key of its own says so. */
  origin: originSchema.optional(),
});
export type RecordDraft = z.infer<typeof recordDraftSchema>;

/** The most sheets of one transaction: a Bundle that is longer than one content has several. */
export const MAX_SHEETS = 16;
export const sheetDraftSchema = z.strictObject({
  id: idSchema,
  salt: saltSchema,
  records: z.array(recordDraftSchema).min(1).max(MAX_RECORDS),
});
export type SheetDraft = z.infer<typeof sheetDraftSchema>;

/** `copies/<access id>` in the requestor's inbox: each copy is what its holder anchored, with its path there. */
export const copiesSchema = z.strictObject({
  schema: schemaVersion,
  accessId: idSchema,
  holder: nameSchema,
  deliveredAt: instantSchema,
  expiresAt: instantSchema,
  salt: saltSchema,
  /** For whom and for what it was asked; the receiving gateway shows it to nobody else. Absent in older ones. */
  audience: audienceSchema.optional(),
  purpose: z.enum(PURPOSE_CODES).optional(),
  /** Companions follow the records that were asked for. */
  records: z
    .array(recordEvidenceSchema)
    .min(1)
    .max(MAX_DELIVERED + MAX_COMPANIONS),
});
export type Copies = z.infer<typeof copiesSchema>;

/** The id of a record created at a place of a sheet: none exists twice, and it tells its type. */
export const recordIdAt = ({ sheet, index }: Origin, type: string): string =>
  uuidFrom(`record/${sheet}/${index}/${type}`);

/**
 * Whether an id is of the form that places give. A record of such an id begins where the id says and nowhere else: no
 * client gives one to a new record.
 */
export const isIdOfPlace = (id: string): boolean => PLACED_ID.test(id);
const PLACED_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The text of a record's leaf: canonical JSON of an Anchored value whose resource is canonical JSON already. */
export const leafText = (anchored: Omit<Anchored, 'resource' | 'schema'>, resource: string): string =>
  canonicalJson({ schema: 1, ...anchored, resource: new CanonicalText(resource) });

/**
 * What lies under `version/<record>/<n>`. It follows from the leaf and where that stands, so a place can be checked by its
 * hash where its value is not at hand.
 */
export const placeOf = ({ sheet, index }: Origin, type: string, salt: string): Place => ({
  ...{ schema: 1, sheet, index },
  ...{ type, salt },
});

/** The leaf hashes of a content, erased records included. */
export const leavesOf = ({ leaves }: Content): string[] =>
  leaves.map((leaf) => (typeof leaf === 'string' ? leafHash(leaf) : leaf.hash));
