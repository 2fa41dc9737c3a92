/**
 * docs/consents.md, made of the decision tables. A test holds the page equal to them; after a change of the tables it is
 * written anew by running this file.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONSENT_ELEMENTS, PROVISION_ELEMENTS } from '../../model/consent-elements.ts';
import { CONSENT_REFUSALS } from '../../model/consent-refusals.ts';
import { PURPOSES_OF_KIND } from '../../model/purposes.ts';
import type { Given, Row, Table } from './cases.fixture.ts';
import { TABLES } from './tables.fixture.ts';

export const PAGE = join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'consents.md');

const OPENING = `# What a consent means here

Made from the decision tables that the tests go through (\`chaincode/src/rules/decision-tables\`): change those, not this page.

A consent has one meaning, or it is refused when it is given (422), with the place and how to write each reading. Default is
deny. A denial by any consent overrides every permission; inside one consent a nested provision is an exception to the one it
is nested in. Only scope \`patient-privacy\` permits or denies; a delegation says who acts for a patient at her own gateway, and
other scopes are kept as documents. Where a patient has a key of her own ([patient-keys](patient-keys.md)), all of them take her
signature. What a record, or whoever asks,
does not say keeps a permission from applying and lets a denial apply. In all cases below the hospital holds the records, it
is 1 March 2026, and the purpose is TREAT where none is named.
`;

const REQUESTS = `## What a request comes to

A request is granted where something is permitted, and else refused: at once, or with \`waitUntil\` when that time is over or the
patient says no. While it waits, whatever is written of its patient has it decided again within seconds: a consent, an
amendment, the end of a denial, a first record, and the moment at which a period begins or ends. From \`waitUntil\` on no consent
permits it. To whoever asked every refusal is \`not-permitted\`, and waiting looks the same for somebody whom nobody knows; the
patient, the custodian and the holder read what it rests on. That she refused it before its time tells that somebody did: a
patient who does not want that known lets it run out.`;

const escaped = (text: string): string => text.replaceAll('|', '\\|');
const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.map(escaped).join(' | ')} |`).join('\n');

const givenTable = (given: readonly Given[]): string =>
  table(
    ['A consent with', 'is'],
    given.map(({ what, refused }) => [what, refused.length === 0 ? 'taken' : `refused: ${refused.join(', ')}`]),
  );

const NAMES: Record<Row['gives'], string> = {
  permit: 'permitted',
  'consent-denied': 'denied',
  'consent-expired': 'not permitted any more',
  'consent-absent': 'not permitted',
};
const rowsTable = (rows: readonly Row[]): string =>
  table(
    ['Consent', 'Who asks', 'For', 'What', 'Comes to'],
    rows.map(({ what, asks, purpose = 'TREAT', record = 'a blood sugar of June 2022', gives }) => [
      ...[what, asks, purpose, record],
      NAMES[gives],
    ]),
  );

function section({ title, about, given, rows }: Table): string {
  const parts = [given === undefined ? [] : givenTable(given), rows === undefined ? [] : rowsTable(rows)].flat();
  return [`## ${title}`, about, ...parts].join('\n\n');
}

const ELEMENTS = `## What becomes of each element

*Read*: it decides. *Held to*: it is refused where it says something else than what is read. *Refused*: nobody could keep to it.
*Kept*: it stands in the document and changes no decision; so nothing about who sees what belongs there alone.`;

const elements = (): string =>
  table(
    ['Element', 'becomes', ''],
    [
      ...Object.entries(CONSENT_ELEMENTS),
      ...Object.entries(PROVISION_ELEMENTS).map(([name, row]) => [`provision.${name}`, row] as const),
    ].map(([name, [becomes, note = '']]) => [name, becomes, note]),
  );

/** The whole page. */
export function consentsPage(): string {
  const reasons = table(['Rule', 'What is answered'], Object.entries(CONSENT_REFUSALS));
  const kinds = table(
    ['Kind of organisation', 'Purposes, with all that are kinds of them'],
    Object.entries(PURPOSES_OF_KIND).map(([kind, purposes]) => [kind, purposes.join(', ')]),
  );
  return `${[
    OPENING.trim(),
    `## Why a consent is refused\n\n${reasons}`,
    `${ELEMENTS}\n\n${elements()}`,
    `## Who may ask for what\n\n${kinds}`,
    REQUESTS,
    ...TABLES.map(section),
  ].join('\n\n')}\n`;
}

if (import.meta.main) writeFileSync(PAGE, consentsPage());
