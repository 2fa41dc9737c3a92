import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { CHAINCODE, LedgerFixture } from './ledger.fixture.ts';
import { blockKey } from './state/keys.ts';
import { openDatabase } from './state/store.ts';
import { verifyLedger } from './verification/verify.ts';

describe('After a crash', () => {
  let fixture: LedgerFixture;
  beforeEach(async () => {
    fixture = await LedgerFixture.open();
  });
  afterEach(() => fixture.close());

  const verify = async () => {
    await fixture.ledger.close();
    const { ledgerDir: dir, config } = fixture;
    return verifyLedger({ dir, config, orderer: fixture.orderersCopy() });
  };

  for (const blocks of [3, 12, 25]) {
    it(`in a commit loop past block ${blocks}, nothing that was answered is lost and a replay agrees`, async () => {
      await fixture.ledger.close();
      const file = join(fixture.dir, 'fixture.json');
      await writeFile(file, JSON.stringify(fixture.save()));
      const child = spawn(process.execPath, [join(import.meta.dirname, 'commit-loop.fixture.ts'), file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      let acknowledged = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged = Number(line);
        if (acknowledged >= blocks) child.kill('SIGKILL');
      }
      await exited;
      await fixture.reopen();
      expect(fixture.ledger.height()).to.be.at.least(acknowledged);
      const height = fixture.ledger.height();
      const values = await fixture.read('alpha', (s) => [
        s.getState(CHAINCODE, '', 'k1'),
        s.getState(CHAINCODE, 'shared', 'k1'),
      ]);
      expect(values.every((value) => value !== undefined)).to.equal(true);
      expect(fixture.ledger.privateData('beta', height - 1).size).to.be.greaterThan(0);
      expect(await verify()).to.deep.include({ height, replayed: height, damages: [] });
    });
  }

  describe('of a disk rather than a process', () => {
    beforeEach(async () => {
      for (const key of ['a', 'b']) {
        const put = await fixture.transact(['alpha'], (s) => s.putState(CHAINCODE, '', key, Buffer.from('v')));
        await fixture.commit(put);
      }
    });
    const change = async (key: Buffer, value: (before: Buffer) => Buffer) => {
      await fixture.ledger.close();
      const database = await openDatabase(fixture.ledgerDir);
      await database.put(key, value(database.getSync(key)!));
      await database.close();
    };
    const flip = (at: number) => (bytes: Buffer) => Buffer.from(bytes).fill((bytes.at(at) ?? 0) ^ 1, at, at + 1);

    it('a last block that is not the one that was committed is refused on opening', async () => {
      await change(blockKey(3), flip(8));
      let message = '';
      await fixture.reopen().catch((error: Error) => {
        message = error.message;
      });
      expect(message).to.equal('block 3 of the ledger is not the one that was committed');
    });
  });
});
