import { expect } from 'chai';
import { exampleIds, exampleSalt } from '../../model/example-claim.fixture.ts';
import { isOnePerson } from '../../model/links.ts';
import { judgeClaim } from '../claims.ts';
import { type Case, changed, denialOf } from '../example-case.fixture.ts';
import { fingerprintsOf, tokensOf } from './duplicates.ts';
import { onDaysOfRecords } from './when.ts';

const usd = (value: number): object => ({ value, currency: 'USD' });

describe('fingerprints', () => {
  const key = exampleSalt('c');
  type Made = ReturnType<typeof fingerprintsOf>;
  const made = (change: (given: Case) => void): Made => fingerprintsOf(changed(change), key);
  const taken = (all: Made): Set<string> => new Set(all.filter(({ use }) => use !== 'asked').map(({ hash }) => hash));
  const barred = (all: Made): Set<string> => new Set(all.filter(({ use }) => use !== 'shared').map(({ hash }) => hash));
  /** Whether a claim stands in the way of another. */
  const meets = (first: (given: Case) => void, second: (given: Case) => void): boolean =>
    !taken(made(first)).isDisjointFrom(barred(made(second)));

  type Change = (given: Case) => void;
  const across = (change: Change): Made => tokensOf(changed(change), key);
  const meetsAcross = (first: Change, second: Change): boolean =>
    !taken(across(first)).isDisjointFrom(barred(across(second)));
  /** Bills the visit alone, by one code. */
  const visitAs =
    (code: string, more: Change = () => {}): Change =>
    (given) => {
      given.claim['item'].pop();
      given.claim['item'][0].productOrService = { coding: [{ code }] };
      more(given);
    };
  /** Another visit, at this time. */
  const at =
    (start: string, end: string): Change =>
    ({ claim, encounter }) => {
      encounter['id'] = exampleIds.other;
      encounter['period'] = { start, end };
      claim['item'][0].encounter = [{ reference: `Encounter/${exampleIds.other}` }];
      claim['billablePeriod'] = { start, end };
    };
  const secondPatient: Change = ({ claim, patient, encounter }) => {
    Object.assign(patient, { id: exampleIds.other, identifier: [{ system: 'x', value: 'y' }] });
    claim['patient'] = { reference: `Patient/${exampleIds.other}` };
    encounter['subject'] = claim['patient'];
  };
  const moved: Change = ({ claim, encounter }) => {
    claim['billablePeriod'] = { start: '2026-02-12', end: '2026-02-12' };
    encounter['period'] = { start: '2026-02-12T09:00:00+01:00', end: '2026-02-12T09:40:00+01:00' };
  };
  const anotherPerson: Change = (given) => {
    secondPatient(given);
    given.claim['insurance'][0].coverage = { reference: `Coverage/${exampleIds.otherClaim}` };
    given.coverage['id'] = exampleIds.otherClaim;
    given.coverage['beneficiary'] = { identifier: { system: 'x', value: 'y' } };
  };
  const sameTime: Change = at('2026-02-10T09:00:00+01:00', '2026-02-10T09:40:00+01:00');
  const byRecord = (name: 'procedure' | 'observation', code: string, more: Change = () => {}): Change =>
    visitAs(code, (given) => {
      const [item] = given.claim['item'];
      const reference = { reference: `${given[name].resourceType}/${given[name].id}` };
      if (name === 'procedure') given.claim['procedure'] = [{ sequence: 1, procedureReference: reference }];
      else given.claim['supportingInfo'] = [{ sequence: 1, category: {}, valueReference: reference }];
      item[name === 'procedure' ? 'procedureSequence' : 'informationSequence'] = [1];
      more(given);
    });
  const modified =
    (...codes: string[]): Change =>
    (given) =>
      (given.claim['item'][0].modifier = codes.map((code) => ({ coding: [{ code }] })));
  const inHospital: Change = ({ encounter }) => {
    encounter['class'] = { code: 'IMP' };
    encounter['period'] = { start: '2026-02-10', end: '2026-02-14' };
  };
  const onDay =
    (day: string): Change =>
    (given) => {
      inHospital(given);
      given.claim['item'][0].servicedDate = day;
    };
  const ofType =
    (code: string): Change =>
    ({ claim }) =>
      (claim['type'] = { coding: [{ code }] });
  const house = ofType('institutional');
  const named = (given: string, birthDate: string) => ({
    ...{ name: [{ family: 'Roe', given: [given] }], birthDate, gender: 'female' },
  });
  const jane: Change = ({ patient }) => Object.assign(patient, named('Jane', '1970-05-01'));
  /** Of the same name, day of birth and gender, and nothing else. */
  const namesake: Change = (given) => {
    sameTime(given);
    anotherPerson(given);
    Object.assign(given.patient, named(' JANE', '1970-05-01'));
  };
  const namesakeOfNobody: Change = (given) => {
    sameTime(given);
    anotherPerson(given);
  };
  const twin =
    (given: string, coverage: string): Change =>
    (all) => {
      sameTime(all);
      anotherPerson(all);
      all.encounter['id'] = coverage;
      all.claim['item'][0].encounter = [{ reference: `Encounter/${coverage}` }];
      const family = { system: 'https://payer.example/member', value: 'FAMILY-1' };
      Object.assign(all.patient, { id: coverage, ...named(given, '2019-01-01'), identifier: [family] });
      all.claim['patient'] = all.encounter['subject'] = { reference: `Patient/${coverage}` };
      all.claim['insurance'][0].coverage = { reference: `Coverage/${coverage}` };
      const reference = `Patient/${coverage}`;
      Object.assign(all.coverage, { id: coverage, subscriberId: family.value, beneficiary: { reference } });
    };
  const firstTwin = twin('Ann', exampleIds.otherClaim);
  const secondTwin = twin('Eve', exampleIds.procedure);
  const newborn: Change = (given) => {
    const { identifier } = given.patient;
    sameTime(given);
    secondPatient(given);
    Object.assign(given.patient, { identifier, ...named('Baby', '2026-02-09') });
    given.patient['identifier'] = identifier.filter(({ system }: { system: string }) => system.includes('member'));
  };
  const emergency: Change = (given) => {
    at('2026-02-10T09:20:00+01:00', '2026-02-10T09:40:00+01:00')(given);
    given.encounter['class'] = { code: 'EMER' };
  };
  const supplied = (code: string, id = exampleIds.response): Change =>
    visitAs(code, (given) => {
      const delivery = {
        ...{ resourceType: 'SupplyDelivery', id, status: 'completed', patient: given.claim['patient'] },
        ...{ suppliedItem: { itemCodeableConcept: { coding: [{ code }] } }, occurrenceDateTime: '2026-02-10' },
      };
      given.more.push(delivery);
      const valueReference = { reference: `SupplyDelivery/${id}` };
      given.claim['supportingInfo'] = [{ sequence: 1, category: {}, valueReference }];
      const { encounter: _, ...item } = given.claim['item'][0];
      given.claim['item'][0] = { ...item, informationSequence: [1] };
    });
  const pharmacy: Change = (given) => (given.claim['type'] = { coding: [{ code: 'pharmacy' }] });

  const MET: [string, Change, Change][] = [
    ['another claim id and other prices', () => {}, ({ claim }) => (claim['item'][0].net = usd(1))],
    ['a visit under another code', visitAs('99213'), visitAs('10')],
    ['a visit under another evaluation', visitAs('99213'), visitAs('99215', pharmacy)],
    ['a code in other letters and without its system', visitAs('G0425'), visitAs(' g0425 ')],
    ['a visit moved to another day', visitAs('99213'), visitAs('99213', moved)],
    ['a visit moved to another patient', visitAs('99213'), visitAs('99213', anotherPerson)],
    [
      'a visit over midnight, by its other day',
      () => {},
      ({ claim }) => (claim['billablePeriod'] = { start: '2026-02-11' }),
    ],
    ['a second record of a visit at the same time', visitAs('99213'), visitAs('99213', sameTime)],
    [
      'a second record of an evaluation that overlaps it',
      visitAs('99213'),
      visitAs('99214', at('2026-02-10T08:10:00Z', '2026-02-10T08:50:00Z')),
    ],
    [
      'a second record of a visit for a second record of the insured person',
      visitAs('10'),
      visitAs('10', (given) => {
        sameTime(given);
        secondPatient(given);
      }),
    ],
    ['a record of an evaluation without hours', visitAs('99213'), visitAs('99213', at('2026-02-10', '2026-02-10'))],
    ['an evaluation after a record without hours', visitAs('99213', at('2026-02-10', '2026-02-10')), visitAs('99213')],
    ['a procedure under another code', byRecord('procedure', 'A'), byRecord('procedure', 'B')],
    ['a procedure of one side after the whole', byRecord('procedure', 'A'), byRecord('procedure', 'A', modified('RT'))],
    [
      'the whole after one side',
      byRecord('procedure', 'A', modified('LT')),
      byRecord('procedure', 'A', modified('59')),
    ],
    ['an observation twice', byRecord('observation', 'A'), byRecord('observation', 'A')],
    ['a day of a stay twice', visitAs('A', onDay('2026-02-11')), visitAs('A', onDay('2026-02-11'))],
    [
      'two evaluations on a day of a stay',
      visitAs('99221', onDay('2026-02-11')),
      visitAs('99221', onDay('2026-02-11')),
    ],
    ['a medicine twice', visitAs('A', pharmacy), visitAs('A', pharmacy)],
    ['supplies twice', supplied('A'), supplied('A')],
    ['supplies of a second record', supplied('A'), supplied('A', exampleIds.other)],
    ['a visit under another kind of claim', visitAs('10'), visitAs('10', ofType('vision'))],
    ['an evaluation that the house billed twice', visitAs('99285', house), visitAs('99284', house)],
    ['a part of what was billed whole', byRecord('observation', 'A'), byRecord('observation', 'A', modified('26'))],
    ['the whole of what was billed in part', byRecord('procedure', 'A', modified('TC')), byRecord('procedure', 'A')],
    ['a part twice', byRecord('procedure', 'A', modified('26')), byRecord('procedure', 'B', modified('26'))],
    [
      'a record of a second Patient of the same name, under another coverage',
      visitAs('99213', jane),
      visitAs('99213', namesake),
    ],
  ];
  it('meet in a second Patient that her record links, whichever is billed first', () => {
    const linked: Change = (given) => {
      given.patient['link'] = [{ type: 'seealso', other: { reference: `Patient/${exampleIds.other}` } }];
    };
    for (const meeting of [meets, meetsAcross]) {
      expect(meeting(visitAs('99213', linked), visitAs('99213', namesakeOfNobody))).to.equal(true);
      expect(meeting(visitAs('99213', namesakeOfNobody), visitAs('99213', linked))).to.equal(true);
      expect(meeting(visitAs('99213'), visitAs('99213', namesakeOfNobody))).to.equal(false);
    }
  });

  it('meet in Patients whom a link of her own says to be one', () => {
    for (const one of [{ identifier: [{ system: 'urn:x', value: 'y' }] }, named('Jane', '1970-05-01')]) {
      const first: Change = ({ patient }) => Object.assign(patient, one);
      const second: Change = (given) => {
        namesakeOfNobody(given);
        Object.assign(given.patient, one);
      };
      const [mine, theirs] = [first, second].map((change) => changed(change).evidence);
      const patients = [mine!.get(`Patient/${exampleIds.patient}`), theirs!.get(`Patient/${exampleIds.other}`)];
      expect(isOnePerson(patients[0]!.resource, patients[1]!.resource)).to.equal(true);
      expect(meetsAcross(visitAs('99213', first), visitAs('99213', second))).to.equal(true);
    }
  });

  for (const [title, first, second] of MET) it(`meet in ${title}`, () => expect(meets(first, second)).to.equal(true));

  const APART: [string, Change, Change][] = [
    [
      'a second visit of the day under the same code',
      visitAs('99213'),
      visitAs('99213', at('2026-02-10T16:00:00+01:00', '2026-02-10T16:15:00+01:00')),
    ],
    [
      'a visit that begins when the other ends',
      visitAs('99213'),
      visitAs('99213', at('2026-02-10T09:40:00+01:00', '2026-02-10T10:00:00+01:00')),
    ],
    [
      'the same time of another insured person',
      visitAs('99213'),
      visitAs('99213', (given) => {
        sameTime(given);
        anotherPerson(given);
      }),
    ],
    ['the right and the left', byRecord('procedure', 'A', modified('RT')), byRecord('procedure', 'A', modified('LT'))],
    ['a procedure and its visit', byRecord('procedure', 'A'), visitAs('99213')],
    ['what one observation bears out', byRecord('observation', 'A'), byRecord('observation', 'B')],
    ['two days of a stay', visitAs('A', onDay('2026-02-11')), visitAs('A', onDay('2026-02-12'))],
    ['supplies of two kinds', supplied('A'), supplied('B', exampleIds.other)],
    ['a visit and the supplies handed out at it', visitAs('99213'), supplied('A')],
    ['a visit and the medicine prescribed at it', visitAs('99213'), visitAs('A', pharmacy)],
    ['the bill of the practitioner and that of the house', visitAs('99285'), visitAs('99285', house)],
    [
      'what was read and what was measured',
      byRecord('observation', 'A', modified('26')),
      byRecord('observation', 'A', modified('TC')),
    ],
    ['twins under one subscriber’s number', visitAs('99213', firstTwin), visitAs('99213', secondTwin)],
    ['mother and newborn under one coverage', visitAs('99213'), visitAs('99213', newborn)],
    ['a visit and the emergency room that she was taken to from it', visitAs('99213'), visitAs('99285', emergency)],
  ];
  for (const [title, first, second] of APART) {
    it(`do not meet in ${title}`, () => {
      expect(meets(first, second)).to.equal(false);
      expect(meets(second, first)).to.equal(false);
    });
  }

  /** The clinic's, of its own records: of the same patient, at the same time. */
  const atClinic =
    (change: Change): Change =>
    (given) => {
      change(given);
      given.provider = 'clinic';
      for (const name of ['patient', 'encounter', 'procedure', 'observation'] as const) {
        const { resourceType, id } = given[name];
        const other = id.replace(/^0/, '7').replace(/^[1-6]/, '8');
        given[name]['id'] = other;
        given.claim = JSON.parse(
          JSON.stringify(given.claim).replaceAll(`${resourceType}/${id}`, `${resourceType}/${other}`),
        );
        for (const one of [given.encounter, given.procedure, given.observation])
          if (name === 'patient') one['subject'] = { reference: `Patient/${other}` };
      }
    };
  const anotherCoverage: Change = ({ claim, coverage }) => {
    coverage['id'] = exampleIds.other;
    coverage['beneficiary'] = { identifier: { system: 'https://other-payer.example', value: '77' } };
    claim['insurance'][0].coverage = { reference: `Coverage/${exampleIds.other}` };
  };
  const MET_ACROSS: [string, Change, Change][] = [
    ['one encounter billed by two providers', visitAs('99213'), atClinic(visitAs('99213'))],
    ['one encounter billed by two providers under other codes', visitAs('99213'), atClinic(visitAs('G2012'))],
    ['one encounter billed to two payers', visitAs('99213'), visitAs('99213', anotherCoverage)],
    [
      'one encounter billed to two payers on another day',
      visitAs('99213'),
      visitAs('99213', (given) => {
        moved(given);
        anotherCoverage(given);
      }),
    ],
    [
      'one encounter billed by two providers to two payers',
      visitAs('99213'),
      atClinic(visitAs('99213', anotherCoverage)),
    ],
    ['supplies billed by two providers', supplied('A'), atClinic(supplied('A'))],
    ['one procedure billed by two providers', byRecord('procedure', 'A'), atClinic(byRecord('procedure', 'A'))],
  ];
  for (const [title, first, second] of MET_ACROSS)
    it(`meet across providers and payers in ${title}`, () => {
      expect(meetsAcross(first, second)).to.equal(true);
      expect(meetsAcross(second, first)).to.equal(true);
    });
  const APART_ACROSS: [string, Change, Change][] = [
    ...APART,
    [
      'the practitioner’s bill of one and the house’s of the other',
      visitAs('99213'),
      atClinic(visitAs('G0463', house)),
    ],
    [
      'a visit elsewhere later that day',
      visitAs('99213'),
      atClinic(visitAs('99213', at('2026-02-10T16:00:00+01:00', '2026-02-10T16:15:00+01:00'))),
    ],
    [
      'a laboratory’s part and a physician’s',
      byRecord('observation', 'A', modified('TC')),
      atClinic(byRecord('observation', 'A', modified('26'))),
    ],
  ];
  for (const [title, first, second] of APART_ACROSS)
    it(`do not meet across providers and payers in ${title}`, () => {
      expect(meetsAcross(first, second)).to.equal(false);
      expect(meetsAcross(second, first)).to.equal(false);
    });

  it('differ under another key', () => {
    const others = fingerprintsOf(
      changed(() => {}),
      exampleSalt('d'),
    ).map(({ hash }) => hash);
    expect(new Set(others).isDisjointFrom(new Set(made(() => {}).map(({ hash }) => hash)))).to.equal(true);
  });

  it('refuse a claim that has too many', () => {
    expect(() =>
      made((given) => {
        inHospital(given);
        given.claim['billablePeriod'] = { start: '2025-03-01', end: '2026-02-10' };
        given.claim['item'] = Array.from({ length: 12 }, (_, index) => ({
          ...given.claim['item'][0],
          sequence: index + 1,
          productOrService: { coding: [{ code: `c${index}` }] },
        }));
      }),
    ).to.throw('LedgerError INVALID at <Claim.item>: too many items and days; split it');
  });

  it('refuse a claim for a patient of too many names before they are computed', () => {
    const started = performance.now();
    expect(() =>
      made(
        (given) =>
          (given.patient['identifier'] = Array.from({ length: 100_000 }, (_, index) => ({ value: `${index}` }))),
      ),
    ).to.throw('too many items and days');
    expect(performance.now() - started).to.be.below(5_000);
  });

  it('of five hundred lines of one visit fit one claim', () => {
    const all = made(({ claim }) => {
      const [line] = claim['item'];
      claim['item'] = Array.from({ length: 500 }, (_, index) => ({
        ...line,
        sequence: index + 1,
        productOrService: { coding: [{ code: `c${index}` }] },
      }));
    });
    expect(all.length).to.be.below(5_000);
  });
});

describe('the days of a claim', () => {
  const judged = (change: (given: Case) => void) => {
    const { bill, ...facts } = changed((given) => {
      given.claim['item'].pop();
      delete given.claim['total'];
      change(given);
    });
    return denialOf(judgeClaim({ ...facts, bill: onDaysOfRecords(bill, facts.evidence) }));
  };
  const EVENING = { start: '2026-02-09T21:00:00-05:00', end: '2026-02-09T21:30:00-05:00' };
  const MEANT: [string, object, object][] = [
    [
      'the instants of the record in UTC',
      EVENING,
      { servicedPeriod: { start: '2026-02-10T02:00:00Z', end: '2026-02-10T02:30:00Z' } },
    ],
    [
      'the instants in a third offset',
      EVENING,
      { servicedPeriod: { start: '2026-02-10T11:00:00+09:00', end: '2026-02-10T11:30:00+09:00' } },
    ],
    ['the day where the record was made', EVENING, { servicedDate: '2026-02-09' }],
    [
      'the local day of a record in UTC',
      { start: '2026-02-10T02:00:00Z', end: '2026-02-10T02:30:00Z' },
      { servicedDate: '2026-02-09' },
    ],
    [
      'the day of a record in UTC',
      { start: '2026-02-10T02:00:00Z', end: '2026-02-10T02:30:00Z' },
      { servicedDate: '2026-02-10' },
    ],
    [
      'the second day of a visit over midnight',
      { start: '2026-02-09T23:50:00-05:00', end: '2026-02-10T00:20:00-05:00' },
      { servicedDate: '2026-02-10' },
    ],
  ];
  for (const [title, period, item] of MEANT) {
    it(`are ${title}`, () => {
      const denial = judged((given) => {
        given.encounter['period'] = period;
        Object.assign(given.claim['item'][0], item);
      });
      expect(denial).to.equal(undefined);
    });
  }

  it('are held to the coverage where the service was rendered', () => {
    const until = (end: string) =>
      judged((given) => {
        given.encounter['period'] = EVENING;
        given.coverage['period'] = { end };
        given.claim['item'][0].servicedPeriod = { start: '2026-02-10T02:00:00Z', end: '2026-02-10T02:30:00Z' };
      });
    expect(until('2026-02-09')).to.equal(undefined);
    expect(until('2026-02-08')).to.have.property('edit', 'coverage-not-in-force');
  });

  it('are not those of another time', () => {
    const denial = judged((given) => {
      given.encounter['period'] = EVENING;
      given.claim['item'][0].servicedPeriod = { start: '2026-02-10T05:00:00Z', end: '2026-02-10T05:30:00Z' };
    });
    expect(denial).to.have.property('edit', 'service-not-shown');
  });
});
