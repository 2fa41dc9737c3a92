/**
 * What one provider bills is not paid to another one too, and two coverages of a patient pay it in their order. On either network.
 */
import { randomInt, randomUUID } from 'node:crypto';
import type { Parties, Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';

const CPT = 'http://www.ama-assn.org/go/cpt';
const NPI = 'http://hl7.org/fhir/sid/us-npi';
const MEMBERS = 'https://payer.example/members';
const COST_TYPES = 'http://terminology.hl7.org/CodeSystem/coverage-copay-type';
const SHOWN_TO = 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider';

interface Answer extends Resource {
  outcome: string;
  disposition?: string;
  request: { reference: string };
  total?: { category: { coding: { code: string }[] }; amount: { value: number } }[];
}
interface Insurance {
  coverage: string;
  claimResponse?: string;
}

describe('One service, billed twice', function () {
  this.timeout(90_000);
  let parties: Parties;
  let payer: Party;
  const member = { system: MEMBERS, value: randomUUID() };
  const DAY = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    parties = (await consortium()).parties;
    payer = parties.of('payer', 'adjudicator');
  });

  const create = async (by: Party, body: { resourceType: string; [name: string]: unknown }): Promise<Resource> =>
    (await by.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body;

  /** A provider with the patient and a licensed practitioner in records of its own. */
  async function provider(name: string) {
    const party = parties.of(name, 'system');
    const number = String(randomInt(1_000_000_000, 9_999_999_999));
    const practitioner = await create(party, {
      resourceType: 'Practitioner',
      identifier: [{ system: NPI, value: number }],
    });
    const patient = await create(party, {
      ...{ resourceType: 'Patient', identifier: [member], name: [{ family: 'Roe', given: [member.value] }] },
      ...{ birthDate: '1970-05-01', gender: 'female' },
    });
    const licence = {
      ...{ status: 'active', start: '2020-01-01', end: '2099-01-01' },
      practitioners: [{ organisation: name, practitioner: `Practitioner/${practitioner.id}` }],
    };
    await parties.of('regulator', 'system').write({ method: 'PUT', path: `/licences/${number}`, body: licence });
    await party.find({ path: `/licences/${number}` }, 'the licence');
    const subject = { reference: `Patient/${patient.id}` };
    const visit = (start: string, end: string): Promise<Resource> =>
      create(party, {
        ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'AMB' }, subject },
        participant: [{ individual: { reference: `Practitioner/${practitioner.id}` } }],
        period: { start: `${DAY}T${start}:00-05:00`, end: `${DAY}T${end}:00-05:00` },
      });
    async function bill(encounter: Resource, insurances: Insurance[], code = '99213'): Promise<Answer> {
      const body = {
        ...{ resourceType: 'Claim', status: 'active', use: 'claim', created: DAY, patient: subject },
        priority: { coding: [{ code: 'normal' }] },
        type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
        provider: { identifier: { system: 'https://telemed-ledger.example/organisations', value: name } },
        insurance: insurances.map(({ coverage, claimResponse }, index) => ({
          ...{
            sequence: index + 1,
            focal: claimResponse === undefined,
            coverage: { reference: `Coverage/${coverage}` },
          },
          ...(claimResponse === undefined ? {} : { claimResponse: { reference: `ClaimResponse/${claimResponse}` } }),
        })),
        item: [
          {
            ...{ sequence: 1, productOrService: { coding: [{ system: CPT, code }] }, servicedDate: DAY },
            ...{ encounter: [{ reference: `Encounter/${encounter.id}` }], net: { value: 80, currency: 'USD' } },
          },
        ],
      };
      return (await party.write<Answer>({ method: 'POST', path: '/fhir/R4/Claim/$submit', body })).body;
    }
    return { party, visit, bill };
  }

  /** A coverage of the member that both providers see. */
  async function covered(percent: number, order?: number): Promise<string> {
    const coverage = await create(payer, {
      ...{ resourceType: 'Coverage', status: 'active', beneficiary: { identifier: member } },
      extension: ['hospital', 'clinic'].map((name) => ({ url: SHOWN_TO, valueString: name })),
      payor: [{ display: 'payer' }],
      ...(order === undefined ? {} : { order }),
      costToBeneficiary: [
        { type: { coding: [{ system: COST_TYPES, code: 'copaypct' }] }, valueQuantity: { value: percent } },
      ],
    });
    for (const name of ['hospital', 'clinic'])
      await parties.of(name, 'system').find({ path: `/fhir/R4/Coverage/${coverage.id}` }, 'the coverage');
    return coverage.id;
  }

  async function adjudicate({ request }: Answer): Promise<Answer> {
    await payer.find({ path: `/fhir/R4/${request.reference}` }, 'the claim at the payer');
    return (await payer.write<Answer>({ method: 'POST', path: `/fhir/R4/${request.reference}/$adjudicate` })).body;
  }
  const totalOf = ({ total = [] }: Answer, code: string): number | undefined =>
    total.find(({ category }) => category.coding[0]?.code === code)?.amount.value;

  it('by hospital and clinic is paid to one of them, under whatever code, and another visit to the other', async () => {
    const [hospital, clinic] = [await provider('hospital'), await provider('clinic')];
    const insurances = [{ coverage: await covered(10) }];
    const first = await hospital.bill(await hospital.visit('09:00', '09:40'), insurances);
    const same = await clinic.bill(await clinic.visit('09:00', '09:40'), insurances, 'G2012');
    const other = await clinic.bill(await clinic.visit('15:00', '15:20'), insurances);
    const decided = [await adjudicate(first), await adjudicate(same)].map(({ disposition }) => disposition);
    expect(decided.sort()).to.deep.equal(['approved', 'denied']);
    expect((await adjudicate(other)).disposition).to.equal('approved');
  });

  it('on two coverages is paid in their order, by both together in full and no more', async () => {
    const hospital = await provider('hospital');
    const [first, second] = [await covered(20, 1), await covered(0, 2)];
    const visit = await hospital.visit('11:00', '11:30');
    const alone = await hospital.bill(visit, [{ coverage: second }]);
    expect(alone.disposition).to.include('coordination');
    const decided = await adjudicate(await hospital.bill(visit, [{ coverage: first }]));
    expect(totalOf(decided, 'benefit')).to.equal(64);
    await hospital.party.find({ path: `/fhir/R4/ClaimResponse/${decided.id}` }, 'the decision at the hospital');
    const building = [{ coverage: first, claimResponse: decided.id }, { coverage: second }];
    const taken = await hospital.bill(visit, building);
    expect(taken.outcome, taken.disposition).to.equal('queued');
    const rest = await adjudicate(taken);
    expect([totalOf(rest, 'priorpayerpaid'), totalOf(rest, 'benefit')]).to.deep.equal([64, 16]);
    const again = await hospital.bill(visit, building);
    expect(again.disposition).to.include('duplicate');
  });
});
