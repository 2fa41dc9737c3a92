import { expect } from 'chai';
import type { Resource } from './fhir.ts';
import {
  CHECK_SYSTEM,
  checkRefusal,
  type Finding,
  findingsAgainst,
  isDecision,
  issueOf,
  tablesOn,
} from './medication-checks.ts';

const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const now = '2026-03-01T12:00:00Z';
const tables = tablesOn('2026-03-01')!;
const drug = (code: string) => ({ coding: [{ system: RXNORM, code }] });
const order = (code: string, more: object = {}): Resource => ({
  ...{ resourceType: 'MedicationRequest', id: 'm', status: 'active', intent: 'order' },
  ...{ medicationCodeableConcept: drug(code), ...more },
});
const her = (birthDate = '1980-01-01'): Resource => ({ resourceType: 'Patient', id: 'p', birthDate });
const allergy = (code: string, more: object = {}): Resource => ({
  ...{ resourceType: 'AllergyIntolerance', id: 'a', code: drug(code), ...more },
});
const observed = (code: string, more: object, id = 'o'): Resource => ({
  ...{
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code }] },
    ...more,
  },
});
const statement = (code: string, status = 'active'): Resource => ({
  ...{ resourceType: 'MedicationStatement', id: 's', status, medicationCodeableConcept: drug(code) },
});
const dosed = (mg: number, frequency: number) => ({
  dosageInstruction: [
    {
      doseAndRate: [{ doseQuantity: { value: mg, code: 'mg' } }],
      timing: { repeat: { frequency, period: 1, periodUnit: 'd' } },
    },
  ],
});
const egfr = (value: number, at = '2026-02-01', id = 'o') =>
  observed('62238-1', { valueQuantity: { value }, effectiveDateTime: at }, id);
const pregnant = observed('82810-3', { valueCodeableConcept: { coding: [{ code: 'LA15173-0' }] } });

describe('what speaks against a medication', () => {
  const CASES: [title: string, order: Resource, records: Resource[], found: string[]][] = [
    ['nothing that no table knows', order('314076'), [allergy('723')], []],
    ['an allergy to it', order('723'), [allergy('723', { criticality: 'high' })], ['allergy high a']],
    ['an allergy to it, by its product', order('308191'), [allergy('723')], ['allergy moderate a']],
    ['an allergy to its class', order('723'), [allergy('7980', { criticality: 'high' })], ['allergy moderate a']],
    [
      'no allergy that is refuted',
      order('723'),
      [allergy('723', { verificationStatus: { coding: [{ code: 'refuted' }] } })],
      [],
    ],
    [
      'no allergy that is resolved',
      order('723'),
      [allergy('723', { clinicalStatus: { coding: [{ code: 'resolved' }] } })],
      [],
    ],
    ['the same that she takes already', order('5640'), [statement('310965')], ['duplicate-therapy moderate s']],
    ['nothing that she takes no more', order('5640'), [statement('310965', 'completed')], []],
    ['what does not go with it', order('1191'), [statement('11289')], ['interaction moderate s']],
    ['what never goes with it', order('136411'), [statement('4917')], ['interaction high s']],
    ['too much of it', order('5640', dosed(800, 4)), [her()], ['dose moderate ']],
    ['far too much of it', order('5640', dosed(1600, 4)), [her()], ['dose high ']],
    ['enough of it', order('5640', dosed(600, 4)), [her()], []],
    [
      'a child’s weight',
      order('723', dosed(500, 3)),
      [her('2020-01-01'), observed('29463-7', { valueQuantity: { value: 12 } })],
      ['dose moderate o'],
    ],
    ['no weight', order('723', dosed(500, 3)), [her('2020-01-01')], []],
    ['a pregnancy', order('6064'), [pregnant], ['pregnancy high o']],
    ['a pregnancy with what may be taken', order('723'), [pregnant], []],
    ['kidneys that fail', order('6809'), [egfr(25)], ['renal-function high o']],
    ['kidneys that are weak', order('6809'), [egfr(40)], ['renal-function moderate o']],
    ['kidneys as they are now', order('6809'), [egfr(25, '2025-01-01', 'old'), egfr(80, '2026-02-01')], []],
  ];
  for (const [title, wanted, records, found] of CASES)
    it(`is ${title}`, () => {
      const findings = findingsAgainst(wanted, { tables, now, records });
      expect(
        findings.map(
          ({ kind, severity, because }) => `${kind} ${severity} ${because.map((one) => one.split('/')[1]).join()}`,
        ),
      ).to.deep.equal(found);
    });

  it('is a medication by reference as well, and not the prescription that is handed out', () => {
    const medication = { resourceType: 'Medication', id: 'x', code: drug('5640') };
    const by = order('', { medicationCodeableConcept: undefined, medicationReference: { reference: 'Medication/x' } });
    expect(findingsAgainst(by, { tables, now, records: [medication, statement('5640')] })).to.have.length(1);
    const dispense = {
      ...order('5640'),
      resourceType: 'MedicationDispense',
      id: 'd',
      authorizingPrescription: [{ reference: 'MedicationRequest/m' }],
    };
    expect(findingsAgainst(dispense, { tables, now, records: [order('5640')] })).to.deep.equal([]);
  });

  it('is what others found and passed on, whatever it rests on', () => {
    const prescribed = { ...order('723', { status: 'completed' }), id: 'x' };
    const passed = (kind: Finding['kind'], of: string): Resource => ({
      ...(issueOf({ kind, severity: 'moderate', text: 'x', because: [] }, 'p', [of], now) as Resource),
      id: 'i',
    });
    const dispense = {
      ...order('723'),
      ...{ resourceType: 'MedicationDispense', authorizingPrescription: [{ reference: 'MedicationRequest/y' }] },
    };
    const kinds = (records: Resource[], one: Resource = dispense) =>
      findingsAgainst(one, { tables, now, records }).map(({ kind, because }) => [kind, ...because].join(' '));
    expect(kinds([passed('allergy', 'MedicationRequest/y')])).to.deep.equal(['allergy DetectedIssue/i']);
    expect(kinds([passed('allergy', 'MedicationRequest/z')])).to.deep.equal([]);
    expect(kinds([passed('dose', 'MedicationRequest/y')])).to.deep.equal([]);
    const alike = [prescribed, passed('allergy', 'MedicationRequest/x')];
    expect(kinds(alike, order('723'))).to.deep.equal(['allergy DetectedIssue/i']);
    expect(kinds([...alike, allergy('723')], order('723'))).to.deep.equal(['allergy AllergyIntolerance/a']);
  });

  it('has no table before the first counts', () => {
    expect(tablesOn('2019-12-31')).to.equal(undefined);
  });
});

describe('an order with what its checks found', () => {
  const issue = (severity: 'high' | 'moderate', more: object = {}): Resource => ({
    ...(issueOf({ kind: 'allergy', severity, text: 'x', because: [] }, 'p', ['MedicationRequest/m'], now) as Resource),
    ...{ id: 'i', ...more },
  });
  const found = (kind: Finding['kind'], severity: Finding['severity'] = 'moderate'): Finding => ({
    ...{ kind, severity, text: 'x', because: [] },
  });
  const reason = { mitigation: [{ action: { text: 'tolerated before' } }] };
  const bare = [{}, { mitigation: [{ action: { text: ' ' } }] }, { mitigation: [{}] }];
  const others = { code: { coding: [{ system: `${CHECK_SYSTEM}/other`, code: 'allergy' }] } };
  const CASES: [title: string, findings: Finding[], beside: Resource[], refusal: string | undefined][] = [
    ['is recorded where nothing was found', [], [], undefined],
    ['is recorded with a reason', [found('allergy')], [issue('moderate', reason)], undefined],
    ['takes a reason', [found('allergy')], [], 'no-reason'],
    ...bare.map((one): (typeof CASES)[number] => [
      'takes words as a reason',
      [found('allergy')],
      [issue('moderate', one)],
      'no-reason',
    ]),
    ['takes a reason that is its own', [found('dose')], [issue('moderate', reason)], 'no-reason'],
    ['takes one for each', [found('allergy'), found('dose')], [issue('moderate', reason)], 'no-reason'],
    ['takes one of a check', [found('allergy')], [issue('moderate', { ...reason, ...others })], 'no-reason'],
    [
      'takes none that is an error',
      [found('allergy')],
      [issue('moderate', { ...reason, status: 'entered-in-error' })],
      'no-reason',
    ],
    ['is stopped, whatever the reason', [found('allergy', 'high')], [issue('moderate', reason)], 'hard-stop'],
    ['is stopped by what was shown', [], [issue('high', reason)], 'hard-stop'],
    ['is not stopped by what others code', [], [issue('high', others)], undefined],
    ['is not stopped by another’s', [], [issue('high', { implicated: [] })], undefined],
  ];
  for (const [title, findings, beside, refusal] of CASES)
    it(title, () => expect(checkRefusal(order('723'), findings, beside)).to.equal(refusal));

  it('is decided when it is first recorded as it is, and not when it is only touched', () => {
    const decision = (one: Resource, version = 1, previous?: Resource) => isDecision(one, { version, previous, now });
    expect(decision(order('723'))).to.equal(true);
    for (const change of [
      { status: 'draft' },
      { intent: 'plan' },
      { doNotPerform: true },
      { authoredOn: '2026-01-01' },
    ])
      expect(decision(order('723', change)), JSON.stringify(change)).to.equal(false);
    expect(decision(order('723', { authoredOn: '2026-03-01' }))).to.equal(true);
    expect(decision(order('723'), 2, order('723'))).to.equal(false);
    const old = { authoredOn: '2026-01-01' };
    for (const before of [undefined, order('723', { status: 'draft' }), order('5640'), order('723', dosed(1, 1))])
      expect(decision(order('723', old), 2, before)).to.equal(true);
    const handed = (status: string) => ({ ...order('723', { status }), resourceType: 'MedicationDispense' });
    expect(decision(handed('completed'))).to.equal(true);
    expect(decision(handed('preparation'))).to.equal(false);
    expect(decision(handed('completed'), 2, handed('preparation'))).to.equal(true);
  });
});
