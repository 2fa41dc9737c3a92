/** R4's official examples (hl7.org/fhir/R4/consent-examples.html), as published and as their own texts say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Given, labels, organisation, type Row, recipients, rule } from './cases.fixture.ts';

/** One of R4's examples, of the hospital's patient p1; its organisations and people are replaced as `names` says. */
function official(name: string, names: Record<string, string> = {}): Record<string, unknown> {
  const file = join(import.meta.dirname, 'r4-consents', `${name}.json`);
  const known = { 'Organization/f001': 'Organization/hospital', 'Patient/f001': 'Patient/p1', ...names };
  let text = readFileSync(file, 'utf8');
  for (const [from, to] of Object.entries(known)) text = text.replaceAll(`"${from}"`, `"${to}"`);
  const { id: _, text: __, ...content } = JSON.parse(text);
  return content;
}

type Json = Record<string, unknown>;
/** An example with its root provision changed. */
function changed(content: Json, change: (root: Json) => Json): Json {
  return { ...content, provision: change(content['provision'] as Json) };
}

const NURSE = { 'Practitioner/f204': 'Practitioner/nurse' };
const typed = (type: string) => (root: Json) => ({ ...root, type });
const emergency = official('consent-example-Emergency');
export const EXAMPLES: Given[] = [
  { what: 'consent-example (basic): opted in from 1964 to 2016', consent: official('consent-example'), refused: [] },
  {
    what: 'notTime: its text withholds a month, its structure is that of basic',
    consent: official('consent-example-notTime'),
    refused: [],
  },
  { what: 'notOrg: a denial with its type', consent: official('consent-example-notOrg'), refused: [] },
  ...(
    [
      ['notThem: the nurse alone, or all but the nurse', official('consent-example-notThem', NURSE)],
      [
        'notThis: the order alone, or all but the order',
        official('consent-example-notThis', { 'Task/example3': 'CarePlan/order' }),
      ],
      ['notAuthor: what the hospital holds alone, or all but that', official('consent-example-notAuthor')],
      ['Out: what the hospital holds', official('consent-example-Out')],
    ] as [string, object][]
  ).map(([what, one]): Given => ({ what, consent: one, refused: ['root-without-type'] })),
  {
    what: 'grantor: for another patient, who asks for nothing here',
    consent: official('consent-example-grantor'),
    refused: ['root-without-type', 'actor-unsupported'],
  },
  {
    what: 'smartonfhir: prescriptions alone, or prescriptions as well',
    consent: official('consent-example-smartonfhir', { 'Patient/xcda': 'Patient/p1' }),
    refused: ['nested-permit'],
  },
  {
    what: 'signature: for one practitioner, and in it for an author',
    consent: official('consent-example-signature', {
      'Patient/72': 'Patient/p1',
      'Practitioner/13': 'Practitioner/primary',
      'Practitioner/xcda-author': 'Practitioner/nurse',
    }),
    refused: ['root-without-type', 'nested-permit', 'unknown-role'],
  },
  {
    what: 'pkb: labels without any type',
    consent: official('consent-example-pkb', { 'Patient/example': 'Patient/p1' }),
    refused: ['root-without-type', 'nested-without-type'],
  },
  {
    what: 'Emergency: emergencies alone, or all but emergencies',
    consent: emergency,
    refused: ['root-without-type'],
  },
  {
    what: 'Emergency with type permit: its exception leaves nothing of it',
    consent: changed(emergency, typed('permit')),
    refused: ['nested-cancels'],
  },
];

const order = official('consent-example-notThis', { 'Task/example3': 'CarePlan/order' });
const notThem = official('consent-example-notThem', NURSE);
const grantor = official('consent-example-grantor', { 'Patient/example': 'RelatedPerson/daughter' });
const signature = official('consent-example-signature', {
  'Patient/72': 'Patient/p1',
  'Practitioner/13': 'Practitioner/primary',
});
const smart = official('consent-example-smartonfhir', {
  'Patient/xcda': 'Patient/p1',
  '2016-06-23T17:02:33+10:00': '2026-03-01T11:55:00Z',
  '2016-06-23T17:32:33+10:00': '2026-03-01T12:25:00Z',
});
const inYear = (content: Json): Json =>
  changed(content, (root) => ({ ...root, period: { start: '2026-01-01', end: '2026-12-31' } }));

export const EXAMPLES_WITH_TYPES: Row[] = [
  {
    what: 'basic, opted in until the end of the year',
    consents: [inYear(official('consent-example'))],
    asks: "the clinic's system",
    gives: 'permit',
  },
  {
    what: 'basic, as published: its period is over',
    consents: [official('consent-example')],
    asks: "the clinic's system",
    gives: 'consent-expired',
  },
  {
    what: 'notTime, as a denial of what was recorded in that time',
    consents: [
      changed(official('consent-example-notTime'), ({ period: _ }) => ({
        type: 'deny',
        dataPeriod: { start: '2022-06', end: '2022-06' },
      })),
    ],
    asks: "the clinic's system",
    gives: 'consent-denied',
  },
  {
    what: 'notTime, of another time',
    consents: [changed(official('consent-example-notTime'), ({ period }) => ({ type: 'deny', dataPeriod: period }))],
    asks: "the clinic's system",
    gives: 'permit',
  },
  {
    what: 'notThem with type deny, the nurse',
    consents: [changed(notThem, typed('deny'))],
    asks: "the clinic's nurse",
    gives: 'consent-denied',
  },
  {
    what: 'notThem with type deny, another',
    consents: [changed(notThem, typed('deny'))],
    asks: "the clinic's Dr Primary",
    gives: 'permit',
  },
  {
    what: 'notThem with type deny, somebody who may be the nurse',
    consents: [changed(notThem, typed('deny'))],
    asks: "a practitioner of the clinic's who does not say who",
    gives: 'consent-denied',
  },
  {
    what: 'notThem with type permit, another',
    consents: [changed(notThem, typed('permit'))],
    asks: "the clinic's Dr Primary",
    gives: 'consent-absent',
  },
  {
    what: 'notThis with type deny, a result of the order',
    consents: [changed(order, typed('deny'))],
    asks: "the clinic's system",
    record: 'a result of the order',
    gives: 'consent-denied',
  },
  {
    what: 'notThis with type deny, where it is not known to what the order refers',
    consents: [changed(order, typed('deny'))],
    asks: "the clinic's system",
    gives: 'consent-denied',
  },
  {
    what: 'notAuthor with type deny: everything that the hospital holds',
    consents: [changed(official('consent-example-notAuthor'), typed('deny'))],
    asks: "the clinic's system",
    gives: 'consent-denied',
  },
  {
    what: 'Out with type deny',
    consents: [changed(official('consent-example-Out'), typed('deny'))],
    asks: "the clinic's system",
    gives: 'consent-denied',
  },
  {
    what: 'notOrg, where the clinic is left out',
    consents: [
      changed(official('consent-example-notOrg'), (root) => ({ ...root, ...recipients(organisation('clinic')) })),
    ],
    asks: "the clinic's system",
    gives: 'consent-denied',
  },
  {
    what: 'notOrg, where another is left out',
    consents: [
      changed(official('consent-example-notOrg'), (root) => ({ ...root, ...recipients(organisation('payer')) })),
    ],
    asks: "the clinic's system",
    gives: 'permit',
  },
  {
    what: 'grantor with type permit, for a related person',
    consents: [changed(grantor, typed('permit'))],
    asks: 'a caretaker',
    gives: 'permit',
  },
  {
    what: 'grantor with type permit, for anybody else',
    consents: [changed(grantor, typed('permit'))],
    asks: "the clinic's system",
    gives: 'consent-denied',
  },
  {
    what: 'Emergency, written as its text says, in an emergency',
    consents: [
      changed(emergency, ({ actor, purpose }) => ({ type: 'deny', actor, provision: [{ type: 'permit', purpose }] })),
    ],
    asks: "the clinic's system",
    purpose: 'ETREAT',
    gives: 'permit',
  },
  {
    what: 'Emergency, written as its text says, otherwise',
    consents: [
      changed(emergency, ({ actor, purpose }) => ({ type: 'deny', actor, provision: [{ type: 'permit', purpose }] })),
    ],
    asks: "the clinic's system",
    gives: 'consent-denied',
  },
  {
    what: 'smartonfhir, written as prescriptions alone',
    consents: [changed(smart, ({ period, provision }) => ({ type: 'permit', period, ...(provision as Json[])[0] }))],
    asks: "the clinic's system",
    record: 'a prescription',
    gives: 'permit',
  },
  {
    what: 'smartonfhir, written as prescriptions alone, of another record',
    consents: [changed(smart, ({ period, provision }) => ({ type: 'permit', period, ...(provision as Json[])[0] }))],
    asks: "the clinic's system",
    gives: 'consent-absent',
  },
  {
    what: 'signature, written for one practitioner and summaries in CDA, to him',
    consents: [
      changed(signature, ({ actor, provision }) => {
        const { actor: _, ...inner } = (provision as Json[])[0]!;
        return { type: 'permit', actor, ...inner };
      }),
    ],
    asks: "the clinic's Dr Primary",
    record: 'a CDA document',
    gives: 'permit',
  },
  ...(['a record labelled N', 'a record labelled PSY', 'a record labelled HIV'] as const).map(
    (record): Row => ({
      what: 'pkb, written as a consent for each label (N, PSY)',
      consents: ['N', 'PSY'].map((code) => rule({ type: 'permit', ...labels(code) })),
      asks: "the clinic's system",
      record,
      gives: record === 'a record labelled HIV' ? 'consent-absent' : 'permit',
    }),
  ),
];
