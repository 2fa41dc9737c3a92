import { expect } from 'chai';
import type { Resource } from './fhir.ts';
import { likenessesOf } from './likenesses.ts';

const DAY = '2026-02-10';
const JANE = {
  ...{ resourceType: 'Patient', id: 'jane', birthDate: '1970-05-01' },
  name: [{ family: 'Roe', given: ['Jane', 'Ann'] }],
  telecom: [
    { system: 'phone', value: '(617) 555-0100' },
    { system: 'email', value: 'jane.roe@mail.example' },
  ],
  address: [{ line: ['1 Main Street'], postalCode: '02139-4307' }],
};
/** Of nobody's name, date or place. */
const STRANGER = {
  ...{ resourceType: 'Patient', id: 'stranger', birthDate: '1981-11-23' },
  name: [{ family: 'Bloggs', given: ['Wilhelmina'] }],
  telecom: [{ system: 'phone', value: '+1 415 555 0199' }],
  address: [{ postalCode: '94103' }],
};

const alike = (one: object, other: object, day = DAY): string[] => {
  const [mine, theirs] = [one, other].map((patient) => likenessesOf(patient as Resource, day));
  const known = new Set(theirs!.map(({ hash }) => hash));
  return [...new Set(mine!.filter(({ hash }) => known.has(hash)).map(({ by }) => by))].sort();
};
const likeJane = (change: object): object => ({ ...STRANGER, ...change });

describe('likenesses of Patients', () => {
  const ALIKE: [string, object, string[]][] = [
    [
      'another spelling',
      { name: [{ family: 'Rowe', given: ['Jayne'] }], birthDate: '1970-05-01' },
      ['name-and-birth-date'],
    ],
    [
      'names the other way round',
      { name: [{ family: 'Jane', given: ['Roe'] }], birthDate: '1970-05-01' },
      ['name-and-birth-date'],
    ],
    ['a name as a text', { name: [{ text: 'Jane A. Roe' }], birthDate: '1970-05-01' }, ['name-and-birth-date']],
    ['a name of two families', { name: [{ family: 'Roe-Bloggs', given: ['Jane'] }], birthDate: '1970-05-01' }, []],
    ['day and month the other way round', { name: JANE.name, birthDate: '1970-01-05' }, ['name-and-birth-date']],
    [
      'a maiden name and the telephone',
      { birthDate: '1970-05-01', telecom: [{ system: 'phone', value: '+1-617-555-0100' }] },
      ['birth-date-and-contact'],
    ],
    [
      'the e-mail address',
      { birthDate: '1970-05-01', telecom: [{ system: 'email', value: ' Jane.Roe@Mail.example' }] },
      ['birth-date-and-contact'],
    ],
    [
      'birth date and postal code alone',
      { name: undefined, birthDate: '1970-05-01', address: [{ postalCode: '02139' }] },
      ['birth-date-and-postal-code'],
    ],
    [
      'name and telephone without a birth date',
      { name: JANE.name, birthDate: undefined, telecom: JANE.telecom },
      ['name-and-contact'],
    ],
    ['name and telephone under another birth date', { name: JANE.name, telecom: JANE.telecom }, ['name-and-contact']],
  ];
  for (const [title, change, found] of ALIKE)
    it(`are ${found.length === 0 ? 'none' : found.join(', ')} of ${title}`, () => {
      expect(alike(JANE, likeJane(change))).to.deep.equal(found);
    });

  it('find each family name of several', () => {
    const double = (family: string) => ({ ...STRANGER, name: [{ family, given: ['Wilhelmina'] }] });
    expect(alike(double('García Márquez'), double('Marquez'))).to.include('name-and-birth-date');
    expect(alike(double("O'Neill"), double('Oneil'))).to.include('name-and-birth-date');
  });

  const APART: [string, object][] = [
    ['somebody else', {}],
    ['the same birth date elsewhere', { birthDate: '1970-05-01' }],
    ['the same household', { telecom: JANE.telecom, address: JANE.address }],
    ['a namesake', { name: JANE.name }],
    ['no number at all', { birthDate: '1970-05-01', telecom: [{ system: 'phone', value: '0000000000' }] }],
    ['year and month', { birthDate: '1970-05', telecom: JANE.telecom, address: JANE.address }],
  ];
  for (const [title, change] of APART)
    it(`are none of ${title}`, () => expect(alike(JANE, likeJane(change))).to.deep.equal([]));

  it('are none of children who are twins, nor of grown ones who are said to be', () => {
    const twin = (given: string, more: object) => ({ ...JANE, name: [{ family: 'Roe', given: [given] }], ...more });
    const young = { birthDate: '2019-01-01' };
    expect(alike(twin('Jane', young), twin('Eve', young))).to.deep.equal([]);
    const said = { multipleBirthBoolean: true };
    expect(alike(twin('Jane', said), twin('Eve', said))).to.deep.equal([]);
    const sameChild = alike(twin('Jane', young), {
      ...twin('Jayne', young),
      name: [{ family: 'Bloggs', given: ['Jayne'] }],
    });
    expect(sameChild).to.deep.equal(['birth-date-and-contact', 'birth-date-and-postal-code']);
  });

  it('tell nobody who they are of, and are not more than anybody has', () => {
    const text = JSON.stringify(likenessesOf(JANE as never, DAY));
    for (const secret of ['1970', 'Jane', '02139', '5550100', 'mail.example']) expect(text).to.not.include(secret);
    const telecom = Array.from({ length: 100 }, (_, n) => ({ system: 'phone', value: `617555${1_000 + n}` }));
    expect(() => likenessesOf({ ...JANE, telecom } as never, DAY)).to.throw('INVALID at <Patient>');
  });
});
