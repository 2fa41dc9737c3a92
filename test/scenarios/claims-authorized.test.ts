/**
 * What a plan pays only with an authorization is paid as far as one goes: asked, decided, claimed, used up and given back. On either
 * network.
 */
import { randomUUID } from 'node:crypto';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { START_TIMEOUT_MS } from './consortium.fixture.ts';
import { type Answer, amountOf, CPT, coded, Insured, line, OURS, reasonsOf } from './insured.fixture.ts';

const THERAPY = '97110';
/** What its patient pays herself. */
const OWN_COST = '97810';
const AT_ONCE = 20;
const AUTHORIZED = 12;

interface Asked {
  reference: string;
  number: string;
}

describe('Claims for what is paid only with an authorization', function () {
  this.timeout(300_000);
  let insured: Insured;
  let hospital: Party;
  let payer: Party;
  const name = `PLAN-${randomUUID()}`;

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    insured = await Insured.of(name);
    ({ hospital, payer } = insured);
    const only = (code: string) => [
      { url: `${OURS}/plan-service`, valueCoding: { system: CPT, code } },
      { url: `${OURS}/plan-preauthorization`, valueBoolean: true },
    ];
    const benefit = [
      { type: coded('therapy'), extension: only(THERAPY) },
      { type: coded('acupuncture'), extension: only(OWN_COST) },
      { type: coded('other') },
    ];
    const copay = { type: coded('copay'), value: { value: 500, code: 'USD', system: 'urn:iso:std:iso:4217' } };
    const specificCost = [{ category: coded('acupuncture'), benefit: [{ type: coded('acupuncture'), cost: [copay] }] }];
    const body = {
      ...{ resourceType: 'InsurancePlan', status: 'active', name: 'Bronze' },
      identifier: [{ system: 'https://payer.example/plans', value: name }],
      ...{
        period: { start: `${insured.year}-01-01` },
        coverage: [{ type: coded('medical'), benefit }],
        plan: [{ specificCost }],
      },
      extension: [{ url: `${OURS}/plan-provider`, valueString: 'hospital' }],
    };
    await payer.write({ method: 'POST', path: '/fhir/R4/InsurancePlan', body });
  });

  const request = (coverage: string, quantity: number, code = THERAPY): object => {
    const productOrService = { coding: [{ system: CPT, code }] };
    const item = [{ sequence: 1, productOrService, quantity: { value: quantity }, servicedDate: insured.day }];
    return { ...insured.claim(coverage), use: 'preauthorization', item };
  };
  const decide = async (reference: string, ...parameter: object[]): Promise<Answer> => {
    const body = { resourceType: 'Parameters', parameter };
    return (await payer.write<Answer>({ method: 'POST', path: `/fhir/R4/${reference}/$authorize`, body })).body;
  };

  /** Asks for a service, therapy or another, at the hospital, which the payer approves. */
  async function authorized(coverage: string, quantity: number, code?: string): Promise<Asked> {
    const body = request(coverage, quantity, code);
    const path = '/fhir/R4/Claim/$submit';
    const { reference } = (await hospital.write<Answer>({ method: 'POST', path, body })).body.request;
    await payer.find({ path: `/fhir/R4/${reference}` }, 'the request at the payer');
    return { reference, number: (await decide(reference, { name: 'outcome', valueCode: 'approve' })).preAuthRef! };
  }
  const therapy = (units = 1): object => line(THERAPY, 40 * units, { quantity: { value: units } });
  const billed = (coverage: string, units?: number, numbers?: string[]): Promise<Answer> =>
    insured.billed(therapy(units), coverage, numbers === undefined ? {} : { preAuthRef: numbers });
  const decided = async (...args: Parameters<typeof billed>): Promise<Answer> =>
    insured.adjudicate(await billed(...args));
  const reasonOf = ({ item }: Answer): string[] => reasonsOf(item[0]!);

  it('are denied without one, and under a number that there is not', async () => {
    const coverage = await insured.covered();
    expect(reasonOf(await decided(coverage))).to.deep.equal(['CO 197 no-authorization']);
    expect(reasonOf(await decided(coverage, 1, ['PA-none']))).to.deep.equal(['CO 15 authorization-invalid']);
  });

  it('are paid under its number or without, which ClaimResponse and ExplanationOfBenefit name, until it is used up', async () => {
    const coverage = await insured.covered();
    const { number, reference } = await authorized(coverage, 3);
    const first = await decided(coverage, 2, [number]);
    expect(first).to.include({ disposition: 'approved', preAuthRef: number });
    expect(JSON.stringify(first)).to.include(`"${reference}"`);
    const explained = await payer.ask<Resource & { preAuthRef: string[]; insurance: { preAuthRef: string[] }[] }>({
      path: `/fhir/R4/ExplanationOfBenefit/${first.id}`,
    });
    expect(explained.preAuthRef).to.deep.equal([number]);
    expect(explained.insurance[0]!.preAuthRef).to.deep.equal([number]);
    const second = await decided(coverage, 2);
    expect(second).to.include({ disposition: 'partial', preAuthRef: number });
    expect(amountOf(second.item[0]!, 'benefit')).to.equal(40);
    expect(reasonOf(second)).to.deep.equal(['CO 198 authorization-exceeded']);
    expect((await decided(coverage)).disposition).to.equal('denied');
  });

  it('give back what they used when they are voided', async () => {
    const coverage = await insured.covered();
    await authorized(coverage, 2, OWN_COST);
    const once = () => insured.billed(line(OWN_COST, 40, { quantity: { value: 2 } }), coverage);
    const first = await insured.adjudicate(await once());
    expect(first.disposition).to.equal('patient-responsibility');
    expect(reasonOf(await insured.adjudicate(await once()))).to.deep.equal(['CO 198 authorization-exceeded']);
    await insured.voided(first);
    expect((await insured.adjudicate(await once())).disposition).to.equal('patient-responsibility');
  });

  it('are denied where it was denied, and go on with it while a revision is open', async () => {
    const coverage = await insured.covered();
    const { number, reference } = await authorized(coverage, 2);
    const body = { ...request(coverage, 9), related: [{ claim: { reference } }] };
    await hospital.write({ method: 'POST', path: '/fhir/R4/Claim/$submit', body });
    expect((await decided(coverage, 1, [number])).disposition).to.equal('approved');
    const denied = await insured.covered();
    const path = '/fhir/R4/Claim/$submit';
    const asked = (await hospital.write<Answer>({ method: 'POST', path, body: request(denied, 2) })).body.request;
    await payer.find({ path: `/fhir/R4/${asked.reference}` }, 'the request at the payer');
    await decide(asked.reference, { name: 'outcome', valueCode: 'deny' }, { name: 'reason', valueString: 'not now' });
    expect(reasonOf(await decided(denied))).to.deep.equal(['CO 39 authorization-denied']);
  });

  it('use what somebody who is no member asked the payer for', async () => {
    const coverage = await insured.covered();
    const body = {
      ...request(coverage, 1),
      provider: { display: 'DR. JOE SMITH CORPORATION' },
      patient: { identifier: insured.story.visit.member },
    };
    const path = '/fhir/R4/Claim/$submit';
    const { reference } = (await payer.write<Answer>({ method: 'POST', path, body })).body.request;
    const { preAuthRef } = await decide(reference, { name: 'outcome', valueCode: 'approve' });
    const answer = await decided(coverage, 2, [preAuthRef!]);
    expect(answer).to.include({ disposition: 'partial', preAuthRef });
    expect(JSON.stringify(answer)).to.not.include(reference);
  });

  it(`lose no unit over ${AT_ONCE} claims that are decided at once`, async () => {
    const coverage = await insured.covered();
    const { number } = await authorized(coverage, AUTHORIZED);
    const answers: Answer[] = [];
    for (let count = 0; count < AT_ONCE; count += 10)
      answers.push(...(await Promise.all(Array.from({ length: 10 }, () => billed(coverage, 1, [number])))));
    const all = await Promise.all(answers.map((one) => insured.adjudicate(one)));
    const outcomes = all.map(({ disposition }) => disposition);
    expect(outcomes.filter((one) => one === 'approved')).to.have.length(AUTHORIZED);
    expect(outcomes.filter((one) => one === 'denied')).to.have.length(AT_ONCE - AUTHORIZED);
  });
});
