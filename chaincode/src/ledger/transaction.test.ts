import { expect } from 'chai';
import type { Context } from 'fabric-contract-api';
import { Records } from '../contracts/records.ts';
import type { Consortium } from '../model/consortium.ts';
import { LedgerError } from '../model/errors.ts';
import { licenceStateSchema, type OutputOf } from '../model/transactions.ts';
import { checkEvidence } from './evidence.ts';
import { exampleConsortium } from './example-consortium.ts';
import { failureOf, MemoryLedger } from './memory-ledger.ts';
import { parseText } from './parse.ts';
import type { Store } from './store.ts';
import { type Call, type Decide, LedgerContract, run } from './transaction.ts';

const licence = { number: '1', status: 'active', start: '2024-01-01', end: '2027-12-31' } as const;
const request = { from: 'regulator', role: 'system', input: licence };

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
    const hidden = { records: [{ id, version: 1, salt: 'a'.repeat(64), resource }] };
    const large = { from: 'hospital', role: 'system', input: {}, private: hidden };
    expect(await failureOf(ledger.submit('RecordVersions', large))).to.equal(
      'LedgerError INVALID at <private>: is too large for one transaction',
    );
    expect(ledger.private.size).to.equal(0);
  });

  it('is told apart when two endorsers write different bytes', async () => {
    let count = 0;
    const ledger = ledgerWith((call) => {
      count += 1;
      call.store.put('licence/1', { count });
      return reply(call);
    });
    expect(await failureOf(ledger.submit('SetLicence', request))).to.equal('the endorsers wrote different bytes');
  });
});

describe('evidence', () => {
  const text = '{"author":"HospitalMSP"}';
  const check = (key: string, value: string) => {
    const decide: Decide<'SetLicence'> = async ({ input, store }) => {
      await checkEvidence(store, 'care_hospital', [{ key, value }]);
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
    expect(await check('record/1/1', text)).to.equal('LedgerError INVALID at <evidence[0].id>: expected string');
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
