/** What /readyz answers when a peer hangs: in time for whoever asks, and with the reason. */
import { expect } from 'chai';
import { pino } from 'pino';
import { alwaysThere, type StoreHealth } from '../index/health.ts';
import type { LedgerClient } from '../ledger/client.ts';
import type { Feed } from '../ledger/feed.ts';
import { ReadinessCheck } from './readiness.ts';

const consortium = {
  channel: 'telemed',
  chaincode: 'telemed',
  organisations: [
    { name: 'hospital', mspId: 'HospitalMSP', kind: 'provider' as const },
    { name: 'patients', mspId: 'PatientsMSP', kind: 'custodian' as const },
  ],
};
const log = pino({ level: 'silent' });

/** A gateway whose read model holds block 7, and whose peers answer as `evaluate` and `height` say. */
function checkOf(
  evaluate: (at: string[]) => Promise<unknown>,
  height: () => Promise<number>,
  stores: StoreHealth = alwaysThere,
  position = () => 7,
): ReadinessCheck {
  const ledger = { height, evaluate: (_: string, __: object, { at }: { at: string }) => evaluate([at]) };
  const feed = { status: () => ({ connected: true }), position };
  return new ReadinessCheck(
    ledger as unknown as LedgerClient,
    feed as unknown as Feed,
    stores,
    consortium,
    'hospital',
    log,
  );
}

describe('readiness', () => {
  const never = new Promise<never>(() => {});

  it('is ready when both peers answer and the read model has caught up', async () => {
    const check = checkOf(
      async () => ({}),
      async () => 8,
    );
    expect(await check.check()).to.deep.equal({ ready: true, reasons: [], block: 7, behind: 0, valuesMissing: 0 });
  });

  it('answers within four seconds while a peer hangs', async () => {
    const started = performance.now();
    const { ready, reasons } = await checkOf(
      (at) => (at[0] === 'patients' ? never : Promise.resolve({})),
      () => never,
    ).check();
    expect(performance.now() - started).to.be.lessThan(4_000);
    expect(ready).to.equal(false);
    expect(reasons).to.deep.equal([
      'the peer or the chaincode of patients does not answer',
      'the peer does not tell the height of its chain',
    ]);
  });

  it('says that waiting is hopeless where the read model is of another ledger', async () => {
    const answer = await checkOf(
      async () => ({}),
      async () => 3,
    ).check();
    expect(answer).to.include({ ready: false, hopeless: true });
    expect(answer.reasons[0]).to.match(/another ledger, run reindex$/);
  });

  it('is not ready while the read model is behind', async () => {
    const check = checkOf(
      async () => ({}),
      async () => 12,
    );
    expect((await check.check()).reasons).to.deep.equal(['the read model is 4 blocks behind']);
  });

  describe('under steady writes', () => {
    const clock = { now: 1_000_000 };
    const { now } = Date;
    let [position, height] = [0, 0];
    let check: ReadinessCheck;
    beforeEach(() => {
      Date.now = () => clock.now;
      [position, height] = [7, 12];
      check = checkOf(
        async () => ({}),
        async () => height,
        alwaysThere,
        () => position,
      );
    });
    afterEach(() => {
      Date.now = now;
    });
    const later = async (milliseconds: number) => {
      clock.now += milliseconds;
      return check.check();
    };

    it('is ready when it holds what the chain held when it was first asked, however many have come since', async () => {
      expect((await check.check()).reasons).to.deep.equal(['the read model is 4 blocks behind']);
      [position, height] = [11, 16];
      expect(await later(1_000)).to.deep.include({ ready: true, behind: 4 });
    });

    it('stays ready while it lags, and not when it stands still while the chain goes on', async () => {
      height = 8;
      expect(await check.check()).to.include({ ready: true });
      for (let round = 1; round < 10; round += 1) {
        [position, height] = [7 + round, 1_000 + round];
        expect(await later(10_000), `round ${round}`).to.include({ ready: true, behind: 992 });
      }
      height = 2_000;
      expect(await later(10_000)).to.include({ ready: true });
      const { ready, reasons } = await later(10_000);
      expect([ready, reasons.join()]).to.deep.equal([
        false,
        'the read model stands still at block 16 while the chain goes on to block 1999',
      ]);
      position = 17;
      expect(await later(1_000)).to.include({ ready: true });
    });

    it('does not take a quiet chain for a read model that stands still', async () => {
      height = 8;
      expect(await check.check()).to.include({ ready: true });
      height = 9;
      expect(await later(600_000)).to.include({ ready: true, behind: 1 });
    });
  });

  it('says why the database cannot be used, and answers in time where it hangs', async () => {
    const answering = [async () => ({}), async () => 8] as const;
    const onBack = () => {};
    const away = {
      onBack,
      ask: () => Promise.reject(new Error('no')),
      failure: () => 'the database x is away: ECONNREFUSED',
    };
    expect((await checkOf(...answering, away).check()).reasons).to.deep.equal([away.failure()]);
    const hanging = { onBack, ask: () => never, failure: () => undefined };
    expect((await checkOf(...answering, hanging).check()).reasons).to.deep.equal(['the database does not answer']);
  });
});
