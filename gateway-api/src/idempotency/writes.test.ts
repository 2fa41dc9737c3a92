import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import type { Caller } from '../auth/caller.ts';
import { outcomeUnknown } from '../http/failures.ts';
import { onEachDatabase } from '../index/databases.fixture.ts';
import { FixtureIndex } from '../index/index.fixture.ts';
import { outcomeOf as outcomeOfRow } from '../index/read/outcome.ts';
import type { Sender } from '../ledger/client.ts';
import type { Outcome } from '../ledger/outcomes.ts';
import { Journal } from './journal.ts';
import { IdempotentWrites, type Sending } from './writes.ts';

const caller: Caller = { subject: 'client', role: 'system' };
const SIGNED = Uint8Array.of(1, 2, 3);

onEachDatabase('Writes under an Idempotency-Key', (kind) => {
  let fixture: FixtureIndex;
  let journal: Journal;
  let resolved: { signed: Uint8Array; as: Sender }[];
  let code: number;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
    journal = new Journal(fixture.stores.journal, fixture.stores.journalLazily);
    resolved = [];
    code = 0;
  });
  afterEach(() => fixture.close());

  const outcomeOf = (transactionId: string): Outcome => ({ transactionId, code, block: 7, endorsers: [], time: 'now' });
  /** A process: what it holds in memory ends with it, the journal stays. */
  const newProcess = () => {
    return new IdempotentWrites({
      journal,
      outcomeOf: async (id) => {
        const row = await fixture.index.transaction(id);
        return row && outcomeOfRow(row);
      },
      resolve: async (signed, as) => {
        resolved.push({ signed, as });
        if (code === 0) await fixture.block({ transactionId: 't1' });
        return outcomeOf('t1');
      },
    });
  };
  const request = (requestHash = 'a') => ({ key: 'k', requestHash });
  const work = (submit: (sending: Sending) => Promise<Outcome>) => () => ({ answer: { id: '1' }, submit });
  const submit = work(async ({ beforeSubmit }) => {
    await beforeSubmit?.('t1', SIGNED);
    return outcomeOf('t1');
  });
  const unknown = work(async ({ beforeSubmit }) => {
    await beforeSubmit?.('t1', SIGNED);
    throw outcomeUnknown('t1');
  });
  const failureOf = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error) => error,
    );

  it('are answered again from what was stored, once the read model has them', async () => {
    await newProcess().write(caller, request(), submit);
    await fixture.block({ transactionId: 't1' });
    const replay = await newProcess().replay(caller, request());
    expect(replay).to.deep.include({ answer: { id: '1' }, submitted: undefined });
    expect(replay?.outcome).to.deep.include({ transactionId: 't1', endorsers: ['HospitalMSP', 'PatientsMSP'] });
    expect(resolved).to.deep.equal([]);
    expect((await journal.find('client', 'k'))?.envelope).to.equal(null);
  });

  it('are finished with the same bytes when the process ended between submit and answer', async () => {
    expect(await failureOf(newProcess().write(caller, request(), unknown))).to.include({ status: 504 });
    const replay = await newProcess().replay(caller, request());
    expect(replay?.outcome).to.include({ transactionId: 't1', block: 7 });
    expect(resolved).to.deep.equal([{ signed: SIGNED, as: { role: 'system' } }]);
  });

  it('leave the key free when the transaction turned out invalid', async () => {
    await failureOf(newProcess().write(caller, request(), unknown));
    code = 11;
    expect(await newProcess().replay(caller, request())).to.equal(undefined);
    expect(await journal.find('client', 'k')).to.equal(undefined);
  });

  it('leave the key free when they were refused', async () => {
    const refuse = work(async () => {
      throw new LedgerError('CONFLICT', 'no');
    });
    expect(await failureOf(newProcess().write(caller, request(), refuse))).to.include({ code: 'CONFLICT' });
    expect(await newProcess().replay(caller, request())).to.equal(undefined);
  });

  it('are refused with another request under the same key, of the same caller only', async () => {
    await newProcess().write(caller, request(), submit);
    const failure = await failureOf(newProcess().replay(caller, request('b')));
    expect(failure).to.include({ code: 'INVALID', expression: 'Idempotency-Key' });
    expect(await newProcess().replay({ ...caller, subject: randomUUID() }, request('b'))).to.equal(undefined);
  });

  it('wait for the first under the key, and answer what it wrote', async () => {
    const writes = newProcess();
    let finish = () => {};
    const blocked = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const first = writes.write(
      caller,
      request(),
      work(async ({ beforeSubmit }) => {
        await beforeSubmit?.('t1', SIGNED);
        await blocked;
        await fixture.block({ transactionId: 't1' });
        return outcomeOf('t1');
      }),
    );
    const second = writes.write(caller, request(), () => {
      throw new Error('nothing is left to write');
    });
    finish();
    expect(await first).to.deep.include({ answer: { id: '1' }, submitted: outcomeOf('t1') });
    expect(await second).to.deep.include({ answer: { id: '1' }, submitted: undefined });
    expect(resolved).to.deep.equal([]);
  });

  describe('that share a transaction', () => {
    const keys = Array.from({ length: 150 }, (_, index) => `k${index}`);
    const keyed = (key: string) => ({ key, requestHash: key });
    /** Writes under every key at once; the transaction is submitted when the promises of all are on the disk. */
    const writeAll = (writes: IdempotentWrites, submitted: () => Promise<Outcome>) => {
      const stored: Promise<void>[] = [];
      const shared = (async () => {
        while (stored.length < keys.length) await new Promise(setImmediate);
        await Promise.all(stored);
        return submitted();
      })();
      const share = (key: string) => async () => ({
        answer: { id: key },
        submit: async ({ beforeSubmit }: Sending) => {
          stored.push(Promise.resolve(beforeSubmit?.('t1', SIGNED)));
          return shared;
        },
      });
      return Promise.all(keys.map((key) => failureOf(writes.write(caller, keyed(key), share(key)))));
    };
    const envelopes = () => fixture.stores.journal.selectFrom('envelopes').select('transaction_id').execute();

    it('store it once, and drop it when one of them is answered', async () => {
      await writeAll(newProcess(), async () => {
        expect(await envelopes()).to.deep.equal([{ transaction_id: 't1' }]);
        for (const key of keys) expect((await journal.find('client', key))?.transaction_id).to.equal('t1');
        return outcomeOf('t1');
      });
      expect(await envelopes()).to.deep.equal([]);
    });

    it('are each answered their own after the process ended, and send the bytes once for all', async () => {
      const failures = await writeAll(newProcess(), async () => {
        throw outcomeUnknown('t1');
      });
      expect(failures.map(({ status }) => status)).to.deep.equal(keys.map(() => 504));
      const next = newProcess();
      const replays = await Promise.all(keys.map((key) => next.replay(caller, keyed(key))));
      expect(replays.map((replay) => replay?.answer)).to.deep.equal(keys.map((key) => ({ id: key })));
      for (const replay of replays) expect(replay?.outcome.transactionId).to.equal('t1');
      expect(resolved).to.have.length(1);
    });

    it('each leave their key free when it turned out invalid', async () => {
      await writeAll(newProcess(), async () => {
        throw outcomeUnknown('t1');
      });
      code = 11;
      const next = newProcess();
      const replays = await Promise.all(keys.map((key) => next.replay(caller, keyed(key))));
      expect(replays).to.deep.equal(keys.map(() => undefined));
      for (const key of keys) expect(await journal.find('client', key)).to.equal(undefined);
    });
  });

  it('are forgotten after their time', async () => {
    await newProcess().write(caller, request(), submit);
    await journal.prune(1);
    expect(await journal.find('client', 'k')).to.not.equal(undefined);
    await journal.prune(-1);
    expect(await journal.find('client', 'k')).to.equal(undefined);
  });
});
