/** Whether members are covered and what of it they pay, by their plan and what they have used of it: FHIR and X12 270/271. On either network. */
import { randomUUID } from 'node:crypto';
import { example270 } from '@telemed-ledger/gateway-api/subjects/x12/questions.fixture.ts';
import { expectReadable } from '@telemed-ledger/gateway-api/subjects/x12/validator.fixture.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { EDI, expectAnsweredAlone, X12Claims } from './x12-claims.fixture.ts';

const CPT = 'http://www.ama-assn.org/go/cpt';
const OURS = 'https://telemed-ledger.example/fhir/StructureDefinition';
const coded = (code: string): object => ({ coding: [{ code }] });
const usd = (value: number): object => ({ value, code: 'USD', system: 'urn:iso:std:iso:4217' });
const service = (code: string): object => ({ url: `${OURS}/plan-service`, valueCoding: { system: CPT, code } });
const applicability = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/applicability', code: 'in-network' }],
};
const costs = (kind: string, ...cost: object[]): object => ({
  category: coded(kind),
  benefit: [{ type: coded(kind), cost: cost.map((one) => ({ ...one, applicability })) }],
});

/** A deductible of 100, at most 400 a year; visits at a copay of 25 and no deductible; ten sessions of therapy; nothing cosmetic. */
const planOf = (name: string): object => ({
  ...{ resourceType: 'InsurancePlan', status: 'active', period: { start: '2020-01-01' } },
  identifier: [{ system: 'https://payer.example/plans', value: name }],
  extension: [{ url: `${OURS}/plan-provider`, valueString: 'hospital' }],
  network: [{ identifier: { system: 'https://telemed-ledger.example/organisations', value: 'hospital' } }],
  coverage: [
    {
      type: coded('medical'),
      benefit: [
        { type: coded('visits'), extension: [service('99213')] },
        {
          type: coded('PT'),
          extension: [service('97110'), { url: `${OURS}/plan-preauthorization`, valueBoolean: true }],
          limit: [
            { value: { value: 10, unit: 'visits' }, code: coded('annual') },
            { value: usd(500), code: coded('annual') },
          ],
        },
        {
          type: coded('cosmetic'),
          extension: [service('15780'), { url: `${OURS}/plan-excluded`, valueBoolean: true }],
        },
        { type: coded('other') },
      ],
    },
  ],
  plan: [
    {
      generalCost: [
        { type: coded('deductible'), cost: { value: 100, currency: 'USD' } },
        { type: coded('out-of-pocket-maximum'), cost: { value: 400, currency: 'USD' } },
      ],
      specificCost: [
        costs('visits', { type: coded('copay'), value: usd(25) }, { type: coded('deductible'), value: usd(0) }),
        costs('other', {
          type: coded('coinsurance'),
          value: { value: 12.5, unit: '%' },
        }),
      ],
    },
  ],
});

describe('The eligibility of a member', function () {
  this.timeout(90_000);
  let x12: X12Claims;
  let member: string;
  let coverage: Resource;

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    x12 = await X12Claims.open((await consortium()).parties);
    member = x12.story.visit.member.value;
    const name = `PLAN-${randomUUID()}`;
    await x12.desk.write({ method: 'POST', path: '/fhir/R4/InsurancePlan', body: planOf(name) });
    const path = `/fhir/R4/Coverage/${x12.story.coverageId}`;
    const { meta: _, ...before } = await x12.desk.ask<Resource>({ path });
    const type = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/coverage-class', code: 'plan' }] };
    coverage = (await x12.desk.write({ method: 'PUT', path, body: { ...before, class: [{ type, value: name }] } }))
      .body;
    const claim = await x12.billed(x12.claimFor(await x12.account()));
    await x12.paid(claim);
    await x12.hospital.find<Resource>({ path }, 'the plan of the coverage', (one) => one['class'] !== undefined);
  });

  type Members = Parameters<typeof example270>[0];
  const sending = (members: Members, accept = 'application/EDI-X12', payer = 'payer') =>
    ({ method: 'POST', path: '/x12/270', body: example270(members, payer), headers: { ...EDI, accept } }) as const;
  async function asked(party: Party, members: Members, payer?: string): Promise<string> {
    const { status, body } = await party.send({ ...sending(members, undefined, payer), asBytes: true });
    expect(status, String(body)).to.equal(200);
    return String(body);
  }
  const benefitsIn = (text: string): string[] => text.split('\n').filter((one) => /^(EB|MSG|AAA)\*/.test(one));

  const terms = (remaining: (row: string) => string[]): string[] => [
    ...['EB*C*IND*30***23*100~', ...remaining('EB*C*IND*30***29*100~')],
    ...['EB*G*IND*30***23*400~', ...remaining('EB*G*IND*30***29*375~')],
    ...['EB*B*IND*30****25*****Y~', 'MSG*visits~'],
    ...['EB*F*IND*PT***23***P6*10*Y*Y~', ...remaining('EB*F*IND*PT***29***P6*10*Y*Y~')],
    ...['EB*F*IND*PT***23*500****Y*Y~', ...remaining('EB*F*IND*PT***29*500****Y*Y~')],
    ...['EB*I*IND*30~', 'MSG*cosmetic~', 'EB*A*IND*30*****.125****Y~', 'MSG*other~'],
  ];

  it('is answered by the plan, at the payer with what is left of the year', async function () {
    const atPayer = await asked(x12.desk, [{ member, day: x12.day }]);
    expect(benefitsIn(atPayer).slice(1)).to.deep.equal(terms((row) => [row]));
    expect(benefitsIn(atPayer)[0]).to.match(/^EB\*1\*IND\*30\*\*PLAN-/);
    expect(atPayer).to.include('TRN*2*TRACE-3*9EXAMPLE01~').and.include(`NM1*IL*1*EXAMPLE*MEMBER****MI*${member}~`);
    const atHospital = await asked(x12.hospital, [{ member }]);
    expect(benefitsIn(atHospital).slice(1)).to.deep.equal(terms(() => []));
    // x12sdk takes the qualifier of units (EB09) for a number.
    expectReadable(this, atPayer.replaceAll('*P6*10*', '***'));
  });

  it('is answered by FHIR alike', async () => {
    const insurance = [{ coverage: { reference: `Coverage/${coverage.id}` } }];
    const patient = { identifier: x12.story.visit.member };
    const body = {
      resourceType: 'CoverageEligibilityRequest',
      status: 'active',
      purpose: ['benefits'],
      ...{ created: '2026-01-05', insurer: { display: 'payer' } },
      patient,
      insurance,
    };
    const path = '/fhir/R4/CoverageEligibilityRequest/$submit';
    interface Told {
      insurance: {
        item: { name?: string; benefit?: object[]; excluded?: boolean; authorizationRequired?: boolean }[];
      }[];
    }
    const { insurance: told } = await x12.desk.ask<Told>({ method: 'POST', path, body });
    const [general, ...kinds] = told[0]!.item;
    expect(general?.benefit).to.containSubset([
      { allowedMoney: { value: 100, currency: 'USD' }, usedMoney: { value: 0, currency: 'USD' } },
      { allowedMoney: { value: 400, currency: 'USD' }, usedMoney: { value: 25, currency: 'USD' } },
    ]);
    expect(kinds.map(({ name }) => name)).to.deep.equal(['visits', 'PT', 'cosmetic', 'other']);
    expect(kinds[2]).to.include({ excluded: true });
    expect(kinds[1]).to.include({ authorizationRequired: true });
    const { insurance: atHospital } = await x12.hospital.ask<Told>({ method: 'POST', path, body });
    expect(JSON.stringify(atHospital)).to.not.include('used');
  });

  it('says who is not covered then, is nobody’s member, or is a dependent', async function () {
    const answer = await asked(x12.hospital, [
      { member, day: '20010101' },
      { member: 'nobody' },
      { member: '' },
      { member, isDependent: true },
    ]);
    expect(benefitsIn(answer)[0]).to.match(/^EB\*6\*IND\*30/);
    expect(benefitsIn(answer).slice(1)).to.deep.equal(['AAA*N**75*C~', 'AAA*N**72*C~', 'AAA*N**67*C~']);
    const clinic = x12.story.parties.of('clinic', 'system');
    for (const none of [await asked(clinic, [{ member }]), await asked(x12.hospital, [{ member }], 'bank')])
      expect(benefitsIn(none)).to.deep.equal(['AAA*N**75*C~']);
    // x12sdk holds AAA of members to the codes of providers: what has none is read.
    expectReadable(this, await asked(x12.hospital, [{ member, day: '20010101' }]));
  });

  it('names what of a question was not read, and answers nobody else', async () => {
    const { body } = await x12.hospital.send(sending([{ member, service: '98' }], 'application/json'));
    expect((body as { notMapped: object }).notMapped).to.deep.equal({ 'EQ 01': 1 });
    const entitled = ['hospital system', 'clinic system', 'payer system', 'payer adjudicator'];
    await expectAnsweredAlone(x12.story.parties, entitled, (party) => party.send(sending([{ member }])));
  });
});
