import { expect } from 'chai';
import { conformance } from './cases/all.ts';
import { crashCases } from './cases/crash.ts';
import { startEmbedded, startEmbeddedProcess } from './embedded.ts';
import { differencesOf, readRecording } from './recording.ts';
import { replay } from './replay.ts';

describe('Conformance of the embedded network', function () {
  this.timeout(30_000);
  const suite = conformance(() => startEmbedded());
  crashCases(startEmbeddedProcess);

  describe('compared with a recording of Fabric 3.1.5', () => {
    it('gives the same bytes and texts wherever a case kept them, and has kept the same', () => {
      const { observed } = suite();
      const recorded = readRecording().observed;
      expect([...observed.keys()].sort(), 'what the cases kept').to.deep.equal([...recorded.keys()].sort());
      const differences = differencesOf(observed, recorded);
      expect(differences, JSON.stringify(differences, null, 1)).to.deep.equal([]);
    });

    it('gives every transaction its code and every block its commit hash', async () => {
      const { blocks, authorities } = readRecording();
      const { transactions, codes, differences } = await replay(blocks, authorities);
      expect(transactions).to.be.greaterThan(250);
      expect(Object.keys(codes)).to.include.members(['0', '9', '10', '11', '12']);
      expect(differences).to.deep.equal([]);
    });
  });
});
