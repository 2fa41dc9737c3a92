/** The log as sentences, for people: as text, as a page, or as JSON, in the language that they ask for. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { z } from 'zod';
import { compartmentsOf } from '../../auth/entitlement.ts';
import { sealed, unsealed } from '../../fhir/search.ts';
import { nextPage, pageCount } from '../../http/paging.ts';
import { patientNamed } from '../../http/patients.ts';
import { route } from '../../http/routes.ts';
import { aboutOf } from '../reads/read-log.ts';
import { escaped, lineOf } from './sentences.ts';
import { LANGUAGES, type Language, languageIn, TEXTS } from './texts.ts';

const entrySchema = z
  .object({ id: z.string().meta({ description: 'Of the AuditEvent.' }), at: z.string(), text: z.string() })
  .meta({ id: 'LogEntry' });
const FORMS = ['application/json', 'text/plain', 'text/html'];

interface Entry {
  id: string;
  at: string;
  text: string;
}

export const accessLog = route({
  method: 'get',
  path: '/access-log',
  summary:
    'A patient’s log as sentences, newest first: JSON, text/plain or text/html by Accept, in en, de, es or ar by `lang` or Accept-Language.',
  roles: ['system', 'patient', 'caretaker'],
  query: z.object({
    lang: z.enum(LANGUAGES).optional(),
    patient: patientNamed,
    count: pageCount,
    page: z.string().max(4_000).optional().meta({ description: 'As `next` has it.' }),
  }),
  answers: {
    200: {
      description: 'A page; of text and HTML a Link with rel="next" leads to the next.',
      schema: z.object({ language: z.string(), entries: z.array(entrySchema), next: nextPage }),
    },
    404: { description: 'No patient is named, or another than the one who asks.' },
    406: { description: 'None of the three forms is accepted.' },
  },
  async handle({ caller, query, prefers, languages }, services) {
    const own = compartmentsOf(caller, 'read');
    const patients = query.patient === undefined ? own : [query.patient];
    if (patients === undefined || (own !== undefined && !patients.every((one) => own.includes(one))))
      throw new LedgerError('NOT_FOUND', 'there is no such patient');
    const language = query.lang ?? languageIn(languages);
    const form = prefers(...FORMS);
    if (form === undefined) return { status: 406, body: { error: `one of ${FORMS.join(', ')}` } };
    const found = await services.auditEvents.search(
      { type: 'AuditEvent', patients: [...patients], count: query.count, ...placeIn(query.page, patients) },
      own,
    );
    const about = aboutOf(
      'shown',
      patients.map((patient) => ({ patient, id: 'log' })),
    ).map((one) => ({ ...one, records: [] }));
    await services.readLog.note(caller, { interaction: 'log', type: 'Read', about });
    const entries = found.matches.map(({ resource }) => ({
      ...{ id: resource.id, at: String(resource['recorded']), text: lineOf(resource, language) },
    }));
    const place = found.next === undefined ? undefined : sealed({ patients, after: found.next });
    const named = query.patient === undefined ? {} : { patient: query.patient };
    const whole = { lang: language, ...named, count: String(query.count), page: place ?? '' };
    const next = place === undefined ? undefined : `/access-log?${new URLSearchParams(whole)}`;
    const headers = {
      ...{ 'Cache-Control': 'no-store', 'Content-Language': language, Vary: 'Accept, Accept-Language' },
      ...(next === undefined ? {} : { Link: `<${next}>; rel="next"` }),
    };
    if (form === 'application/json') return { headers, body: { language, entries, ...(next && { next }) } };
    const isText = form === 'text/plain';
    const body = isText ? entries.map(({ text }) => `${text}\n`).join('') : pageIn(language, entries, next);
    return { headers: { ...headers, 'Content-Type': `${form}; charset=utf-8` }, body };
  },
});

function placeIn(page: string | undefined, patients: readonly string[]): { after?: string } {
  if (page === undefined) return {};
  const place = unsealed(page) as { patients?: string[]; after?: string } | undefined;
  if (place?.after === undefined || place.patients?.join() !== patients.join())
    throw new LedgerError('INVALID', 'this page is not known (any more)', 'page');
  return { after: place.after };
}

function pageIn(language: Language, entries: readonly Entry[], next: string | undefined): string {
  const { direction, title, nothing, further } = TEXTS[language];
  const items = entries.map(({ text }) => `<li>${escaped(text)}</li>`).join('\n');
  const list = entries.length === 0 ? `<p>${escaped(nothing)}</p>` : `<ul>\n${items}\n</ul>`;
  const link = next === undefined ? '' : `<p><a rel="next" href="${escaped(next)}">${escaped(further)}</a></p>`;
  return `<!doctype html>
<html lang="${language}" dir="${direction}"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>
<body><h1>${escaped(title)}</h1>
${list}
${link}</body></html>
`;
}
