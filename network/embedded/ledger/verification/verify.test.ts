/** Whatever entry of a ledger's store is changed, taken away or added is named, and nothing of a sound ledger is. */
import { cp, rm } from 'node:fs/promises';
import { expect } from 'chai';
import { CHAINCODE, LedgerFixture } from '../ledger.fixture.ts';
import { type Damage, describeDamage } from './damage.ts';
import { placeOf } from './places.ts';
import { RichLedger, SECRETS } from './rich-ledger.fixture.ts';
import { type Verification, verifyLedger } from './verify.ts';

describe('Verifying a ledger', function () {
  this.timeout(60_000);
  let rich: RichLedger;
  let entries: [Buffer, Buffer][];
  before(async () => {
    rich = await RichLedger.make();
    entries = await rich.entries();
    await cp(rich.fixture.ledgerDir, `${rich.fixture.ledgerDir}.sound`, { recursive: true });
  });
  afterEach(async () => {
    const { ledgerDir } = rich.fixture;
    await rm(ledgerDir, { recursive: true });
    await cp(`${ledgerDir}.sound`, ledgerDir, { recursive: true });
  });
  after(() => rich.close());

  const verify = (): Promise<Verification> => {
    const { ledgerDir: dir, config } = rich.fixture;
    return verifyLedger({ dir, config, orderer: rich.fixture.orderersCopy() });
  };
  const beginning = (letter: string) => entries.filter(([key]) => key.toString('latin1', 0, 1) === letter);
  const named = ({ damages }: Verification) =>
    damages.map(
      ({ organisation = 'all', subject, fault, place }: Damage) => `${organisation}: ${subject} ${fault}: ${place}`,
    );
  const ofEntry = (key: Buffer, fault: Damage['fault']) => {
    const { organisation = 'all', subject, place } = placeOf(key);
    return `${organisation}: ${subject} ${fault}: ${place}`;
  };

  it('finds a sound one sound, with what was deleted, purged, expired or is invalid', async () => {
    const found = await verify();
    expect(named(found)).to.deep.equal([]);
    expect(found.height).to.equal(10);
    expect(found.replayed).to.equal(10);
    expect(found.privateValues).to.deep.equal({ alpha: 6, beta: 6, gamma: 1 });
    expect(found.hashes).to.equal(7);
    expect(found.publicKeys).to.be.greaterThan(8);
  });

  const LETTERS = ['c', 'd', 'h', 'k', 'm', 'p', 's', 't', 'x', 'y'];
  for (const letter of LETTERS) {
    it(`names every missing entry of ${letter}`, async () => {
      const missing = beginning(letter);
      expect(missing).to.have.length.greaterThan(0);
      await rich.change(async (database) => {
        for (const [key] of missing) await database.del(key);
      });
      expect(named(await verify())).to.have.members(missing.map(([key]) => ofEntry(key, 'missing')));
    });

    it(`names every altered entry of ${letter}`, async () => {
      const altered = beginning(letter);
      await rich.change(async (database) => {
        for (const [key, value] of altered) await database.put(key, flipped(value));
      });
      const expected = altered.map(([key]) => ofEntry(key, 'altered'));
      expect(named(await verify())).to.have.members(expected);
    });
  }

  it('names every missing private set, for each organisation whose peer should deliver it', async () => {
    const sets = beginning('w').filter(([key]) => key.length > 9);
    await rich.change(async (database) => {
      for (const [key] of sets) await database.del(key);
    });
    const found = await verify();
    const missing = found.damages.filter(({ subject }) => subject === 'private set');
    expect(new Set(missing.map(({ place }) => place)).size).to.equal(sets.length);
    expect(missing.every(({ fault, organisation }) => fault === 'missing' && organisation !== undefined)).to.equal(
      true,
    );
    expect(found.damages.filter(({ subject }) => subject !== 'private set')).to.deep.equal([]);
  });

  it('names entries that no ledger wrote', async () => {
    const added = [...LETTERS, 'w']
      .filter((letter) => letter !== 'm')
      .flatMap((letter) => {
        const [key] = beginning(letter).at(-1) ?? [Buffer.alloc(0)];
        return [Buffer.from(key).fill(key.at(-1)! ^ 1, key.length - 1)].filter(
          (other) => !entries.some(([each]) => each.equals(other)),
        );
      });
    added.push(Buffer.from('zzz'), Buffer.from('m2'), Buffer.from('palpha'));
    await rich.change(async (database) => {
      for (const key of added) await database.put(key, Buffer.from('made up'));
    });
    expect(named(await verify())).to.have.length.at.least(added.length);
    expect((await verify()).damages.every(({ fault }) => fault === 'unexpected')).to.equal(true);
  });

  it('says nothing of keys and values', async () => {
    await rich.change(async (database) => {
      for (const [key, value] of entries)
        if (!'br'.includes(key.toString('latin1', 0, 1))) await database.put(key, flipped(value));
    });
    const { damages } = await verify();
    expect(damages.length).to.be.greaterThan(50);
    for (const damage of damages) expect(`${damage.place} ${describeDamage(damage)}`).not.to.match(SECRETS);
  });

  it('names private data that waits for its transaction, and was altered', async () => {
    const [[key, value]] = beginning('r') as [[Buffer, Buffer]];
    await rich.change((database) => database.put(key, flipped(value)));
    expect(named(await verify())).to.deep.equal([ofEntry(key, 'altered')]);
  });
});

describe('Verifying a ledger after a certificate was revoked', () => {
  let fixture: LedgerFixture;
  before(async () => {
    fixture = await LedgerFixture.open();
  });
  after(() => fixture.close());

  it('judges what was committed before by what was known then', async () => {
    const write = (key: string) => fixture.transact(['alpha'], (s) => s.putState(CHAINCODE, '', key, Buffer.from('v')));
    expect(await fixture.commit(await write('before'))).to.deep.equal([0]);
    const keys = fixture.clientKeys[0]![1];
    const list = await fixture.authorities.get('alpha')!.revoke(keys.certificate);
    fixture.config.organisations[0]!.revocationLists = [list];
    await fixture.reopen();
    expect(await fixture.commit(await write('after'))).to.deep.equal([4]);
    await fixture.ledger.close();
    const { ledgerDir: dir, config } = fixture;
    const { damages, replayed } = await verifyLedger({ dir, config, orderer: fixture.orderersCopy() });
    expect(damages).to.deep.equal([]);
    expect(replayed).to.equal(4);
  });
});

function flipped(value: Buffer): Buffer {
  const changed = Buffer.from(value.length > 0 ? value : [0]);
  if (value.length > 0) changed[value.length - 1] = (value.at(-1) ?? 0) ^ 1;
  return changed;
}
