/**
 * Writes units.json: the atoms and prefixes of UCUM (ucum.org), cut down from the data of @lhncbc/ucum-lhc, which is a development
 * dependency only. Run it after that package changes:
 *
 *     node gateway-api/src/fhir/units/definitions/generate.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

type Row = unknown[];
interface Table {
  config: (string | string[])[];
  data: Row[];
}
interface Source {
  prefixes: Table;
  units: Table;
}

const entry = createRequire(import.meta.url).resolve('@lhncbc/ucum-lhc');
const source = JSON.parse(readFileSync(join(dirname(entry), '../data/ucumDefs.min.json'), 'utf8')) as Source;

/** A function from a row and the name of a column to what stands there. */
const readerOf = ({ config }: Table) => {
  const names = config.map((name) => (Array.isArray(name) ? name[0] : name));
  return (row: Row, name: string): unknown => row[names.indexOf(name)];
};

const prefix = readerOf(source.prefixes);
const unit = readerOf(source.units);

/** [code, factor, exponents of m s g rad K C cd, what it is besides]: m for metric, a for arbitrary, s for special. */
function unitRow(row: Row): [string, number, number[], string] {
  const flags = [
    [unit(row, 'isMetric_') === true || unit(row, 'isBase_') === true, 'm'],
    [unit(row, 'isArbitrary_'), 'a'],
    [unit(row, 'isSpecial_'), 's'],
  ].flatMap(([is, letter]) => (is === true ? [letter] : []));
  const dimension = (unit(row, 'dim_') as number[] | null) ?? [0, 0, 0, 0, 0, 0, 0];
  return [String(unit(row, 'csCode_')), Number(unit(row, 'magnitude_')), dimension, flags.join('')];
}

const prefixes = source.prefixes.data.map((row) => [prefix(row, 'code_'), prefix(row, 'value_')]);
// The others are put together from these.
const atoms = source.units.data.filter((row) => unit(row, 'source_') === 'UCUM').map(unitRow);
const lines = (rows: unknown[]): string => rows.map((row) => JSON.stringify(row)).join(',\n');

/** The text of units.json. */
export const text = `{"prefixes":[\n${lines(prefixes)}\n],"atoms":[\n${lines(atoms)}\n]}\n`;

if (import.meta.main) writeFileSync(new URL('units.json', import.meta.url), text);
