/** One member at several providers and payers: her visits, billed by whom and to whom is wanted. */
import { randomInt, randomUUID } from 'node:crypto';
import type { Parties, Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';

const CPT = 'http://www.ama-assn.org/go/cpt';
const NPI = 'http://hl7.org/fhir/sid/us-npi';
const MEMBERS = 'https://payer.example/members';
const COST_TYPES = 'http://terminology.hl7.org/CodeSystem/coverage-copay-type';
const SHOWN_TO = 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider';

export interface Answer extends Resource {
  outcome: string;
  disposition?: string;
  request: { reference: string };
  total?: { category: { coding: { code: string }[] }; amount: { value: number } }[];
}
interface Insurance {
  coverage: string;
  claimResponse?: string;
}

/** A member of one name and number wherever she goes. @param person more of her Patients, or else */
export function billingOf(parties: Parties, person: object = {}) {
  const member = { system: MEMBERS, value: randomUUID() };
  const DAY = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const payerNamed = (name: string): Party => parties.of(name, 'adjudicator');

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
      ...{ birthDate: '1970-05-01', gender: 'female', ...person },
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
    async function bill(
      encounter: Resource,
      insurances: Insurance[],
      code = '99213',
      { net = 80, ...more }: { net?: number; [name: string]: unknown } = {},
    ): Promise<Answer> {
      const body = {
        ...more,
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
            ...{ encounter: [{ reference: `Encounter/${encounter.id}` }], net: { value: net, currency: 'USD' } },
          },
        ],
      };
      return (await party.write<Answer>({ method: 'POST', path: '/fhir/R4/Claim/$submit', body })).body;
    }
    return { party, visit, bill };
  }

  /** A coverage of the member that both providers see. */
  async function covered(percent: number, order?: number, by = 'payer'): Promise<string> {
    const coverage = await create(payerNamed(by), {
      ...{ resourceType: 'Coverage', status: 'active', beneficiary: { identifier: member } },
      extension: ['hospital', 'clinic'].map((name) => ({ url: SHOWN_TO, valueString: name })),
      payor: [{ display: by }],
      ...(order === undefined ? {} : { order }),
      costToBeneficiary: [
        { type: { coding: [{ system: COST_TYPES, code: 'copaypct' }] }, valueQuantity: { value: percent } },
      ],
    });
    for (const name of ['hospital', 'clinic'])
      await parties.of(name, 'system').find({ path: `/fhir/R4/Coverage/${coverage.id}` }, 'the coverage');
    return coverage.id;
  }

  async function adjudicate({ request }: Answer, by = 'payer'): Promise<Answer> {
    const payer = payerNamed(by);
    await payer.find({ path: `/fhir/R4/${request.reference}` }, 'the claim at the payer');
    return (await payer.write<Answer>({ method: 'POST', path: `/fhir/R4/${request.reference}/$adjudicate` })).body;
  }
  return { provider, covered, adjudicate };
}

export const totalOf = ({ total = [] }: Answer, code: string): number | undefined =>
  total.find(({ category }) => category.coding[0]?.code === code)?.amount.value;
