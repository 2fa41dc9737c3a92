/** Requests for authorization while those who must endorse them are away, hang or order nothing, on the embedded network. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type Answer, FixtureConsortium, until } from '../../consortium.fixture.ts';
import { outcomeUnknown } from '../../http/failures.ts';
import { RequestJournal } from '../../idempotency/kept-requests.ts';
import { onEachDatabase } from '../../index/databases.fixture.ts';
import { FixtureIndex } from '../../index/index.fixture.ts';
import { LedgerFailure } from '../../ledger/ledger-failure.ts';
import { KeptRequests, PATIENCE_MS } from './kept.ts';

const BUDGET_MS = 4_000;
const LIMITS = { inFlightWrites: 100, clientWrites: 100, budgetMs: BUDGET_MS, feedWaitMs: 2_000, hedgeMs: 500 };
const READY_MS = 30_000;
const SYSTEM = 'urn:example:mrn';
const DAY = '2026-11-02';
const CLOCK = 'https://telemed-ledger.example/fhir/StructureDefinition/authorization-clock';
const action = { coding: [{ system: 'https://codesystem.x12.org/005010/1365', code: '3' }] };

const ANY = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code: 'not-applicable' }],
};

// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
type Found = Record<string, any>;

describe('A request for authorization', function () {
  this.timeout(120_000);
  let consortium: FixtureConsortium;
  let identifier: object;

  before(async function () {
    this.timeout(120_000);
    consortium = await FixtureConsortium.start([]);
    for (const name of ['hospital', 'payer']) await open(name);
    identifier = { system: SYSTEM, value: randomUUID() };
    await send('hospital', 'POST /fhir/R4/Patient', {
      resourceType: 'Patient',
      identifier: [identifier],
    });
    const coverage = {
      ...{ resourceType: 'Coverage', status: 'active', beneficiary: { identifier }, payor: [{ display: 'payer' }] },
      extension: [
        { url: 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider', valueString: 'hospital' },
      ],
    };
    expect((await send('payer adjudicator', 'POST /fhir/R4/Coverage', coverage)).status).to.equal(201);
    await until(async () => (await send('hospital', 'GET /fhir/R4/Coverage')).body.total !== 0, READY_MS);
  });
  after(() => consortium?.close());

  const open = (name: string) => consortium.open(name, { limits: LIMITS, dutyIntervalMs: 200 });
  const send = (...request: Parameters<FixtureConsortium['send']>): Promise<Answer> => consortium.send(...request);

  const asked = (more: object = {}) => ({
    ...{ resourceType: 'Claim', status: 'active', use: 'preauthorization', created: DAY },
    type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
    identifier: [{ system: 'urn:example:requests', value: randomUUID() }],
    ...{ patient: { identifier }, priority: { coding: [{ code: 'normal' }] }, provider: { display: 'Dr. Smith' } },
    insurance: [{ sequence: 1, focal: true, coverage: { display: 'hers' } }],
    item: [1, 2].map((sequence) => ({ sequence, productOrService: action })),
    ...more,
  });
  const submit = (at: string, claim: object, headers: Record<string, string> = {}) =>
    send(at, 'POST /fhir/R4/Claim/$submit', claim, headers);
  const actionsOf = ({ item }: Found): string[] =>
    item.map((one: Found) => one['adjudication'][0].extension[0].extension[0].valueCodeableConcept.coding[0].code);
  const clockOf = ({ extension }: Found): Found =>
    Object.fromEntries(
      extension
        .find(({ url }: Found) => url === CLOCK)
        .extension.map(({ url, ...value }: Found) => [url, Object.values(value)[0]]),
    );
  /** The newest answers to whatever was asked of the patient, at a gateway. */
  async function inquired(at: string): Promise<Found[]> {
    const { body, status } = await send(
      at,
      'POST /fhir/R4/Claim/$inquire',
      asked({ item: [{ sequence: 1, productOrService: ANY }] }),
    );
    expect(status, JSON.stringify(body)).to.equal(200);
    return (body.parameter ?? []).map(({ resource }: Found) => resource.entry[0].resource);
  }
  const readAt = (at: string, id: string) => send(at, `GET /fhir/R4/ClaimResponse/${id}`);

  type Fault = 'drop' | 'pause' | 'stopOrderer';
  const whileIs = async (fault: Fault, organisation: string, run: () => Promise<void>): Promise<void> => {
    const { network } = consortium;
    const set = (is: boolean) => (fault === 'stopOrderer' ? network.stopOrderer(is) : network[fault](organisation, is));
    set(true);
    try {
      await run();
    } finally {
      set(false);
    }
  };

  const EXPECTED = { resourceType: 'ClaimResponse', outcome: 'queued', status: 'active', use: 'preauthorization' };
  const IS: Record<Fault, string> = { drop: 'is away', pause: 'hangs', stopOrderer: 'is there and nothing is ordered' };
  for (const [at, organisation, fault] of [
    ['hospital', 'payer', 'drop'],
    ['hospital', 'payer', 'pause'],
    ['hospital', 'payer', 'stopOrderer'],
    ['hospital', 'hospital', 'drop'],
    ['hospital', 'hospital', 'pause'],
    ['payer adjudicator', 'patients', 'drop'],
    ['payer adjudicator', 'patients', 'pause'],
    ['payer adjudicator', 'payer', 'drop'],
    ['payer adjudicator', 'payer', 'pause'],
    ['payer adjudicator', 'payer', 'stopOrderer'],
  ] as const)
    it(`at the ${at.split(' ')[0]}’s gateway is pended and kept while the peer of ${organisation} ${IS[fault]}, and on the ledger once when that is over`, async () => {
      const claim = asked();
      const key = { 'idempotency-key': randomUUID() };
      let kept!: Found;
      await whileIs(fault, organisation, async () => {
        const answer = await submit(at, claim, key);
        kept = answer.body;
        expect(answer.status, JSON.stringify(kept)).to.equal(202);
        expect(kept).to.include(EXPECTED);
        expect(actionsOf(kept)).to.deep.equal(['A4', 'A4']);
        expect(kept['disposition']).to.include('Claim/$inquire').and.include('subscribe');
        const again = await submit(at, claim, key);
        expect([again.status, again.body.id, again.body.request]).to.deep.equal([202, kept['id'], kept['request']]);
        expect((await submit(at, asked(), key)).status).to.equal(422);
        expect((await inquired(at)).map(({ id }) => id)).to.include(kept['id']);
        // What amends it can be taken once it is there: nothing is lost without a word.
        const amending = await submit(at, asked({ related: [{ claim: kept['request'] }] }));
        expect(amending.status, JSON.stringify(amending.body)).to.equal(503);
      });
      await until(async () => (await readAt(at, kept['id'])).status === 200, READY_MS);
      const { body: pended } = await readAt(at, kept['id']);
      expect(pended).to.deep.include({ ...EXPECTED, request: kept['request'], identifier: claim.identifier });
      expect(actionsOf(pended)).to.deep.equal(['A4', 'A4']);
      const again = await submit(at, claim, key);
      expect([again.status, again.body.id]).to.deep.equal([200, kept['id']]);
      const all = (await inquired(at)).filter((one) => JSON.stringify(one).includes(claim.identifier[0]!.value));
      expect(all.map(({ id }) => id)).to.deep.equal([kept['id']]);
      const clock = clockOf(pended);
      expect(Date.parse(clock['due']) - Date.parse(clock['received'])).to.equal(168 * 3_600_000);
    });

  it('that amends another is kept too, and goes on from what there is', async () => {
    const { body: first } = await submit('hospital', asked());
    let answer!: Answer;
    await whileIs('drop', 'payer', async () => {
      answer = await submit('hospital', asked({ related: [{ claim: first.request }], status: 'cancelled' }));
      expect([answer.status, answer.body.id]).to.deep.equal([202, first.id]);
    });
    await until(async () => (await readAt('hospital', first.id)).body.status === 'cancelled', READY_MS);
  });

  it('that is refused when it is sent, behind another one, says so to whoever inquires', async () => {
    const { body: first } = await submit('hospital', asked());
    const value = randomUUID();
    await whileIs('drop', 'payer', async () => {
      const related = [{ claim: first.request }];
      expect((await submit('hospital', asked({ related, status: 'cancelled' }))).status).to.equal(202);
      const late = asked({ related, identifier: [{ system: 'urn:example:requests', value }] });
      expect((await submit('hospital', late)).status).to.equal(202);
    });
    const found = async () => (await inquired('hospital')).find((one) => JSON.stringify(one).includes(value));
    await until(async () => (await found())?.['outcome'] === 'error', READY_MS);
    expect((await found())!['error'][0].code.text).to.include('cancelled');
    expect((await readAt('hospital', first.id)).body.status).to.equal('cancelled');
  });

  it('that cannot be taken is refused at once, though nobody else can be asked', () =>
    whileIs('drop', 'payer', async () => {
      const { status, body } = await submit('hospital', asked({ status: 'cancelled' }));
      expect([status, body.issue[0].expression]).to.deep.equal([422, ['Claim.status']]);
    }));

  it('outlives the gateway that keeps it, and is not asked twice', async () => {
    let kept!: Found;
    await whileIs('drop', 'payer', async () => {
      ({ body: kept } = await submit('hospital', asked()));
      await consortium.shut('hospital');
    });
    await open('hospital');
    await until(async () => (await readAt('hospital', kept['id'])).status === 200, READY_MS);
    const history = await send('hospital', `GET /fhir/R4/ClaimResponse/${kept['id']}/_history`);
    expect(history.body.total).to.equal(1);
  });
});

onEachDatabase('Whoever asks for authorization', (kind) => {
  const never = new Promise<never>(() => {});
  let fixture: FixtureIndex;
  let requests: RequestJournal;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('payer', kind);
    requests = new RequestJournal(fixture.stores.journal, fixture.stores.journalLazily);
  });
  afterEach(() => fixture.close());

  /** A clock that stands still until it is told to go on. */
  function givenClock() {
    const waits: { milliseconds: number; pass: () => void }[] = [];
    const wait = <T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> =>
      Promise.race([
        promise,
        new Promise<undefined>((resolve) => waits.push({ milliseconds, pass: () => resolve(undefined) })),
      ]);
    return { waits, wait };
  }
  const custodian = { name: 'patients', mspId: 'PatientsMSP', kind: 'custodian' as const };
  const consortium = { channel: 'c', chaincode: 'c', organisations: [custodian] };
  const made = (wait: ReturnType<typeof givenClock>['wait'], hasFailed = false) =>
    new KeptRequests({
      ...{ requests, wait, consortium, log: { warn: () => undefined } as never },
      ledger: { failedLately: () => hasFailed, hedgeMs: 2_000 },
      ...{ ask: () => never, endorserOf: async () => 'patients', saltsOf: async () => [] },
    });
  const request = (id = randomUUID()) =>
    ({
      ...{ claim: { resourceType: 'Claim', id }, responseId: randomUUID(), patient: {}, salt: 's' },
      ...{ isAmendment: false, cameAt: new Date().toISOString() },
    }) as never;
  const by = { caller: { subject: 'me' }, idempotency: { key: 'k', requestHash: 'h' } } as never;
  const outcome = { transactionId: 't', code: 0 } as never;
  const statuses = async () =>
    (await fixture.stores.journal.selectFrom('kept_requests').selectAll().execute()).map(({ status }) => status);

  it('waits less than the 15 s of the guide, and is answered then whatever the ledger does', async () => {
    for (const hasFailed of [false, true]) {
      const { waits, wait } = givenClock();
      const kept = made(wait, hasFailed);
      let isSent = false;
      const held = kept.hold(request(), by, async (keep) => {
        await keep();
        isSent = true;
        return never;
      });
      await until(() => isSent);
      expect(waits.map(({ milliseconds }) => milliseconds)).to.deep.equal([hasFailed ? 2_000 : PATIENCE_MS]);
      waits[0]!.pass();
      expect(await held).to.equal(undefined);
      // The rest is for reading what came and writing the answer.
      expect(PATIENCE_MS).to.be.at.most(15_000 - 3_000);
    }
    expect(await statuses()).to.deep.equal(['pending', 'pending']);
  });

  it('is told that nothing was taken where it could not be kept in time', async () => {
    const { waits, wait } = givenClock();
    const kept = made(wait);
    let keepLate!: () => Promise<void>;
    const held = kept.hold(request(), by, async (keep) => {
      keepLate = keep;
      return never;
    });
    await until(() => waits.length > 0);
    waits[0]!.pass();
    const failure = await held.catch((error: unknown) => error);
    expect(failure).to.include({ status: 503 });
    expect(keepLate).to.throw();
    expect(await statuses()).to.deep.equal([]);
  });

  for (const [what, error, left] of [
    ['nobody endorses it', new LedgerFailure('away', 'x', ['PatientsMSP']), ['pending']],
    ['its outcome is not known', outcomeUnknown('t'), ['pending']],
    ['it is refused', new Error('no'), []],
  ] as const)
    it(`has it kept or not where ${what}`, async () => {
      const held = made(givenClock().wait).hold(request(), by, async (keep) => {
        await keep();
        throw error;
      });
      const end = await held.catch((failure: unknown) => failure);
      expect(end).to.equal(left.length === 0 ? error : undefined);
      expect(await statuses()).to.deep.equal(left);
    });

  it('has nothing kept of what the ledger took', async () => {
    const done = await made(givenClock().wait).hold(request(), by, async (keep) => {
      await keep();
      return { outcome };
    });
    expect(done).to.deep.equal({ outcome });
    expect(await statuses()).to.deep.equal([]);
  });

  it('has what the ledger took late noted as done, and what it asked forgotten', async () => {
    const { waits, wait } = givenClock();
    let commit!: (value: { outcome: never }) => void;
    let isSent = false;
    const held = made(wait).hold(request(), by, async (keep) => {
      await keep();
      isSent = true;
      return new Promise<{ outcome: never }>((resolve) => {
        commit = resolve;
      });
    });
    await until(() => isSent);
    waits[0]!.pass();
    await held;
    commit({ outcome });
    await until(async () => (await statuses())[0] === 'done');
    const [row] = await fixture.stores.journal.selectFrom('kept_requests').selectAll().execute();
    expect(row).to.include({ draft: null, caller: 'me', key: 'k' });
  });
});
