/** A witness signs what has grown from what it signed before, and nothing else, whatever stops it. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leafHash, rootOf } from '@telemed-ledger/chaincode/model/merkle.ts';
import { entryText } from '@telemed-ledger/verifier/entry.ts';
import { expect } from 'chai';
import { NotGrown, Witness } from './witness.ts';

const hex = (text: string) => createHash('sha256').update(text).digest('hex');

/** A ledger of so many leaves, the same for the same name. */
class Ledger {
  leaves: string[] = [];
  grow(name: string, count: number): this {
    for (let at = 0; at < count; at += 1) this.leaves.push(leafHash(`${name} ${this.leaves.length}`));
    return this;
  }
  get index() {
    const entry = entryText({
      ...{ block: 0, header: hex('genesis'), position: 0, transactionId: undefined, code: 0, envelope: hex('one') },
      writes: undefined,
    });
    const root = async (size: number) =>
      size < 1 || size > this.leaves.length ? undefined : rootOf(this.leaves.slice(0, size));
    const leaf = async () => ({ entry });
    return { tree: { root, leaf }, cosignatures: { witness: async () => ({}) } } as never;
  }
}

describe('A witness', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'witness-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const witnessOf = (ledger: Ledger) =>
    new Witness({
      ...{ directory: join(directory, 'witness'), channel: 'telemed', index: ledger.index },
      organisation: { name: 'bank', mspId: 'BankMSP', kind: 'bank' },
      identity: async () => ({
        name: 'system',
        certificate: '',
        privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      }),
    });
  const refused = (signing: Promise<unknown>) =>
    signing.then(
      () => false,
      (error) => error instanceof NotGrown,
    );

  it('has one key, which only its gateway reads', () => {
    const ledger = new Ledger().grow('a', 1);
    const { publicKey } = witnessOf(ledger);
    expect(witnessOf(ledger).publicKey).to.equal(publicKey);
    expect(statSync(join(directory, 'witness/key.pem')).mode & 0o077).to.equal(0);
  });

  it('signs growth, and the same again', async () => {
    const ledger = new Ledger().grow('a', 5);
    const first = await witnessOf(ledger).cosign(5);
    expect(first.root).to.equal(rootOf(ledger.leaves));
    ledger.grow('a', 4);
    expect((await witnessOf(ledger).cosign(5)).root).to.equal(first.root);
    expect((await witnessOf(ledger).cosign(9)).size).to.equal(9);
  });

  it('signs no smaller tree, none that is not here yet, and none that is not grown from the last', async () => {
    const ledger = new Ledger().grow('a', 5);
    await witnessOf(ledger).cosign(5);
    expect(await refused(witnessOf(ledger).cosign(4))).to.equal(true);
    expect(await refused(witnessOf(ledger).cosign(6))).to.equal(true);
    const other = new Ledger().grow('a', 4).grow('b', 4);
    for (const size of [5, 6, 8]) expect(await refused(witnessOf(other).cosign(size)), String(size)).to.equal(true);
  });

  it('never signs two roots of one size, killed at any moment', async () => {
    const ledger = new Ledger().grow('a', 5);
    await witnessOf(ledger).cosign(5);
    // As a kill leaves it between the two files: what was being written is not in its place.
    writeFileSync(join(directory, 'witness/signed.json.new'), '{"origin":');
    const again = witnessOf(new Ledger().grow('b', 5));
    expect(await refused(again.cosign(5))).to.equal(true);
    expect(JSON.parse(readFileSync(join(directory, 'witness/signed.json'), 'utf8')).size).to.equal(5);
  });

  it('takes one of two sizes that are asked for at once', async () => {
    const ledger = new Ledger().grow('a', 9);
    const witness = witnessOf(ledger);
    const outcomes = await Promise.allSettled([witness.cosign(9), witness.cosign(5)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).to.equal(1);
  });
});
