/** The accounting of disclosures as PDF, in the languages of the log. */
import { type PdfColumn, pdfOf } from '../../pdf/pdf.ts';
import { filled, timeIn } from '../log/sentences.ts';
import { type Language, TEXTS } from '../log/texts.ts';
import type { Disclosure } from './disclosure.ts';

export interface AccountingOptions {
  language: Language;
  /** Ids of the Patients. */
  patients: readonly string[];
  madeAt: Date;
  /** From when on it is complete, ISO 8601 UTC. */
  since: string;
}

const SHARES = { recipient: 1.6, types: 1.6, outcome: 1.3, consent: 1.5 } as const;

/** One row for an access, as many pages as it takes. */
export function accountingPdf(disclosures: readonly Disclosure[], options: AccountingOptions): Promise<Buffer> {
  const { language, patients, madeAt, since } = options;
  const { direction, accounting, columns, page, made, complete } = TEXTS[language];
  const table = Object.entries(columns).map(
    ([name, title]): PdfColumn => ({ title, share: SHARES[name as keyof typeof SHARES] ?? 1 }),
  );
  const at = timeIn(madeAt.toISOString(), language);
  return pdfOf(
    {
      ...{ title: accounting, language, direction, landscape: true, madeAt },
      header: `${patients.map((id) => `Patient/${id}`).join(', ')} · ${filled(made, language, { at })} · ${filled(complete, language, { at: timeIn(since, language) })}`,
      pageOf: (number, pages) => filled(page, language, { page: number, pages }),
    },
    [{ kind: 'table', columns: table, rows: disclosures.map((one) => rowOf(one, language)) }],
  );
}

/** In the order of the columns. */
function rowOf({ state, request, because }: Disclosure, language: Language): string[] {
  const { purposes, statuses, all } = TEXTS[language];
  const { consent = because?.consent, furtherConsents = [] } = state;
  const consents = [...(consent === undefined ? [] : [consent]), ...furtherConsents];
  const time = (instant: string | undefined) => (instant === undefined ? '' : timeIn(instant, language));
  const person = request?.practitioner ?? state.audience?.user;
  const purpose = purposes[state.purpose as 'TREAT'] ?? state.purpose;
  const types = request === undefined ? '' : request.types.length === 0 ? all : request.types.join(', ');
  const outcome = [statuses[state.status], because?.reason ?? state.reason];
  return [
    ...[time(state.requestedAt), time(state.decidedAt), state.holder, lines([state.requestor, person])],
    ...[lines([purpose, request?.reason]), types, lines(outcome)],
    lines(consents.map(({ id, version }) => `${id}/${version}`)),
    ...[time(state.expiresAt), time(state.purgedAt)],
  ];
}

const lines = (parts: readonly (string | undefined)[]): string => parts.filter((part) => part !== undefined).join('\n');
