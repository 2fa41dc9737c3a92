/** One tree at every member, signed by all of them, and a receipt that somebody without a ledger checks. */
import { randomUUID } from 'node:crypto';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { known, type Narrator, type Story } from '@telemed-ledger/scripts/demo/step.ts';
import { steps } from '@telemed-ledger/scripts/demo/story.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { rootsOf } from '@telemed-ledger/scripts/receipt-roots.ts';
import { checkReceipt, type Roots } from '@telemed-ledger/verifier/check.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

interface Tree {
  origin: string;
  size: number;
  root: string;
}

const SIGNED_EVERY_MS = 300;

describe('Receipts that travel', function () {
  this.timeout(180_000);
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
    const full = await system('hospital').find<string>({ path: `${path}?evidence=full` }, 'the receipt');
    const ordering = await system('payer').ask<NonNullable<Roots['ordering']>>({ path: '/orderers' });
    const { endorsed, ordered } = await checkReceipt(new TextEncoder().encode(full), { ...roots, ordering });
    expect(ordered!.orderers.length).to.be.at.least(ordered!.needed);
    // Of Fabric's four orderers three at least, each by its number; here one, by its certificate.
    expect(ordered!.needed).to.equal(ordering.consenters.length === 0 ? 1 : 3);
    expect(endorsed).to.deep.include({ sender: 'HospitalMSP', isJudged: true, collections: ['care_hospital'] });
    expect(endorsed!.endorsers.toSorted()).to.deep.equal(['HospitalMSP', 'PatientsMSP']);
  });

  it('prove a consent, a decision, a coverage, a claim, its response, its payment and its remittance', async () => {
    const startedAt = new Date().toISOString();
    const story: Story = { parties: scene.parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
    const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };
    for (const { title, run } of steps) if (!/byte/.test(title)) await run(story, silent);
    const patient = scene.parties.of('patients', 'patient', `Patient/${story.patientId}`);
    const { origin } = await tree('bank');
    const roots = rootsOf(scene.dataDir, scene.consortium, origin);
    const checked = async (party: Party, path: string) =>
      checkReceipt(new TextEncoder().encode(await party.find<string>({ path }, `the receipt ${path}`)), roots);
    const newest = async (party: Party, type: string): Promise<string[]> => {
      const page = await party.ask<{ entry?: { resource: { id: string; meta: { versionId: string } } }[] }>({
        path: `/fhir/R4/${type}`,
      });
      return (page.entry ?? []).map(({ resource: { id, meta } }) => `${id}/${meta.versionId}`);
    };
    const shown: [string, Party, string][] = [
      ['Consent', patient, 'patient-privacy'],
      ['Coverage', system('payer'), 'Coverage'],
      ['Claim', system('hospital'), known(story.claimId, 'claim')],
      ['ClaimResponse', system('payer'), 'ClaimResponse'],
      ['PaymentReconciliation', system('bank'), 'PaymentReconciliation'],
      ['PaymentNotice', system('bank'), 'PaymentNotice'],
    ];
    for (const [type, party, says] of shown) {
      const texts: string[] = [];
      for (const place of await newest(party, type)) {
        const { content, entry } = await checked(party, `/resource-receipts/${type}/${place}/tlog-proof`);
        expect(entry.code).to.equal(0);
        texts.push(content?.text ?? content?.value ?? '');
      }
      expect(
        texts.some((text) => text.includes(says)),
        type,
      ).to.equal(true);
    }
    for (const id of story.accessIds) {
      const { content } = await checked(system('clinic'), `/access-requests/${id}/tlog-proof`);
      expect(content?.value).to.match(/"status":"(granted|refused|purged)"/);
    }
  });
});
