/** Explanations are held against CARIN Blue Button's own profiles, as HL7 publishes them, next to its examples. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { expect } from 'chai';
import { carinExamples, carinProfiles } from '../../fhir/fixtures/carin/carin.ts';
import { validateResource } from '../../fhir/validation/validation.ts';
import { type Explained, explanationOf } from './explanation.ts';

type Json = Record<string, unknown>;

const HL7 = 'http://terminology.hl7.org/CodeSystem';
const C4BB = 'http://hl7.org/fhir/us/carin-bb/CodeSystem';
const CMS = 'https://www.cms.gov/Medicare/Coding';
const PROFILE = 'http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-';

const coded = (system: string, code: string): Json => ({ coding: [{ system, code }] });
const usd = (value: number): Json => ({ value, currency: 'USD' });
const amount = (code: string, value: number): Json => ({
  category: coded(`${HL7}/adjudication`, code),
  amount: usd(value),
});
const reasoned = (category: string, group: string, code: string, value: number): Json => ({
  category: coded(`${C4BB}/C4BBAdjudication`, category),
  reason: {
    coding: [
      { system: 'https://x12.org/codes/claim-adjustment-group-codes', code: group },
      { system: 'https://x12.org/codes/claim-adjustment-reason-codes', code },
    ],
  },
  amount: usd(value),
});
const info = (sequence: number, category: string, value: Json): Json => ({
  ...{ sequence, category: coded(`${C4BB}/C4BBSupportingInfoType`, category) },
  ...value,
});

const claimOf = (type: string, more: Json, item: Json): Resource => ({
  ...{ resourceType: 'Claim', id: '3f6f1c8e-0000-4000-8000-000000000001', status: 'active', use: 'claim' },
  ...{
    type: coded(`${HL7}/claim-type`, type),
    created: '2026-01-06',
    priority: coded(`${HL7}/processpriority`, 'normal'),
  },
  ...{ patient: { reference: 'Patient/a' }, provider: { display: 'hospital' } },
  insurance: [{ sequence: 1, focal: true, coverage: { reference: 'Coverage/a' } }],
  ...more,
  item: [{ sequence: 1, servicedDate: '2026-01-05', net: usd(100), ...item }],
});

const RESPONSE: Resource = {
  ...{ resourceType: 'ClaimResponse', id: '3f6f1c8e-0000-4000-8000-000000000002', status: 'active', use: 'claim' },
  ...{ created: '2026-01-07T10:00:00Z', insurer: { display: 'payer' }, outcome: 'complete', disposition: 'partial' },
  item: [
    {
      itemSequence: 1,
      adjudication: [
        ...[amount('submitted', 100), amount('eligible', 80), amount('deductible', 30)],
        ...[amount('copay', 10), amount('benefit', 40)],
        ...[reasoned('discount', 'CO', '45', 15), reasoned('denialreason', 'CO', '151', 5)],
        ...[reasoned('memberliability', 'PR', '1', 30), reasoned('memberliability', 'PR', '3', 10)],
      ],
    },
  ],
  total: [amount('submitted', 100), amount('eligible', 80), amount('benefit', 40)],
  payment: { type: coded(`${HL7}/ex-paymenttype`, 'partial'), amount: usd(40) },
};

const explained = (claim: Resource, more: Partial<Explained> = {}): Resource =>
  explanationOf({
    ...{ claim, response: RESPONSE, payment: { isPaid: true, day: '2026-01-09' } },
    ...{ receivedAt: '2026-01-06T09:00:00Z', updatedAt: '2026-01-09T09:00:00Z', isCancelled: false },
    ...more,
  });
const statedBy = ({ meta }: Json): string[] =>
  ((meta as { profile?: string[] }).profile ?? []).map((one) => one.slice(PROFILE.length));

const diagnosed = { diagnosis: [1, 2].map((sequence) => ({ sequence, diagnosisCodeableConcept: icd('R51.9') })) };
function icd(code: string): Json {
  return coded('http://hl7.org/fhir/sid/icd-10-cm', code);
}
const team = [{ sequence: 1, provider: { reference: 'Practitioner/a' } }];
const visit = coded('http://www.ama-assn.org/go/cpt', '99213');
const telehealth = { locationCodeableConcept: coded(`${CMS}/place-of-service-codes/Place_of_Service_Code_Set`, '10') };
const replacing = { related: [{ claim: { reference: 'Claim/b' }, relationship: { coding: [{ code: 'prior' }] } }] };
const admitted = info(1, 'admissionperiod', { timingPeriod: { start: '2026-01-05', end: '2026-01-05' } });
const NUBC = 'https://www.nubc.org/CodeSystem';
const known = [
  info(1, 'medicalrecordnumber', { valueString: 'MRN' }),
  info(2, 'servicefacility', { valueReference: { reference: 'Organization/a' } }),
  info(3, 'clmrecvddate', { timingDate: '2026-01-01' }),
];
const billed = [
  info(1, 'typeofbill', { code: coded(`${NUBC}/TypeOfBill`, '0131') }),
  info(2, 'discharge-status', { code: coded(`${NUBC}/PatDischargeStatus`, '01') }),
];
const units = (value: number): Json => ({ valueQuantity: { value } });

/** A claim of each kind that says all that its profile asks for. */
const WHOLE: Readonly<Record<string, Resource>> = {
  'Professional-NonClinician': claimOf(
    'professional',
    { ...diagnosed, ...replacing, careTeam: team, supportingInfo: known },
    { productOrService: visit, ...telehealth, careTeamSequence: [1], diagnosisSequence: [1] },
  ),
  'Outpatient-Institutional': claimOf(
    'institutional',
    { ...diagnosed, subType: coded(`${HL7}/ex-claimsubtype`, 'outpatient'), supportingInfo: billed },
    {
      productOrService: visit,
      servicedPeriod: { start: '2026-01-05T10:00:00-05:00', end: '2026-01-05T10:20:00-05:00' },
      servicedDate: undefined,
    },
  ),
  'Inpatient-Institutional': claimOf(
    'institutional',
    { ...diagnosed, subType: coded(`${C4BB}/C4BBInstitutionalClaimSubType`, 'inpatient'), supportingInfo: [admitted] },
    { productOrService: visit, revenue: coded('https://www.nubc.org/CodeSystem/RevenueCodes', '0120') },
  ),
  Pharmacy: claimOf(
    'pharmacy',
    {
      supportingInfo: [
        ...[info(1, 'dayssupply', units(30)), info(2, 'refillnum', units(0)), info(3, 'refillsauthorized', units(3))],
        info(4, 'dawcode', {
          code: coded('http://terminology.hl7.org/CodeSystem/NCPDPDispensedAsWrittenOrProductSelectionCode', '0'),
        }),
      ],
    },
    { productOrService: coded('http://hl7.org/fhir/sid/ndc', '00093-7146-01') },
  ),
};

/** A resource without one of its values, for each of them: whole elements, members of lists and what is in them. */
function* lacking(value: unknown, path = ''): Generator<[string, unknown]> {
  if (Array.isArray(value))
    for (const [at, one] of value.entries()) {
      if (value.length > 1) yield [`${path}[${at}]`, value.toSpliced(at, 1)];
      for (const [where, changed] of lacking(one, `${path}[${at}]`)) yield [where, value.with(at, changed)];
    }
  else if (typeof value === 'object' && value !== null)
    for (const [name, one] of Object.entries(value)) {
      const { [name]: _, ...rest } = value as Json;
      yield [`${path}.${name}`, rest];
      if (name === 'system') yield [`${path}.system of another`, { ...value, system: 'https://other.example' }];
      for (const [where, changed] of lacking(one, `${path}.${name}`)) yield [where, { ...value, [name]: changed }];
    }
}

describe('An explanation in the terms of CARIN Blue Button', () => {
  it('the guide’s own examples are sound, and keep their profiles as these are held here', () => {
    expect(carinExamples).to.have.length(32);
    for (const example of carinExamples) {
      const { resourceType, id } = example as { resourceType: string; id: string };
      expect(carinProfiles.statedIn(example), id).to.have.length(1);
      expect(carinProfiles.issuesOfStated(example, resourceType), id).to.deep.equal([]);
      expect(validateResource(example).issues, id).to.deep.equal([]);
    }
  });

  for (const [kind, claim] of Object.entries(WHOLE)) {
    it(`states the profile ${kind} of a claim that says what it asks for, and keeps it`, () => {
      const explanation = explained(claim);
      expect(statedBy(explanation)).to.deep.equal([`${kind}|2.0.0`]);
      expect(carinProfiles.issuesOfStated(explanation, 'ExplanationOfBenefit')).to.deep.equal([]);
      expect(validateResource(explanation).issues).to.deep.equal([]);
    });

    it(`states the profile ${kind} just where it keeps it, whatever of the claim or the decision is not said`, () => {
      const counted = { kept: 0, not: 0 };
      const judge = (explanation: Resource, at: string) => {
        const issues = carinProfiles.issuesOf(
          { ...explanation, meta: { ...(explanation['meta'] as Json), profile: [`${PROFILE}${kind}|2.0.0`] } },
          `${PROFILE}${kind}`,
        );
        const isKept = issues!.length === 0;
        expect(statedBy(explanation), `${at}: ${JSON.stringify(issues)}`).to.deep.equal(
          isKept ? [`${kind}|2.0.0`] : [],
        );
        counted[isKept ? 'kept' : 'not'] += 1;
      };
      for (const [at, changed] of lacking(claim)) {
        // Of a coding a system says enough: the guide has the codes of few.
        if (/coding\[\d\]\.code$/.test(at)) continue;
        // What every claim has: R4 and the endorsers ask for it.
        if (/^\.(resourceType|id|use|patient|provider|insurance|created|status)/.test(at)) continue;
        if (
          /^\.item$|sequence$|^\.item\[0\]\.productOrService$|supportingInfo\[\d\]\.category$|careTeam\[0\]\.provider|^\.related\[0\]\.claim/.test(
            at,
          )
        )
          continue;
        judge(explained(changed as Resource), `Claim${at}`);
      }
      for (const [at, response] of [
        ['waits', { ...RESPONSE, outcome: 'queued', item: undefined, total: undefined, payment: undefined }],
        ['denied', { ...RESPONSE, disposition: 'denied', payment: undefined }],
      ] as const)
        judge(explained(claim, { response: response as unknown as Resource }), at);
      expect(counted.kept).to.be.greaterThan(5);
      expect(counted.not).to.be.greaterThan(5);
    });
  }

  it('has each amount under its category with its reason, and says once why less is paid', () => {
    const { item } = explained(WHOLE['Professional-NonClinician']!) as unknown as {
      item: {
        adjudication: {
          category: { coding: { code: string }[] };
          reason?: { coding: { code: string }[] };
          amount?: { value: number };
        }[];
      }[];
    };
    const said = item[0]!.adjudication.map(({ category, reason, amount: one }) =>
      [category.coding[0]!.code, reason?.coding.map(({ code }) => code).join('-') ?? [], one?.value ?? []]
        .flat()
        .join(' '),
    );
    expect(said).to.deep.equal([
      ...['submitted 100', 'eligible 80', 'deductible 30', 'copay 10', 'benefit 40'],
      ...['discount CO-45 15', 'noncovered CO-151 5', 'memberliability PR-1 30', 'memberliability PR-3 10'],
      ...['adjustmentreason CO-45', 'benefitpaymentstatus other'],
    ]);
  });

  it('says denied only of what the payer denied', () => {
    const typeOf = (disposition: string, outcome = 'complete'): unknown => {
      const { payment: _, ...rest } = RESPONSE;
      const response = { ...rest, disposition, outcome } as unknown as Resource;
      const { payment } = explained(WHOLE['Pharmacy']!, { response }) as { payment?: { type: { coding: Json[] } } };
      return payment?.type.coding[0]?.['code'];
    };
    expect(typeOf('denied')).to.equal('denied');
    expect(typeOf('appeal upheld: denied')).to.equal('denied');
    for (const other of ['patient-responsibility', 'satisfied']) expect(typeOf(other), other).to.equal(undefined);
    expect(typeOf('pended: information is missing', 'queued')).to.equal(undefined);
  });
});
