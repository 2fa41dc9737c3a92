import { expect } from 'chai';
import { licenceNumbersOf } from '../model/claim-practitioners.ts';
import type { FeeSchedule } from '../model/claims.ts';
import {
  type Changeable,
  exampleClaim,
  exampleIds,
  exampleNumber,
  exampleSalt,
} from '../model/example-claim.fixture.ts';
import { FACTS_OF_CLAIMS, FACTS_OF_RECORDS } from '../model/finding-facts.ts';
import { referenceTo } from '../model/organisations.ts';
import { fingerprintsOf } from './claim-edits/duplicates.ts';
import { onDaysOfRecords } from './claim-edits/when.ts';
import { CLAIM_EDITS, judgeClaim, standing, verdictOf } from './claims.ts';
import { EVIDENCE_CASES } from './evidence-cases.fixture.ts';
import { type Case, changed, denialOf } from './example-case.fixture.ts';
import { TABLE_CASES } from './table-cases.fixture.ts';
import { WHOLE_CLAIM_CASES } from './whole-claim-cases.fixture.ts';

const ofHospital = { organisation: 'hospital', practitioner: `Practitioner/${exampleIds.practitioner}` };
const fromClinic = referenceTo('clinic', ofHospital.practitioner);
const numbered = { identifier: { system: 'http://hl7.org/fhir/sid/us-npi', value: exampleNumber } };

const usd = (value: number): object => ({ value, currency: 'USD' });
const feeSchedule = (currency: string): FeeSchedule => ({
  ...{ schema: 1, salt: exampleSalt('b'), version: '2026-1', currency, prices: {} },
  loadedAt: '2026-01-01T00:00:00.000Z',
});

/** Bills the second item by the procedure instead of the encounter. */
function byProcedure(given: Case): void {
  given.claim['procedure'] = [
    { sequence: 4, procedureReference: { reference: `Procedure/${exampleIds.procedure}/_history/1` } },
  ];
  delete given.claim['item'][1].encounter;
  given.claim['item'][1].procedureSequence = [4];
}

function byObservation(given: Case): void {
  given.claim['supportingInfo'] = [
    { sequence: 1, category: {}, valueReference: { reference: `Observation/${exampleIds.observation}` } },
  ];
  delete given.claim['item'][1].encounter;
  given.claim['item'][1].informationSequence = [1];
}

/** Another visit of the same practitioner. */
const visit = (id: string, start: string, end: string, code = 'AMB'): Changeable => ({
  ...exampleClaim().encounter,
  id,
  class: { code },
  period: { start, end },
});

/** Billed by the hour. */
function served(given: Case, start: string, end: string): void {
  const { servicedDate: _, ...item } = given.claim['item'][0];
  given.claim['item'][0] = { ...item, servicedPeriod: { start, end } };
}

const payee = (code: string, party?: object) => (given: Case) =>
  (given.claim['payee'] = { type: { coding: [{ code }] }, ...(party && { party }) });
const member = (value: string) => ({ identifier: { system: 'https://telemed-ledger.example/organisations', value } });

const PASSING: [string, (given: Case) => void][] = [
  ['as it is', () => {}],
  ['that asks for its provider to be paid', payee('provider')],
  ['that names its provider as the payee', payee('other', member('hospital'))],
  ['with a fee schedule in its currency', (given) => (given.feeSchedule = feeSchedule('USD'))],
  ['that points to a procedure', byProcedure],
  ['that points to an observation', byObservation],
  ['on the last day of the coverage', (given) => (given.coverage['period'] = { end: '2026-02-10' })],
  ['under a coverage without a period', (given) => delete given.coverage['period']],
  [
    "whose coverage names the provider's own patient",
    (given) => (given.coverage['beneficiary'] = { reference: `Patient/${exampleIds.patient}` }),
  ],
  [
    'whose coverage knows the member number only',
    (given) => {
      given.coverage['beneficiary'] = { display: 'the member' };
      given.coverage['subscriberId'] = 'M-88-2001';
    },
  ],
  ['for a birth in that month', (given) => (given.patient['birthDate'] = '2026-02')],
  ['for the day of death', (given) => (given.patient['deceasedDateTime'] = '2026-02-10T23:00:00+01:00')],
  ['for someone who died on a day unknown', (given) => (given.patient['deceasedBoolean'] = true)],
  ['without a total', (given) => delete given.claim['total']],
  [
    'whose product is rounded half up',
    (given) => {
      Object.assign(given.claim['item'][1], {
        quantity: { value: 1 },
        unitPrice: usd(0.01),
        factor: 0.5,
        net: usd(0.01),
      });
      given.claim['total'] = usd(120.01);
    },
  ],
  [
    'with an item that asks for no money and shows nothing',
    (given) => given.claim['item'].push({ sequence: 3, productOrService: { coding: [{ code: '224299000' }] } }),
  ],
  [
    'whose care team carries the licence number itself',
    (given) => {
      given.claim['careTeam'] = [
        { sequence: 1, provider: { identifier: { system: 'http://hl7.org/fhir/sid/us-npi', value: exampleNumber } } },
      ];
      given.encounter['participant'] = [];
    },
  ],
  ['whose practitioner the licence names', (given) => (given.licence!.practitioners = [ofHospital])],
  [
    'whose practitioner the licence names among others, known by the number alone',
    (given) => {
      given.licence!.practitioners = [{ ...ofHospital, ...atClinic }, ofHospital];
      given.encounter['participant'] = [{ individual: numbered }];
    },
  ],
  [
    "with another organisation's practitioner, whom the licence names there",
    (given) => {
      given.licence!.practitioners = [{ ...ofHospital, ...atClinic }];
      given.encounter['participant'] = [{ individual: { ...numbered, reference: fromClinic } }];
    },
  ],
  [
    'with a relative at the visit',
    (given) => given.encounter['participant'].push({ individual: { reference: 'RelatedPerson/1' } }),
  ],
  [
    'beside a stay of days',
    (given) => given.more.push(visit(exampleIds.other, '2026-02-09T00:00:00Z', '2026-02-12T00:00:00Z', 'IMP')),
  ],
  [
    'beside a visit that fills the rest of the day',
    (given) => given.more.push(visit(exampleIds.other, '2026-02-10T00:00:00Z', '2026-02-10T23:20:00Z')),
  ],
  ['whose hours are rounded to the quarter', (given) => served(given, '2026-02-10T08:00:00Z', '2026-02-10T08:45:00Z')],
  ...[...EVIDENCE_CASES, ...TABLE_CASES, ...WHOLE_CLAIM_CASES].flatMap(({ honest }) => honest),
];

const atClinic = { organisation: 'clinic' };
/** Whom the licence names in place of the hospital's practitioner, and who is at the visit. */
const OF_ANOTHER: [title: string, named: object, shown?: object][] = [
  ["another organisation's practitioner of that reference", atClinic],
  ["the provider's other practitioner", { practitioner: `Practitioner/${exampleIds.other}` }],
  ["another organisation's practitioner, by the number alone", atClinic, numbered],
  ['a practitioner said to be another organisation’s', {}, { ...numbered, reference: fromClinic }],
];

const DENIED: [edit: string, title: string, change: (given: Case) => void, facts: object][] = [
  [
    'patient-mismatch',
    'a patient who is not shown',
    (given) => given.hidden.push('patient'),
    { patient: `Patient/${exampleIds.patient}`, shown: false },
  ],
  [
    'patient-mismatch',
    'a patient other than the one shown',
    (given) => (given.patient['id'] = exampleIds.other),
    { patient: `Patient/${exampleIds.patient}`, shown: false },
  ],
  ['payee', 'another member as the payee', payee('provider', member('clinic')), { payee: 'clinic' }],
  ['payee', 'the patient as the payee', payee('subscriber'), { payee: 'subscriber' }],
  ['currency', 'two currencies', (given) => (given.claim['total'].currency = 'EUR'), { currencies: 'USD EUR' }],
  [
    'currency',
    'a fee schedule in another currency',
    (given) => (given.feeSchedule = feeSchedule('EUR')),
    { currencies: 'USD EUR' },
  ],
  [
    'arithmetic',
    'a net that is not the product',
    (given) => (given.claim['item'][1].net = usd(30.51)),
    { item: 2, net: 3051, computed: 3050 },
  ],
  [
    'arithmetic',
    'a factor left out of the net',
    (given) => (given.claim['item'][1].factor = 0.5),
    { item: 2, net: 3050, computed: 1525 },
  ],
  [
    'arithmetic',
    'a total that is not the sum',
    (given) => (given.claim['total'] = usd(150.51)),
    { total: 15051, sum: 15050 },
  ],
  [
    'coverage-not-of-patient',
    "somebody else's member number",
    (given) => (given.coverage['beneficiary'].identifier.value = 'M-88-2002'),
    { coverage: exampleIds.coverage },
  ],
  [
    'coverage-not-of-patient',
    'the number of another system',
    (given) => (given.coverage['beneficiary'].identifier.system = 'https://other.example/member'),
    { coverage: exampleIds.coverage },
  ],
  [
    'coverage-not-of-patient',
    'a right reference beside a wrong identifier',
    (given) => {
      given.coverage['beneficiary'].reference = `Patient/${exampleIds.patient}`;
      given.coverage['beneficiary'].identifier.value = 'M-88-2002';
    },
    { coverage: exampleIds.coverage },
  ],
  [
    'coverage-not-of-patient',
    'a subscriber number that is no member number of the patient',
    (given) => {
      given.coverage['beneficiary'] = {};
      given.coverage['subscriberId'] = 'MRN-4711';
    },
    { coverage: exampleIds.coverage },
  ],
  [
    'coverage-not-in-force',
    'a cancelled coverage',
    (given) => (given.coverage['status'] = 'cancelled'),
    { coverage: exampleIds.coverage, status: 'cancelled' },
  ],
  [
    'coverage-not-in-force',
    'a service the day after the coverage ends',
    (given) => (given.coverage['period'] = { start: '2026-01-01', end: '2026-02-09' }),
    {
      ...{ coverage: exampleIds.coverage, item: 1, service: '2026-02-10', until: '2026-02-10' },
      ...{ first: '2026-01-01', last: '2026-02-09' },
    },
  ],
  [
    'coordination',
    'a second coverage on which nothing was decided before',
    (given) => (given.coverage['order'] = 2),
    { coverage: exampleIds.coverage, order: 2 },
  ],
  [
    'outside-lifetime',
    'a service before birth',
    (given) => (given.patient['birthDate'] = '2026-02-11'),
    { item: 1, service: '2026-02-10', birthDate: '2026-02-11' },
  ],
  [
    'outside-lifetime',
    'a service after death',
    (given) => (given.patient['deceasedDateTime'] = '2026-02-09T23:59:00Z'),
    { item: 1, service: '2026-02-10', deceasedDateTime: '2026-02-09T23:59:00Z' },
  ],
  [
    'service-not-shown',
    'an item that points to nothing',
    (given) => delete given.claim['item'][1].encounter,
    { item: 2, objection: 'points to nothing' },
  ],
  [
    'service-not-shown',
    'an encounter that is not shown',
    (given) => given.hidden.push('encounter'),
    { item: 1, service: `Encounter/${exampleIds.encounter}`, objection: 'not shown' },
  ],
  [
    'service-not-shown',
    'an encounter that is still going on',
    (given) => (given.encounter['status'] = 'in-progress'),
    { item: 1, service: `Encounter/${exampleIds.encounter}`, objection: 'not done' },
  ],
  [
    'service-not-shown',
    'an encounter of another patient',
    (given) => (given.encounter['subject'] = { reference: `Patient/${exampleIds.other}` }),
    { item: 1, service: `Encounter/${exampleIds.encounter}`, objection: 'of another patient' },
  ],
  [
    'service-not-shown',
    "another provider's encounter",
    (given) => (given.author = 'ClinicMSP'),
    { item: 1, service: `Encounter/${exampleIds.encounter}`, objection: 'by another provider' },
  ],
  [
    'service-not-shown',
    'a day on which there was no encounter',
    (given) => (given.claim['item'][1].servicedDate = '2026-02-11'),
    { item: 2, service: `Encounter/${exampleIds.encounter}`, objection: 'on other days' },
  ],
  [
    'service-not-shown',
    'an encounter without a time',
    (given) => delete given.encounter['period'],
    { item: 1, service: `Encounter/${exampleIds.encounter}`, objection: 'on other days' },
  ],
  [
    'service-not-shown',
    'a procedure that was not done',
    (given) => {
      byProcedure(given);
      given.procedure['status'] = 'not-done';
    },
    { item: 2, service: `Procedure/${exampleIds.procedure}`, objection: 'not done' },
  ],
  [
    'service-not-shown',
    'a preliminary observation',
    (given) => {
      byObservation(given);
      given.observation['status'] = 'preliminary';
    },
    { item: 2, service: `Observation/${exampleIds.observation}`, objection: 'not done' },
  ],
  [
    'service-not-shown',
    'a patient shown as the service',
    (given) => (given.claim['item'][0].encounter = [{ reference: `Patient/${exampleIds.patient}` }]),
    { item: 1, service: `Patient/${exampleIds.patient}`, objection: 'of another patient' },
  ],
  [
    'service-not-shown',
    'more hours than the visit took',
    (given) => served(given, '2026-02-10T09:00:00+01:00', '2026-02-10T10:00:00+01:00'),
    { item: 1, objection: 'longer than it took' },
  ],
  [
    'service-not-shown',
    'a service in the future',
    (given) => (given.now = '2026-02-08T12:00:00.000Z'),
    { item: 1, objection: 'in the future' },
  ],
  [
    'practitioner-not-licensed',
    'nobody named',
    (given) => (given.encounter['participant'] = []),
    { item: 1, objection: 'no practitioner named' },
  ],
  [
    'practitioner-not-licensed',
    'somebody whose record is not shown',
    (given) => given.hidden.push('practitioner'),
    { item: 1, objection: 'practitioner not identified' },
  ],
  [
    'practitioner-not-licensed',
    'a number that cannot be one',
    (given) => (given.practitioner['identifier'][0].value = 'no number'),
    { item: 1, objection: 'practitioner not identified' },
  ],
  [
    'practitioner-not-licensed',
    'no licence',
    (given) => (given.licence = undefined),
    { item: 1, practitioner: exampleNumber, objection: 'licence-absent' },
  ],
  [
    'practitioner-not-licensed',
    'an excluded practitioner',
    (given) => (given.licence!.status = 'excluded'),
    { item: 1, practitioner: exampleNumber, objection: 'licence-excluded' },
  ],
  [
    'practitioner-not-licensed',
    'a licence that ended the day before',
    (given) => (given.licence!.end = '2026-02-09'),
    { item: 1, practitioner: exampleNumber, objection: 'licence-expired' },
  ],
  ...OF_ANOTHER.map(([title, named, shown]): (typeof DENIED)[number] => [
    'practitioner-not-licensed',
    title,
    (given) => {
      given.licence!.practitioners = [{ ...ofHospital, ...named }];
      if (shown !== undefined) given.encounter['participant'] = [{ individual: shown }];
    },
    { item: 1, practitioner: exampleNumber, objection: 'licence-of-another' },
  ]),
  [
    'practitioner-not-licensed',
    'an unlicensed performer behind a licensed care team',
    (given) => {
      given.claim['careTeam'] = [{ sequence: 1, provider: { reference: `Practitioner/${exampleIds.practitioner}` } }];
      given.more.push({
        ...{ resourceType: 'Practitioner', id: exampleIds.other },
        identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '9999999999' }],
      });
      given.encounter['participant'] = [{ individual: { reference: `Practitioner/${exampleIds.other}` } }];
    },
    { item: 1, practitioner: '9999999999', objection: 'licence-absent' },
  ],
  [
    'impossible-day',
    'more than 24 hours in one day',
    (given) => given.more.push(visit(exampleIds.other, '2026-02-10T00:00:00Z', '2026-02-10T23:21:00Z')),
    { practitioner: `Practitioner/${exampleIds.practitioner}`, day: '2026-02-10', minutes: 1441 },
  ],
  ['duplicate', 'a service that an earlier claim holds', (given) => given.earlier.push({ item: 2 }), { item: 2 }],
  [
    'duplicate',
    'the same service twice in one claim',
    (given) => (given.claim['item'][1].productOrService.coding[0].code = '185317003'),
    { item: 2 },
  ],
  [
    'duplicate',
    'one visit for two days',
    (given) => {
      const [first, second] = given.claim['item'];
      second.productOrService = structuredClone(first.productOrService);
      given.encounter['period'] = { start: '2026-02-10T23:50:00+01:00', end: '2026-02-11T00:10:00+01:00' };
      second.servicedDate = '2026-02-11';
      given.licence!.end = '2026-12-31';
    },
    { item: 2 },
  ],
  [
    'duplicate',
    'two evaluations of one visit',
    (given) => {
      const [first, second] = given.claim['item'];
      first.productOrService.coding[0].code = '99213';
      second.productOrService.coding[0].code = '99214';
    },
    { item: 2 },
  ],
  [
    'evidence-outdated',
    'a visit that was voided since',
    (given) => given.outdated.push(`Encounter/${exampleIds.encounter}`),
    { item: 1, record: `Encounter/${exampleIds.encounter}` },
  ],
  ...[...EVIDENCE_CASES, ...TABLE_CASES, ...WHOLE_CLAIM_CASES].map(
    ({ edit, title, change, facts }): (typeof DENIED)[number] => [edit, title, change, facts],
  ),
];

/** What the edits say of the example after a change, its days read as the contract reads them. */
function judged(change: (given: Case) => void) {
  const facts = changed(change);
  return judgeClaim({ ...facts, bill: onDaysOfRecords(facts.bill, facts.evidence) });
}

describe('the claim edits', () => {
  for (const [title, change] of PASSING) {
    it(`let a claim pass ${title}`, () => {
      const findings = judged(change);
      expect(denialOf(findings)).to.equal(undefined);
      expect(findings.map(({ outcome }) => outcome)).to.deep.equal(CLAIM_EDITS.map(() => 'pass'));
    });
  }

  for (const [edit, title, change, facts] of DENIED) {
    it(`deny ${title} (${edit})`, () => {
      const { version } = CLAIM_EDITS.find(({ name }) => name === edit)!;
      expect(denialOf(judged(change))).to.deep.equal({ edit, version, outcome: 'deny', facts });
    });
  }

  it('tells by no fact of a denial what its name does not say whose it is', () => {
    const known = [...FACTS_OF_CLAIMS, ...FACTS_OF_RECORDS];
    for (const [edit, title, change] of DENIED)
      for (const { facts = {} } of judged(change))
        expect(
          Object.keys(facts).filter((name) => !known.includes(name)),
          `${edit}: ${title}`,
        ).to.deep.equal([]);
    expect(FACTS_OF_CLAIMS.filter((name) => FACTS_OF_RECORDS.includes(name))).to.deep.equal([]);
  });

  it('has a case of denial for each edit, and each edit has its own name', () => {
    const names = CLAIM_EDITS.map(({ name }) => name);
    expect(new Set(DENIED.map(([edit]) => edit))).to.deep.equal(new Set(names));
    expect(new Set(names).size).to.equal(names.length);
    for (const { after } of CLAIM_EDITS) expect(names).to.include.members([...after]);
  });

  it('does not evaluate what means nothing without an edit that denied', () => {
    const findings = judgeClaim(changed((given) => given.hidden.push('patient')));
    expect(findings.filter(({ outcome }) => outcome === 'not-evaluated').map(({ edit }) => edit)).to.deep.equal([
      'coverage-not-of-patient',
      'outside-lifetime',
      'service-not-shown',
      'code-not-of-record',
      'dispense-not-shown',
      'duration-too-short',
      'units-exceeded',
      'procedure-pair',
      'age-mismatch',
      'sex-mismatch',
      'place-mismatch',
      'practitioner-not-licensed',
      'duplicate',
    ]);
  });

  it('names every failing edit, the first of the table as the reason', () => {
    const findings = judgeClaim(
      changed((given) => {
        given.coverage['status'] = 'cancelled';
        given.claim['total'] = usd(1);
      }),
    );
    expect(findings.filter(({ outcome }) => outcome === 'deny').map(({ edit }) => edit)).to.deep.equal([
      'arithmetic',
      'coverage-not-in-force',
    ]);
    expect(denialOf(findings)?.edit).to.equal('arithmetic');
  });

  it('denies a line by the first edit that does, and lets the others stand', () => {
    const facts = changed((given) => {
      given.claim['item'][1].servicedDate = '2026-02-08';
      given.earlier.push({ item: 2 });
    });
    const findings = judgeClaim(facts);
    const { claim, lines } = verdictOf(findings, facts.bill);
    expect(claim).to.equal(undefined);
    expect([...lines].map(([item, { edit }]) => [item, edit])).to.deep.equal([[2, 'service-not-shown']]);
    expect([...standing(facts.bill, { claim, lines })]).to.deep.equal([1]);
    expect(findings.find(({ edit }) => edit === 'duplicate')?.outcome).to.equal('pass');
  });

  it('denies the claim where it denies each of its lines that ask for money', () => {
    const facts = changed((given) => {
      given.claim['item'].push({ sequence: 3, productOrService: { coding: [{ code: '224299000' }] } });
      given.earlier.push({ item: 1 }, { item: 2 });
    });
    const verdict = verdictOf(judgeClaim(facts), facts.bill);
    expect(verdict.claim).to.include({ edit: 'duplicate' });
    expect([...standing(facts.bill, verdict)]).to.deep.equal([]);
  });

  it('does not fall over records whose elements are not what FHIR says', () => {
    for (const odd of [null, 1, 'x', [], [null], {}, [{}], [[1]]]) {
      const facts = changed((given) => {
        for (const name of ['participant', 'period', 'subject', 'class', 'status']) given.encounter[name] = odd;
        for (const name of ['identifier', 'birthDate', 'deceasedDateTime']) given.patient[name] = odd;
        given.practitioner['identifier'] = odd;
      });
      expect(denialOf(judgeClaim(facts))).to.not.equal(undefined);
      expect(() => fingerprintsOf(facts, exampleSalt('c'))).to.not.throw();
      expect(licenceNumbersOf(facts)).to.deep.equal([]);
    }
  });
});
