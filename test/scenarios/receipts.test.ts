/** One tree at every member, signed by all of them, and a receipt that somebody without a ledger checks. */
import { randomUUID } from 'node:crypto';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { rootsOf } from '@telemed-ledger/scripts/receipt-roots.ts';
import { checkReceipt } from '@telemed-ledger/verifier/check.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

interface Tree {
  origin: string;
  size: number;
  root: string;
}

const SIGNED_EVERY_MS = 300;

describe('Receipts that travel', function () {
  this.timeout(60_000);
  let scene: Scene;
  const system = (name: string): Party => scene.parties.of(name, 'system');
  const tree = (name: string, query = '') => system(name).find<Tree>({ path: `/ledger-tree${query}` }, 'the tree');

  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium('receipts', SIGNED_EVERY_MS);
  });

  it('rest on one tree, which every member computes alike', async () => {
    const { size, root } = await tree('hospital');
    expect(size).to.be.greaterThan(0);
    for (const { name } of scene.consortium.organisations)
      expect((await tree(name, `?size=${size}`)).root, name).to.equal(root);
  });

  it('prove a record with the roots alone, under more than half of the members', async () => {
    const family = `Family ${randomUUID()}`;
    const body = { resourceType: 'Patient', name: [{ family }] };
    const written = await system('hospital').write<{ id: string }>({ method: 'POST', path: '/fhir/R4/Patient', body });
    const path = `/resource-receipts/Patient/${written.body.id}/1/tlog-proof`;
    const receipt = await system('hospital').find<string>({ path }, 'the receipt');
    const { origin } = await tree('bank');
    const roots = rootsOf(scene.dataDir, scene.consortium, origin);
    const checked = await checkReceipt(new TextEncoder().encode(receipt), roots);
    expect(checked.content?.text).to.contain(family);
    expect(checked.entry.transactionId).to.equal(written.transactionId);
    expect(checked.witnesses.length).to.be.greaterThan(scene.consortium.organisations.length / 2);
    const last = receipt.lastIndexOf('A');
    const changed = `${receipt.slice(0, last)}B${receipt.slice(last + 1)}`;
    const refused = await checkReceipt(new TextEncoder().encode(changed), roots).catch(() => 'refused');
    expect(refused).to.equal('refused');
  });
});
