/**
 * The members of a family meet the deductible and the maximum of their plan together, however many of their claims are decided at the same
 * time; nobody but the payer and the custodian is shown what the others used. On either network.
 */
import { randomUUID } from 'node:crypto';
import { recomputeClaim } from '@telemed-ledger/scripts/recompute.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { type Answer, amountOf, coded, Insured, line, OURS, usd } from './insured.fixture.ts';

const EACH = 17;
const PRICE = 30;

interface Usage {
  deductible: number;
  outOfPocket: number;
  family?: { deductible: number; outOfPocket: number };
}
type Benefits = { insurance?: { item?: { unit?: object; benefit?: { usedMoney?: { value: number } }[] }[] }[] };

describe('A family in a plan', function () {
  this.timeout(240_000);
  let members: Insured[];
  let coverages: string[];
  const decided: Answer[] = [];

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 90_000);
    const name = `FAMILY-${randomUUID()}`;
    const first = await Insured.of(name);
    const body = {
      ...{ resourceType: 'InsurancePlan', identifier: [{ system: 'https://payer.example/plans', value: name }] },
      extension: [{ url: `${OURS}/plan-provider`, valueString: 'hospital' }],
      ...{ status: 'active', name: 'Family', period: { start: `${first.year}-01-01` } },
      coverage: [{ type: coded('medical'), benefit: [{ type: coded('other') }] }],
      plan: [
        {
          generalCost: [
            { type: coded('deductible'), cost: usd(300) },
            { type: coded('deductible'), groupSize: 3, cost: usd(700) },
          ],
          specificCost: [
            {
              category: coded('other'),
              benefit: [
                { type: coded('other'), cost: [{ type: coded('coinsurance'), value: { value: 10, unit: '%' } }] },
              ],
            },
          ],
        },
      ],
    };
    await first.payer.write({ method: 'POST', path: '/fhir/R4/InsurancePlan', body });
    members = [first, (await first.relative('One')).later(5 * 60), (await first.relative('Two')).later(10 * 60)];
    const subscriber = randomUUID();
    coverages = [];
    for (const member of members) coverages.push(await member.covered(subscriber));
  });

  it('meets its deductible together, once, while fifty claims of its members are decided at a time', async () => {
    const bills = members.map(async (member, index) => {
      const billed: Answer[] = [];
      for (let count = 0; count < EACH; count += 1)
        billed.push(await member.billed(line('80050', PRICE), coverages[index]!));
      return billed;
    });
    const all = (await Promise.all(bills)).flat();
    decided.push(...(await Promise.all(all.map((answer) => members[0]!.adjudicate(answer)))));
    const sum = (code: string): number => decided.reduce((total, { item }) => total + amountOf(item[0]!, code), 0);
    expect(decided).to.have.length(3 * EACH);
    // Of 1,530 the family pays 700 before, and 10 % of the rest.
    expect([sum('deductible'), Math.round(sum('copay') * 100)]).to.deep.equal([700, 8_300]);
    const { payer, day } = members[0]!;
    for (const coverage of coverages) {
      const usage = await payer.ask<Usage & { resourceType: string; id: string }>({
        path: `/plan-usage/${coverage}?date=${day}`,
      });
      expect(usage.family).to.deep.equal({ deductible: 70_000, outOfPocket: 78_300 });
      expect(usage.deductible).to.be.at.most(30_000);
    }
  });

  it('is computed again at the payer, and taken as found where nobody may see it', async () => {
    const { consortium: agreed, parties } = await consortium();
    const last = decided.at(-1)!.request.reference.slice('Claim/'.length);
    const [again] = await recomputeClaim(parties.of('payer', 'system'), last, agreed.organisations);
    expect(again!.differences).to.deep.equal([]);
    expect(again!.taken).to.not.include('the amounts by the plan');
    const [atProvider] = await recomputeClaim(members[0]!.hospital, last, agreed.organisations);
    expect(atProvider!.differences).to.deep.equal([]);
    expect(atProvider!.taken).to.include('the amounts by the plan');
  });

  it('is told by its payer what it has used, and by nobody else', async () => {
    const { payer, hospital, day, story } = members[0]!;
    const asked = (patient: object): object => ({
      ...{ resourceType: 'CoverageEligibilityRequest', status: 'active', purpose: ['benefits'], created: day },
      ...{ patient, servicedDate: day, insurer: { display: 'payer' } },
      insurance: [{ coverage: { reference: `Coverage/${coverages[0]}` } }],
    });
    const usedOf = ({ insurance = [] }: Benefits) =>
      insurance[0]?.item
        ?.filter(({ unit }) => JSON.stringify(unit ?? {}).includes('family'))
        .flatMap(({ benefit = [] }) => benefit.map(({ usedMoney }) => usedMoney?.value));
    const path = '/fhir/R4/CoverageEligibilityRequest/$submit';
    const patient = { reference: `Patient/${story.patientId}` };
    const atProvider = await hospital.send({ method: 'POST', path, body: asked(patient) });
    expect(usedOf(atProvider.body as Benefits), JSON.stringify(atProvider.body)).to.deep.equal([undefined]);
    const atPayer = await payer.send({ method: 'POST', path, body: asked({ identifier: story.visit.member }) });
    expect(usedOf(atPayer.body as Benefits), JSON.stringify(atPayer.body)).to.deep.equal([700]);
    expect((await hospital.send({ path: `/plan-usage/${coverages[0]}` })).status).to.be.oneOf([403, 404]);
  });
});
