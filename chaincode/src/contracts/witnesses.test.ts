import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { Witnesses } from './witnesses.ts';

const input = {
  ...{ size: 7, root: 'a'.repeat(64), time: 1_800_000_000, publicKey: 'b'.repeat(64), signature: 'c'.repeat(128) },
};

describe('the witnesses contract', () => {
  const ledger = new MemoryLedger(exampleConsortium, [new Witnesses(exampleConsortium)]);

  it('puts a cosignature into the block, and nothing into any state', async () => {
    const { writes } = await ledger.submit('CosignCheckpoint', { from: 'bank', role: 'system', input });
    const event = { name: 'CheckpointCosigned', payload: canonicalJson(input) };
    expect(writes).to.deep.equal({ public: {}, private: {}, purged: [], policies: {}, event });
  });

  it('takes a COSE signature beside it, and does without', async () => {
    const both = { ...input, cose: 'd'.repeat(128) };
    const { writes } = await ledger.submit('CosignCheckpoint', { from: 'payer', role: 'system', input: both });
    expect(writes.event?.payload).to.equal(canonicalJson(both));
  });

  it('takes it of a member itself alone, and only in its form', async () => {
    const by = (role: string) => ledger.submit('CosignCheckpoint', { from: 'hospital', role, input });
    expect(await failureOf(by('practitioner'))).to.match(/FORBIDDEN/);
    const odd = [
      { size: 0 },
      { root: 'A'.repeat(64) },
      { signature: 'c'.repeat(126) },
      { cose: 'd'.repeat(127) },
      { note: 'x' },
    ];
    for (const change of odd) {
      const request = { from: 'bank', role: 'system', input: { ...input, ...change } };
      expect(await failureOf(ledger.submit('CosignCheckpoint', request)), JSON.stringify(change)).to.match(/INVALID/);
    }
  });
});
