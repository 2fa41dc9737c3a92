import type { common } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { conformance } from './cases/all.ts';
import { crashCases } from './cases/crash.ts';
import { startEmbedded } from './embedded.ts';
import { startFabric } from './fabric.ts';
import { whyNoFabric } from './fabric-at-hand.ts';
import { createMaterial, type Material } from './material.ts';
import { differencesOf, writeRecording } from './recording.ts';
import { authoritiesOf, replay } from './replay.ts';
import { take } from './suite.ts';

const reason = await whyNoFabric();

describe('Conformance of real Fabric', function () {
  this.timeout(60_000);
  if (reason !== undefined) {
    it(`is skipped: ${reason}`, function () {
      this.skip();
    });
    return;
  }
  let material: Material;
  before(async () => {
    material = await createMaterial();
  });

  const observed: (() => Map<string, string>)[] = [];
  describe('on the embedded network, with the same identities', () => {
    const suite = conformance(() => startEmbedded(material));
    observed.push(() => suite().observed);
  });

  let blocks: common.Block[] = [];
  describe('on Fabric', () => {
    const suite = conformance(() => startFabric(material));
    observed.push(() => suite().observed);

    crashCases(() => startFabric());

    describe('at the end', () => {
      it('the blocks of a peer are kept', async () => {
        const height = await suite().height();
        const stream = await suite().client().network.getBlockEvents({ startBlock: 0n });
        blocks = await take(stream, (taken) => taken.length === height, 30_000);
        expect(blocks).to.have.length(height);
        if (process.env['CONFORMANCE_RECORD'] === undefined) return;
        writeRecording({ observed: suite().observed, authorities: authoritiesOf(material), blocks });
      });
    });
  });

  describe('compared', () => {
    it('both gave the same bytes and texts wherever a case kept them', () => {
      const [embedded, fabric] = observed.map((each) => each()) as [Map<string, string>, Map<string, string>];
      expect(fabric.size).to.be.greaterThan(50);
      expect([...embedded.keys()].sort(), 'what the cases kept').to.deep.equal([...fabric.keys()].sort());
      const differences = differencesOf(embedded, fabric);
      expect(differences, JSON.stringify(differences, null, 1)).to.deep.equal([]);
    });

    it('the embedded commit path gives every transaction its code and every block its commit hash', async () => {
      const { transactions, codes, differences } = await replay(blocks, authoritiesOf(material));
      console.log(`      ${blocks.length} blocks, ${transactions} transactions, by code: ${JSON.stringify(codes)}`);
      expect(Object.keys(codes)).to.include.members(['0', '9', '10', '11', '12']);
      expect(differences.slice(0, 5), `${differences.length} differences`).to.deep.equal([]);
    });
  });
});
