/** What anchors carried six years ago is purged from the ledger, at both who held it; what is younger stays, and all stays proven. */
import { randomUUID } from 'node:crypto';
import { READS_KEPT_DAYS } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import { checkReads } from '@telemed-ledger/verifier/reads.ts';
import { expect } from 'chai';
import { FixtureConsortium, until } from '../../consortium.fixture.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const LONG_MS = 30_000;
const RealDate = Date;

/** Has this process, its network and gateways believe that it is earlier. */
function setBack(ms: number): void {
  globalThis.Date = class extends RealDate {
    constructor(...args: [] | [number]) {
      super(...((args.length === 0 ? [RealDate.now() - ms] : args) as [number]));
    }
    static override now(): number {
      return RealDate.now() - ms;
    }
  } as DateConstructor;
}

describe('Rows of a log of reads after six years', function () {
  this.timeout(120_000);
  let consortium: FixtureConsortium;
  let patient: string;
  const send = (...request: Parameters<FixtureConsortium['send']>) => consortium.send(...request);
  const read = async (practitioner: string) =>
    expect((await send(`hospital practitioner ${practitioner}`, `GET /fhir/R4/Patient/${patient}`)).status).to.equal(
      200,
    );
  const anchor = async (): Promise<number> => {
    const { status, body } = await send('hospital operator', 'POST /log-anchors', {});
    expect(status, JSON.stringify(body)).to.equal(200);
    return body.anchors.at(-1).n;
  };
  const open = async (dutyIntervalMs: number) => {
    for (const name of ['hospital', 'patients']) {
      await consortium.shut(name);
      await consortium.open(name, { dutyIntervalMs, readLogDays: READS_KEPT_DAYS });
    }
  };
  const proofsAt = async (as: string) => (await send(as, `GET /log-anchors/hospital/proofs?patient=${patient}`)).body;
  const loggedAt = async (): Promise<string> =>
    JSON.stringify((await send(`patients patient Patient/${patient}`, 'GET /fhir/R4/AuditEvent')).body);
  const reads = { before: `Practitioner/${randomUUID()}`, younger: `Practitioner/${randomUUID()}` };

  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'patients']);
    const { body } = await send('hospital', 'POST /fhir/R4/Patient', { resourceType: 'Patient' });
    patient = body.id;
    await until(async () => (await send('patients', `GET /fhir/R4/Patient/${patient}`)).status === 200, LONG_MS);
    setBack(READS_KEPT_DAYS * DAY_MS + HOUR_MS);
    for (let n = 1; n <= 2; n += 1) {
      await read(reads.before);
      expect(await anchor()).to.equal(n);
    }
    setBack(READS_KEPT_DAYS * DAY_MS - HOUR_MS);
    await read(reads.younger);
    expect(await anchor()).to.equal(3);
    globalThis.Date = RealDate;
  });
  after(async () => {
    globalThis.Date = RealDate;
    await consortium?.close();
  });

  it('are on the ledger until then', async () => {
    const { gone, proofs } = await proofsAt('patients');
    expect([gone, proofs.map(({ n }: { n: number }) => n)]).to.deep.equal([0, [1, 2, 3]]);
    expect(await loggedAt()).to.contain(reads.before);
  });

  it('are purged at both who held them, and no younger ones', async () => {
    await open(200);
    for (const as of ['hospital', 'patients']) {
      await until(async () => (await proofsAt(as)).gone === 2, LONG_MS);
      const { proofs } = await proofsAt(as);
      const checked = await checkReads(proofs);
      expect([checked.from, checked.to], as).to.deep.equal([3, 3]);
      expect(checked.reads.map((row) => row[6])).to.deep.equal([reads.younger]);
    }
    const logged = await loggedAt();
    expect(logged).to.contain(reads.younger);
    expect(logged).not.to.contain(reads.before);
  });

  it('leave the anchors, and a log that holds and goes on', async () => {
    const { anchors } = (await send('patients', 'GET /log-anchors?organisation=hospital&count=10')).body;
    expect(anchors.map(({ n }: { n: number }) => n)).to.deep.equal([3, 2, 1]);
    for (const name of ['hospital', 'patients'])
      expect((await send(`${name} operator`, 'POST /verify')).body.differences, name).to.deep.equal([]);
    await read(reads.younger);
    expect(await anchor()).to.equal(4);
    await until(async () => (await proofsAt('patients')).proofs.at(-1)?.n === 4, LONG_MS);
    const checked = await checkReads((await proofsAt('patients')).proofs);
    expect([checked.from, checked.to, checked.restarted]).to.deep.equal([3, 4, []]);
  });
});
