/** A read model that is behind the ledger is waited for, and named as what it is where it does not come. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { upToDate } from './up-to-date.ts';

const SHOWN = [
  'authorizations',
  'buckets[0]',
  'private.bucket',
  'coverage',
  'plan',
  'usage',
  'feeSchedule',
  'fingerprintKey',
];
const WAIT_MS = 50;

/** What it is rejected with. */
const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.fail('it was not rejected'),
    (error: unknown) => error,
  );

describe('What is shown to endorsers from a read model', () => {
  for (const expression of SHOWN) {
    const behind = () => new LedgerError('CONFLICT', 'is not what the ledger holds', expression);

    it(`is gathered again where it was not the newest (${expression})`, async () => {
      let tries = 0;
      const attempt = async () => {
        tries += 1;
        if (tries < 3) throw behind();
        return 'sent';
      };
      expect(await upToDate(attempt, 1_000)).to.equal('sent');
    });

    it(`is said to lag where the newest does not come (${expression})`, async () => {
      const failure = await rejection(upToDate(() => Promise.reject(behind()), WAIT_MS));
      expect(failure).to.deep.include({ kind: 'lag', status: 503 });
      expect(String(failure)).to.include(expression);
    });
  }

  it('is no reason to try again where another conflict is found', async () => {
    let tries = 0;
    const conflict = new LedgerError('CONFLICT', 'is decided already', 'claim');
    const attempt = () => {
      tries += 1;
      return Promise.reject(conflict);
    };
    expect(await rejection(upToDate(attempt, WAIT_MS))).to.equal(conflict);
    expect(tries).to.equal(1);
  });
});
