/** Batches: entries that stand for themselves, written together where that works and alone where it does not. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { bundleOf, type Json, MRN, observation, PATIENT_ID, patient, post, put } from './fixtures/resources.ts';
import { bodyOf, issuesOf, type Server, serverOf } from './fixtures/server.ts';

describe('batch', () => {
  let server: Server;
  beforeEach(() => {
    server = serverOf();
    server.repository.seed(patient());
  });
  const send = (entries: Json[], key?: string) => {
    const test = server.post('/', bundleOf('batch', entries));
    return key === undefined ? test : test.set('Idempotency-Key', key);
  };
  const told = (body: Json): string[] =>
    body['entry'].map(({ response }: Json) => {
      const issue = response.outcome?.issue[0];
      return issue === undefined
        ? response.status
        : `${response.status}: ${issue.code} ${issue.expression?.[0] ?? ''}`.trim();
    });

  it('answers each entry for itself, in its place', async () => {
    const entries = [
      post(observation()),
      { request: { method: 'TRACE', url: 'Patient/1' } },
      post({ ...observation(), status: 'bogus' }),
      { request: { method: 'GET', url: `Patient/${PATIENT_ID}` } },
      post({ ...observation(), subject: { reference: 'Patient/none' } }),
      put(patient(), { ifMatch: 'W/"1"' }),
      put({ ...patient(), id: 'none' }),
      { request: { method: 'GET', url: 'Spaceship/1' } },
    ];
    const body = bodyOf(await send(entries).expect(200));
    expect(body['type']).to.equal('batch-response');
    expect(told(body)).to.deep.equal([
      '201 Created',
      '400 Bad Request: code-invalid Bundle.entry[1].request.method',
      '422 Unprocessable Entity: code-invalid Bundle.entry[2].resource.status',
      '200 OK',
      '422 Unprocessable Entity: not-found Bundle.entry[4].resource.subject.reference',
      '200 OK',
      '405 Method Not Allowed: not-found Bundle.entry[6].request.url',
      '404 Not Found: not-supported Bundle.entry[7].request.url',
    ]);
    expect(server.repository.transactions.map((writes) => writes.length)).to.deep.equal([2]);
    expect(server.repository.lookups).to.equal(1);
  });

  it('writes entry by entry what the ledger refuses together', async () => {
    const isBad = (resource: object): boolean => JSON.stringify(resource).includes('refused name');
    server.repository.refuse = (writes) => {
      if (writes.some(({ resource }) => isBad(resource))) throw new LedgerError('FORBIDDEN', 'not this one');
    };
    const bad = { ...patient(), name: [{ text: 'refused name' }] };
    const response = await send([post(observation()), post(bad), post(observation())]).expect(200);
    expect(told(bodyOf(response))).to.deep.equal(['201 Created', '403 Forbidden: forbidden', '201 Created']);
    expect(server.repository.transactions.map((writes) => writes.length)).to.deep.equal([1, 1]);
    expect(response.get('X-Transaction-Id')!.split(', ')).to.have.length(2);
  });

  it('does not try again what may have been written', async () => {
    let attempts = 0;
    server.repository.refuse = () => {
      attempts += 1;
      throw new Error('the outcome is not known');
    };
    const body = bodyOf(await send([post(observation()), post(observation())]).expect(200));
    expect(told(body)).to.deep.equal(['500 Internal Server Error: exception', '500 Internal Server Error: exception']);
    expect([attempts, server.reports.length]).to.deep.equal([1, 1]);
  });

  it('does not let one entry refer to another', async () => {
    const URN = 'urn:uuid:11111111-1111-4111-8111-111111111111';
    const entries = [post(patient(), { fullUrl: URN }), post({ ...observation(), subject: { reference: URN } })];
    expect(told(bodyOf(await send(entries).expect(200)))).to.deep.equal([
      '201 Created',
      '422 Unprocessable Entity: not-found Bundle.entry[1].resource.subject.reference',
    ]);
  });

  it('creates once where entries have the same condition, and twice updates what is named twice', async () => {
    const ifNoneExist = `identifier=${MRN}|M-2`;
    const fresh = post({ ...patient(), identifier: [{ system: MRN, value: 'M-2' }] }, { request: { ifNoneExist } });
    const body = bodyOf(await send([fresh, fresh, put(patient()), put(patient()), fresh]).expect(200));
    expect(told(body)).to.deep.equal(['201 Created', '200 OK', '200 OK', '200 OK', '200 OK']);
    const places = body['entry'].map(({ response }: Json) => response.location);
    expect([places[1], places[4]]).to.deep.equal([places[0], places[0]]);
    expect(places[3]).to.equal(`Patient/${PATIENT_ID}/_history/3`);
  });

  it('lets the next entry create where the first with a condition fails', async () => {
    const request = { ifNoneExist: `identifier=${MRN}|M-2` };
    const sound = { ...patient(), identifier: [{ system: MRN, value: 'M-2' }] };
    const body = bodyOf(
      await send([post({ ...sound, gender: 'x' }, { request }), post(sound, { request })]).expect(200),
    );
    expect(told(body)[1]).to.equal('201 Created');
  });

  it('repeats nothing under the same Idempotency-Key, and does what failed before', async () => {
    const entries = [post(observation()), post(observation()), post({ ...patient(), name: [{ text: 'later' }] })];
    let isDown = true;
    server.repository.refuse = (writes) => {
      const isLater = writes.some(({ resource }) => JSON.stringify(resource).includes('later'));
      if (isDown && isLater) throw new LedgerError('FORBIDDEN', 'not yet');
    };
    const first = bodyOf(await send(entries, 'k-1').expect(200));
    expect(told(first)).to.deep.equal(['201 Created', '201 Created', '403 Forbidden: forbidden']);
    isDown = false;
    const second = bodyOf(await send(entries, 'k-1').expect(200));
    expect(told(second)).to.deep.equal(['201 Created', '201 Created', '201 Created']);
    expect(second['entry'].slice(0, 2)).to.deep.equal(first['entry'].slice(0, 2));
    const third = bodyOf(await send(entries, 'k-1').expect(200));
    expect(third).to.deep.equal(second);
    expect(server.repository.transactions).to.have.length(3);
  });

  describe('of many reads', () => {
    const get = (url: string): Json => ({ request: { method: 'GET', url } });
    const many = (count: number, url: string): Json[] => Array.from({ length: count }, () => get(url));

    it('is refused before anything is done where they cost too much together', async () => {
      const cases: [number, string][] = [
        [2_000, 'Patient?identifier=x'],
        [101, 'Patient'],
        [10, 'Patient?_count=1000'],
        [10, 'Patient?_count=99999999'],
        [101, `Patient/${PATIENT_ID}/_history`],
        [1_001, `Patient/${PATIENT_ID}`],
      ];
      for (const [count, url] of cases) {
        const response = await send([post(observation()), ...many(count, url)]).expect(413);
        expect(issuesOf(response), url).to.deep.equal(['too-costly Bundle.entry']);
      }
      expect(server.repository.transactions).to.deep.equal([]);
      for (const [count, url] of [
        [100, 'Patient?_count=50'],
        [1_000, `Patient/${PATIENT_ID}`],
      ] as const) {
        await send(many(count, url)).expect(200);
      }
    });

    it('lets others be served between one and the next', async () => {
      const search = server.repository.search.bind(server.repository);
      let begun = (): void => {};
      const isBegun = new Promise<void>((resolve) => {
        begun = resolve;
      });
      server.repository.search = async (...asked) => {
        begun();
        const until = performance.now() + 5;
        while (performance.now() < until);
        return search(...asked);
      };
      const order: string[] = [];
      const batch = send(many(100, 'Patient')).then(() => order.push('batch'));
      await isBegun;
      const one = server.get(`/Patient/${PATIENT_ID}`).then(() => order.push('one'));
      await Promise.all([batch, one]);
      expect(order).to.deep.equal(['one', 'batch']);
    });
  });

  it('writes entries that go alone side by side', async () => {
    server.repository.refuse = (drafts) => {
      if (drafts.length > 1) throw new LedgerError('FORBIDDEN', 'not together');
    };
    let [atOnce, most] = [0, 0];
    const submit = server.repository.submit.bind(server.repository);
    server.repository.submit = async (...asked) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      try {
        return await submit(...asked);
      } finally {
        atOnce -= 1;
      }
    };
    const body = bodyOf(await send(Array.from({ length: 40 }, () => post(observation()))).expect(200));
    expect(told(body)).to.deep.equal(Array(40).fill('201 Created'));
    expect(most).to.be.within(2, 16);
  });
});
