/** That every kind of entry has a sentence in every language, from which nothing is left over and into which nothing breaks. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { expect } from 'chai';
import { kindOf, lineOf, narrativeOf, sentenceOf } from './sentences.ts';
import { LANGUAGES, languageIn, TEXTS } from './texts.ts';
import { KINDS, type Kind } from './wording.ts';

const STATUS = 'https://telemed-ledger.example/fhir/CodeSystem/access-status';
const who = (value: string) => ({ identifier: { system: 'organisations', value }, display: value });

/** An event of each kind. */
const EXAMPLES: Record<Kind, { type: string; subtype: object[]; outcome?: string; purpose?: string }> = {
  asked: { type: '110113', subtype: [{ system: STATUS, code: 'requested' }] },
  delivered: { type: '110106', subtype: [{ system: STATUS, code: 'granted' }], purpose: 'TREAT' },
  emergency: { type: '110106', subtype: [{ system: STATUS, code: 'granted' }], purpose: 'BTG' },
  refused: { type: '110113', subtype: [{ system: STATUS, code: 'refused' }], outcome: '4' },
  purged: { type: 'destroy', subtype: [{ system: STATUS, code: 'purged' }] },
  erased: { type: 'destroy', subtype: [{ system: 'erasure-status', code: 'purged' }] },
  erasing: { type: 'destroy', subtype: [{ system: 'erasure-status', code: 'pending' }] },
  grant: { type: 'rest', subtype: [{ code: 'create' }, { code: 'grant' }] },
  amend: { type: 'rest', subtype: [{ code: 'update' }, { code: 'amend' }] },
  revoke: { type: 'rest', subtype: [{ code: 'update' }, { code: 'revoke' }] },
  'grant-delegation': { type: 'rest', subtype: [{ code: 'create' }, { code: 'grant-delegation' }] },
  'amend-delegation': { type: 'rest', subtype: [{ code: 'update' }, { code: 'amend-delegation' }] },
  'revoke-delegation': { type: 'rest', subtype: [{ code: 'update' }, { code: 'revoke-delegation' }] },
  'enrol-key': { type: 'rest', subtype: [{ code: 'operation' }, { code: 'enrol-key' }] },
  'recover-key': { type: 'rest', subtype: [{ code: 'operation' }, { code: 'recover-key' }] },
  'rotate-key': { type: 'rest', subtype: [{ code: 'operation' }, { code: 'rotate-key' }] },
  'end-key': { type: 'rest', subtype: [{ code: 'operation' }, { code: 'end-key' }] },
  'cancel-key': { type: 'rest', subtype: [{ code: 'operation' }, { code: 'cancel-key' }] },
  'issue-code': { type: 'rest', subtype: [{ code: 'operation' }, { code: 'issue-code' }] },
  'cancel-code': { type: 'rest', subtype: [{ code: 'operation' }, { code: 'cancel-code' }] },
  'correction-asked': { type: 'amend', subtype: [{ code: 'correction-asked' }] },
  'correction-accepted': { type: 'amend', subtype: [{ code: 'correction-accepted' }] },
  'correction-refused': { type: 'amend', subtype: [{ code: 'correction-refused' }] },
  restrict: { type: 'rest', subtype: [{ code: 'operation' }, { code: 'restrict' }] },
  'lift-restriction': { type: 'rest', subtype: [{ code: 'operation' }, { code: 'lift-restriction' }] },
  link: { type: 'rest', subtype: [{ code: 'operation' }, { code: 'link' }] },
  unlink: { type: 'rest', subtype: [{ code: 'operation' }, { code: 'unlink' }] },
  confirm: { type: 'rest', subtype: [{ code: 'operation' }, { code: 'confirm' }] },
  dispute: { type: 'rest', subtype: [{ code: 'operation' }, { code: 'dispute' }] },
  appeal: { type: 'rest', subtype: [{ code: 'operation' }, { code: 'appeal' }] },
  record: { type: 'rest', subtype: [{ code: 'operation' }, { code: 'record' }] },
  share: { type: 'rest', subtype: [{ code: 'operation' }, { code: 'share' }] },
  unshare: { type: 'rest', subtype: [{ code: 'operation' }, { code: 'unshare' }] },
  read: { type: 'rest', subtype: [{ code: 'read' }, { code: 'read' }] },
  search: { type: 'rest', subtype: [{ code: 'search-type' }, { code: 'search' }] },
  refusal: { type: 'rest', subtype: [{ code: 'read' }, { code: 'read' }], outcome: '4' },
  log: { type: 'rest', subtype: [{ code: 'operation' }, { code: 'log' }] },
  answer: { type: 'rest', subtype: [{ code: 'operation' }, { code: 'refuse' }] },
  told: { type: '110112', subtype: [{ system: STATUS, code: 'granted' }] },
  look: { type: 'rest', subtype: [{ code: 'operation' }, { code: 'access' }] },
};

function example(kind: Kind, { count = 3, name = 'Dr Ada', organisation = 'clinic' } = {}): Resource {
  const { type, subtype, outcome = '0', purpose } = EXAMPLES[kind];
  return {
    ...{
      resourceType: 'AuditEvent',
      id: 'x',
      type: { code: type },
      subtype,
      outcome,
      recorded: '2026-03-01T10:00:00Z',
    },
    ...(purpose === undefined ? {} : { purposeOfEvent: [{ coding: [{ code: purpose }] }] }),
    agent: [
      {
        role: [{ coding: [{ code: 'practitioner' }] }],
        who: { reference: 'x/Practitioner/d1' },
        name,
        requestor: true,
      },
      ...[{ who: who(organisation) }, { who: who('hospital') }],
    ],
    entity: [
      { what: { reference: 'Consent/c1/_history/2' }, type: { code: 'Consent' } },
      {
        type: { code: 'Observation' },
        detail: [
          { type: 'count', valueString: String(count) },
          { type: 'type', valueString: 'Observation' },
        ],
      },
    ],
  };
}

describe('The sentences of the log', () => {
  for (const language of LANGUAGES)
    it(`has one for every kind of entry, another for each, with nothing left over: ${language}`, () => {
      const said = KINDS.map((kind) => {
        expect(kindOf(example(kind) as never)).to.equal(kind);
        const line = lineOf(example(kind), language);
        expect(line, kind).to.not.match(/[{}#]|undefined|plural|null|NaN/);
        expect(line, kind).to.include('2026');
        return sentenceOf(example(kind), language);
      });
      expect(new Set(said).size).to.equal(KINDS.length);
    });

  it('says purpose, consent and number, and one of one', () => {
    expect(sentenceOf(example('delivered'), 'en')).to.equal(
      'clinic received 3 records from hospital, for treatment, under consent c1/2',
    );
    expect(sentenceOf(example('read', { count: 1 }), 'en')).to.equal(
      'a practitioner Dr Ada at clinic read one record (Observation), under consent c1/2',
    );
    expect(sentenceOf(example('read', { count: 1 }), 'de')).to.match(
      /^Eine Fachperson Dr Ada bei clinic hat einen Datensatz/,
    );
    expect(sentenceOf(example('revoke'), 'es')).to.equal('Un profesional Dr Ada retiró un consentimiento');
  });

  it('says of a consent with which key it is signed, or that the custodian has recorded it in trust', () => {
    const given = (type: string, valueString: string): Resource => {
      const event = example('grant');
      return { ...event, entity: [...(event['entity'] as object[]), { detail: [{ type, valueString }] }] };
    };
    for (const language of LANGUAGES) {
      expect(sentenceOf(given('signed-with', 'abc'), language)).to.include('abc');
      expect(sentenceOf(given('in-trust', 'patients'), language)).to.include('patients');
    }
    expect(sentenceOf(given('signed-with', 'abc'), 'en')).to.match(/ gave a consent, signed with the key abc$/);
  });

  it('has all plural forms of Arabic, which ask for different words', () => {
    const forms = [0, 1, 2, 3, 11, 100].map((count) => sentenceOf(example('search', { count }), 'ar'));
    expect(new Set(forms.map((text) => text.replaceAll(/[\d٠-٩]+/g, ''))).size).to.equal(6);
  });

  it('keeps names in Arabic in their own direction, and in any language what is Arabic', () => {
    expect(sentenceOf(example('log'), 'ar'))
      .to.include('\u2068Dr Ada\u2069')
      .and.to.include('\u2068clinic\u2069');
    expect(sentenceOf(example('log', { name: 'علي' }), 'en')).to.include('\u2068علي\u2069');
    expect(narrativeOf(example('log'), 'ar').div)
      .to.include('dir="rtl"')
      .and.to.include('lang="ar"');
  });

  it('takes any name as a name', () => {
    const odd = [
      '<script>alert(1)</script>',
      '{who}',
      "it's {count, plural, other {#}}",
      'a\u202eb\u2066c',
      'x\n\ny',
      '#',
      '<b>&"',
    ];
    for (const language of LANGUAGES)
      for (const name of odd) {
        const line = lineOf(example('read', { name }), language);
        expect(line).to.not.match(/[\u202e\u2066\n]/);
        const { div } = narrativeOf(example('read', { name }), language);
        expect(div.replaceAll(/<\/?(?:div|p)\b[^>]*>/g, ''), name).to.not.match(/[<>]/);
      }
    expect(sentenceOf(example('log', { name: '{who}' }), 'en')).to.include('{who}');
    expect(sentenceOf(example('log', { name: 'n'.repeat(5_000) }), 'en').length).to.be.lessThan(300);
  });

  it('is in the language that is asked for, by weight, and in English where there is none', () => {
    const asked: [string | undefined, string][] = [
      ...([
        [undefined, 'en'],
        ['', 'en'],
        ['fr, tlh', 'en'],
        ['de-CH', 'de'],
        ['*', 'en'],
        ['fr;q=1, ar;q=0.5', 'ar'],
      ] as const),
      ...([
        ['en;q=0.1, es-MX;q=0.9', 'es'],
        ['de;q=0, en', 'en'],
        ['AR', 'ar'],
        [';;;q=x', 'en'],
      ] as const),
    ].map(([header, language]) => [header, language]);
    for (const [header, language] of asked) expect(languageIn(header), header).to.equal(language);
    expect(Object.keys(TEXTS)).to.have.members(['en', 'de', 'es', 'ar']);
  });
});
