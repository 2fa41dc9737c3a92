/** What a caller is answered when a peer is paused, when clocks are apart, and when organisations disagree. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { pino } from 'pino';
import { Records } from '../../chaincode/src/contracts/records.ts';
import { Registry } from '../../chaincode/src/contracts/registry.ts';
import { type RunningServer, serve } from '../../chaincode/src/server.ts';
import { type Answer, FixtureConsortium, until } from './consortium.fixture.ts';

const BUDGET_MS = 3_000;
const LIMITS = { inFlightWrites: 100, clientWrites: 100, budgetMs: BUDGET_MS, feedWaitMs: 2_000, hedgeMs: 500 };
/** How much a busy machine may add to a budget. */
const GRACE_MS = 1_500;

const patient = () => ({ resourceType: 'Patient', identifier: [{ system: 'urn:example:mrn', value: randomUUID() }] });
const licence = { status: 'active', start: '2026-01-01', end: '2030-01-01' };
const kindOf = ({ body }: Answer): string | undefined => body.issue?.[0]?.details?.coding[0].code;
const wordsOf = ({ body }: Answer): string => body.issue?.[0]?.diagnostics ?? '';

describe('Endorsers that fail', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  const logged: { level: number; msg: string; organisations?: string[] }[] = [];

  before(async () => {
    consortium = await FixtureConsortium.start([]);
    for (const name of ['hospital', 'regulator']) await open(name);
  });
  after(() => consortium?.close());

  const log = pino({ level: 'warn' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const open = (name: string) => consortium.open(name, { limits: LIMITS }, log);
  const send = (...request: Parameters<FixtureConsortium['send']>) => consortium.send(...request);
  const timed = async (send: () => Promise<Answer>): Promise<Answer & { ms: number }> => {
    const started = performance.now();
    const answer = await send();
    return { ...answer, ms: performance.now() - started };
  };
  const whileIs = async (fault: 'pause' | 'drop', organisation: string, run: () => Promise<void>): Promise<void> => {
    consortium.network[fault](organisation, true);
    try {
      await run();
    } finally {
      consortium.network[fault](organisation, false);
      for (const name of ['hospital', 'regulator']) {
        await until(async () => (await consortium.gateway(name).readiness()).ready, 20_000);
      }
    }
  };
  const setLicence = () => timed(() => send('regulator', `PUT /licences/${randomUUID().slice(0, 8)}`, licence));

  for (const fault of ['pause', 'drop'] as const) {
    it(`goes to another where another may endorse: the custodian ${fault === 'pause' ? 'hangs' : 'is away'}`, () =>
      whileIs(fault, 'patients', async () => {
        const first = await setLicence();
        expect(first.status, JSON.stringify(first.body)).to.equal(200);
        const receipt = await send('regulator', `GET /receipts/${first.headers.get('x-transaction-id')}`);
        expect(receipt.body.endorsers).to.have.members(['RegulatorMSP', 'HospitalMSP']);
        const later = await setLicence();
        expect(later.status).to.equal(200);
        // By now it is known who does not answer.
        expect(later.ms).to.be.lessThan(LIMITS.hedgeMs + GRACE_MS);
      }));
  }

  it('answers within its budget, with the name of the peer that hangs, where no other may', () =>
    whileIs('pause', 'patients', async () => {
      const body = patient();
      const answer = await timed(() => send('hospital', 'POST /fhir/R4/Patient', body));
      expect(answer.status, JSON.stringify(answer.body)).to.equal(503);
      expect(kindOf(answer)).to.equal('slow');
      expect(wordsOf(answer)).to.match(/PatientsMSP did not answer in time.*Nothing was written/);
      expect(answer.headers.get('retry-after')).to.equal('2');
      expect(answer.ms).to.be.lessThan(BUDGET_MS + GRACE_MS);
      const found = await send('hospital', `GET /fhir/R4/Patient?identifier=${body.identifier[0]!.value}`);
      expect(found.body.total).to.equal(0);
    }));

  it('spends one budget on a batch, not one on each of its entries', () =>
    whileIs('pause', 'patients', async () => {
      const [id, identifier] = [randomUUID(), patient().identifier];
      const created = {
        resource: { resourceType: 'Patient', identifier },
        request: { method: 'POST', url: 'Patient' },
      };
      const condition = `identifier=${identifier[0]!.system}|${identifier[0]!.value}`;
      const entry = Array.from({ length: 4 }, () => ({
        ...created,
        request: { ...created.request, ifNoneExist: condition },
      }));
      const bundle = { resourceType: 'Bundle', id, type: 'batch', entry };
      const answer = await timed(() => send('hospital', 'POST /fhir/R4', bundle));
      expect(answer.ms).to.be.lessThan(BUDGET_MS + GRACE_MS);
      const statuses = answer.body.entry.map(({ response }: { response: { status: string } }) => response.status);
      expect(statuses).to.deep.equal(Array.from({ length: 4 }, () => '503 Service Unavailable'));
    }));

  it("names this gateway's own peer where that is the one that hangs, for writes; reads do without it", () =>
    whileIs('pause', 'hospital', async () => {
      const [answer, read] = await Promise.all([
        timed(() => send('hospital', 'POST /fhir/R4/Patient', patient())),
        timed(() => send('hospital', 'GET /licences/1')),
      ]);
      expect(answer.status, JSON.stringify(answer.body)).to.equal(503);
      expect(kindOf(answer)).to.equal('slow');
      expect(wordsOf(answer)).to.match(/HospitalMSP did not answer/);
      expect(answer.ms).to.be.lessThan(BUDGET_MS + GRACE_MS);
      expect(read.status).to.equal(404);
    }));

  it('names clocks that are too far apart as what they are', async () => {
    const minutes = 20;
    const { Date: Real } = globalThis;
    // Peers and tokens, in this same process, keep the right time: only what the SDK proposes is dated back.
    globalThis.Date = class extends Real {
      constructor(...given: [number?]) {
        const isProposed = given.length === 0 && /proposalbuilder/.test(new Error().stack ?? '');
        if (isProposed) super(Real.now() - minutes * 60_000);
        else super(...(given as [number]));
      }
    } as DateConstructor;
    try {
      const answer = await send('hospital', 'POST /fhir/R4/Patient', patient());
      expect(answer.status, JSON.stringify(answer.body)).to.equal(503);
      expect(kindOf(answer)).to.equal('clock');
      expect(wordsOf(answer)).to.match(/the clock of this machine is 20 minutes behind it/);
      const reasons = async () => (await consortium.gateway('hospital').readiness()).reasons.join();
      await until(async () => /clock of this machine is 20 minutes behind/.test(await reasons()));
    } finally {
      globalThis.Date = Real;
    }
    await until(async () => (await consortium.gateway('hospital').readiness()).ready);
  });

  describe('by computing something else', () => {
    let changed: RunningServer;
    const [record, setting] = [Records.prototype.RecordVersions, Registry.prototype.SetLicence];

    before(async () => {
      // Nor does it remember here that the custodian was away.
      await consortium.shut('regulator');
      await open('regulator');
      // The other organisations' chaincode runs in threads of its own and stays as it is.
      Records.prototype.RecordVersions = async (...call) => `${await record.apply(records, call)} `;
      Registry.prototype.SetLicence = async (...call) =>
        (await setting.apply(registry, call)).replace('active', 'excluded');
      const records = new Records(consortium.members);
      const registry = new Registry(consortium.members);
      const ccid = `telemed:${'0'.repeat(64)}`;
      changed = await serve({ consortium: consortium.members, ccid, address: '127.0.0.1:0' });
      await consortium.useChaincode('patients', changed.address);
    });
    after(async () => {
      await consortium.useChaincode('patients');
      changed.close();
      Records.prototype.RecordVersions = record;
      Registry.prototype.SetLicence = setting;
    });
    beforeEach(() => {
      logged.length = 0;
    });

    const disagreements = async (organisation: string) => {
      const { body } = await send(`${organisation} operator`, 'GET /metrics');
      const found = [...body.matchAll(/gateway_disagreements_total\{member="(\w+)"[^}]*\} (\d+)/g)];
      return Object.fromEntries(found.map(([, member, count]) => [member, Number(count)]));
    };

    it('are answered at once with the names of those that differ, logged and counted', async () => {
      expect(await disagreements('hospital')).to.include({ HospitalMSP: 0, PatientsMSP: 0, BankMSP: 0 });
      const answer = await timed(() => send('hospital', 'POST /fhir/R4/Patient', patient()));
      expect(answer.status, JSON.stringify(answer.body)).to.equal(409);
      expect(answer.body.issue[0].code).to.equal('security');
      expect(kindOf(answer)).to.equal('disagrees');
      expect(wordsOf(answer)).to.match(/HospitalMSP computed another result than PatientsMSP \(response\)/);
      expect(answer.headers.get('retry-after')).to.equal(null);
      expect(answer.ms).to.be.lessThan(2_000);
      const alarm = logged.find(({ msg }) => msg === 'endorsers disagree');
      expect(alarm).to.deep.include({ level: 50, organisations: ['HospitalMSP', 'PatientsMSP'] });
      expect(await disagreements('hospital')).to.include({ HospitalMSP: 1, PatientsMSP: 1, BankMSP: 0 });
    });

    it('are passed over where another may endorse, and reported by name', async () => {
      const answer = await setLicence();
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      expect(answer.body.status).to.equal('active');
      expect(await disagreements('regulator')).to.include({ PatientsMSP: 1, RegulatorMSP: 0, HospitalMSP: 0 });
      expect(logged.find(({ msg }) => msg === 'endorsers disagree')).to.deep.include({
        organisations: ['PatientsMSP'],
      });
    });
  });
});
