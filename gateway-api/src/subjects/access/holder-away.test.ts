/** Requests for access while their holder is away, paused or unwilling: a refusal waits for nobody, a permission does. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { Access } from '../../../../chaincode/src/contracts/access.ts';
import { AccessScene, type ExamplePatient } from './access-scene.fixture.ts';

describe('A request for access whose holder does not endorse', function () {
  this.timeout(60_000);
  let scene: AccessScene;
  let permitted: ExamplePatient;
  let unknown: ExamplePatient;

  before(async () => {
    scene = await AccessScene.open('hospital', 'clinic', 'patients');
    permitted = await scene.patient();
    unknown = await scene.patient();
    await scene.observation(permitted);
    await scene.consented(permitted);
  });
  after(() => scene?.close());

  /** What the AuditEvent of a refusal says: its consent entity has all of it. */
  const toldOf = async (organisation: string, id: string): Promise<{ type: string }[]> => {
    const { body } = await scene.send(organisation, `GET /fhir/R4/AuditEvent/${id}`);
    return body.entity.flatMap(({ detail = [] }: { detail?: { type: string }[] }) => detail);
  };

  const isRefusedWithoutHolder = async (id: string): Promise<void> => {
    await scene.becomes('clinic', id, ({ status }) => status === 'refused');
    const state = await scene.becomes('patients', id, ({ status }) => status === 'refused');
    expect(state).to.include({ status: 'refused', reason: 'not-permitted' });
    expect(state.because).to.deep.equal({ reason: 'consent-absent' });
    expect(state.endorsers).to.include('PatientsMSP').and.not.include('HospitalMSP');
    expect(await scene.endorsersOf(state.transactionId)).to.have.members(state.endorsers);
  };
  const isToldToHolder = async (id: string): Promise<void> => {
    await scene.becomes('patients', id, ({ holderToldAt }) => holderToldAt !== undefined);
    await scene.becomes('hospital', id, ({ status }) => status === 'refused');
    for (const organisation of ['patients', 'hospital', 'clinic']) {
      const state = await scene.becomes(organisation, id, ({ pending }) => pending === undefined);
      const { endorsers, holderToldAt, decidedAt } = state;
      expect(endorsers, organisation).to.not.include('HospitalMSP');
      expect(holderToldAt > decidedAt, organisation).to.equal(true);
      const told = (await toldOf(organisation, id)).filter(({ type }) => type === 'holder-told');
      expect(told).to.deep.equal([{ type: 'holder-told', valueString: holderToldAt }]);
    }
  };

  for (const fault of ['pause', 'drop'] as const) {
    const is = fault === 'pause' ? 'paused' : 'away';
    it(`is refused all the same while it is ${is}, and the holder is told afterwards`, async () => {
      const ids: string[] = [];
      await scene.whileFails('hospital', fault, async () => {
        for (let count = 0; count < 2; count += 1) ids.push(await scene.ask(unknown));
        for (const id of ids) await isRefusedWithoutHolder(id);
        for (const id of ids) {
          expect(await scene.at('patients', id)).to.include({ pending: 'report' });
          const told = { type: 'holder-told', valueString: 'pending' };
          expect(await toldOf('patients', id)).to.deep.include(told);
          expect((await scene.send('hospital', `GET /access-requests/${id}`)).status).to.be.oneOf([404, 503]);
        }
      });
      for (const id of ids) await isToldToHolder(id);
    });

    it(`is not permitted while it is ${is}, and afterwards it is`, async () => {
      let id = '';
      await scene.whileFails('hospital', fault, async () => {
        id = await scene.ask(permitted);
        const after = await scene.ask(unknown);
        await scene.becomes('clinic', after, ({ status }) => status === 'refused');
        expect(await scene.at('patients', id)).to.include({ status: 'requested', pending: 'decision' });
      });
      await scene.becomes('clinic', id, ({ status }) => status === 'granted');
      const { endorsers, holderToldAt } = await scene.at('patients', id);
      expect(endorsers).to.have.members(['PatientsMSP', 'HospitalMSP']);
      expect(holderToldAt).to.equal(undefined);
    });
  }

  const unwilling: [string, Parameters<AccessScene['whileRuns']>[3]][] = [
    ['refuses every decision', () => () => Promise.reject(new LedgerError('CONFLICT', 'not here', 'id'))],
    [
      'computes something else',
      (real) =>
        async (...call) =>
          `${await real(...call)} `,
    ],
  ];
  for (const [what, change] of unwilling)
    it(`is refused all the same where the holder’s chaincode ${what}`, () =>
      scene.whileRuns('hospital', Access, ['DecideAccess', 'DecideAccesses', 'RefuseAccess'], change, async () => {
        await isRefusedWithoutHolder(await scene.ask(unknown));
        const waiting = await scene.ask(permitted);
        await isRefusedWithoutHolder(await scene.ask(unknown));
        expect(await scene.at('patients', waiting)).to.include({ status: 'requested', pending: 'decision' });
      }));
});
