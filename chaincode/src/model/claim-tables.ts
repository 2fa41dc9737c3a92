/**
 * What a payer holds claims against beyond the records: which codes a record's codes are billed by, how long a service takes, how
 * often and together with what it is paid, for whom and where. All of it is data of the payer's, dated by the days of service on
 * which it counts: no list of codes is in the program.
 */
import { z } from 'zod';
import {
  codeSchema,
  daySchema,
  idSchema,
  instantSchema,
  LONGEST_LINE,
  line,
  saltSchema,
  table,
  versionSchema,
} from './texts.ts';
import { schemaVersion } from './values.ts';

/** `system|code`, or a code of any system; the case of letters makes no difference. */
const code = line(LONGEST_LINE);
/** First and last day of service on which a row counts; open where it is left out. */
const dated = { from: daySchema.optional(), until: daySchema.optional() };
const MAX_ROWS = 20_000;
const rows = <S extends z.ZodRawShape>(shape: S) => z.array(z.strictObject({ code, ...shape, ...dated })).max(MAX_ROWS);

const count = z.int().min(1).max(1_000_000);
/** CMS's codes of places, or whatever payer and provider write there. */
const place = line(64);
const modifier = line(16);
const limit = z.number().min(0).max(1_000_000_000);

/** What a signal is raised above, and what it adds to the score; a limit that is left out is the program's. */
const signal = z.strictObject({ limit: limit.optional(), weight: z.int().min(0).max(100), ...dated });

export const claimTablesInput = {
  /** The payer's own name for it. */
  version: line(64).optional(),
  /** The least that a service takes; of codes that are billed by time, for each unit. */
  durations: rows({ minutes: z.int().min(1).max(44_640), perUnit: z.boolean().optional() }).optional(),
  /** The most that is paid of a service: in one line, and of one person and day. */
  units: rows({ perLine: count.optional(), perDay: count.optional() }).optional(),
  /** Two services that are not paid together on one day, but where the second has one of the modifiers. */
  pairs: rows({ with: code, modifiers: z.array(modifier).max(50).optional() }).optional(),
  /** For whom a service is: by age in years on its first day, and sex (http://hl7.org/fhir/administrative-gender). */
  people: rows({
    minYears: z.int().min(0).max(150).optional(),
    maxYears: z.int().min(0).max(150).optional(),
    sex: z.enum(['female', 'male']).optional(),
  }).optional(),
  /** Where a service may be rendered. */
  places: rows({ places: z.array(place).min(1).max(100) }).optional(),
  /** Families of evaluations, each from its lowest to its highest level. */
  levels: z
    .array(z.strictObject({ codes: z.array(code).min(2).max(20), ...dated }))
    .max(1_000)
    .optional(),
  /** What a service is billed at by others, in minor units. */
  peers: rows({ mean: z.int().min(1).max(999_999_999_999) }).optional(),
  signals: table(codeSchema, signal, 100).optional(),
};

/** A ConceptMap of the payer's that counts. */
const mapVersion = z.strictObject({ id: idSchema, version: versionSchema });
export const MAX_MAPS = 50;

/** `claim-tables/<payer>/<generation>`: the newest counts. */
export const claimTablesSchema = z.strictObject({
  schema: schemaVersion,
  salt: saltSchema,
  loadedAt: instantSchema,
  maps: z.array(mapVersion).max(MAX_MAPS),
  ...claimTablesInput,
});
export type ClaimTables = z.infer<typeof claimTablesSchema>;

/** That a record with one code is billed by another, from day to day. */
export interface CrosswalkRow {
  /** `system|code` in capitals, as the record says. */
  record: string;
  billed: string;
  from?: string;
  until?: string;
}

/** The tables as claims are judged by them. */
export interface LoadedTables extends ClaimTables {
  generation: number;
  /** Undefined where the payer has none: then codes of different systems are not compared. */
  crosswalk: readonly CrosswalkRow[] | undefined;
}

interface Coded {
  system: string;
  code: string;
}

/** How a row names a code: with its system, or without. */
export function isNamedBy(row: string, { system, code }: Coded): boolean {
  const named = row.toUpperCase();
  return named === code.toUpperCase() || named === `${system}|${code}`.toUpperCase();
}

/** The rows that count on a day. */
export const countingOn = <R extends { from?: string | undefined; until?: string | undefined }>(
  all: readonly R[] | undefined,
  day: string,
): R[] => (all ?? []).filter(({ from, until }) => (from ?? day) <= day && day <= (until ?? day));
