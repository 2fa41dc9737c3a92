/** That nothing of an anchored log of reads is changed, left out or put in without its showing: to verification, and to her. */

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { rowHash, type rowIn, rowText } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import { checkReads, type ReadsProof } from '@telemed-ledger/verifier/reads.ts';
import { expect } from 'chai';
import { type Answer, FixtureConsortium, until } from '../../consortium.fixture.ts';

const DOCTOR = 'hospital practitioner Practitioner/doctor';

describe('An anchored log of reads', function () {
  this.timeout(90_000);
  let consortium: FixtureConsortium;
  /** Three patients, so that each has neighbours or none. */
  let patients: string[];
  let never: string;

  before(async function () {
    this.timeout(150_000);
    consortium = await FixtureConsortium.start(['hospital', 'patients']);
    patients = [];
    for (let index = 0; index < 3; index += 1) patients.push(await created());
    never = await created();
  });
  after(() => consortium?.close());

  const send = (...request: Parameters<FixtureConsortium['send']>): Promise<Answer> => consortium.send(...request);
  async function created(): Promise<string> {
    const identifier = [{ system: 'urn:example:mrn', value: randomUUID() }];
    const { status, body } = await send('hospital', 'POST /fhir/R4/Patient', { resourceType: 'Patient', identifier });
    expect(status, JSON.stringify(body)).to.equal(201);
    return body.id;
  }
  async function anchored(as = 'hospital'): Promise<number> {
    const { status, body } = await send(`${as} operator`, 'POST /log-anchors', {});
    expect(status, JSON.stringify(body)).to.equal(200);
    return body.anchors.at(-1)?.n;
  }
  const read = async (patient: string) =>
    expect((await send(DOCTOR, `GET /fhir/R4/Patient/${patient}`)).status).to.equal(200);
  /** What the custodian shows of a log, once it has it so far. */
  async function proofs(patient: string, to: number, query = ''): Promise<ReadsProof[]> {
    const path = `GET /log-anchors/hospital/proofs?to=${to}${query}`;
    const as = `patients patient Patient/${patient}`;
    await until(async () => {
      const { body } = await send(as, path);
      return body.proofs?.at(-1)?.n === to;
    });
    return (await send(as, path)).body.proofs;
  }

  it('proves to her all reads of hers, and that there are no others', async () => {
    for (const patient of [...patients, patients[0]!]) await read(patient);
    const first = await anchored();
    await read(patients[1]!);
    const last = await anchored();
    expect(last).to.equal(first + 1);
    expect((await send('hospital operator', 'POST /log-anchors', {})).body.anchors).to.deep.equal([]);
    const expected = [2, 2, 1, 0];
    for (const [index, patient] of [...patients, never].entries()) {
      const checked = await checkReads(await proofs(patient, last));
      expect([checked.from, checked.to, checked.restarted]).to.deep.equal([1, last, []]);
      const reads = checked.reads.map(([, , outcome, interaction, , role]) => [outcome, interaction, role].join(' '));
      expect(reads, `${index}`).to.deep.equal(Array(expected[index]).fill('shown read practitioner'));
      expect(checked.reads.every((row) => row[7] === patient)).to.equal(true);
    }
  });

  it('has no proof from which anything can be left out, or into which anything can be put', async () => {
    for (const patient of [...patients, never]) {
      const whole = await proofs(patient, await anchoredSoFar());
      for (const changed of mutations(whole)) {
        const outcome = await checkReads(changed.proofs).then(
          () => 'held',
          () => 'refused',
        );
        expect(outcome, changed.how).to.equal('refused');
      }
    }
  });
  const anchoredSoFar = async (): Promise<number> =>
    (await send('patients', 'GET /log-anchors?organisation=hospital&count=1')).body.anchors[0].n;

  it('shows each organisation’s newest anchor to every member, and proofs to nobody else than her and its own', async () => {
    await send('patients', `GET /fhir/R4/Patient/${never}`);
    await anchored('patients');
    const { body } = await send('hospital', 'GET /log-anchors');
    expect(body.anchors.map(({ organisation }: { organisation: string }) => organisation)).to.have.members([
      ...['hospital', 'patients'],
    ]);
    const other = `patients patient Patient/${patients[1]}`;
    const path = `GET /log-anchors/hospital/proofs?patient=${patients[0]}`;
    expect((await send(other, path)).status).to.equal(404);
    expect((await send('hospital', path)).status).to.equal(200);
    expect((await send(DOCTOR, path)).status).to.equal(403);
    expect((await send('hospital', 'GET /log-anchors/elsewhere/proofs?patient=x')).status).to.equal(404);
    // The custodian's own reads are proved by the custodian alone.
    const own = await send(other, `GET /log-anchors/patients/proofs`);
    expect((await checkReads(own.body.proofs)).reads).to.have.length.greaterThan(0);
  });

  it('names what was changed, removed or put in, also where the whole chain was written anew', async () => {
    await anchored();
    const { dataDir } = await consortium.place('hospital');
    const changes: [string, RegExp, (rows: Row[]) => Row[]][] = [
      [
        'a reader',
        /^changed reads 2$/,
        (rows) => rows.map((row) => (row.sequence === 2 ? { ...row, subject: 'x' } : row)),
      ],
      ['a removed row', /^changed reads 3$/, (rows) => numbered(rows.toSpliced(2, 1))],
      ['a row put in', /^changed reads 2$/, (rows) => numbered(rows.toSpliced(1, 0, rows[0]!))],
      ['a cut log', /^absent reads 4 to \d+$/, (rows) => rows.slice(0, 3)],
      ['an empty log', /^absent reads 1 to \d+$/, () => []],
      [
        'a beginning said to be over',
        /^absent reads 1 to 3$/,
        (rows) => [{ ...rows[2]!, outcome: 'pruned' }, ...rows.slice(3)],
      ],
    ];
    const rows = rowsIn(dataDir);
    for (const [what, place, change] of changes) {
      await consortium.shut('hospital');
      replaceRows(dataDir, change(rows), what.startsWith('a beginning'));
      await consortium.open('hospital');
      const { body } = await send('hospital operator', 'POST /verify');
      const found = body.differences.map((one: { kind: string; place: string }) => `${one.kind} ${one.place}`);
      expect(
        found.some((one: string) => place.test(one)),
        `${what}: ${found}`,
      ).to.equal(true);
      const refused = await send('hospital operator', 'POST /log-anchors', {});
      if (what === 'a cut log') expect(refused.status, what).to.equal(409);
    }
    await consortium.shut('hospital');
    replaceRows(dataDir, rows, true);
    await consortium.open('hospital');
    expect((await send('hospital operator', 'POST /verify')).body.differences).to.deep.equal([]);
  });

  it('can be begun anew where it was lost, and that stands on the ledger', async () => {
    const { dataDir } = await consortium.place('hospital');
    await consortium.shut('hospital');
    replaceRows(dataDir, [], true);
    await consortium.open('hospital');
    await read(patients[0]!);
    expect((await send('hospital operator', 'POST /log-anchors', {})).status).to.equal(409);
    const { status, body } = await send('hospital operator', 'POST /log-anchors', { restart: true });
    expect(status, JSON.stringify(body)).to.equal(200);
    const { n } = body.anchors.at(-1);
    expect((await checkReads(await proofs(patients[0]!, n))).restarted).to.deep.equal([n]);
  });
});

type Row = ReturnType<typeof rowIn> & { hash: string };

const open = (dataDir: string): DatabaseSync => new DatabaseSync(join(dataDir, 'journal.sqlite'));

function rowsIn(dataDir: string): Row[] {
  const database = open(dataDir);
  const rows = database.prepare('select * from reads order by sequence').all() as unknown as Row[];
  database.close();
  return rows;
}

const numbered = (rows: Row[]): Row[] => rows.map((row, index) => ({ ...row, sequence: index + 1 }));

/** Puts other rows in their place, in a chain of their own unless their hashes are to stay. */
function replaceRows(dataDir: string, rows: Row[], keepsHashes: boolean): void {
  const database = open(dataDir);
  database.exec('delete from reads');
  let hash = '';
  for (const row of rows) {
    hash = keepsHashes ? row.hash : rowHash(hash, rowText(row));
    const whole: Row = { ...row, hash };
    const columns = Object.keys(whole) as (keyof Row)[];
    const insert = `insert into reads (${columns.join()}) values (${columns.map(() => '?').join()})`;
    database.prepare(insert).run(...columns.map((column) => whole[column]));
  }
  database.close();
}

/** Every way to say less, more or something else. */
function* mutations(proofs: readonly ReadsProof[]): Generator<{ how: string; proofs: ReadsProof[] }> {
  for (const [at, proof] of proofs.entries()) {
    const put = (how: string, change: Partial<ReadsProof>) => ({
      how: `${how} at ${at}`,
      proofs: proofs.with(at, { ...proof, ...change }),
    });
    const { own: _own, ...withoutOwn } = proof;
    if (proof.own !== undefined) {
      yield { how: `no leaf at ${at}`, proofs: proofs.with(at, withoutOwn) };
      yield put('fewer rows', { own: { ...proof.own, rows: proof.own.rows.slice(1) } });
      yield put('a row more', { own: { ...proof.own, rows: [...proof.own.rows, proof.own.rows[0]!] } });
      yield put('another place', { own: { ...proof.own, index: proof.own.index + 1 } });
    }
    if (proof.before !== undefined) yield put('no neighbour before', { before: undefined });
    if (proof.after !== undefined) yield put('no neighbour behind', { after: undefined });
    yield put('another size', { statement: { ...proof.statement, size: proof.statement.size + 1 } });
    yield put('another salt', { statement: { ...proof.statement, salt: '00'.repeat(32) } });
    yield put('another patient', { patient: `${proof.patient}x` });
    yield put('another mark', { mark: proof.mark.replace(/"root":"./, '"root":"_') });
    if (at > 0 && at < proofs.length - 1) yield { how: `without ${at}`, proofs: proofs.toSpliced(at, 1) };
  }
}
