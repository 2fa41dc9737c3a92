/** How a gateway ends: what is under way is answered, what is new is refused, and what is cut off is said. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { pino } from 'pino';
import { FixtureConsortium, until } from './consortium.fixture.ts';

const patient = () => ({ resourceType: 'Patient', identifier: [{ system: 'urn:example:mrn', value: randomUUID() }] });

describe('A gateway that is stopped', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  const logged: { msg: string; requests?: number; transactions?: string[] }[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) });

  before(async () => {
    consortium = await FixtureConsortium.start([]);
  });
  after(async () => {
    consortium?.network.pause('patients', false);
    consortium?.network.stopOrderer(false);
    await consortium?.close();
  });
  beforeEach(() => {
    logged.length = 0;
  });

  /** A write that cannot go on, and the gateway, which is being closed meanwhile. */
  async function closingWhile(stuck: () => void, more: { drainMs: number }) {
    await consortium.open('hospital', more, log);
    stuck();
    const body = patient();
    const writing = consortium.send('hospital', 'POST /fhir/R4/Patient', body).catch((error: Error) => error);
    const inFlight = async () =>
      /gateway_writes_in_flight\{[^}]*\} 1/.test((await consortium.send('hospital operator', 'GET /metrics')).body);
    await until(inFlight);
    const closing = consortium.gateway('hospital').close();
    return { body, writing, closing };
  }

  it('answers a write that takes longer than five seconds, and refuses what is new meanwhile', async () => {
    const { body, writing, closing } = await closingWhile(() => consortium.network.pause('patients', true), {
      drainMs: 20_000,
    });
    const refused = await fetch(`${consortium.urls.get('hospital')}/fhir/R4/metadata`);
    expect(refused.status).to.equal(503);
    expect(refused.headers.get('connection')).to.equal('close');
    expect(Number(refused.headers.get('retry-after'))).to.be.greaterThan(0);
    expect((await refused.json()) as object).to.include({ resourceType: 'OperationOutcome' });
    expect((await fetch(`${consortium.urls.get('hospital')}/healthz`)).status).to.equal(200);
    expect((await consortium.gateway('hospital').readiness()).reasons).to.include('the gateway is stopping');
    // Longer than requests were given until now.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    consortium.network.pause('patients', false);
    expect(await writing).to.include({ status: 201 });
    expect(await closing).to.deep.equal({ requests: 0, transactions: [] });
    expect(logged.map(({ msg }) => msg)).to.include('stopped with nothing left');
    await consortium.shut('hospital');
    await consortium.open('hospital', {}, log);
    const found = await consortium.send('hospital', `GET /fhir/R4/Patient?identifier=${body.identifier[0]!.value}`);
    expect(found.body.total).to.equal(1);
    await consortium.shut('hospital');
  });

  it('ends in time where what is under way does not, and says how much of what it left', async () => {
    const started = performance.now();
    const { writing, closing } = await closingWhile(() => consortium.network.pause('patients', true), { drainMs: 500 });
    expect(await closing).to.deep.equal({ requests: 1, transactions: [] });
    expect(performance.now() - started).to.be.lessThan(10_000);
    expect(await writing).to.be.instanceOf(Error);
    expect(logged.find(({ msg }) => msg === 'stopped with requests or transactions left')).to.deep.include({
      requests: 1,
      transactions: [],
    });
    consortium.network.pause('patients', false);
    await consortium.shut('hospital');
  });

  it('names the transactions whose outcome it does not know', async () => {
    const { body, closing } = await closingWhile(() => consortium.network.stopOrderer(true), { drainMs: 3_000 });
    const { requests, transactions } = await closing;
    expect(requests).to.equal(1);
    expect(transactions).to.have.length(1);
    const line = logged.find(({ msg }) => msg === 'stopped with requests or transactions left');
    expect(line).to.deep.include({ transactions });
    expect(JSON.stringify(logged)).to.not.include(body.identifier[0]!.value);
    consortium.network.stopOrderer(false);
    await consortium.shut('hospital');
  });
});
