import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { AUTHORIZED } from '../model/accumulators.ts';
import type { ShownAuthorization } from '../model/authorization-transactions.ts';
import type { AuthorizationDecision } from '../model/authorizations.ts';
import { type Changeable, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import { EXAMPLE_PLAN_NAME } from '../model/example-plan.fixture.ts';
import { privateKeys } from '../model/keys.ts';
import { codeOf, exampleUuid, PAYER, Story, wideConsortium } from './example-story.fixture.ts';

const CPT = 'http://www.ama-assn.org/go/cpt';
const REQUEST = exampleUuid(7_000);
const NUMBER = `PA-${REQUEST.slice(0, 8)}-2`;

describe('claims for what is paid only with an authorization', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
    story.example.coverage['class'] = [{ type: { coding: [{ code: 'plan' }] }, value: EXAMPLE_PLAN_NAME }];
    await story.ledger.submit('RegisterCoverage', story.coverage(2));
    delete story.insurancePlan['plan'];
    await story.ledger.submit('RegisterPlan', story.plan());
  });

  /** Submits a claim for a visit of its own, of one line of code A. */
  async function another(number: number, numbers?: readonly unknown[], quantity = 1): Promise<string> {
    const { claim } = story.example;
    const { preAuthRef: _, ...insurance } = claim['insurance'][0];
    claim['insurance'] = [{ ...insurance, ...(numbers === undefined ? {} : { preAuthRef: numbers }) }];
    const net = { value: 120, currency: 'USD' };
    const productOrService = { coding: [{ system: CPT, code: 'A' }] };
    const id = await story.another(number, { productOrService, net, quantity: { value: quantity } });
    await story.submitClaim();
    return id;
  }

  const standing = (step: number, id = REQUEST): { state: string; record: string } => ({
    state: story.text(PAYER, privateKeys.authorizationState(id, step)),
    record: story.text(PAYER, privateKeys.authorization(id, step)),
  });
  /** Asks for code A, or amends that. @param of who asks: nobody where the payer has it from elsewhere */
  async function ask(
    quantity: number | undefined,
    {
      before,
      of = 'hospital',
      id = REQUEST,
      status = 'active',
    }: { before?: number; of?: string; id?: string; status?: string } = {},
  ): Promise<void> {
    const claim = structuredClone(story.example.claim) as Changeable;
    const item = { sequence: 1, productOrService: { coding: [{ system: CPT, code: 'A' }] } };
    Object.assign(claim, {
      id,
      status,
      use: 'preauthorization',
      item: [{ ...item, ...(quantity && { quantity: { value: quantity } }) }],
    });
    for (const element of ['total', 'procedure', 'careTeam']) delete claim[element];
    const { resourceType, id: patient, identifier } = story.example.patient;
    const shown = {
      ...{ salt: exampleSalt(String(before ?? 0)), claim, responseId: exampleIds.other },
      patient: { resourceType, id: patient, identifier },
      coverage: story.terms().coverage,
      ...(before === undefined ? {} : { before: standing(before, id) }),
    } as never;
    if (of === '')
      await story.ledger.submit('ReceiveAuthorization', {
        ...{ from: 'payer', role: 'adjudicator', input: { id }, private: shown, endorsers: ['payer', 'patients'] },
      });
    else
      await story.ledger.submit('RequestAuthorization', {
        ...{ from: of, role: 'system', input: { id, payer: 'payer' }, private: shown },
      });
  }
  const decideOn = (step: number, decision: AuthorizationDecision, { of = 'hospital', id = REQUEST } = {}) =>
    story.ledger.submit('DecideAuthorization', {
      ...{ from: 'payer', role: 'adjudicator', input: { id, ...(of === '' ? {} : { provider: of }) } },
      ...{ private: { salt: exampleSalt('d'), ...standing(step, id), decision } },
      ...(of === '' ? { endorsers: ['payer', 'patients'] } : {}),
    });
  async function authorized(
    quantity?: number,
    decision: AuthorizationDecision = { outcome: 'approve' },
  ): Promise<void> {
    await ask(quantity);
    await decideOn(1, decision);
  }

  const shown = (id = REQUEST): ShownAuthorization => {
    const states = story.numbered(`authorization-state/${id}`);
    const records = states.map((_, index) => ({ step: index + 1, text: standing(index + 1, id).record }));
    return { states, records };
  };
  const deciding = (id: string, requests: readonly string[] = [REQUEST], change: object = {}) => {
    const request = story.adjudication(id);
    const usage = [
      ...story.benefits().usage,
      ...requests.map((one) => story.usage(one, { year: AUTHORIZED, authorization: one })),
    ];
    const authorizations = requests.map((one) => shown(one));
    return { ...request, private: { ...request.private, usage, authorizations, ...change } };
  };
  async function decide(id: string, ...args: [requests?: readonly string[], change?: object]): Promise<Changeable> {
    await story.ledger.submit('AdjudicateClaim', deciding(id, ...args));
    return story.ledger.read(PAYER, privateKeys.response(id, story.status(id).step)) as Changeable;
  }
  const reasonsOf = (response: Changeable): string[] =>
    response['resource'].item[0].adjudication.flatMap((one: Changeable) =>
      one['reason'] === undefined ? [] : [one['reason'].coding.map(({ code }: { code: string }) => code).join(' ')],
    );
  const used = (id = REQUEST): number => {
    const { text, returns } = story.usage(id, { year: AUTHORIZED, authorization: id });
    const units = (value: string, of: string): number => JSON.parse(value)[of].used['1']?.units ?? 0;
    return returns.reduce((sum, one) => sum - units(one, 'sums'), text === undefined ? 0 : units(text, 'totals'));
  };

  it('are denied without one, also under a number that there is not', async () => {
    expect(reasonsOf(await decide(await another(1), []))).to.deep.equal(['CO 197 no-authorization']);
    expect(story.status(exampleUuid(2_001))).to.include({ status: 'denied', reason: 'no-authorization' });
    expect(reasonsOf(await decide(await another(2, ['PA-1']), []))).to.deep.equal(['CO 15 authorization-invalid']);
    await authorized(3);
    expect(reasonsOf(await decide(await another(3, ['PA-1'])))).to.deep.equal(['CO 15 authorization-invalid']);
    expect(reasonsOf(await decide(await another(4, [7, '', 'x'.repeat(99)])))).to.deep.equal([
      'CO 15 authorization-invalid',
    ]);
    expect(used()).to.equal(0);
  });

  it('are paid with one, named or found, and say its number; its units are used up over claims', async () => {
    await authorized(3);
    const first = await decide(await another(1, [NUMBER], 2));
    expect(first['resource']).to.deep.include({ preAuthRef: NUMBER, disposition: 'approved' });
    expect(first['resource'].extension).to.deep.include({
      url: 'https://telemed-ledger.example/fhir/StructureDefinition/claim-authorization',
      valueReference: { reference: `Claim/${REQUEST}` },
    });
    expect(first['taken'].at(-1)).to.deep.include({ year: AUTHORIZED, authorization: REQUEST, entry: 1 });
    expect(used()).to.equal(2);
    const second = await decide(await another(2, undefined, 2));
    expect(second['resource']).to.include({ preAuthRef: NUMBER, disposition: 'partial' });
    expect(reasonsOf(second)).to.deep.equal(['CO 198 authorization-exceeded']);
    const third = await decide(await another(3));
    expect(reasonsOf(third)).to.deep.equal(['CO 198 authorization-exceeded']);
    expect(story.status(exampleUuid(2_003))).to.include({ status: 'denied', reason: 'authorization-exceeded' });
    expect(used()).to.equal(3);
  });

  it('give back what they used where they are voided, replaced or denied after all', async () => {
    await authorized(2);
    await decide(await another(1, [NUMBER], 2));
    await story.ledger.submit('WithdrawClaim', story.withdrawal('void', exampleUuid(2_001)));
    expect(used()).to.equal(0);
    await decide(await another(2, [NUMBER], 2));
    story.example.claim['item'][0].quantity.value = 1;
    await story.ledger.submit('SubmitClaim', story.replacement(exampleIds.claim, exampleUuid(2_002)));
    expect(story.status(exampleUuid(2_002)).status).to.equal('replaced');
    expect(used()).to.equal(0);
    await decide(exampleIds.claim);
    expect(used()).to.equal(1);
    delete story.example.claim['related'];
    await decide(await another(3, [NUMBER], 2));
    expect(used()).to.equal(2);
  });

  it('do not count against themselves when they are decided anew', async () => {
    await authorized(2);
    expect(reasonsOf(await decide(await another(1, [NUMBER], 3)))).to.deep.equal(['CO 198 authorization-exceeded']);
    expect(used()).to.equal(2);
    const late = await another(2);
    await decide(late);
    await story.ledger.submit('ReopenClaim', story.reopening('appeal', late));
    const other = exampleUuid(7_001);
    await ask(1, { id: other });
    await decideOn(
      1,
      { outcome: 'approve', period: { start: '2026-02-01', end: '2026-03-01' }, number: 'B' },
      { id: other },
    );
    const decision = { outcome: 'approve', reason: 'more was authorized' };
    const request = deciding(late, [REQUEST, other], { decision });
    await story.ledger.submit('AdjudicateClaim', { ...request, fhirUser: 'Practitioner/second' });
    expect(story.status(late).status).to.equal('approved');
    expect([used(), used(other)]).to.deep.equal([2, 1]);
  });

  it('cannot be shown less than there is of what they name', async () => {
    await authorized(3);
    const before = deciding(await another(1, [NUMBER]));
    const stale = { authorizations: [shown()] };
    const refused = (id: string, ...args: [requests?: readonly string[], change?: object]): Promise<string> =>
      codeOf(story.ledger.submit('AdjudicateClaim', deciding(id, ...args)));
    const id = exampleUuid(2_001);
    expect(await refused(id, [])).to.equal('CONFLICT authorizations');
    const [whole] = stale.authorizations;
    expect(await refused(id, [REQUEST], { authorizations: [whole, whole] })).to.equal('INVALID authorizations');
    const only = (change: object) => refused(id, [REQUEST], { authorizations: [{ ...whole!, ...change }] });
    expect(await only({ states: whole!.states.slice(0, 1) })).to.equal('CONFLICT authorizations');
    expect(await only({ records: [] })).to.equal('INVALID authorizations');
    expect(await only({ records: [{ step: 2, text: whole!.records[0]!.text }] })).to.equal('INVALID authorizations');
    expect(await only({ states: [...whole!.states, whole!.states[1]] })).to.equal('NOT_FOUND authorizations');
    await decide(await another(2, [NUMBER]));
    expect(await codeOf(story.ledger.submit('AdjudicateClaim', before))).to.equal('CONFLICT usage');
    await ask(1, { before: 2 });
    expect(await refused(id, [REQUEST], stale)).to.equal('CONFLICT authorizations');
    await decide(id);
  });

  it('go by the decision of the day of service: a revision counts from its decision on, a cancellation too', async () => {
    story.ledger.time = '2026-02-09T08:00:00.000Z';
    await authorized(5);
    story.ledger.time = '2026-02-11T08:00:00.000Z';
    await ask(1, { before: 2 });
    expect((await decide(await another(1, [NUMBER])))['resource'].disposition).to.equal('approved');
    await ask(1, { before: 3, status: 'cancelled' });
    expect((await decide(await another(2, [NUMBER])))['resource'].disposition).to.equal('approved');
    expect(used()).to.equal(2);
  });

  it('are denied where it was taken back before the service, or denied', async () => {
    story.ledger.time = '2026-02-09T08:00:00.000Z';
    await authorized(5);
    await ask(1, { before: 2, status: 'cancelled' });
    story.ledger.time = '2026-02-11T08:00:00.000Z';
    expect(reasonsOf(await decide(await another(1, [NUMBER])))).to.deep.equal(['CO 15 authorization-invalid']);
    const other = exampleUuid(7_001);
    await ask(1, { id: other });
    await decideOn(1, { outcome: 'deny', reason: { text: 'why' } }, { id: other });
    expect(reasonsOf(await decide(await another(2), [other]))).to.deep.equal(['CO 39 authorization-denied']);
  });

  it('use what a stranger or another member asked for, which the provider’s peer is not shown', async () => {
    await ask(2, { of: '' });
    await decideOn(1, { outcome: 'approve' }, { of: '' });
    const id = await another(1, [NUMBER]);
    expect(await codeOf(story.ledger.submit('AdjudicateClaim', deciding(id)))).to.equal('INVALID authorizations');
    const beyond = { ...deciding(id), input: { id, provider: 'hospital', beyond: true as const } };
    const { endorsers } = (await story.ledger.submit('AdjudicateClaim', {
      ...beyond,
      endorsers: ['payer', 'patients'],
    })) as unknown as {
      endorsers?: string[];
    };
    expect(endorsers ?? []).to.not.include('hospital');
    const { resource } = story.ledger.read(PAYER, `response/${id}`) as Changeable;
    expect(resource).to.include({ preAuthRef: NUMBER, disposition: 'approved' });
    expect(JSON.stringify(resource)).to.not.include(REQUEST);
    expect(used()).to.equal(1);
  });

  it('do not use what another provider asked for itself', async () => {
    await ask(2, { of: 'clinic' });
    await decideOn(1, { outcome: 'approve' }, { of: 'clinic' });
    const id = await another(1, [NUMBER]);
    const beyond = { ...deciding(id), input: { id, provider: 'hospital', beyond: true as const } };
    await story.ledger.submit('AdjudicateClaim', { ...beyond, endorsers: ['payer', 'patients'] });
    expect(reasonsOf(story.ledger.read(PAYER, `response/${id}`) as Changeable)).to.deep.equal([
      'CO 15 authorization-invalid',
    ]);
  });

  it('of two at a time on one the second is to be sent again', async () => {
    await authorized(1);
    const requests = [await another(1, [NUMBER]), await another(2, [NUMBER])].map((id) => deciding(id));
    await story.ledger.submit('AdjudicateClaim', requests[0]!);
    expect(await codeOf(story.ledger.submit('AdjudicateClaim', requests[1]!))).to.equal('CONFLICT usage');
    expect(reasonsOf(await decide(exampleUuid(2_002)))).to.deep.equal(['CO 198 authorization-exceeded']);
  });

  it('know a number by one request of a coverage alone', async () => {
    await authorized(1, { outcome: 'approve', number: 'A-77' });
    const other = exampleUuid(7_001);
    await ask(1, { id: other });
    expect(await failureOf(decideOn(1, { outcome: 'approve', number: 'A-77' }, { id: other }))).to.include(
      'decision.number',
    );
    await decideOn(1, { outcome: 'approve', number: 'A-78' }, { id: other });
    const response = await decide(await another(1, ['A-78']), [REQUEST, other]);
    expect(response['resource'].preAuthRef).to.equal('A-78');
    expect([used(), used(other)]).to.deep.equal([0, 1]);
  });
});
