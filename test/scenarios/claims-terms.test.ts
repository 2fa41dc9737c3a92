/**
 * Claims are decided by the terms of a plan that are in force on the day of the service, item by item and detail by detail, and what a
 * member uses of it adds up whatever comes at the same time. On either network.
 */
import { randomUUID } from 'node:crypto';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { expect } from 'chai';
import { START_TIMEOUT_MS } from './consortium.fixture.ts';
import { type Answer, amountOf, CPT, coded, Insured, line, OURS, reasonsOf, usd } from './insured.fixture.ts';

const AT_ONCE = 10;

const dollars = (value: number): object => ({ value, code: 'USD', system: 'urn:iso:std:iso:4217' });

interface Usage {
  deductible: number;
  outOfPocket: number;
}

describe('The terms of a plan', function () {
  this.timeout(90_000);
  let insured: Insured;
  let hospital: Party;
  let payer: Party;
  let plan: Resource;
  let coverageId: string;
  const name = `PLAN-${randomUUID()}`;
  const { day } = newVisit();
  const year = day.slice(0, 4);

  const terms = (deductible: number, first: string): Resource & Record<string, unknown> => ({
    ...({ resourceType: 'InsurancePlan' } as Resource),
    identifier: [{ system: 'https://payer.example/plans', value: name }],
    ...{ status: 'active', name: 'Silver', period: { start: first } },
    extension: [{ url: `${OURS}/plan-provider`, valueString: 'hospital' }],
    coverage: [
      {
        type: coded('medical'),
        benefit: [
          {
            type: coded('visits'),
            extension: [{ url: `${OURS}/plan-service`, valueCoding: { system: CPT, code: '99213' } }],
          },
          {
            type: coded('cosmetic'),
            extension: [
              { url: `${OURS}/plan-service`, valueCoding: { system: CPT, code: '15780' } },
              { url: `${OURS}/plan-excluded`, valueBoolean: true },
            ],
          },
          { type: coded('other') },
        ],
      },
    ],
    plan: [
      {
        generalCost: [
          { type: coded('deductible'), cost: usd(deductible) },
          { type: coded('out-of-pocket-maximum'), cost: usd(400) },
        ],
        specificCost: [
          {
            category: coded('visits'),
            benefit: [
              {
                type: coded('visits'),
                cost: [
                  { type: coded('copay'), value: dollars(25) },
                  { type: coded('deductible'), value: dollars(0) },
                ],
              },
            ],
          },
          {
            category: coded('other'),
            benefit: [
              { type: coded('other'), cost: [{ type: coded('coinsurance'), value: { value: 20, unit: '%' } }] },
            ],
          },
        ],
      },
    ],
  });

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    insured = await Insured.of(name);
    ({ hospital, payer } = insured);
    const body = terms(100, `${year}-01-01`);
    plan = (await payer.write({ method: 'POST', path: '/fhir/R4/InsurancePlan', body })).body;
    coverageId = await insured.covered();
  });

  const decided = async (item: object): Promise<Answer> => insured.adjudicate(await insured.billed(item, coverageId));
  const used = async (coverage = coverageId): Promise<Usage> =>
    payer.ask<Usage & Resource>({ path: `/plan-usage/${coverage}?date=${day}` });

  it('can be read back by version, at the payer and where they are shown, and say what they do not compute', async () => {
    const path = `/fhir/R4/InsurancePlan/${plan.id}`;
    await payer.write({ method: 'PUT', path, body: { ...terms(50, `${Number(year) + 1}-01-01`), id: plan.id } });
    for (const reader of [payer, hospital]) {
      const second = await reader.find<Resource & { period: { start: string } }>(
        { path: `${path}/_history/2` },
        'version 2',
      );
      expect(second.period.start).to.equal(`${Number(year) + 1}-01-01`);
      const first = await reader.ask<Resource & { period: { start: string } }>({ path: `${path}/_history/1` });
      expect(first.period.start).to.equal(`${year}-01-01`);
    }
    const nobody = terms(50, `${year}-01-01`);
    (nobody['plan'] as { generalCost: { groupSize?: number }[] }[])[0]!.generalCost[0]!.groupSize = 0;
    const refused = await payer.send({ method: 'PUT', path, body: { ...nobody, id: plan.id } });
    expect(refused.status).to.equal(422);
    expect(JSON.stringify(refused.body)).to.include('InsurancePlan.plan[0].generalCost[0].groupSize');
  });

  it('take a copay of a visit, and the deductible before the coinsurance of anything else, by X12 codes', async () => {
    const [visit] = (await decided(line('99213', 80))).item;
    expect([amountOf(visit!, 'copay'), amountOf(visit!, 'deductible'), amountOf(visit!, 'benefit')]).to.deep.equal([
      25, 0, 55,
    ]);
    expect(reasonsOf(visit!)).to.deep.equal(['PR 3']);
    const answer = await decided(line('80050', 150));
    const [test] = answer.item;
    expect([amountOf(test!, 'deductible'), amountOf(test!, 'copay'), amountOf(test!, 'benefit')]).to.deep.equal([
      100, 10, 40,
    ]);
    expect(reasonsOf(test!)).to.deep.equal(['PR 1', 'PR 2']);
    expect(await used()).to.deep.include({ deductible: 10000, outOfPocket: 13500 });
  });

  it('deny what they exclude, and nothing is used', async () => {
    const before = await used();
    const answer = await decided(line('15780', 90));
    expect(answer.disposition).to.equal('denied');
    expect(reasonsOf(answer.item[0]!)).to.deep.equal(['PR 204 excluded']);
    expect(await used()).to.deep.equal(before);
  });

  it('decide details, each with its amounts, and deny one alone', async () => {
    const part = (sequence: number, code: string, value: number): object => ({ sequence, ...line(code, value) });
    const detail = [
      { ...part(1, '80050', 60), subDetail: [part(1, '80051', 40), part(2, '80052', 20)] },
      part(2, '15780', 40),
    ];
    const answer = await decided(line('80055', 100, { detail }));
    expect(answer.disposition).to.equal('partial');
    const [item] = answer.item;
    const parts = item!.detail!;
    expect(parts.map((one) => amountOf(one, 'benefit'))).to.deep.equal([48, 0]);
    expect(parts[0]!.subDetail!.map((one) => amountOf(one, 'benefit'))).to.deep.equal([32, 16]);
    expect(reasonsOf(parts[1]!)).to.deep.equal(['PR 204 excluded']);
    for (const code of ['submitted', 'eligible', 'deductible', 'copay', 'benefit'])
      expect(
        parts.reduce((sum, one) => sum + amountOf(one, code), 0),
        code,
      ).to.equal(amountOf(item!, code));
  });

  it(`add up over ${AT_ONCE} claims of one member at once, up to the maximum and no further`, async () => {
    const coverage = await insured.covered();
    const answers: Answer[] = [];
    for (let count = 0; count < AT_ONCE; count += 1) answers.push(await insured.billed(line('80050', 200), coverage));
    const all = await Promise.all(answers.map((one) => insured.adjudicate(one)));
    const sum = (code: string): number => all.reduce((total, { item }) => total + amountOf(item[0]!, code), 0);
    expect(sum('deductible')).to.equal(100);
    expect(sum('deductible') + sum('copay')).to.equal(400);
    expect(sum('benefit')).to.equal(AT_ONCE * 200 - 400);
    expect(await used(coverage)).to.deep.include({ deductible: 10000, outOfPocket: 40000 });
  });

  it('give back what a claim used that is voided', async () => {
    const coverage = await insured.covered();
    const taken = await insured.billed(line('80050', 70), coverage);
    expect((await insured.adjudicate(taken)).disposition).to.equal('patient-responsibility');
    expect(await used(coverage)).to.deep.include({ deductible: 7000 });
    await insured.voided(taken);
    await payer.find<Resource & Usage>(
      { path: `/plan-usage/${coverage}?date=${day}` },
      'the deductible given back',
      ({ deductible }) => deductible === 0,
    );
    const again = await insured.adjudicate(await insured.billed(line('80050', 120), coverage));
    expect(amountOf(again.item[0]!, 'deductible')).to.equal(100);
  });
});
