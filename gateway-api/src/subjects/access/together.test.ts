/** Requests and decisions that come at the same time share transactions, and nobody notices but the peers. */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { Access } from '../../../../chaincode/src/contracts/access.ts';
import { until } from '../../consortium.fixture.ts';
import { GatewayProcess } from '../../gateway-process.fixture.ts';
import { SYSTEM } from '../../ledger/sender.ts';
import { AccessScene, type ExamplePatient } from './access-scene.fixture.ts';
import { accessGroups, type Decision, sendDecision, sendRequest } from './together.ts';

const MANY = 24;
const FEW = 6;
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const distinct = (all: readonly unknown[]): number => new Set(all).size;

describe('Accesses in groups', () => {
  interface Sent {
    name: string;
    input: object;
    hidden: { requests?: object[]; decisions?: object[]; [member: string]: unknown };
  }
  /** A ledger that takes everything, each after a turn. */
  const grouped = () => {
    const sent: Sent[] = [];
    const sizes: [string, number][] = [];
    const ledger = {
      submit: async (name: string, input: object, hidden: Sent['hidden']) => {
        sent.push({ name, input, hidden });
        await new Promise((resolve) => setImmediate(resolve));
        return { transactionId: String(sent.length), code: 0, block: 1, endorsers: [], time: '', result: { time: '' } };
      },
    } as never;
    const observed = { onGroup: (what: string, size: number) => void sizes.push([what, size]), onApart: () => {} };
    return { groups: accessGroups(ledger, { writes: 1_000, budgetMs: 10_000 }, observed), ledger, sent, sizes };
  };
  const evidence = (length = 10) => ({ text: 'x'.repeat(length), tree: '' }) as never;
  const decision = (holder: string, shown: Partial<Decision['shown']> = {}): Decision => ({
    ...{ id: randomUUID(), holder },
    shown: { requestor: 'clinic', records: [evidence()], consents: [], request: '', state: '', ...shown } as never,
  });

  it('go at once where none is under way, as the transaction for one; what comes meanwhile is the next group', async () => {
    const { groups, ledger, sent, sizes } = grouped();
    const requests = times(40, () => ({ id: randomUUID() }) as never);
    await Promise.all(requests.map((request) => sendRequest(groups, request, { as: SYSTEM, client: 'x' })));
    expect(sent.map(({ name }) => name)).to.deep.equal(['RequestAccess', ...times(3, () => 'RequestAccesses')]);
    expect(sent.map(({ hidden }) => hidden.requests?.length ?? 1)).to.deep.equal([1, 8, 16, 15]);
    expect(sizes).to.deep.equal([1, 8, 16, 15].map((size) => ['request', size]));
    const decisions = times(4, () => decision('hospital'));
    await Promise.all(decisions.map((one) => sendDecision({ ledger, accessGroups: groups }, one)));
    const [first, second] = sent.slice(4);
    expect(first).to.deep.include({ name: 'DecideAccess', input: { id: decisions[0]!.id, holder: 'hospital' } });
    expect(second).to.deep.include({ name: 'DecideAccesses', input: { holder: 'hospital' } });
    expect(second!.hidden.decisions).to.deep.equal(decisions.slice(1).map(({ id, shown }) => ({ id, ...shown })));
  });

  it('are of one identity, and of one holder', async () => {
    const { groups, ledger, sent } = grouped();
    const signers = [SYSTEM, { role: 'practitioner', fhirUser: 'Practitioner/1' }] as const;
    const asked = signers.flatMap((as) => times(5, () => sendRequest(groups, { id: randomUUID() } as never, { as })));
    await Promise.all(asked);
    expect(sent.map(({ hidden }) => hidden.requests?.length ?? 1)).to.deep.equal([1, 1, 4, 4]);
    sent.length = 0;
    const holders = times(12, (index) => decision(index % 2 === 0 ? 'hospital' : 'clinic'));
    await Promise.all(holders.map((one) => sendDecision({ ledger, accessGroups: groups }, one)));
    expect(sent.map(({ hidden }) => hidden.decisions?.length ?? 1)).to.deep.equal([1, 1, 5, 5]);
  });

  it('hold no more than has room with its decoys; what is large goes by itself and waits for none', async () => {
    const { groups, ledger, sent } = grouped();
    const send = (one: Decision) => sendDecision({ ledger, accessGroups: groups }, one);
    const sixteen = () => decision('hospital', { records: times(15, () => evidence()) });
    await Promise.all(times(12, () => send(sixteen())));
    expect(sent.map(({ hidden }) => hidden.decisions?.length ?? 1)).to.deep.equal([1, 8, 3]);
    sent.length = 0;
    const large = [{ records: times(16, () => evidence()) }, { records: [evidence(129 * 1024)] }];
    await Promise.all(times(12, (index) => send(decision('hospital', large[index % 2]))));
    expect(sent.map(({ name }) => name)).to.deep.equal(times(12, () => 'DecideAccess'));
  });
});

describe('Accesses at the same time', function () {
  this.timeout(120_000);
  let scene: AccessScene;
  let patients: ExamplePatient[];
  let strangers: ExamplePatient;

  before(async () => {
    scene = await AccessScene.unhurried('hospital', 'clinic', 'patients');
    patients = await Promise.all(times(6, () => scene.patient()));
    strangers = await scene.patient();
    for (const patient of [...patients, strangers]) await scene.observation(patient);
    await Promise.all(patients.map((patient) => scene.consented(patient)));
  });
  after(() => scene?.close());

  const of = (index: number): ExamplePatient => patients[index % patients.length]!;
  /** Asked once for each: the peers are busy enough. */
  async function settled(id: string) {
    for (let asked = 0; asked < 3; asked += 1) {
      const { body } = await scene.send('clinic', `GET /access-requests/${id}`, undefined, { prefer: 'wait=30' });
      if (body.status !== 'requested') return body;
    }
    throw new Error('it is not decided');
  }

  it('share transactions; each has its own decision, its own delivery and its own place in every log', async () => {
    const answers = await Promise.all(
      times(MANY, (index) => scene.send('clinic', 'POST /access-requests', scene.request(of(index).value))),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(times(MANY, () => 201));
    const asked = answers.map(({ body }) => body);
    expect(distinct(asked.map(({ transactionId }) => transactionId))).to.be.below(MANY / 2);
    for (const { requestedAt } of asked) expect(Date.parse(requestedAt)).to.be.greaterThan(0);
    const states = await Promise.all(asked.map(({ id }) => settled(id)));
    expect(states.map(({ status }) => status)).to.deep.equal(times(MANY, () => 'granted'));
    const decisions = states.map(({ transactionId }) => transactionId);
    expect(distinct(decisions)).to.be.below(MANY);
    for (const [index, { id }] of asked.entries()) {
      const { id: patient } = of(index);
      for (const organisation of ['patients', 'hospital', 'clinic']) {
        const state = await scene.becomes(organisation, id, ({ whole }) => whole?.status === 'complete');
        expect(state).to.include({ id, status: 'granted', transactionId: decisions[index], delivered: 1 });
        expect(state.endorsers).to.have.members(['PatientsMSP', 'HospitalMSP']);
        const { body: event } = await scene.send(organisation, `GET /fhir/R4/AuditEvent/${id}`);
        expect(event.id).to.equal(id);
        const about = event.entity.find(({ type }: { type?: { code: string } }) => type?.code === '1');
        expect(about.what.reference).to.equal(`Patient/${patient}`);
        const { body: receipt } = await scene.send(organisation, `GET /receipts/${decisions[index]}`);
        expect(receipt).to.include({ validationCode: 0, creator: 'PatientsMSP' });
      }
      const own = await scene.send(`patients patient Patient/${patient}`, `GET /access-requests/${id}`);
      expect(own.status).to.equal(200);
      const others = `patients patient Patient/${of(index + 1).id}`;
      expect((await scene.send(others, `GET /access-requests/${id}`)).status).to.equal(404);
    }
    const { body } = await scene.send('patients operator', 'GET /metrics');
    expect(body).to.match(/gateway_access_group_size_bucket\{[^}]*transaction="decision"/);
  });

  it('wake everybody who waits for one of them', async () => {
    const ids = await Promise.all(times(MANY, (index) => scene.ask(of(index))));
    const waited = await Promise.all(
      ids.map(async (id) => {
        const { body } = await scene.send('clinic', `GET /access-requests/${id}`, undefined, { prefer: 'wait=30' });
        return { ...body, answeredMs: Date.now() - Date.parse(body.decidedAt) };
      }),
    );
    expect(waited.map(({ status }) => status)).to.deep.equal(times(MANY, () => 'granted'));
    for (const { answeredMs } of waited) expect(answeredMs).to.be.below(15_000);
  });

  it('of which nothing permits one: it is refused as it would be alone, and the others are granted', async () => {
    const ids = await Promise.all(times(MANY, (index) => scene.ask(index === 7 ? strangers : of(index))));
    const states = await Promise.all(ids.map(settled));
    for (const [index, state] of states.entries()) expect(state.status).to.equal(index === 7 ? 'refused' : 'granted');
    expect(states[7]).to.include({ reason: 'not-permitted' });
    const refusal = Date.parse(states[7]!.decidedAt) - Date.parse(states[7]!.requestedAt);
    expect(refusal).to.be.greaterThan(500);
  });

  it('of which the ledger refuses some: they are told apart, and no other waits for them', async () => {
    let refused: string[] = [];
    /** What the hospital's peer does not endorse, alone or with others. */
    const unwilling =
      (real: (...call: never[]) => Promise<string>) =>
      (...call: unknown[]): Promise<string> => {
        const [context, argument] = call as [{ stub: { getTransient(): Map<string, Uint8Array> } }, string];
        const hidden = JSON.parse(Buffer.from(context.stub.getTransient().get('private')!).toString());
        const all: { id: string }[] = hidden.decisions ?? [JSON.parse(argument)];
        const place = all.findIndex(({ id }) => refused.includes(id));
        if (place < 0) return real(...(call as never[]));
        const expression = hidden.decisions === undefined ? 'id' : `private.decisions[${place}].id`;
        throw new LedgerError('CONFLICT', 'nothing is permitted now', expression);
      };
    await scene.whileRuns('hospital', Access, ['DecideAccess', 'DecideAccesses'], unwilling, async () => {
      const asking = times(MANY, (index) => scene.ask(of(index)));
      refused = [await asking[3]!, await asking[11]!];
      const ids = await Promise.all(asking);
      for (const id of ids.filter((one) => !refused.includes(one)))
        expect(await settled(id)).to.include({ status: 'granted' });
      for (const id of refused) expect((await scene.at('clinic', id)).status).to.be.oneOf(['requested', 'granted']);
    });
    for (const id of refused) expect(await settled(id)).to.include({ status: 'granted' });
  });

  it('are taken one by one by a member whose chaincode knows no others', async () => {
    const old = () => (): Promise<string> => {
      throw new LedgerError('INVALID', 'the contract access has no such transaction');
    };
    await scene.whileRuns('hospital', Access, ['DecideAccesses', 'RequestAccesses'], old, async () => {
      const ids = await Promise.all(times(FEW, (index) => scene.ask(of(index))));
      const states = await Promise.all(ids.map(settled));
      expect(states.map(({ status }) => status)).to.deep.equal(times(FEW, () => 'granted'));
      expect(distinct(states.map(({ transactionId }) => transactionId))).to.equal(FEW);
    });
  });

  it('are decided once each, whenever the custodian’s gateway is killed', async () => {
    await scene.consortium.shut('patients');
    const gateway = await GatewayProcess.prepare(scene.consortium, 'patients');
    try {
      const ids: string[] = [];
      for (let round = 0; round < 2; round += 1) {
        await gateway.listen();
        const asked = await Promise.all(times(MANY, (index) => scene.ask(of(index))));
        ids.push(...asked);
        // Some are decided, and others are not.
        await until(async () => (await scene.at('clinic', asked[0]!)).status === 'granted', 30_000);
        await gateway.kill();
      }
      await gateway.listen();
      const states = await Promise.all(ids.map(settled));
      expect(states.map(({ status }) => status)).to.deep.equal(ids.map(() => 'granted'));
    } finally {
      await gateway.remove();
    }
  });
});
