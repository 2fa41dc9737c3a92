import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { expect } from 'chai';
import type { KeyPair } from '../config.ts';
import { BOTH, CHAINCODE, CHANNEL, contractOf, Fixture, type Name } from '../fixtures/network.ts';
import { hashKey, privateKey } from '../ledger/state/keys.ts';
import { shareDatabase } from '../ledger/state/store.ts';
import type { Damage } from '../ledger/verification/damage.ts';
import { askForVerification } from './client.ts';

describe('A running peer asked to verify its ledger', () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await Fixture.start();
  });
  after(() => fixture.close());

  const ask = async (name: Name, identity?: KeyPair, onBlock?: (number: number) => void) => {
    const { ca, mspId } = fixture.organisation(name);
    const reach = {
      endpoint: fixture.network.endpoints[name] ?? '',
      tlsRootCertificate: ca.certificate,
      tlsServerName: 'localhost',
      channel: CHANNEL,
      mspId,
      identity: identity ?? (await ca.issue()),
    };
    return askForVerification(reach, onBlock);
  };
  const write = async (name: Name, key: string, value: string) => {
    const contract = contractOf(await fixture.client(name));
    const transientData = { value: Buffer.from(value) };
    await contract.submit('putPrivate', {
      arguments: ['shared', key],
      transientData,
      endorsingOrganizations: BOTH,
    });
  };
  const named = (damages: Damage[]) =>
    damages.map(({ organisation, subject, fault }) => `${organisation ?? 'all'}: ${subject} ${fault}`);

  it('finds it sound while it goes on committing', async () => {
    await write('alpha', 'k', 'v');
    const verifying = Promise.all([ask('alpha'), ask('beta')]);
    await write('alpha', 'l', 'v');
    const [alpha, beta] = await verifying;
    expect(alpha.damages).to.deep.equal([]);
    expect(alpha.height).to.be.at.least(3);
    expect(alpha.privateValues['alpha']).to.be.at.least(1);
    expect(beta.privateValues).to.have.keys('beta');
  });

  it("tells its own organisation's damage and what all share, and not what others hold", async () => {
    await write('alpha', 'changed', 'v');
    const place = privateKey('alpha', CHAINCODE, 'shared', Buffer.from('changed'));
    const hashed = hashKey(CHAINCODE, 'shared', sha256(Buffer.from('changed')));
    const database = await shareDatabase(join(fixture.config.dataDir, 'ledger'));
    const [value, hash] = [database.getSync(place), database.getSync(hashed)] as [Buffer, Buffer];
    try {
      await database.put(place, Buffer.concat([value, Buffer.from('x')]));
      await database.del(hashed);
      expect(named((await ask('alpha')).damages)).to.have.members([
        'all: private hash missing',
        'alpha: private value altered',
      ]);
      expect(named((await ask('beta')).damages)).to.deep.equal(['all: private hash missing']);
    } finally {
      await database.put(place, value);
      await database.put(hashed, hash);
      await database.close();
    }
    expect((await ask('alpha')).damages).to.deep.equal([]);
  });

  it('refuses members of other organisations', async () => {
    const refusal = (asked: Promise<unknown>) =>
      asked.then(
        () => 'answered',
        (error: { code: number }) => error.code,
      );
    const stranger = await fixture.organisation('beta').ca.issue();
    expect(await refusal(ask('alpha', stranger))).to.equal(status.PERMISSION_DENIED);
  });

  it('says how far it has come', async () => {
    const blocks: number[] = [];
    await ask('gamma', undefined, (number) => blocks.push(number));
    expect(blocks).to.deep.equal([1]);
  });
});
