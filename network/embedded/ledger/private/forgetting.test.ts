/** What is purged leaves the files too: not at once, but by itself, also when the process was killed in between. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Simulator } from '../../seams.ts';
import { CHAINCODE, LedgerFixture } from '../ledger.fixture.ts';
import { shareDatabase } from '../state/store.ts';
import { purgesFile } from './forgetting.ts';

/** Not to be compressed, or it would not be found. */
const secretOf = (length: number): string => randomBytes(Math.max(16, length)).toString('base64url');

describe('What is purged', function () {
  this.timeout(60_000);
  let fixture: LedgerFixture;
  beforeEach(async () => {
    fixture = await LedgerFixture.open();
  });
  afterEach(() => fixture.close());

  const commit = async (...bodies: ((s: Simulator) => void)[]) => {
    const envelopes: Buffer[] = [];
    for (const body of bodies) envelopes.push(await fixture.transact(['alpha', 'beta'], body));
    expect(await fixture.commit(...envelopes)).to.deep.equal(envelopes.map(() => 0));
  };
  const put = (values: Record<string, string>) => (s: Simulator) => {
    for (const [key, value] of Object.entries(values)) s.putState(CHAINCODE, 'shared', key, Buffer.from(value));
  };
  const purge =
    (...keys: string[]) =>
    (s: Simulator) => {
      for (const key of keys) s.purgePrivateData(CHAINCODE, 'shared', key);
    };
  /** Files of the ledger, the orderer's blocks included, that hold one of these texts. */
  function filesWith(...texts: string[]): string[] {
    const found: string[] = [];
    const visit = (directory: string): void => {
      for (const name of readdirSync(directory)) {
        const path = join(directory, name);
        if (statSync(path).isDirectory()) visit(path);
        else if (texts.some((text) => readFileSync(path).includes(text))) found.push(path);
      }
    };
    visit(fixture.dir);
    return found;
  }
  const isNoted = (): boolean => existsSync(purgesFile(fixture.ledgerDir));
  const untilForgotten = async (): Promise<void> => {
    const deadline = Date.now() + 20_000;
    while (isNoted()) {
      if (Date.now() > deadline) throw new Error('the purge is still noted');
      await new Promise((next) => setTimeout(next, 20));
    }
  };

  it('is in no file a moment later, and its neighbours are', async () => {
    const [secret, neighbour] = [secretOf(200), secretOf(200)];
    await commit(put({ k: secret, n: neighbour }));
    await commit(purge('k'));
    expect(isNoted()).to.equal(true);
    await untilForgotten();
    expect(filesWith(secret)).to.deep.equal([]);
    expect(filesWith(neighbour)).not.to.deep.equal([]);
    const read = (key: string) => fixture.read('beta', (s) => String(s.getState(CHAINCODE, 'shared', key)));
    expect([await read('k'), await read('n')]).to.deep.equal(['undefined', neighbour]);
  });

  it('is in no file wherever LevelDB has put it by then: in its log, in tables, beside its own removal', async () => {
    const step = fc.record({
      lengths: fc.array(fc.integer({ min: 16, max: 3_000 }), { minLength: 1, maxLength: 5 }),
      purged: fc.nat({ max: 4 }),
      isReopened: fc.boolean(),
      isCompacted: fc.boolean(),
    });
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
      const gone: string[] = [];
      for (const { lengths, purged, isReopened, isCompacted } of steps) {
        const values = lengths.map(secretOf);
        const keys = values.map((_, index) => `${randomBytes(4).toString('hex')}/${index}`);
        await commit(put(Object.fromEntries(keys.map((key, index) => [key, values[index]!]))));
        if (isReopened) await fixture.reopen();
        if (isCompacted) {
          await fixture.ledger.close();
          const database = await shareDatabase(fixture.ledgerDir);
          await database.compactRange(Buffer.from([0]), Buffer.from([0xff]));
          await database.close();
          await fixture.reopen();
        }
        const going = keys.slice(0, 1 + (purged % keys.length));
        gone.push(...values.slice(0, going.length));
        await commit(purge(...going));
      }
      await untilForgotten();
      expect(filesWith(...gone)).to.deep.equal([]);
    });
    await fc.assert(property, { numRuns: 8 });
  });

  it('is forgotten by a process that was started since', async () => {
    const secret = secretOf(500);
    await commit(put({ k: secret }));
    await commit(purge('k'));
    await fixture.reopen();
    expect(isNoted()).to.equal(true);
    await untilForgotten();
    expect(filesWith(secret)).to.deep.equal([]);
  });

  it('stays while a peer still reads a state of before, and no longer', async () => {
    const secret = secretOf(500);
    await commit(put({ k: secret }));
    fixture.ledger.lag('beta', 1_500);
    await commit(purge('k'));
    expect(await fixture.read('beta', (s) => String(s.getState(CHAINCODE, 'shared', 'k')))).to.equal(secret);
    await untilForgotten();
    expect(await fixture.read('beta', (s) => s.getState(CHAINCODE, 'shared', 'k'))).to.equal(undefined);
    expect(filesWith(secret)).to.deep.equal([]);
  });

  it('is forgotten of transactions that did nothing, too', async () => {
    const secret = secretOf(500);
    const update = (s: Simulator) => {
      s.getPrivateDataHash(CHAINCODE, 'shared', 'k');
      put({ k: secret })(s);
    };
    const envelopes = [
      await fixture.transact(['alpha', 'beta'], put({ k: 'first' })),
      await fixture.transact(['alpha', 'beta'], update),
    ];
    expect(await fixture.commit(...envelopes)).to.deep.equal([0, 11]);
    expect(filesWith(secret)).not.to.deep.equal([]);
    await commit(purge('k'));
    await untilForgotten();
    expect(filesWith(secret)).to.deep.equal([]);
  });
});
