/** Fabric's own tool computes the same configuration updates as this project, where it happens to be at hand. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { common } from '@hyperledger/fabric-protos';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { configUpdateOf, updated } from '@telemed-ledger/formats/channel/config-update.ts';
import { channelConfiguration } from '@telemed-ledger/network/fabric/channel-config.ts';
import { layoutOf } from '@telemed-ledger/network/fabric/layout.ts';
import { expect } from 'chai';
import { toolAt } from './tools.fixture.ts';

describe('Configuration updates', function () {
  this.timeout(30_000);
  const consortium = loadConsortium();
  let directory: string;

  before(function () {
    if (toolAt('configtxlator') === undefined) {
      console.log("skipped: Fabric's configtxlator, which only this test uses, not found");
      this.skip();
    }
    directory = mkdtempSync(join(tmpdir(), 'config-updates-'));
  });
  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });

  interface Wish {
    change?: (definition: ConsortiumDefinition) => void;
    version?: number;
    revocations?: string[];
  }

  function configured({ change, version = 1, revocations = [] }: Wish): common.ConfigGroup {
    const definition = structuredClone(consortium);
    change?.(definition);
    return channelConfiguration(layoutOf('/data', definition, 'bft'), definition.ordering.batch, {
      mspOf: (organisation) => ({
        mspId: definition.organisations.find(({ name }) => name === organisation)!.mspId,
        caCertificate: `CA of ${organisation}`,
        tlsCaCertificate: `TLS CA of ${organisation}`,
        revocationLists: revocations,
      }),
      certificatesOf: ({ process }) => ({ identity: `${process} ${version}`, tls: `${process} TLS ${version}` }),
    });
  }

  /** By the tool, brought into this project's order of map entries. */
  function byTool(before: common.ConfigGroup, after: common.ConfigGroup): Uint8Array {
    const [original, wish, output] = ['original', 'wish', 'update'].map((name) => join(directory, `${name}.pb`));
    for (const [file, group] of [[original, before] as const, [wish, after] as const]) {
      const config = new common.Config();
      config.setChannelGroup(group);
      writeFileSync(file!, config.serializeBinary());
    }
    const files = ['--original', original!, '--updated', wish!, '--output', output!];
    execFileSync(toolAt('configtxlator')!, ['compute_update', '--channel_id', 'telemed', ...files], { stdio: 'pipe' });
    return common.ConfigUpdate.deserializeBinary(readFileSync(output!)).serializeBinary();
  }

  const CASES: [what: string, wish: Wish][] = [
    ['a batch', { change: ({ ordering }) => Object.assign(ordering.batch, { timeoutMs: 80, maxMessageCount: 7 }) }],
    ['certificates of orderers', { version: 2 }],
    ['revocation lists', { revocations: ['a list'] }],
    ['another member', { change: ({ organisations }) => organisations.push(hospice(organisations)) }],
    ['a member less', { change: ({ organisations }) => organisations.splice(1, 1) }],
    ['an orderer less', { change: ({ ordering }) => ordering.orderers.pop() }],
    [
      'all of it at once',
      { version: 2, revocations: ['a list'], change: ({ organisations }) => organisations.splice(1, 1) },
    ],
  ];
  for (const [what, wish] of CASES) {
    it(`are those of configtxlator: ${what}, from the first configuration and from a later one`, () => {
      const first = configured({});
      const slower = configured({ change: ({ ordering }) => Object.assign(ordering.batch, { timeoutMs: 999 }) });
      const later = updated(first, configUpdateOf('telemed', first, slower)!);
      for (const before of [first, later]) {
        const after = configured(wish);
        const ours = configUpdateOf('telemed', before, after)!.serializeBinary();
        expect(Buffer.from(ours).equals(byTool(before, after))).to.equal(true);
      }
    });
  }
});

const hospice = (organisations: ConsortiumDefinition['organisations']) => ({
  ...organisations[1]!,
  ...{ name: 'hospice', mspId: 'HospiceMSP', peerPort: 7057, gatewayPort: 8087 },
});
