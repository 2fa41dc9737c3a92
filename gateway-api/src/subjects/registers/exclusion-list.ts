/**
 * Lists of excluded practitioners as CSV (RFC 4180), with the columns of the LEIE, the list of the Office of Inspector General
 * (oig.hhs.gov/exclusions): NPI, EXCLDATE and REINDATE, days as YYYYMMDD, zeros for none. Columns of other names are ignored,
 * days are also read as YYYY-MM-DD. A number that has several rows counts by its newest.
 */
import { licenceNumberSchema } from '@telemed-ledger/chaincode/model/texts.ts';
import { type Row, rowsOf } from './register-csv.ts';

export interface Exclusion {
  number: string;
  /** YYYY-MM-DD */
  excludedOn: string;
  reinstatedOn?: string;
}

export interface ExclusionList {
  exclusions: Exclusion[];
  /** Rows without a number: nobody in a register of numbers is meant. */
  withoutNumber: number;
  /** Rows that cannot be read; lines from 1, the head included. */
  unusable: { line: number; reason: string }[];
}

const NONE = /^0*$/;

/** @throws {Failure} 400 for text that is no such list, with the line at fault; 413 for one that is too long */
export function readExclusionList(text: string): ExclusionList {
  const rows = rowsOf(text, ['NPI', 'EXCLDATE']);
  const byNumber = new Map<string, Exclusion>();
  const unusable: ExclusionList['unusable'] = [];
  let withoutNumber = 0;
  for (const { record, info } of rows) {
    const read = exclusionIn(record);
    if (read === undefined) withoutNumber += 1;
    else if (typeof read === 'string') unusable.push({ line: info.lines, reason: read });
    else if (newest(read) >= newest(byNumber.get(read.number))) byNumber.set(read.number, read);
  }
  return { exclusions: [...byNumber.values()], withoutNumber, unusable };
}

/** What a row says; undefined where it names no number, and why it cannot be read. */
function exclusionIn({ NPI: number = '', EXCLDATE: excluded = '', REINDATE: reinstated = '' }: Row) {
  if (NONE.test(number)) return undefined;
  if (!licenceNumberSchema.safeParse(number).success) return 'NPI is no number of a licence';
  const [excludedOn, reinstatedOn] = [dayOf(excluded), dayOf(reinstated)];
  if (excludedOn === undefined) return 'EXCLDATE is no day';
  if (reinstatedOn === undefined && !NONE.test(reinstated)) return 'REINDATE is no day';
  return { number, excludedOn, ...(reinstatedOn === undefined ? {} : { reinstatedOn }) } satisfies Exclusion;
}

function dayOf(text: string): string | undefined {
  const [, year, month, day] = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(text) ?? [];
  const written = `${year}-${month}-${day}`;
  const time = Date.parse(`${written}T00:00:00Z`);
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== written ? undefined : written;
}

const newest = (one?: Exclusion): string => one?.reinstatedOn ?? one?.excludedOn ?? '';
