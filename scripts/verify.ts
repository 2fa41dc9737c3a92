/**
 * `npm run verify -- FILE [ROOTS]`: checks an export or a receipt, see verify-export.ts. `npm run verify [-- --org x]`: checks whole what each organisation holds, its peer's ledger against the blocks and its
 * read model against the ledger, prints a table for each organisation with every damage, its place and its remedy, and
 * ends with exit code 1 where there is any. It asks what runs, and reads the files of what does not.
 */
import { parseArgs } from 'node:util';
import { urlVariable } from '@telemed-ledger/consortium/variables.ts';
import { preventsStart } from '@telemed-ledger/network/embedded/ledger/verification/damage.ts';
import type { Verification } from '@telemed-ledger/network/embedded/ledger/verification/verify.ts';
import {
  dataDirectory,
  definedConsortium,
  gatewayUrls,
  organisationNamed,
  organisations,
  runCommand,
  UsageError,
} from './command-line.ts';
import { holdDataDirectory, isHeld } from './consortium/data-directory.ts';
import { networkInUse } from './consortium/read-models.ts';
import { isKnown } from './verification/channel/channel-check.ts';
import type { PeerReport } from './verification/channel/peer-check.ts';
import { nativeRemedies, peerLines, peerRows, remoteRemedies } from './verification/channel/report.ts';
import { onlyOf, verifyRunning, verifyStopped } from './verification/peer-ledger.ts';
import { checkAll } from './verification/repair-fabric.ts';
import { ledgerFindings, ledgerRows, printOrganisation } from './verification/report.ts';
import { compareStopped } from './verification/stopped-read-models.ts';
import { readModelFindings, readModelRow, sweep } from './verification/sweep.ts';
import { verifyFile } from './verify-export.ts';

type ReadModel = Parameters<typeof readModelRow>[0];

/** What was found of each organisation; a part that was not looked at is absent. */
interface Found {
  /** Of the embedded network, which is verified from within. */
  ledgers: Map<string, Verification>;
  /** Of Fabric's peers, by their public services. */
  peers: Map<string, PeerReport>;
  readModels: Map<string, ReadModel>;
}

const nothing = (): Found => ({ ledgers: new Map(), peers: new Map(), readModels: new Map() });

/** Whether the organisation's gateway, and with it the network, is not this data directory's. */
const isElsewhere = (name: string): boolean => process.env[urlVariable(name)] !== undefined;

/** Answers the number of damages. */
function print(names: readonly string[], { ledgers, peers, readModels }: Found): number {
  let damaged = 0;
  for (const name of names) {
    const [ledger, peer, readModel] = [ledgers.get(name), peers.get(name), readModels.get(name)];
    const rows = [
      ...(ledger ? ledgerRows(name, ledger) : []),
      ...(peer ? peerRows(peer) : []),
      ...(readModel ? [readModelRow(readModel)] : []),
    ];
    const findings = [
      ...(ledger ? ledgerFindings(name, ledger.damages) : []),
      ...(peer ? peerLines(peer, (isElsewhere(name) ? remoteRemedies : nativeRemedies)(name)) : []),
      ...(readModel ? readModelFindings(name, readModel) : []),
    ];
    printOrganisation(name, rows, findings);
    damaged += findings.length;
  }
  console.log(damaged === 0 ? 'Everything is as anchored.' : 'Not everything is as anchored.');
  return damaged;
}

/** The embedded network and the gateways are asked where they run. */
async function askRunning(names: readonly string[], dataDir: string): Promise<Found> {
  const found = nothing();
  await Promise.all(names.map(async (name) => found.ledgers.set(name, await verifyRunning(dataDir, name))));
  return { ...found, readModels: await sweepAll(names, dataDir) };
}

async function sweepAll(names: readonly string[], dataDir: string): Promise<Found['readModels']> {
  const urls = gatewayUrls();
  const readModels: Found['readModels'] = new Map();
  for (const name of names) {
    readModels.set(name, await sweep({ dataDir, organisation: name, url: urls[name] ?? '' }));
  }
  return readModels;
}

/** A Fabric network runs by itself; its gateways may not. */
async function askFabric(names: readonly string[], dataDir: string): Promise<Found> {
  const found = nothing();
  for (const report of await checkAll(dataDir, definedConsortium(), names))
    found.peers.set(report.organisation, report);
  const isAsked = isHeld(dataDir) || names.some(isElsewhere);
  const compared = [...found.peers.values()].filter(isReadable).map(({ organisation }) => organisation);
  if (compared.length < names.length) {
    console.log("Read models are compared with their peers' ledgers once these are sound.\n");
  }
  if (compared.length === 0) return found;
  const readModels = await (isAsked ? sweepAll(compared, dataDir) : compareStopped(dataDir, 'fabric', compared));
  return { ...found, readModels };
}

/** Whether a read model can be made from what the peer delivers, and a gateway becomes ready at it. */
const isReadable = (report: PeerReport): boolean =>
  isKnown(report) &&
  report.withoutChaincode === undefined &&
  report.findings.every(({ part }) => part === 'state' || part === 'index');

/** Reads the store; where the network could start on it, the gateways compare their rows. */
async function readStopped(names: readonly string[], dataDir: string): Promise<Found> {
  const letGo = holdDataDirectory(dataDir);
  const verification = await verifyStopped(dataDir, definedConsortium()).finally(letGo);
  const ledgers = new Map(names.map((name) => [name, onlyOf(name, verification)]));
  if (!verification.damages.some(preventsStart)) {
    return { ...nothing(), ledgers, readModels: await compareStopped(dataDir, 'embedded', names) };
  }
  console.log('The read models are compared once the ledger is sound.\n');
  return { ...nothing(), ledgers };
}

await runCommand(async () => {
  const { values, positionals } = parseArgs({ options: { org: { type: 'string' } }, allowPositionals: true });
  const [file, roots, ...more] = positionals;
  if (more.length > 0) throw new UsageError('usage: npm run verify -- FILE [ROOTS]');
  if (file !== undefined) return verifyFile(file, roots);
  const chosen = values.org === undefined ? organisations() : [organisationNamed(values.org)];
  const names = chosen.map(({ name }) => name);
  const dataDir = dataDirectory();
  const look = networkInUse(dataDir) === 'fabric' ? askFabric : isHeld(dataDir) ? askRunning : readStopped;
  const found = await look(names, dataDir);
  return print(names, found) === 0 ? 0 : 1;
});
// A connection that is being made to a peer that is paused is never given up, and would keep this process.
process.exit();
