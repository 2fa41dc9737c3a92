/** What an export is asked for by: the parameters of hl7.org/fhir/uv/bulkdata/export.html#query-parameters. */
import { PATIENT_TYPES, RECORD_TYPES } from '../../fhir/everything.ts';
import { refuse } from '../../fhir/outcomes.ts';
import { parseSearch } from '../../fhir/search-query.ts';
import { supportedType, supportedTypes } from '../../fhir/types.ts';
import type { ExportAsked } from './exports.ts';

export type Query = Readonly<Record<string, string | string[]>>;

const FORMATS = ['application/fhir+ndjson', 'application/ndjson', 'ndjson'];
const KNOWN = new Set(['_outputFormat', '_since', '_type', '_typeFilter']);
/** Her log is no record of hers, and grows with each page that is read: who wants it names it. */
const ALL = supportedTypes.map(({ name }) => name).filter((name) => name !== 'AuditEvent');

const given = (query: Query, name: string): string[] => [query[name] ?? []].flat();

/** @throws {Refusal} 400 that names the parameter */
export function askedIn(query: Query, ofPatients: boolean): Pick<ExportAsked, 'types' | 'filters' | 'since'> {
  const other = Object.keys(query).find((name) => !KNOWN.has(name));
  if (other !== undefined) refuse(400, 'not-supported', 'An export has no such parameter here.', other);
  // A + that nobody wrote as %2B is a blank in a query.
  const [format = FORMATS[0]!] = given(query, '_outputFormat').map((text) => text.replace(' ', '+'));
  if (!FORMATS.includes(format)) refuse(400, 'not-supported', `Files are ${FORMATS[0]}.`, '_outputFormat');
  const [since] = given(query, '_since').map((text) => text.replace(' ', '+'));
  if (since !== undefined && !/^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(since))
    refuse(400, 'value', 'Expected an instant: 2026-11-29T10:00:00Z.', '_since');
  const types = typesIn(given(query, '_type'), ofPatients);
  const filters = filtersIn(given(query, '_typeFilter'));
  const unasked = Object.keys(filters).find((type) => !types.includes(type));
  if (unasked !== undefined) refuse(400, 'value', 'A filter is of a type that is asked for.', '_typeFilter');
  for (const type of types.slice(0, 1)) if (since !== undefined) searchOf(type, `_lastUpdated=ge${since}`, '_since');
  return { types, filters, ...(since === undefined ? {} : { since }) };
}

function typesIn(texts: readonly string[], ofPatients: boolean): string[] {
  const wanted = texts.flatMap((text) => text.split(',')).filter((text) => text !== '');
  if (wanted.length === 0) return [...(ofPatients ? RECORD_TYPES : ALL)];
  for (const type of wanted)
    if (ofPatients ? !PATIENT_TYPES.includes(type) : supportedType(type) === undefined)
      refuse(
        400,
        'not-supported',
        ofPatients ? 'Expected types of records of patients.' : 'Expected types that are here.',
        '_type',
      );
  return [...new Set(wanted)];
}

/** `Type?query`, several with commas between them or each for itself. */
function filtersIn(texts: readonly string[]): Record<string, string[]> {
  const filters: Record<string, string[]> = {};
  for (const text of texts.flatMap((one) => one.split(/,(?=[A-Z][A-Za-z]+\?)/))) {
    const [, type = '', query = ''] = /^([A-Z][A-Za-z]+)\?(.+)$/s.exec(text) ?? [];
    if (supportedType(type) === undefined) refuse(400, 'value', 'Expected Type?parameter=value.', '_typeFilter');
    searchOf(type, query, '_typeFilter');
    filters[type] = [...(filters[type] ?? []), query];
  }
  return filters;
}

/** What a query narrows by. @throws {Refusal} 400 for what is no criterion */
export function searchOf(type: string, query: string, expression: string) {
  const parameters = [...new URLSearchParams(query)];
  const result = parameters.find(([name]) =>
    /^_(?:count|sort|include|revinclude|summary|elements|total|page|format)\b/.test(name),
  );
  if (result !== undefined) refuse(400, 'not-supported', 'A filter has criteria alone.', expression);
  const { search, impossible } = parseSearch(supportedType(type)!, parameters, '', false);
  return { search, impossible };
}
