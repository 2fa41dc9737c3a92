import { expect } from 'chai';
import { MemoryLedger, type Request } from '../ledger/memory-ledger.fixture.ts';
import type { AuthorizationDecision, AuthorizationRecord, AuthorizationState } from '../model/authorizations.ts';
import { type Changeable, exampleClaim, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import { privateKeys } from '../model/keys.ts';
import { Authorizations } from './authorizations.ts';
import { Claims } from './claims.ts';
import { codeOf, expectNoContent, PAYER, PROVIDER, wideConsortium } from './example-story.fixture.ts';

const HOUR_MS = 3_600_000;
const PAS = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition';
const id = exampleIds.other;

describe('the authorizations contract', () => {
  let ledger: MemoryLedger;
  let coverage: Changeable;
  let claim: Changeable;
  beforeEach(async () => {
    ledger = new MemoryLedger(wideConsortium, [new Claims(wideConsortium), new Authorizations(wideConsortium)]);
    ledger.time = '2026-02-10T10:00:00.000Z';
    ({ coverage } = exampleClaim());
    ({ claim } = exampleClaim());
    Object.assign(claim, { id, use: 'preauthorization' });
    for (const item of claim['item']) for (const element of ['encounter', 'net']) delete item[element];
    delete claim['total'];
    await register(1);
  });

  const register = (version: number): Promise<unknown> => {
    const draft = { id: exampleIds.coverage, version, salt: exampleSalt('a'), resource: coverage };
    return ledger.submit('RegisterCoverage', {
      ...{ from: 'payer', role: 'adjudicator', input: { providers: ['hospital', 'clinic'] } },
      private: { coverage: draft },
    });
  };
  const text = (key: string): string => ledger.private.get(`${PAYER} ${key}`) ?? '';
  const standing = (step: number): { state: string; record: string } => ({
    state: text(privateKeys.authorizationState(id, step)),
    record: text(privateKeys.authorization(id, step)),
  });
  const stateAt = (step: number): AuthorizationState => JSON.parse(standing(step).state);
  const responseAt = (step: number): Changeable =>
    (JSON.parse(standing(step).record) as AuthorizationRecord).resources[1] as Changeable;

  const patient = (): Changeable => {
    const { resourceType, id: patientId, identifier } = exampleClaim().patient;
    return { resourceType, id: patientId, identifier };
  };
  const asking = (before?: number): Request<'RequestAuthorization'> & { private: Changeable } =>
    ({
      ...{ from: 'hospital', role: 'system', input: { id, payer: 'payer' } },
      private: {
        ...{ salt: exampleSalt(String(before ?? 0)), claim, responseId: exampleIds.response, patient: patient() },
        coverage: text(privateKeys.coverage(exampleIds.coverage, 1)),
        ...(before === undefined ? {} : { before: standing(before) }),
      },
    }) as never;
  const ask = (before?: number) => ledger.submit('RequestAuthorization', asking(before));
  const deciding = (step: number, decision: AuthorizationDecision): Request<'DecideAuthorization'> => ({
    ...{ from: 'payer', role: 'adjudicator', input: { id, provider: 'hospital' } },
    private: { salt: exampleSalt('d'), ...standing(step), decision },
  });
  const decide = (step: number, decision: AuthorizationDecision) =>
    ledger.submit('DecideAuthorization', deciding(step, decision));
  const actions = (response: Changeable): string[] =>
    response['item'].map(
      (item: Changeable) => item['adjudication'][0].extension[0].extension[0].valueCodeableConcept.coding[0].code,
    );

  it('pends what is asked, starts its clock by its priority, and keeps nothing of the patient', async () => {
    const { writes } = await ask();
    expect(Object.keys(writes.private)).to.have.members(
      [PAYER, PROVIDER].flatMap((at) => [`${at} authorization/${id}/1`, `${at} authorization-state/${id}/1`]),
    );
    expect(stateAt(1)).to.include({ status: 'pended', urgency: 'standard', step: 1, provider: 'hospital' });
    expect(Date.parse(stateAt(1).dueAt) - Date.parse(stateAt(1).receivedAt)).to.equal(168 * HOUR_MS);
    expect(actions(responseAt(1))).to.deep.equal(['A4', 'A4']);
    expect(responseAt(1)).to.include({ outcome: 'queued', use: 'preauthorization', id: exampleIds.response });
    expect(standing(1).record).to.not.include('MRN-4711');
    expectNoContent(JSON.stringify([writes.public, writes.event]));
  });

  it('gives an expedited one 72 hours', async () => {
    claim['priority'] = { coding: [{ code: 'stat' }] };
    await ask();
    expect(stateAt(1).urgency).to.equal('expedited');
    expect(Date.parse(stateAt(1).dueAt) - Date.parse(ledger.time)).to.equal(72 * HOUR_MS);
  });

  it('denies at once whom the coverage does not insure, and a day that it does not cover', async () => {
    claim['item'][1].servicedDate = '2031-01-01';
    claim['item'][0].servicedDate = '2031-01-01';
    await ask();
    expect(stateAt(1)).to.include({ status: 'denied', reason: 'coverage-not-in-force' });
    expect(actions(responseAt(1))).to.deep.equal(['A3', 'A3']);
    expect(JSON.stringify(responseAt(1)['item'])).to.include('coverage-not-in-force');
    expect(await codeOf(decide(1, { outcome: 'approve' }))).to.equal('CONFLICT id');
    expect(await codeOf(ask(1))).to.equal('CONFLICT id');
  });

  describe('received by the payer a while before the ledger had it', () => {
    const receiving = (receivedAt: string): Request<'ReceiveAuthorization'> =>
      ({
        ...{ from: 'payer', role: 'system', input: { id } },
        private: { ...asking().private, receivedAt },
      }) as never;
    const before = (hours: number): string => new Date(Date.parse(ledger.time) - hours * HOUR_MS).toISOString();

    it('has its clock run from when it came', async () => {
      await ledger.submit('ReceiveAuthorization', receiving(before(30)));
      expect(stateAt(1)).to.include({ status: 'pended', receivedAt: before(30), dueAt: before(30 - 168) });
      expect(stateAt(1)).to.not.have.property('isLate');
    });

    it('is late where it is denied on receipt after its time', async () => {
      claim['priority'] = { coding: [{ code: 'stat' }] };
      for (const item of claim['item']) item.servicedDate = '2031-01-01';
      await ledger.submit('ReceiveAuthorization', receiving(before(73)));
      expect(stateAt(1)).to.include({ status: 'denied', isLate: true });
    });

    for (const [what, hours] of [
      ['later than now', -0.1],
      ['longer ago than a clock runs', 168.1],
    ] as const)
      it(`is refused where that was ${what}`, async () => {
        const code = await codeOf(ledger.submit('ReceiveAuthorization', receiving(before(hours))));
        expect(code).to.equal('INVALID receivedAt');
      });
  });

  it('is decided line by line, once, and not without a reason where anything is denied', async () => {
    await ask();
    expect(await codeOf(decide(1, { outcome: 'deny' }))).to.equal('INVALID decision.reason');
    const items = [{ sequence: 2, outcome: 'deny' as const, reason: { system: 'urn:x', code: '0V', text: 'why' } }];
    expect(await codeOf(decide(1, { outcome: 'approve', items: [{ ...items[0]!, sequence: 9 }] }))).to.equal(
      'INVALID decision.items',
    );
    const period = { start: '2026-02-11', end: '2026-05-11' };
    await decide(1, { outcome: 'approve', items, period });
    expect(stateAt(2)).to.include({ status: 'partial', decidedAt: ledger.time });
    const response = responseAt(2);
    expect(response).to.include({ outcome: 'partial', preAuthRef: `PA-${id.slice(0, 8)}-2` });
    expect(response['preAuthPeriod']).to.deep.equal(period);
    expect(actions(response)).to.deep.equal(['A1', 'A3']);
    expect(JSON.stringify(response['item'][1])).to.include('"code":"0V"');
    expect(await codeOf(decide(1, { outcome: 'approve' }))).to.equal('CONFLICT id');
    expect(await codeOf(decide(2, { outcome: 'approve' }))).to.equal('CONFLICT id');
  });

  it('counts what is decided late, and pends with a reason without stopping the clock', async () => {
    await ask();
    const { dueAt } = stateAt(1);
    await decide(1, { outcome: 'pend', reason: { text: 'the imaging report is missing' } });
    expect(stateAt(2)).to.include({ status: 'pended', dueAt });
    expect(responseAt(2)['disposition']).to.equal('the imaging report is missing');
    ledger.time = new Date(Date.parse(dueAt) + 1000).toISOString();
    await decide(2, { outcome: 'approve' });
    expect(stateAt(3)).to.include({ status: 'approved', isLate: true });
    expect(JSON.stringify(responseAt(3)['extension'])).to.include('"late"');
  });

  it('is revised with a clock of its own, and taken back by cancelling all its lines', async () => {
    await ask();
    await decide(1, { outcome: 'approve' });
    ledger.time = '2026-02-20T10:00:00.000Z';
    claim['item'][0].quantity = { value: 3 };
    await ask(2);
    expect(stateAt(3)).to.include({ status: 'pended', receivedAt: ledger.time, revisions: 1, step: 3 });
    expect(stateAt(3)).to.not.have.property('decidedAt');
    expect(responseAt(3).id).to.equal(exampleIds.response);
    for (const item of claim['item'])
      item['extension'] = [
        { url: `${PAS}/extension-certificationType`, valueCodeableConcept: { coding: [{ code: '3' }] } },
      ];
    await ask(3);
    expect(stateAt(4).status).to.equal('cancelled');
    expect(responseAt(4)).to.include({ status: 'cancelled', outcome: 'complete' });
    expect(await codeOf(ask(4))).to.equal('CONFLICT id');
    expect(await codeOf(decide(4, { outcome: 'approve' }))).to.equal('CONFLICT id');
  });

  it('is received by the payer, endorsed by the provider where that is a member, else by the custodian', async () => {
    const request = asking();
    const received = { ...request, from: 'payer', role: 'adjudicator' as const };
    await ledger.submit('ReceiveAuthorization', { ...received, input: { id, provider: 'hospital' } });
    expect(stateAt(1)).to.include({ provider: 'hospital', status: 'pended' });
    expect(ledger.private.has(`${PROVIDER} authorization/${id}/1`)).to.equal(true);
    const other = exampleIds.otherClaim;
    claim['id'] = other;
    const { writes } = await ledger.submit('ReceiveAuthorization', {
      ...received,
      ...{ input: { id: other }, endorsers: ['payer', 'patients'] },
    });
    expect(Object.keys(writes.private)).to.have.members([
      `${PAYER} authorization/${other}/1`,
      `${PAYER} authorization-state/${other}/1`,
    ]);
  });

  const REFUSED: [string, (request: Changeable) => void, string][] = [
    ['a claim for what was done', () => (claim['use'] = 'claim'), 'INVALID Claim.use'],
    ['two lines of one number', () => (claim['item'][1].sequence = 1), 'INVALID Claim.item.sequence'],
    ['two focal insurances', () => claim['insurance'].push(claim['insurance'][0]), 'INVALID Claim.insurance'],
    [
      'another coverage',
      () => (claim['insurance'][0].coverage.reference = 'Coverage/x'),
      'INVALID Claim.insurance.coverage',
    ],
    ['another id', () => (claim['id'] = exampleIds.claim), 'INVALID claim.id'],
    ['an unknown payer', (request) => (request['input'].payer = 'nobody'), 'NOT_FOUND payer'],
    ['what is taken back before it was asked', () => (claim['status'] = 'cancelled'), 'INVALID Claim.status'],
    ['what was not anchored', (request) => (request['private'].coverage += ' '), 'INVALID coverage'],
  ];
  for (const [title, change, code] of REFUSED)
    it(`refuses ${title}`, async () => {
      const request = asking();
      change(request as never);
      expect(await codeOf(ledger.submit('RequestAuthorization', request))).to.equal(code);
    });

  it('refuses another provider’s amendment, another payer’s decision, a state that is over and a second first step', async () => {
    await ask();
    expect(await codeOf(ledger.submit('RequestAuthorization', { ...asking(1), from: 'clinic' }))).to.equal(
      'INVALID provider',
    );
    expect(await codeOf(ask())).to.equal('CONFLICT id');
    const decision = deciding(1, { outcome: 'approve' });
    expect(await codeOf(ledger.submit('DecideAuthorization', { ...decision, from: 'payer-two' }))).to.match(
      /^NOT_FOUND/,
    );
    expect(
      await codeOf(ledger.submit('DecideAuthorization', { ...decision, input: { id, provider: 'clinic' } })),
    ).to.equal('INVALID provider');
    const [revision, other] = [asking(1), deciding(1, { outcome: 'approve' })];
    await ledger.submit('RequestAuthorization', revision);
    expect(await codeOf(ledger.submit('DecideAuthorization', other))).to.equal('CONFLICT id');
  });

  describe('that is over', () => {
    const EVIDENCE = {
      resourceType: 'DocumentReference',
      id: 'report',
      custodian: { reference: '#laboratory' },
      description: 'what the report says',
    };
    const INSURER = { resourceType: 'Organization', id: 'insurer', name: 'An insurer' };
    const LABORATORY = { resourceType: 'Organization', id: 'laboratory', name: 'A laboratory' };
    const purging = (step: number, change: object = {}) => ({
      ...{ from: 'payer', role: 'system' as const, input: { id, provider: 'hospital' } },
      private: { salt: exampleSalt('e'), ...standing(step) },
      ...change,
    });
    const purge = (step: number, change: object = {}) =>
      ledger.submit('PurgeAuthorization', purging(step, change) as Request<'PurgeAuthorization'>);
    const claimAt = (step: number): Changeable =>
      (JSON.parse(standing(step).record) as AuthorizationRecord).resources[0] as Changeable;
    const later = (days: number): void => {
      ledger.time = new Date(Date.parse(ledger.time) + days * 24 * HOUR_MS).toISOString();
    };
    const cancelling = (): void => {
      claim['status'] = 'cancelled';
    };
    beforeEach(() => {
      claim['contained'] = [EVIDENCE, INSURER, LABORATORY];
      claim['insurer'] = { reference: '#insurer' };
      claim['supportingInfo'] = [
        { sequence: 1, category: { text: 'report' }, valueReference: { reference: '#report' } },
      ];
      claim['item'][0].extension = [
        { url: `${PAS}/extension-requestedService`, valueReference: { reference: '#report' } },
      ];
    });

    it('keeps what was asked and answered, and nothing of what it showed, at any member', async () => {
      await ask();
      await decide(1, { outcome: 'deny', reason: { text: 'not covered' } });
      expect(await codeOf(purge(2))).to.equal('CONFLICT id');
      later(180);
      expect(await codeOf(purge(2))).to.equal('CONFLICT id');
      later(1);
      const { writes } = await purge(2);
      expect(writes.event).to.equal(undefined);
      for (const at of [PAYER, PROVIDER]) {
        for (const step of [1, 2]) expect(ledger.private.has(`${at} authorization/${id}/${step}`)).to.equal(false);
        expect(ledger.private.get(`${at} authorization/${id}/3`)).to.not.include('report says');
      }
      const kept = claimAt(3);
      expect(kept['contained']).to.deep.equal([INSURER]);
      expect(kept['insurer']).to.deep.equal({ reference: '#insurer' });
      expect(kept).to.not.have.property('supportingInfo');
      expect(kept['item'][0].extension[0].valueReference).to.deep.equal({ display: 'purged' });
      expect(kept['item'][0].productOrService).to.deep.equal(claim['item'][0].productOrService);
      expect(responseAt(3)['disposition']).to.equal('not covered');
      expect(stateAt(3)).to.include({ status: 'denied', purgedAt: ledger.time, step: 3 });
      expect(await codeOf(purge(3))).to.equal('CONFLICT id');
      expect(await codeOf(ask(3))).to.equal('CONFLICT id');
    });

    it('is purged at once where it was taken back before anybody decided', async () => {
      await ask();
      expect(await codeOf(purge(1))).to.equal('CONFLICT id');
      cancelling();
      await ask(1);
      await purge(2);
      expect(stateAt(3)).to.include({ status: 'cancelled', purgedAt: ledger.time });
    });

    it('is kept for as long as a claim for what it authorized may come and be appealed', async () => {
      await ask();
      await decide(1, { outcome: 'approve', period: { start: '2026-02-11', end: '2026-05-11' } });
      ledger.time = '2028-05-10T10:00:00.000Z';
      expect(await codeOf(purge(2))).to.equal('CONFLICT id');
      ledger.time = '2028-05-12T10:00:00.000Z';
      await purge(2);
      expect(stateAt(3)).to.include({ status: 'approved' });
    });

    it('is kept where what it authorized has no end, and as long as what was authorized before it was taken back', async () => {
      await ask();
      await decide(1, { outcome: 'approve' });
      later(5_000);
      expect(await codeOf(purge(2))).to.equal('CONFLICT id');
      cancelling();
      await ask(2);
      later(730);
      expect(await codeOf(purge(3))).to.equal('CONFLICT id');
      later(1);
      await purge(3);
    });

    it('is not purged while it is pended, nor by another, nor earlier than the payer has settled', async () => {
      await ask();
      later(5_000);
      expect(await codeOf(purge(1))).to.equal('CONFLICT id');
      await decide(1, { outcome: 'deny', reason: { text: 'not covered' } });
      await ledger.submit('SetClaimRules', {
        ...{ from: 'payer', role: 'adjudicator', input: {} },
        private: {
          ...{ known: 0, salt: exampleSalt('7') },
          terms: [{ from: '2020-01-01', currency: 'USD', appealDays: 0, evidenceDays: 30 }],
        },
      } as Request<'SetClaimRules'>);
      const rules = { generation: 1, text: text(privateKeys.claimRules('payer', 1)) };
      const withRules = () => ({ private: { ...purging(2).private, rules } });
      later(30);
      expect(await codeOf(purge(2))).to.equal('CONFLICT rules');
      expect(await codeOf(purge(2, withRules()))).to.equal('CONFLICT id');
      later(1);
      for (const from of ['hospital', 'patients', 'payer-two'])
        expect(await codeOf(purge(2, { ...withRules(), from })), from).to.match(/^(FORBIDDEN|NOT_FOUND|INVALID)/);
      expect(await codeOf(purge(2, { ...withRules(), input: { id, provider: 'clinic' } }))).to.equal(
        'INVALID provider',
      );
      await purge(2, withRules());
    });
  });
});
