/** Requests for access while their holder is away, paused or unwilling: a refusal waits for nobody, a permission does. */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { Access } from '../../../../chaincode/src/contracts/access.ts';
import { serve } from '../../../../chaincode/src/server.ts';
import { type Answer, FixtureConsortium, until } from '../../consortium.fixture.ts';

const LIMITS = { inFlightWrites: 100, clientWrites: 100, budgetMs: 3_000, feedWaitMs: 2_000, hedgeMs: 300 };
const SYSTEM = 'urn:example:mrn';
const CONSENT_SCOPES = 'http://terminology.hl7.org/CodeSystem/consentscope';
const ORGANISATIONS = 'https://telemed-ledger.example/organisations';

interface Detail {
  type: string;
  valueString: string;
}

describe('A request for access whose holder does not endorse', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  let permitted: { id: string; value: string };
  let unknown: { id: string; value: string };

  before(async () => {
    consortium = await FixtureConsortium.start([]);
    for (const name of ['hospital', 'clinic', 'patients']) await consortium.open(name, { limits: LIMITS });
    permitted = await patient();
    unknown = await patient();
    await recorded('Observation', permitted.id);
    await consented(permitted.id);
  });
  after(() => consortium?.close());

  const send = (...request: Parameters<FixtureConsortium['send']>): Promise<Answer> => consortium.send(...request);
  const created = async (...request: Parameters<FixtureConsortium['send']>): Promise<string> => {
    const answer = await send(...request);
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
    return answer.body.id;
  };
  const patient = async () => {
    const value = randomUUID();
    const body = { resourceType: 'Patient', identifier: [{ system: SYSTEM, value }] };
    return { id: await created('hospital', 'POST /fhir/R4/Patient', body), value };
  };
  const recorded = (resourceType: string, id: string) =>
    created('hospital', `POST /fhir/R4/${resourceType}`, {
      ...{ resourceType, status: 'final', code: { text: 'example' } },
      subject: { reference: `Patient/${id}` },
    });
  async function consented(id: string): Promise<void> {
    const toClinic = { identifier: { system: ORGANISATIONS, value: 'clinic' } };
    const consent = {
      ...{ resourceType: 'Consent', status: 'active', category: [{ text: 'privacy' }] },
      scope: { coding: [{ system: CONSENT_SCOPES, code: 'patient-privacy' }] },
      patient: { reference: `Patient/${id}` },
      organization: [{ identifier: { system: ORGANISATIONS, value: 'hospital' } }],
      policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
      provision: { type: 'permit', actor: [{ role: { text: 'recipient' }, reference: toClinic }] },
    };
    await until(async () => (await send('patients', `GET /fhir/R4/Patient/${id}`)).status === 200);
    await created(`patients patient Patient/${id}`, 'POST /fhir/R4/Consent', consent);
  }
  const ask = ({ value }: { value: string }): Promise<string> =>
    created('clinic', 'POST /access-requests', {
      ...{ holder: 'hospital', patient: { system: SYSTEM, value }, types: ['Observation'], purpose: 'TREAT' },
    });
  const at = async (organisation: string, id: string) => (await send(organisation, `GET /access-requests/${id}`)).body;
  const becomes = (organisation: string, id: string, isIt: (state: Answer['body']) => boolean) =>
    until(async () => isIt(await at(organisation, id)), 20_000);
  const details = async (organisation: string, id: string): Promise<Detail[]> => {
    const { body } = await send(organisation, `GET /fhir/R4/AuditEvent/${id}`);
    return body.entity.find(({ name }: { name?: string }) => name === 'decision').detail;
  };

  async function whileFails(fault: 'pause' | 'drop', run: () => Promise<void>): Promise<void> {
    consortium.network[fault]('hospital', true);
    try {
      await run();
    } finally {
      consortium.network[fault]('hospital', false);
      await until(async () => (await consortium.gateway('hospital').readiness()).ready, 20_000);
    }
  }

  const isRefusedWithoutHolder = async (id: string): Promise<void> => {
    await becomes('clinic', id, ({ status }) => status === 'refused');
    const state = await at('patients', id);
    expect(state).to.include({ status: 'refused', reason: 'consent-absent' });
    expect(state.endorsers).to.include('PatientsMSP').and.not.include('HospitalMSP');
    const { body: receipt } = await send('patients', `GET /receipts/${state.transactionId}`);
    expect(receipt.endorsers).to.have.members(state.endorsers);
  };
  const isToldToHolder = async (id: string): Promise<void> => {
    await becomes('patients', id, ({ holderToldAt }) => holderToldAt !== undefined);
    await becomes('hospital', id, ({ status }) => status === 'refused');
    for (const organisation of ['patients', 'hospital', 'clinic']) {
      await becomes(organisation, id, ({ pending }) => pending === undefined);
      const { endorsers, holderToldAt, decidedAt } = await at(organisation, id);
      expect(endorsers, organisation).to.not.include('HospitalMSP');
      expect(holderToldAt > decidedAt, organisation).to.equal(true);
      const told = (await details(organisation, id)).filter(({ type }) => type === 'holder-told');
      expect(told).to.deep.equal([{ type: 'holder-told', valueString: holderToldAt }]);
    }
  };

  for (const fault of ['pause', 'drop'] as const) {
    const is = fault === 'pause' ? 'paused' : 'away';
    it(`is refused all the same while it is ${is}, and the holder is told afterwards`, async () => {
      const ids: string[] = [];
      await whileFails(fault, async () => {
        for (let count = 0; count < 2; count += 1) ids.push(await ask(unknown));
        for (const id of ids) await isRefusedWithoutHolder(id);
        for (const id of ids) {
          expect(await at('patients', id)).to.include({ pending: 'report' });
          expect(await details('patients', id)).to.deep.include({ type: 'holder-told', valueString: 'pending' });
          expect((await send('hospital', `GET /access-requests/${id}`)).status).to.be.oneOf([404, 503]);
        }
      });
      for (const id of ids) await isToldToHolder(id);
    });

    it(`is not permitted while it is ${is}, and afterwards it is`, async () => {
      let id = '';
      await whileFails(fault, async () => {
        id = await ask(permitted);
        const after = await ask(unknown);
        await becomes('clinic', after, ({ status }) => status === 'refused');
        expect(await at('patients', id)).to.include({ status: 'requested', pending: 'decision' });
      });
      await becomes('clinic', id, ({ status }) => status === 'granted');
      const { endorsers, holderToldAt } = await at('patients', id);
      expect(endorsers).to.have.members(['PatientsMSP', 'HospitalMSP']);
      expect(holderToldAt).to.equal(undefined);
    });
  }

  const unwilling: [string, (real: Method) => Method][] = [
    ['refuses every decision', () => () => Promise.reject(new LedgerError('CONFLICT', 'not here', 'id'))],
    ['computes something else', (real) => async (ctx, argument) => `${await real(ctx, argument)} `],
  ];
  for (const [what, changed] of unwilling)
    it(`is refused all the same where the holder’s chaincode ${what}`, async () => {
      await runningChanged(changed, async () => {
        const id = await ask(unknown);
        await isRefusedWithoutHolder(id);
        const waiting = await ask(permitted);
        const next = await ask(unknown);
        await isRefusedWithoutHolder(next);
        expect(await at('patients', waiting)).to.include({ status: 'requested', pending: 'decision' });
      });
    });

  type Method = Access['DecideAccess'];
  /** Has the hospital's peer run another chaincode, in this thread; the others' runs in threads of its own. */
  async function runningChanged(change: (real: Method) => Method, run: () => Promise<void>): Promise<void> {
    const methods = ['DecideAccess', 'RefuseAccess'] as const;
    const real = methods.map((name) => Access.prototype[name]);
    const access = new Access(consortium.members);
    for (const [index, name] of methods.entries()) Access.prototype[name] = change(real[index]!.bind(access));
    const ccid = `telemed:${'0'.repeat(64)}`;
    const server = await serve({ consortium: consortium.members, ccid, address: '127.0.0.1:0' });
    try {
      await consortium.useChaincode('hospital', server.address);
      await run();
    } finally {
      await consortium.useChaincode('hospital');
      server.close();
      for (const [index, name] of methods.entries()) Access.prototype[name] = real[index]!;
    }
  }
});
