/** Fabric's own tools read the block that this project makes, where they happen to be beside `peer` and `orderer`. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { layoutOf, ORDERINGS } from '@telemed-ledger/network/fabric/layout.ts';
import { prepareNetwork } from '@telemed-ledger/network/fabric/prepare.ts';
import { expect } from 'chai';
import { toolAt } from './tools.fixture.ts';

describe("The channel's first block", function () {
  this.timeout(30_000);
  const consortium = loadConsortium();
  let directory: string;

  before(function () {
    const missing = ['configtxgen', 'configtxlator'].filter((name) => toolAt(name) === undefined);
    if (missing.length > 0) {
      console.log(`skipped: Fabric's ${missing.join(' and ')}, which only this test uses, not found`);
      this.skip();
    }
    directory = mkdtempSync(join(tmpdir(), 'first-block-'));
  });
  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });

  for (const ordering of ORDERINGS) {
    it(`is read by configtxgen and configtxlator, ordering by ${ordering}`, async () => {
      const layout = layoutOf(join(directory, ordering), consortium, ordering);
      await prepareNetwork(consortium, layout);
      const options = { encoding: 'utf8' as const, stdio: 'pipe' as const, maxBuffer: 2 ** 26 };
      const inspected = execFileSync(toolAt('configtxgen')!, ['-inspectBlock', layout.genesisBlock], options);
      const output = join(directory, `${ordering}.json`);
      const decoding = ['proto_decode', '--type', 'common.Block', '--input', layout.genesisBlock, '--output', output];
      execFileSync(toolAt('configtxlator')!, decoding, options);
      const { header, data } = JSON.parse(inspected);
      expect(JSON.parse(readFileSync(output, 'utf8'))).to.deep.include({ header, data });
      const { groups } = data.data[0].payload.data.config.channel_group;
      expect(groups.Orderer.values.ConsensusType.value.type).to.equal(ordering === 'bft' ? 'BFT' : 'etcdraft');
      expect(Object.keys(groups.Application.groups)).to.have.members(
        consortium.organisations.map(({ mspId }) => mspId),
      );
    });
  }
});
