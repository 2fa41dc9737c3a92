/**
 * An accounting of disclosures (45 CFR 164.528): for six years each access to a patient's records across organisations, with
 * date, recipient, what and why, as comma-separated values (RFC 4180) for a spreadsheet, or as PDF to be read.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { compartmentsOf } from '../../auth/entitlement.ts';
import { patientNamed } from '../../http/patients.ts';
import { route } from '../../http/routes.ts';
import { LANGUAGES, languageIn } from '../log/texts.ts';
import { noteAccesses } from '../reads/noting.ts';
import type { Services } from '../services.ts';
import { accountingPdf } from './accounting-pdf.ts';
import type { Disclosure } from './disclosure.ts';

/** Accesses of one file: more are on its next page. */
const MOST = 1_000;
const YEARS = 6;

const COLUMNS = [
  ...['requested', 'decided', 'holder', 'recipient', 'person', 'purpose', 'written reason', 'records asked for'],
  ...['outcome', 'because', 'consent', 'other consents', 'until', 'taken back', 'access', 'transaction'],
];

/** One access as it is accounted for, in the order of the columns; empty what is not so, or not for this organisation. */
export function accountOf({ state, request, because, pending, transactionId }: Disclosure): string[] {
  const { consent = because?.consent, furtherConsents = [] } = state;
  const named = (one: { id: string; version: number }): string => `${one.id}/${one.version}`;
  const types = request === undefined ? '' : request.types.length === 0 ? 'all' : request.types.join(' ');
  return [
    ...[
      state.requestedAt,
      state.decidedAt,
      state.holder,
      state.requestor,
      request?.practitioner ?? state.audience?.user,
    ],
    ...[state.purpose, request?.reason, types, pending === 'purge' ? 'granted, to be taken back' : state.status],
    ...[because?.reason ?? state.reason, consent && named(consent), furtherConsents.map(named).join(' ')],
    ...[state.expiresAt, state.purgedAt, state.id, transactionId],
  ].map((value) => value ?? '');
}

/** Rows as a file. What a spreadsheet would take for a formula is kept from being one: reasons are other people's words. */
export const csvOf = (rows: readonly (readonly string[])[]): string =>
  stringify([COLUMNS, ...rows], { escape_formulas: true, record_delimiter: 'windows' });

export const accounting = route({
  method: 'get',
  path: '/accounting',
  summary:
    'An accounting of the disclosures of six years, as CSV or PDF: to a patient of hers, to a system of one patient.',
  roles: ['system', 'patient'],
  query: z.object({
    patient: patientNamed,
    format: z.enum(['csv', 'pdf']).optional().meta({ description: 'Default: as Accept prefers, CSV first.' }),
    lang: z.enum(LANGUAGES).optional().meta({ description: 'Of the PDF. Default: as Accept-Language prefers.' }),
    after: z
      .string()
      .regex(/^\d{1,16}$/)
      .optional()
      .meta({ description: 'As the Link of the page before has it.' }),
  }),
  answers: {
    200: {
      description: `text/csv or application/pdf, at most ${MOST} accesses; a Link with rel="next" leads to further ones. X-Complete-Since says from when on it is complete.`,
      schema: z.string(),
    },
    404: { description: 'No patient is named, or another than the one who asks.' },
  },
  async handle({ caller, query: { patient, after, format, lang }, prefers, languages }, services) {
    const own = compartmentsOf(caller, 'read');
    const meant = patient === undefined ? own : [patient];
    if (meant === undefined || (own !== undefined && !meant.every((one) => own.includes(one)))) throw noPatient();
    const { disclosures, next } = await pageOf(meant, after, services);
    await noteAccesses(caller, 'log', disclosures, services);
    const isPdf = (format ?? (prefers('text/csv', 'application/pdf') === 'application/pdf' ? 'pdf' : 'csv')) === 'pdf';
    const named = patient === undefined ? '' : `patient=${encodeURIComponent(patient)}&`;
    const narrowed = isPdf ? '&format=pdf' : '';
    const link = next === undefined ? {} : { Link: `</accounting?${named}after=${next}${narrowed}>; rel="next"` };
    const headers = {
      ...{ 'Cache-Control': 'no-store', Vary: 'Accept, Accept-Language', ...link },
      // What is older is not accounted for (45 CFR 164.528(a)).
      'X-Complete-Since': since(),
    };
    if (isPdf) {
      const language = lang ?? languageIn(languages);
      const body = await accountingPdf(disclosures, { language, patients: meant, madeAt: new Date(), since: since() });
      const file = { 'Content-Disposition': 'attachment; filename="accounting.pdf"', 'Content-Language': language };
      return { headers: { ...headers, 'Content-Type': 'application/pdf', ...file }, body };
    }
    return {
      headers: {
        ...{ 'Content-Type': 'text/csv; charset=utf-8; header=present', ...headers },
        'Content-Disposition': 'attachment; filename="accounting.csv"',
      },
      body: csvOf(disclosures.map(accountOf)),
    };
  },
});

/** Whether there is such a patient is not said. */
const noPatient = (): LedgerError => new LedgerError('NOT_FOUND', 'there is no such patient');

/** From when on it is complete, ISO 8601 UTC: each access is on the ledger for good. */
function since(): string {
  const then = new Date();
  then.setUTCFullYear(then.getUTCFullYear() - YEARS);
  return then.toISOString();
}

async function pageOf(patients: readonly string[], after: string | undefined, { disclosures }: Services) {
  const lastUpdated = [{ prefix: 'ge' as const, value: since() }];
  return disclosures.page({ patients, lastUpdated, count: MOST, after });
}
