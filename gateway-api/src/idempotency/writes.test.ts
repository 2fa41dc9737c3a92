import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import type { Caller } from '../fhir/repository.ts';
import { outcomeUnknown } from '../http/failures.ts';
import { onEachDatabase } from '../index/databases.fixture.ts';
import { FixtureIndex } from '../index/index.fixture.ts';
import type { BeforeSubmit, LedgerClient, Sender } from '../ledger/client.ts';
import type { Outcome } from '../ledger/outcomes.ts';
import { Journal } from './journal.ts';
import { IdempotentWrites } from './writes.ts';

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
    const ledger = {
      resolve: async (signed: Uint8Array, as: Sender) => {
        resolved.push({ signed, as });
        return outcomeOf('t1');
      },
    };
    return new IdempotentWrites(journal, fixture.index, ledger as LedgerClient);
  };
  const identified = (requestHash = 'a') => ({ key: 'k', requestHash, answer: '{"id":"1"}' });
  const submit = async (beforeSubmit: BeforeSubmit | undefined): Promise<Outcome> => {
    await beforeSubmit?.('t1', SIGNED);
    return outcomeOf('t1');
  };
  const unknown = async (beforeSubmit: BeforeSubmit | undefined): Promise<Outcome> => {
    await beforeSubmit?.('t1', SIGNED);
    throw outcomeUnknown('t1');
  };
  const failureOf = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error) => error,
    );

  it('are answered again from what was stored, once the read model has them', async () => {
    await newProcess().run(caller, identified(), submit);
    await fixture.block({ transactionId: 't1' });
    const replay = await newProcess().replay(caller, identified());
    expect(replay?.answer).to.equal('{"id":"1"}');
    expect(replay?.receipt).to.deep.include({ transactionId: 't1', endorsers: ['HospitalMSP', 'PatientsMSP'] });
    expect(resolved).to.deep.equal([]);
    expect((await journal.find('client', 'k'))?.envelope).to.equal(null);
  });

  it('are finished with the same bytes when the process ended between submit and answer', async () => {
    expect(await failureOf(newProcess().run(caller, identified(), unknown))).to.include({ status: 504 });
    const replay = await newProcess().replay(caller, identified());
    expect(replay?.receipt).to.include({ transactionId: 't1', block: 7 });
    expect(resolved).to.deep.equal([{ signed: SIGNED, as: { role: 'system' } }]);
  });

  it('leave the key free when the transaction turned out invalid', async () => {
    await failureOf(newProcess().run(caller, identified(), unknown));
    code = 11;
    expect(await newProcess().replay(caller, identified())).to.equal(undefined);
    expect(await journal.find('client', 'k')).to.equal(undefined);
  });

  it('leave the key free when they were refused', async () => {
    const refuse = async () => {
      throw new LedgerError('CONFLICT', 'no');
    };
    expect(await failureOf(newProcess().run(caller, identified(), refuse))).to.include({ code: 'CONFLICT' });
    expect(await newProcess().replay(caller, identified())).to.equal(undefined);
  });

  it('are refused with another request under the same key, of the same caller only', async () => {
    await newProcess().run(caller, identified(), submit);
    const failure = await failureOf(newProcess().replay(caller, identified('b')));
    expect(failure).to.include({ code: 'INVALID', expression: 'Idempotency-Key' });
    expect(await newProcess().replay({ ...caller, subject: randomUUID() }, identified('b'))).to.equal(undefined);
  });

  it('answer 409 while the first is under way', async () => {
    const writes = newProcess();
    let finish = () => {};
    const blocked = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const first = writes.run(caller, identified(), async (beforeSubmit) => {
      await beforeSubmit?.('t1', SIGNED);
      await blocked;
      return outcomeOf('t1');
    });
    expect(await failureOf(writes.run(caller, identified(), submit))).to.include({ status: 409 });
    finish();
    expect(await first).to.include({ transactionId: 't1' });
  });

  it('are forgotten after their time', async () => {
    await newProcess().run(caller, identified(), submit);
    await journal.prune(1);
    expect(await journal.find('client', 'k')).to.not.equal(undefined);
    await journal.prune(-1);
    expect(await journal.find('client', 'k')).to.equal(undefined);
  });
});
