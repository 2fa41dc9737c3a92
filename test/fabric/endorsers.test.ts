/**
 * On real Fabric: what callers are answered while a peer is paused, while an organisation runs another chaincode, and
 * while this machine's clock is off. The longest answers are printed.
 */
import { randomUUID } from 'node:crypto';
import type { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { steps } from '@telemed-ledger/scripts/demo/story.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import type { Answer } from '@telemed-ledger/scripts/http.ts';
import { expect } from 'chai';
import { Records } from '../../chaincode/src/contracts/records.ts';
import { skipWithoutFabric } from '../conformance/fabric-at-hand.ts';
import { FabricScene } from './fabric-scene.fixture.ts';

const BUDGET_MS = 15_000;
/** How much a request may exceed its budget on a busy machine. */
const GRACE_MS = 2_000;

interface Outcome {
  issue?: { diagnostics: string; details?: { coding: { code: string }[] } }[];
}
type Timed = Answer & { ms: number };
const issueOf = ({ body }: Answer) => (body as Outcome).issue?.[0];
const kindOf = (answer: Answer): string | undefined => issueOf(answer)?.details?.coding[0]?.code;
const longest = (answers: readonly Timed[]): string =>
  `${(Math.max(...answers.map(({ ms }) => ms)) / 1000).toFixed(1)} s`;

describe('Endorsers that fail, on Fabric', function () {
  this.timeout(300_000);
  let scene: FabricScene;
  let parties: Parties;

  before(async function () {
    await skipWithoutFabric(this);
    scene = await FabricScene.start();
    ({ parties } = scene);
  });
  after(() => scene?.close());

  async function timed(organisation: string, method: 'POST' | 'PUT', path: string, body: object): Promise<Timed> {
    const started = performance.now();
    const answer = await parties.of(organisation, 'system').send({ method, path, body });
    return { ...answer, ms: performance.now() - started };
  }
  const record = (organisation = 'hospital') =>
    timed(organisation, 'POST', '/fhir/R4/Patient', {
      resourceType: 'Patient',
      identifier: [{ system: 'urn:example:mrn', value: randomUUID() }],
    });
  const licence = () =>
    timed('regulator', 'PUT', `/licences/${randomUUID().slice(0, 8)}`, {
      status: 'active',
      start: '2026-01-01',
      end: '2030-01-01',
    });

  it('a paused custodian stops no licence, and holds nobody beyond the budget', () =>
    scene.whilePaused('patients', async () => {
      const [first, ...writes] = await Promise.all([licence(), ...Array.from({ length: 8 }, () => record())]);
      const later: Timed[] = [];
      for (let count = 0; count < 10; count += 1) later.push(await licence());
      console.log(`      longest: licences ${longest([first])}, then ${longest(later)}; records ${longest(writes)}`);
      for (const { status, body } of [first, ...later]) expect(status, JSON.stringify(body)).to.equal(200);
      for (const answer of writes) {
        expect(answer.status, JSON.stringify(answer.body)).to.equal(503);
        expect(kindOf(answer)).to.equal('slow');
        expect(answer.ms).to.be.lessThan(BUDGET_MS + GRACE_MS);
      }
      // Those that were sent say who did not answer; those that waited for them say that they waited.
      expect(writes.map((answer) => issueOf(answer)?.diagnostics).join()).to.match(
        /PatientsMSP did not answer in time/,
      );
    }));

  it('a paused peer of its own holds nobody beyond the budget either', () =>
    scene.whilePaused('hospital', async () => {
      const [other, ...own] = await Promise.all([licence(), record(), record()]);
      console.log(`      longest: ${longest(own)}; a licence meanwhile ${longest([other])}`);
      for (const answer of own) {
        expect([answer.status, kindOf(answer)], JSON.stringify(answer.body)).to.deep.equal([503, 'slow']);
        expect(issueOf(answer)?.diagnostics).to.match(/HospitalMSP/);
        expect(answer.ms).to.be.lessThan(BUDGET_MS + GRACE_MS);
      }
      expect(other.status).to.equal(200);
    }));

  it('a paused provider stops no adjudication: the custodian recomputes it', async () => {
    const startedAt = new Date().toISOString();
    const story: Story = { parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
    const narrator: Narrator = { fact: () => undefined, wrote: async () => undefined };
    const run = (title: RegExp) => steps.find((one) => title.test(one.title))!.run(story, narrator);
    for (const title of [/licenses/, /records a/, /coverage/, /submits a claim/]) await run(title);
    const claim = { path: `/fhir/R4/Claim/${story.claimId}` };
    await parties.of('payer', 'adjudicator').find(claim, 'the claim at the payer');
    await scene.whilePaused('hospital', async () => {
      const started = performance.now();
      await run(/adjudicates/);
      const seconds = (performance.now() - started) / 1000;
      console.log(`      adjudicated in ${seconds.toFixed(1)} s`);
      expect(seconds).to.be.lessThan(BUDGET_MS / 1000);
    });
  });

  it('names clocks that are too far apart as what they are', async () => {
    const { Date: Real } = globalThis;
    globalThis.Date = class extends Real {
      constructor(...given: [number?]) {
        const isProposed = given.length === 0 && /proposalbuilder/.test(new Error().stack ?? '');
        if (isProposed) super(Real.now() + 20 * 60_000);
        else super(...(given as [number]));
      }
    } as DateConstructor;
    try {
      const answer = await record();
      expect([answer.status, kindOf(answer)], JSON.stringify(answer.body)).to.deep.equal([503, 'clock']);
      expect(issueOf(answer)?.diagnostics).to.match(/the clock of this machine is 20 minutes ahead of it/);
    } finally {
      globalThis.Date = Real;
    }
  });

  describe('where the custodian runs another chaincode', () => {
    const real = Records.prototype.RecordVersions;

    const whileItDoes = async (run: () => Promise<void>): Promise<void> => {
      const records = new Records(scene.members);
      Records.prototype.RecordVersions = async (...call) => `${await real.apply(records, call)} `;
      try {
        await scene.whileServedHere('patients', run);
      } finally {
        Records.prototype.RecordVersions = real;
      }
    };

    it('the disagreement is answered at once, as what it is, with those that differ', () =>
      whileItDoes(async () => {
        const answers = await Promise.all(Array.from({ length: 5 }, () => record()));
        for (const answer of answers) {
          expect([answer.status, kindOf(answer)], JSON.stringify(answer.body)).to.deep.equal([409, 'disagrees']);
          expect(issueOf(answer)?.diagnostics).to.match(/HospitalMSP computed another result than PatientsMSP/);
          expect(answer.ms).to.be.lessThan(3_000);
        }
        const metrics = String((await parties.of('hospital', 'operator').send({ path: '/metrics' })).body);
        expect(metrics).to.match(/gateway_disagreements_total\{member="PatientsMSP"[^}]*\} [1-9]/);
        console.log(`      longest: ${longest(answers)}`);
      }));
  });

  it('and all is well again afterwards', async () => {
    const answer = await record();
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
  });
});
