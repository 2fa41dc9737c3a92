/** Refusals from the moment at which they are known until the holder has been told, also by a gateway that ends meanwhile. */
import { expect } from 'chai';
import { RefusalJournal } from '../../idempotency/refusals.ts';
import { onEachDatabase } from '../../index/databases.fixture.ts';
import { FixtureIndex } from '../../index/index.fixture.ts';
import { AccessScene, type Shown } from './access-scene.fixture.ts';

const isRefused = ({ status }: Shown): boolean => status === 'refused';

onEachDatabase('The journal of refusals', (kind) => {
  let fixture: FixtureIndex;
  let journal: RefusalJournal;
  before(async () => {
    fixture = await FixtureIndex.open('patients', kind);
    const { stores } = fixture;
    journal = new RefusalJournal(stores.journal, stores.journalLazily);
  });
  after(() => fixture?.close());
  const refusal = (access: string, due_at: string, reason = 'consent-absent') =>
    journal.add({ access, reason, patient: null, consent: null, consent_version: null, salt: 'ab'.repeat(32), due_at });

  it('keeps the first of an access, and says what is due in its order, page by page', async () => {
    await refusal('b', '2026-03-01T10:00:00.000Z');
    await refusal('a', '2026-03-01T10:00:00.000Z');
    await refusal('c', '2026-03-01T09:00:00.000Z');
    await refusal('d', '2026-03-02T10:00:00.000Z');
    await refusal('a', '2026-03-09T10:00:00.000Z', 'consent-denied');
    const now = '2026-03-01T12:00:00.000Z';
    const found: string[] = [];
    for (let after: string | undefined; ; ) {
      const [row] = await journal.due(now, { count: 1, after });
      if (row === undefined) break;
      found.push(`${row.access} ${row.reason}`);
      after = row.next;
    }
    expect(found).to.deep.equal(['c consent-absent', 'a consent-absent', 'b consent-absent']);
    expect(await journal.nextDue()).to.equal(Date.parse('2026-03-01T09:00:00.000Z'));
    await journal.sent('c');
    expect(await journal.nextDue()).to.equal(Date.parse('2026-03-01T10:00:00.000Z'));
    expect(await journal.find('c')).to.include({ status: 'sent' });
    await journal.forget('c');
    expect(await journal.find('c')).to.equal(undefined);
  });
});

describe('A refusal', function () {
  this.timeout(60_000);
  let scene: AccessScene;
  before(async () => {
    scene = await AccessScene.open('hospital', 'clinic', 'patients');
  });
  after(() => scene?.close());

  it('keeps what it rests on while the holder is away and the gateway is started again, and tells the holder then', async () => {
    const patient = await scene.patient();
    await scene.observation(patient);
    const consent = await scene.consented(patient, { type: 'deny' });
    const because = { reason: 'consent-denied', consent: { id: consent, version: 1 } };
    const as = `patients patient Patient/${patient.id}`;
    let id = '';
    await scene.whileFails('hospital', 'drop', async () => {
      id = await scene.ask(patient);
      await scene.becomes('patients', id, isRefused);
      await scene.consortium.shut('patients');
      await scene.consortium.open('patients');
      for (const one of ['patients', as]) {
        const shown = await scene.becomes(one, id, isRefused);
        expect(shown).to.include({ reason: 'not-permitted', pending: 'report' });
        expect(shown.because).to.deep.equal(because);
      }
    });
    await scene.becomes('patients', id, ({ pending }) => pending === undefined);
    for (const one of ['patients', as, 'hospital'])
      expect((await scene.becomes(one, id, isRefused)).because, one).to.deep.equal(because);
    expect(await scene.becomes('clinic', id, isRefused)).to.not.have.any.keys('because', 'consent');
    const { body } = await scene.send(as, `GET /fhir/R4/AuditEvent/${id}`);
    expect(body).to.include({ outcomeDesc: 'consent-denied' });
    expect(JSON.stringify(body.entity)).to.include(`Consent/${consent}/_history/1`);
    expect(JSON.stringify((await scene.send('clinic', `GET /fhir/R4/AuditEvent/${id}`)).body)).to.not.include(
      'Consent/',
    );
  });

  it('that was noted is sent by the gateway that is started next, once', async () => {
    const patient = await scene.patient();
    await scene.consortium.shut('patients');
    await scene.consortium.open('patients', { refusalsEveryMs: 3_000 });
    const id = await scene.ask(patient);
    await scene.becomes('patients', id, ({ status }) => status === 'requested');
    await scene.consortium.shut('patients');
    await scene.consortium.open('patients');
    const shown = await scene.becomes('patients', id, isRefused);
    expect(shown.because).to.deep.equal({ reason: 'consent-absent' });
    await scene.becomes('hospital', id, isRefused);
  });
});
