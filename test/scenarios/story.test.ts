/**
 * The story of the demo as assertions, and then what it left behind: no block, event, public state or log may hold
 * anything of the patient.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { erased } from '@telemed-ledger/scripts/demo/rights.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { steps } from '@telemed-ledger/scripts/demo/story.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { expect } from 'chai';
import { consortium, Member, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { findSecret, type Secret } from './secrets.fixture.ts';

describe('The story of one patient', function () {
  this.timeout(60_000);
  let scene: Scene;
  let story: Story;
  /** Endorsers by transaction id. */
  const written = new Map<string, string[]>();
  const narrator: Narrator = {
    fact: () => undefined,
    wrote: async (_what, organisation, transactionId) => {
      const { endorsers, validationCode } = await scene.parties.of(organisation, 'system').receipt(transactionId);
      expect(validationCode).to.equal(0);
      written.set(transactionId, endorsers);
    },
  };

  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium();
    const startedAt = new Date().toISOString();
    story = { parties: scene.parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
  });

  after(() => story?.restore?.());

  const directoryOf = (organisation: string) => join(scene.dataDir, 'organisations', organisation, 'gateway');
  const databaseOf = (organisation: string): Buffer =>
    Buffer.concat(
      readdirSync(directoryOf(organisation))
        .filter((name) => name.startsWith('index.sqlite'))
        .map((name) => readFileSync(join(directoryOf(organisation), name))),
    );
  /** What the hospital had before the patient had a result erased: soon after it is on no disk. */
  let beforeErasure: Buffer;

  for (const { title, run } of steps)
    it(title, () => {
      if (run === erased) beforeErasure = databaseOf('hospital');
      return run(story, narrator);
    });

  it('left no step out', () => {
    expect(story.tamperingLeftOut).to.equal(undefined);
  });

  it('had every write endorsed by two organisations', () => {
    expect(written.size).to.be.at.least(13);
    for (const [transactionId, endorsers] of written) {
      expect(new Set(endorsers).size, `${transactionId} by ${endorsers.join()}`).to.be.at.least(2);
    }
  });

  describe('leaves nothing of the patient', () => {
    let secrets: Secret[];
    let regulator: Member;

    before(() => {
      const { mrn, member } = story.visit;
      const identifiers = [mrn, member].flatMap(({ system, value }) => [value, `${system}|${value}`]);
      secrets = [
        ...story.visit.secrets.map((text) => ({ text })),
        ...identifiers.map((text) => ({ text, guessable: true })),
        { text: `Patient/${story.patientId}` },
      ];
      regulator = new Member(scene.dataDir, 'regulator');
    });

    after(() => regulator?.close());

    /** `secret: form` of everything that is there. */
    const found = (bytes: Buffer, sought = secrets) =>
      sought.flatMap((secret) => findSecret(bytes, secret).map((form) => `${secret.text}: ${form}`));

    it('but with those whom it concerns, where the same search finds all of it', () => {
      const isUnseen = (text: string) => findSecret(beforeErasure, { text }).length === 0;
      const unseen = secrets.filter(({ text }) => !text.includes('|') && isUnseen(text));
      expect(unseen).to.deep.equal([]);
    });

    it('in any block that a member of the channel reads', async () => {
      const blocks = await regulator.network.getBlockEvents({ startBlock: 0n });
      const height = (await scene.parties.of('regulator', 'system').ask<{ block: number }>({ path: '/readyz' })).block;
      const seen: Buffer[] = [];
      for await (const block of blocks) {
        seen.push(Buffer.from(block.serializeBinary()));
        if (block.getHeader()?.getNumber() === height) break;
      }
      blocks.close();
      const all = Buffer.concat(seen);
      expect(all.includes(story.accessIds[0] ?? '?'), 'the blocks are those of the story').to.equal(true);
      expect([...written.keys()].filter((id) => !all.includes(id))).to.deep.equal([]);
      expect(found(all)).to.deep.equal([]);
    });

    it('in any event', async () => {
      const events = await regulator.network.getChaincodeEvents('telemed', { startBlock: 0n });
      const payloads: Buffer[] = [];
      const names = new Set<string>();
      for await (const { eventName, payload } of events) {
        names.add(eventName);
        payloads.push(Buffer.from(payload));
        if (eventName === 'PaymentRemitted' && payloads.at(-1)?.includes(story.paymentId ?? '?')) break;
      }
      events.close();
      expect([...names]).to.include.members(['AccessDecided', 'ConsentGranted', 'ClaimAdjudicated', 'PaymentRemitted']);
      expect(found(Buffer.concat(payloads))).to.deep.equal([]);
    });

    it('with the regulator, which holds the register of licences and the marks', () => {
      const regulators = databaseOf('regulator');
      expect(regulators.includes('register/1'), 'the register of licences is there').to.equal(true);
      expect(found(regulators)).to.deep.equal([]);
    });

    it('nor any clinical fact with the bank, which pays', () => {
      const amounts = (story.visit.claim['item'] as { net: { value: number } }[]).map(({ net }) => String(net.value));
      const clinical = secrets.filter(({ text }) => !amounts.includes(text));
      expect(found(databaseOf('bank'), clinical)).to.deep.equal([]);
    });

    it('in any log', () => {
      const directory = join(scene.dataDir, 'logs');
      const logs = Buffer.concat(readdirSync(directory).map((name) => readFileSync(join(directory, name))));
      expect(logs.includes('listening'), 'the logs are those of the gateways').to.equal(true);
      expect(logs.includes('a stored row fails its check'), 'the change on disk was logged').to.equal(true);
      expect(found(logs)).to.deep.equal([]);
    });
  });
});
