/**
 * `npm run repair [-- --org x]`: mends what `npm run verify` names, with the consortium stopped. The peers' ledger is
 * mended from the copies that are left and each private value is held against its hash on the ledger; then the read model
 * is compared with it, and made anew where it differs. It prints what was taken from whom, and ends with exit code 1
 * where something is left that cannot be mended.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dropIndex } from '@telemed-ledger/gateway-api/index/stores.ts';
import { organisationDirectory } from '@telemed-ledger/network/ca/organisations.ts';
import { type Repair, repairLedger } from '@telemed-ledger/network/embedded/ledger/repair/repair.ts';
import { preventsStart } from '@telemed-ledger/network/embedded/ledger/verification/damage.ts';
import {
  dataDirectory,
  definedConsortium,
  organisationNamed,
  organisations,
  runCommand,
  UsageError,
} from './command-line.ts';
import { holdDataDirectory } from './consortium/data-directory.ts';
import { gatewayDirectory, type NetworkKind, networkInUse } from './consortium/read-models.ts';
import { peerLines } from './verification/channel/report.ts';
import { networkConfigWithoutChaincode } from './verification/peer-ledger.ts';
import { ReadModelCopies } from './verification/read-model-copies.ts';
import { repairPeer } from './verification/repair-fabric.ts';
import { ledgerFindings, printFindings } from './verification/report.ts';
import { compareStopped } from './verification/stopped-read-models.ts';

async function mendLedger(dataDir: string, organisation: string | undefined): Promise<Repair> {
  const letGo = holdDataDirectory(dataDir);
  const names = organisations().map(({ name }) => name);
  const readModels = new ReadModelCopies(dataDir, names);
  try {
    const config = await networkConfigWithoutChaincode(dataDir, definedConsortium());
    return await repairLedger({ config, organisation, elsewhere: [readModels] });
  } finally {
    readModels.close();
    letGo();
  }
}

function print({ damages, taken, isRebuilt, remaining }: Repair): void {
  if (damages.length === 0) return void console.log('The ledger is sound.');
  if (isRebuilt) console.log('The store was made anew, with what every organisation holds.');
  for (const { organisation = 'all peers', what, from, count } of taken) {
    console.log(`${organisation}: ${count.toLocaleString('en')} × ${what} ← ${from}`);
  }
  if (remaining.length > 0) console.log('\nLeft, because no copy can be found:');
  for (const [organisation = 'all peers', group] of Map.groupBy(remaining, (damage) => damage.organisation)) {
    console.log(organisation);
    printFindings(ledgerFindings(organisation, group));
  }
}

/** Compares read models with the ledger and makes those anew that differ. Answers the number of differences that stay. */
async function mendReadModels(dataDir: string, network: NetworkKind, names: readonly string[]): Promise<number> {
  const damaged = await differing(dataDir, network, names);
  for (const [name, differences] of damaged) {
    const letGo = holdDataDirectory(dataDir);
    dropIndex(gatewayDirectory(organisationDirectory(dataDir, name), network));
    letGo();
    console.log(`${name}: the read model, of which ${differences} ← the blocks and private data of its peer`);
  }
  if (damaged.size === 0) return 0;
  return (await differing(dataDir, network, [...damaged.keys()])).size;
}

/** What differs, by organisation, where anything does. */
async function differing(
  dataDir: string,
  network: NetworkKind,
  names: readonly string[],
): Promise<Map<string, string>> {
  const differences = new Map<string, string>();
  for (const [name, found] of await compareStopped(dataDir, network, names)) {
    if ('hopeless' in found) {
      differences.set(name, 'nothing is of this ledger');
      continue;
    }
    const damaged = found.differences.filter(({ remedy }) => remedy === 'reindex').length + found.more;
    if (damaged > 0) differences.set(name, `${damaged} rows differ`);
  }
  return differences;
}

/** One peer at a time, and never without being told which: what it has is removed. */
async function mendFabric(dataDir: string, organisation: string | undefined): Promise<number> {
  if (organisation === undefined)
    throw new UsageError('on Fabric name the organisation whose peer is to be mended: --org');
  // Gateways would ask a peer that has only some of its blocks.
  holdDataDirectory(dataDir)();
  const { startedAfter, failure, after, aside } = await repairPeer(dataDir, organisation);
  if (startedAfter !== undefined) console.log(`${organisation}'s peer was away and was started: ${startedAfter}`);
  if (failure !== undefined) console.log(`${organisation}'s peer did not start: ${failure}`);
  if (after === undefined) console.log(`${organisation}'s peer is sound.`);
  else {
    console.log(`${organisation}'s ledger was made anew: ${after.blocks} blocks ← the orderers`);
    console.log(
      `${after.values} private values ← the peers of the other members, each held against its hash in the blocks`,
    );
    printFindings(peerLines(after));
    if (aside !== undefined) console.log(`What the peer had before stays in ${aside}`);
  }
  const left = await mendReadModels(dataDir, 'fabric', [organisation]);
  if (left === 0) console.log('The read model is as the ledger.');
  return left + (after?.findings.length ?? 0) === 0 ? 0 : 1;
}

await runCommand(async () => {
  const { values } = parseArgs({ options: { org: { type: 'string' } } });
  const organisation = values.org === undefined ? undefined : organisationNamed(values.org).name;
  const dataDir = dataDirectory();
  if (networkInUse(dataDir) === 'fabric') return mendFabric(dataDir, organisation);
  if (!existsSync(join(dataDir, 'network'))) throw new Error(`${dataDir} holds no ledger`);
  const repair = await mendLedger(dataDir, organisation);
  print(repair);
  if (repair.remaining.some(preventsStart)) return 1;
  const names = organisation === undefined ? organisations().map(({ name }) => name) : [organisation];
  const left = await mendReadModels(dataDir, 'embedded', names);
  if (left === 0) console.log('The read models are as the ledger.');
  return repair.remaining.length + left === 0 ? 0 : 1;
});
// A connection that is being made to a peer that is paused is never given up, and would keep this process.
process.exit();
