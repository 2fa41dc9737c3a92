import { setImmediate as turn } from 'node:timers/promises';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { expect } from 'chai';
import type { Context } from 'fabric-contract-api';
import { recordDraft, sheetOf } from '../contracts/example-sheets.fixture.ts';
import { Records } from '../contracts/records.ts';
import { MAX_DECOYS_TOGETHER } from '../model/decoys.ts';
import { LedgerError } from '../model/errors.ts';
import { bucketPaths, EMPTY_BUCKET } from '../model/registers.ts';
import { anchoredSchema, licenceStateSchema, type OutputOf, TRANSIENT_KEY } from '../model/transactions.ts';
import { checkPresented } from './evidence.ts';
import { exampleConsortium } from './example-consortium.fixture.ts';
import { failureOf, MemoryLedger } from './memory-ledger.fixture.ts';
import { parseText } from './parse.ts';
import type { Store } from './store.ts';
import { type Call, type Decide, LedgerContract, run } from './transaction.ts';

const licence = { number: '1', status: 'active', start: '2024-01-01', end: '2027-12-31' } as const;
const hidden = { salt: 'a'.repeat(64), register: 0, bucket: { text: EMPTY_BUCKET, path: bucketPaths(new Map())[0]! } };
const request = { from: 'regulator', role: 'system', input: licence, private: hidden };

/** A registry whose one transaction does what the test says. */
class Trial extends LedgerContract {
  readonly #consortium: Consortium;
  readonly #decide: Decide<'SetLicence'>;

  constructor(consortium: Consortium, decide: Decide<'SetLicence'>) {
    super('registry');
    this.#consortium = consortium;
    this.#decide = decide;
  }

  SetLicence(ctx: Context, argument: string): Promise<string> {
    return run('SetLicence', this.#consortium, ctx, argument, this.#decide);
  }
}

describe('the frame of a transaction', () => {
  const ledgerWith = (decide: Decide<'SetLicence'>) =>
    new MemoryLedger(exampleConsortium, [new Trial(exampleConsortium, decide)]);
  const reply = ({ input, store }: Call<'SetLicence'>): OutputOf<'SetLicence'> => ({ ...input, updatedAt: store.time });
  /** Runs something on a store and answers with what it failed. */
  const failing = (action: (store: Store) => unknown) =>
    failureOf(
      ledgerWith(async (call) => {
        await action(call.store);
        return reply(call);
      }).submit('SetLicence', request),
    );

  it('writes nothing when the decision throws after it has put', async () => {
    const ledger = ledgerWith(({ store }) => {
      store.put('licence/1', {});
      throw new LedgerError('CONFLICT', 'too late');
    });
    expect(await failureOf(ledger.submit('SetLicence', request))).to.equal('LedgerError CONFLICT: too late');
    expect(ledger.public.size).to.equal(0);
  });

  it('writes nothing when the reply does not fit the table', async () => {
    const ledger = ledgerWith(({ store, ...call }) => {
      store.put('licence/1', {});
      return { ...reply({ store, ...call }), updatedAt: 'yesterday' };
    });
    expect(await failureOf(ledger.submit('SetLicence', request))).to.match(
      /^SetLicence failed by a fault of the chain/,
    );
    expect(ledger.public.size).to.equal(0);
  });

  it('tells of a fault where it is, and none of the values in its message', async () => {
    const failure = await failing(() => JSON.parse('Jane Doe'));
    expect(failure).to.match(/^SetLicence failed by a fault of the chaincode at ledger\/transaction.test.ts:\d+$/);
    expect(failure).not.to.contain('Jane');
  });

  it('reads decoys, and changes nothing for them', async () => {
    const ledger = ledgerWith(({ store, ...call }) => {
      store.putPrivate('registers', 'bucket/1/1', {});
      return reply({ store, ...call });
    });
    const alone = await ledger.submit('SetLicence', request);
    const calls = ledger.lastCalls;
    const decoys = ['bucket/1/1', 'bucket/2/1', 'register/1'].map((key) => ({ collection: 'registers', key }));
    const among = await ledger.submit('SetLicence', { ...request, decoys });
    expect(ledger.lastCalls).to.equal(calls + decoys.length);
    expect(among).to.deep.equal(alone);
  });

  it('refuses decoys that are none, or too many', async () => {
    const ledger = ledgerWith(reply);
    const decoy = { collection: 'registers', key: 'bucket/1/1' };
    for (const decoys of [
      ...[1, {}, [1], [{ ...decoy, more: 1 }], [{ ...decoy, key: '\u0000' }], [{ ...decoy, collection: '' }]],
      Array.from({ length: MAX_DECOYS_TOGETHER + 1 }, () => decoy),
    ])
      expect(await failureOf(ledger.submit('SetLicence', { ...request, decoys }))).to.match(
        /^LedgerError INVALID at <decoys/,
      );
  });

  it('passes on what the peer refused', async () => {
    expect(await failing((store) => store.getPrivateText('care_hospital', 'record/1/1'))).to.match(
      /^tx creator does not have read access permission/,
    );
  });

  it('has no read of what the transaction itself wrote, and no second write', async () => {
    const fault = /fault of the chaincode at ledger\/store.ts/;
    expect(
      await failing(async (store) => {
        store.put('licence/1', {});
        await store.get('licence/1', licenceStateSchema);
      }),
    ).to.match(fault);
    expect(
      await failing((store) => {
        store.put('licence/1', {});
        store.put('licence/1', {});
      }),
    ).to.match(fault);
  });

  it('takes a stored value that does not fit for a fault, not for bad input', async () => {
    const ledger = ledgerWith(async (call) => {
      await call.store.get('licence/1', licenceStateSchema);
      return reply(call);
    });
    ledger.public.set('licence/1', '{"name":"Jane Doe"}');
    const failure = await failureOf(ledger.submit('SetLicence', request));
    expect(failure)
      .to.match(/fault of the chaincode/)
      .and.not.contain('Jane');
  });

  it('takes no private input that would fill a block', async () => {
    const ledger = new MemoryLedger(exampleConsortium, [new Records(exampleConsortium)]);
    const id = '00000000-0000-4000-8000-000000000001';
    const resource = { resourceType: 'Binary', id, data: 'A'.repeat(17 * 1024 * 1024) };
    const hidden = { sheets: [sheetOf([recordDraft(resource)])] };
    const large = { from: 'hospital', role: 'system', input: {}, private: hidden };
    expect(await failureOf(ledger.submit('RecordVersions', large))).to.equal(
      'LedgerError INVALID at <private>: is too large for one transaction',
    );
    expect(ledger.private.size).to.equal(0);
  });

  it('writes nothing where the table does not say that it writes', async () => {
    for (const write of [
      (call: Call<'SetLicence'>) => call.store.put('licence/1', {}),
      (call: Call<'SetLicence'>) => call.store.putPrivate('marks', 'licence/1', {}),
      (call: Call<'SetLicence'>) => call.store.purge('inbox_clinic', 'licence/1'),
    ]) {
      const ledger = ledgerWith((call) => {
        write(call);
        return reply(call);
      });
      expect(await failureOf(ledger.submit('SetLicence', request))).to.match(/failed by a fault of the chaincode/);
      expect([ledger.public.size, ledger.private.size]).to.deep.equal([0, 0]);
    }
  });

  it('is told apart when two endorsers write different bytes', async () => {
    let count = 0;
    const ledger = ledgerWith((call) => {
      count += 1;
      call.store.putPrivate('registers', 'licence/1', { count });
      return reply(call);
    });
    expect(await failureOf(ledger.submit('SetLicence', request))).to.equal('the endorsers wrote different bytes');
  });
});

/** Answers to reads that a test gives when it likes, in any order. */
class SlowStub {
  readonly asked: { key: string; answer: (value: string) => void; refuse: (message: string) => void }[] = [];
  getState(key: string): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.asked.push({
        key,
        answer: (value) => resolve(Buffer.from(value)),
        refuse: (message) => reject(new Error(message)),
      });
    });
  }
  #set = async (key: string): Promise<void> => void (await this.getState(key));
  getPrivateData = (_: string, key: string) => this.getState(key);
  getPrivateDataHash = (_: string, key: string) => this.getState(key);
  putState = (key: string) => this.#set(key);
  putPrivateData = (_: string, key: string) => this.#set(key);
  purgePrivateData = (_: string, key: string) => this.#set(key);
  setStateValidationParameter = (key: string) => this.#set(key);
  setPrivateDataValidationParameter = (_: string, key: string) => this.#set(key);
  setEvent = (): void => {};
  getTransient = () => new Map([[TRANSIENT_KEY, Buffer.from(JSON.stringify(hidden))]]);
  getTxID = () => 'tx';
  getDateTimestamp = () => new Date(0);
}

describe('calls to the peer that are under way', () => {
  /** Runs a decision until it waits for the peer; `answered` says how it ended, or that it has not. */
  const running = async (decide: Decide<'SetLicence'>) => {
    const stub = new SlowStub();
    const clientIdentity = { getMSPID: () => 'RegulatorMSP', getAttributeValue: () => 'system' };
    const state = { answered: '' };
    run('SetLicence', exampleConsortium, { stub, clientIdentity }, JSON.stringify(licence), decide).then(
      () => (state.answered = 'reply'),
      (error: Error) => (state.answered = error.message),
    );
    await turn();
    return { stub, state };
  };
  const answerOf = ({ input, store }: Call<'SetLicence'>) => ({ ...input, updatedAt: store.time });
  const refusal = new LedgerError('CONFLICT', 'refused');

  it('are all answered before a refusal leaves, whatever they are and whoever waits for them', async () => {
    const { stub, state } = await running(async ({ store }) => {
      const calls = [
        store.get('a', licenceStateSchema),
        store.getPrivateText('c', 'b'),
        store.getPrivate('c', 'd', licenceStateSchema),
        store.anchor('c', 'e'),
      ];
      await Promise.all([...calls, Promise.reject(refusal)]);
      throw new Error('not reached');
    });
    expect(stub.asked.map(({ key }) => key)).to.deep.equal(['a', 'b', 'd', 'e']);
    // The last first, and one of them with an error of the peer.
    for (const { answer, refuse, key } of stub.asked.toReversed()) {
      expect(state.answered).to.equal('');
      if (key === 'b') refuse('the peer is closing');
      else answer('');
      await turn();
    }
    expect(state.answered).to.equal(refusal.message);
  });

  it('are not followed by others once the decision has failed', async () => {
    const { stub, state } = await running(async ({ store }) => {
      const two = async () => {
        await store.anchor('c', 'first');
        await store.anchor('c', 'second');
      };
      await Promise.all([two(), Promise.reject(refusal)]);
      throw new Error('not reached');
    });
    stub.asked[0]?.answer('');
    await turn();
    expect(stub.asked).to.have.length(1);
    expect(state.answered).to.equal(refusal.message);
  });

  it('are answered, and what follows from them too, before a reply leaves and before anything is written', async () => {
    const { stub, state } = await running(async (call) => {
      const chain = async () => {
        await call.store.anchor('c', 'first');
        for (let step = 0; step < 50; step += 1) await undefined;
        await call.store.anchor('c', 'second');
      };
      void chain();
      call.store.putPrivate('registers', 'licence/1', {});
      return answerOf(call);
    });
    for (const key of ['first', 'second', 'licence/1']) {
      expect(state.answered).to.equal('');
      expect(stub.asked.at(-1)?.key).to.equal(key);
      stub.asked.at(-1)?.answer('');
      await turn();
      await turn();
    }
    expect(state.answered).to.equal('reply');
  });

  it('are all answered when one of several writes is refused', async () => {
    const { stub, state } = await running((call) => {
      call.store.putPrivate('registers', 'a', {}, 'HospitalMSP');
      call.store.putPrivate('registers', 'b', {});
      call.store.purge('registers', 'd');
      call.store.emit('LicenceSet', {});
      return answerOf(call);
    });
    expect(stub.asked.map(({ key }) => key)).to.deep.equal(['a', 'a', 'b', 'd']);
    stub.asked[0]?.refuse('no write access');
    for (const { answer } of stub.asked.slice(1)) {
      await turn();
      expect(state.answered).to.equal('');
      answer('');
    }
    await turn();
    expect(state.answered).to.equal('no write access');
  });
});

describe('evidence', () => {
  const text = '{"author":"HospitalMSP"}';
  const check = (key: string, value: string) => {
    const decide: Decide<'SetLicence'> = async ({ input, store }) => {
      await checkPresented(store, 'care_hospital', key, value, anchoredSchema, 'evidence[0]');
      return { ...input, updatedAt: store.time };
    };
    const ledger = new MemoryLedger(exampleConsortium, [new Trial(exampleConsortium, decide)]);
    ledger.private.set('care_hospital record/1/1', text);
    return failureOf(ledger.submit('SetLicence', request));
  };

  it('is refused when it is not what was anchored, to the byte', async () => {
    for (const value of [`${text} `, text.replace('H', 'h'), ''])
      expect(await check('record/1/1', value)).to.equal('LedgerError INVALID at <evidence[0]>: not what was anchored');
  });

  it('is refused where nothing is anchored', async () => {
    expect(await check('record/1/2', text)).to.equal(
      'LedgerError NOT_FOUND at <evidence[0]>: nothing is anchored there',
    );
  });

  it('is parsed only after its hash holds, by organisations that may not read it', async () => {
    expect(await check('record/1/1', text)).to.equal(
      'LedgerError INVALID at <evidence[0].schema>: is none of the values allowed',
    );
  });
});

describe('parsing', () => {
  it('names the place and masks members that are not ours to name', () => {
    const schema = licenceStateSchema;
    const failure = (value: string): string => {
      try {
        parseText(schema, value);
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(failure('{')).to.equal('LedgerError INVALID: is not JSON');
    expect(failure('{"number": 5}')).to.equal('LedgerError INVALID at <number>: expected string');
    expect(failure('[]')).to.equal('LedgerError INVALID: expected object');
    const { updatedAt: _, ...open } = { ...licence, updatedAt: '' };
    expect(failure(JSON.stringify({ ...open, updatedAt: '2024-01-01T00:00:00Z', 'Jane Doe': 1 }))).to.equal(
      'LedgerError INVALID: has a member that is not known',
    );
  });
});
