import { expect } from 'chai';
import type { Resource } from './fhir.ts';
import { isAskedFor, type Narrowing } from './narrowing.ts';
import { accessRequestSchema } from './values.ts';

const LOINC = 'http://loinc.org';
const systolic = { system: LOINC, code: '8480-6' };
const pressure: Resource = {
  ...{ resourceType: 'Observation', id: 'pressure', effectiveDateTime: '2026-03-05T08:00:00Z' },
  code: { coding: [{ system: LOINC, code: '85354-9' }] },
  component: [{ code: { coding: [systolic] } }],
  encounter: { reference: 'Encounter/visit' },
  meta: { security: [{ system: LOINC, code: 'label' }] },
};
const stay: Resource = { resourceType: 'Procedure', id: 'stay', performedPeriod: { start: '2026-03-01' } };
const visit: Resource = { resourceType: 'Encounter', id: 'visit', period: { start: '2026-03-05', end: '2026-03-05' } };
const undated: Resource = { resourceType: 'AllergyIntolerance', id: 'allergy' };
const ALL = [pressure, stay, visit, undated];

/** What is asked for, and which of all records that is. */
const CASES: [what: string, asked: Partial<Narrowing>, found: Resource[]][] = [
  ['nothing', {}, ALL],
  ['types', { types: ['Observation', 'Encounter'] }, [pressure, visit]],
  ['a code with its system', { codes: [systolic] }, [pressure]],
  ['a code of whichever system', { codes: [{ code: '85354-9' }] }, [pressure]],
  ['a code of another system', { codes: [{ system: 'urn:other', code: '85354-9' }] }, []],
  ['one of several codes', { codes: [{ code: 'none' }, systolic] }, [pressure]],
  ['a code that is a label alone', { codes: [{ code: 'label' }] }, []],
  ['a time', { period: { start: '2026-03-05', end: '2026-03-05' } }, [pressure, stay, visit]],
  ['a time that an open one reaches into', { period: { start: '2026-04-01' } }, [stay]],
  ['a time before', { period: { end: '2026-02' } }, []],
  ['an encounter', { encounters: ['visit'] }, [pressure, visit]],
  ['another encounter', { encounters: ['other'] }, []],
  [
    'single records',
    { records: ['Procedure/stay', 'AllergyIntolerance/allergy', 'Procedure/pressure'] },
    [stay, undated],
  ],
  ['several at once', { types: ['Observation'], encounters: ['visit'], period: { start: '2026-03' } }, [pressure]],
  ['several of which one does not hold', { types: ['Procedure'], encounters: ['visit'] }, []],
];

describe('What a request asks for', () => {
  for (const [what, asked, found] of CASES)
    it(`by ${what}`, () => {
      expect(ALL.filter((one) => isAskedFor(one, { types: [], ...asked }))).to.deep.equal(found);
    });

  const { codes, period, encounters, records } = accessRequestSchema.shape;
  const REFUSED: [string, { safeParse: (value: unknown) => { success: boolean } }, unknown][] = [
    ['a list of codes without one', codes, []],
    ['an empty code', codes, [{ system: LOINC, code: '' }]],
    ['a code with more than a system', codes, [{ ...systolic, display: 'x' }]],
    ['a time without bounds', period, {}],
    ['a time that ends before it starts', period, { start: '2026-03-05', end: '2026-03-04' }],
    ['a day that is none', period, { start: '2026-02-30' }],
    ['an hour that is none', period, { end: '2026-02-28T25:00:00Z' }],
    ['a list of encounters without one', encounters, []],
    ['a list of records without one', records, []],
    ['a record without a type', records, ['visit']],
  ];
  for (const [what, schema, value] of REFUSED)
    it(`is not ${what}`, () => {
      expect(schema.safeParse(value).success).to.equal(false);
    });
});
