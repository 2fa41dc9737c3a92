/**
 * `npm run network -- introduce`, `take` and `export`: organisations of one consortium that are run from different hosts tell
 * each other what is public of them, and nothing else.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { ELSEWHERE, isElsewhere } from '@telemed-ledger/network/ca/elsewhere.ts';
import { prepareNodes } from '@telemed-ledger/network/ca/nodes.ts';
import { organisationDirectory, prepareOrganisations } from '@telemed-ledger/network/ca/organisations.ts';
import { areSameAuthorities, faultOf, fingerprintsOf, publicFilesIn } from '@telemed-ledger/network/ca/public-files.ts';
import { writeIfDifferent, writeYaml } from '@telemed-ledger/network/fabric/files.ts';
import { addressOf, hostsOf, type Layout, peerProcess } from '@telemed-ledger/network/fabric/layout.ts';
import { refuseAnotherChannel } from '@telemed-ledger/network/fabric/prepare.ts';
import { definitionText, isLeftOut } from '../backup/contents.ts';
import { organisationNamed, UsageError } from '../command-line.ts';
import { type NetworkContext, NO_NETWORK, networkContext } from './context.ts';

interface To {
  org?: string | undefined;
  to?: string | undefined;
}

/** Makes an organisation's keys where there are none yet and writes what the others must be told. Nobody else's are made. */
export async function introduce({ org, to }: To): Promise<number> {
  const organisation = organisationNamed(org);
  const { consortium, layout } = networkContext();
  if (isElsewhere(layout.dataDir, organisation.name))
    throw new UsageError(`${organisation.name} is run elsewhere: its own operator introduces it`);
  const own = { ...consortium, organisations: [organisation] };
  const hosts = hostsOf(layout.place, consortium);
  await prepareOrganisations(layout.dataDir, own, hosts);
  await prepareNodes(layout.dataDir, own, hosts);
  await written(to, async (directory) => {
    writePublicPart(layout, organisation.name, directory);
    const { orderers } = consortium.ordering;
    const nodes = orderers.filter((one) => one.organisation === organisation.name);
    const entry = { organisations: [organisation], ...(nodes.length > 0 ? { ordering: { orderers: nodes } } : {}) };
    writeYaml(join(directory, 'entry.yaml'), entry);
  });
  console.log(`${to} is what the others take of ${organisation.name}; read them its authorities' fingerprints:`);
  for (const line of fingerprintsOf(publicFilesIn(organisationDirectory(layout.dataDir, organisation.name))))
    console.log(`  ${line}`);
  return 0;
}

/** Takes the public parts of others, and block 0 where there is none yet. Nothing is taken where anything is wrong. */
export async function take({ names: [from] }: { names: string[] }): Promise<number> {
  if (from === undefined) throw new UsageError('take takes a directory that introduce or export has written');
  const { consortium, layout } = networkContext();
  const organisations = join(from, 'organisations');
  if (!existsSync(organisations)) throw new UsageError(`${from} holds no organisations`);
  const told = readdirSync(organisations).filter((name) => existsSync(join(organisations, name, ELSEWHERE)));
  const faults = told.flatMap((name) => mistakeIn(consortium, layout, name, join(organisations, name)) ?? []);
  faults.push(...channelMistakes(layout, from));
  if (faults.length > 0) throw new Error(`nothing was taken:\n${faults.join('\n')}`);
  for (const name of told) {
    const directory = organisationDirectory(layout.dataDir, name);
    if (existsSync(directory) && !isElsewhere(layout.dataDir, name)) continue;
    const files = publicFilesIn(join(organisations, name));
    // The mark first: nothing is ever made in another's name.
    writeIfDifferent(join(directory, ELSEWHERE), '');
    for (const [file, text] of files) writeIfDifferent(join(directory, file), text);
    console.log(`${name}, run elsewhere; let its operator read you:`);
    for (const line of fingerprintsOf(files)) console.log(`  ${line}`);
  }
  const channel = join(from, 'fabric', 'channel');
  if (existsSync(channel) && !existsSync(layout.genesisBlock)) await putWhole(channel, layout.channelDirectory);
  return 0;
}

function mistakeIn(
  { organisations }: ConsortiumDefinition,
  { dataDir }: Layout,
  name: string,
  directory: string,
): string | undefined {
  if (!organisations.some((one) => one.name === name)) return `${name} is not in the consortium's definition`;
  const fault = faultOf(directory);
  if (fault !== undefined) return `${name}: ${fault}`;
  const known = publicFilesIn(organisationDirectory(dataDir, name));
  if (known.size === 0 || areSameAuthorities(known, publicFilesIn(directory))) return undefined;
  return `${name}: it is known by other authorities here; ask its operator, and remove what is known only then`;
}

function channelMistakes({ genesisBlock }: Layout, from: string): string[] {
  const block = join(from, 'fabric', 'channel', 'genesis.block');
  if (!existsSync(block) || !existsSync(genesisBlock)) return [];
  return readFileSync(block).equals(readFileSync(genesisBlock)) ? [] : ['there is another channel here already'];
}

/** Everything that one organisation needs on its own host: its own keys where they are here, of the others what is public. */
export async function exportPart({ org, to }: To): Promise<number> {
  const { name } = organisationNamed(org);
  const context = networkContext();
  const { consortium, layout } = context;
  if (!existsSync(layout.genesisBlock)) throw new Error(NO_NETWORK);
  refuseAnotherChannel(consortium, layout);
  await written(to, async (directory) => {
    for (const other of consortium.organisations)
      if (other.name !== name) writePublicPart(layout, other.name, directory);
    if (!isElsewhere(layout.dataDir, name)) await copyOwn(layout, name, directory);
    await cp(layout.channelDirectory, join(directory, 'fabric', 'channel'), {
      recursive: true,
      filter: (path) => !path.endsWith('update.pb'),
    });
    writeFileSync(join(directory, 'consortium.yaml'), definitionText(), { mode: 0o600 });
    writeFileSync(join(directory, 'environment'), ENVIRONMENT, { mode: 0o600 });
    writeFileSync(join(directory, 'README.md'), readmeOf(context, name), { mode: 0o600 });
  });
  console.log(`${to} is ${name}'s part: see README.md in it`);
  return 0;
}

/** Its keys, certificates and what its gateway was configured with; a read model is filled anew. */
async function copyOwn(layout: Layout, name: string, directory: string): Promise<void> {
  const from = organisationDirectory(layout.dataDir, name);
  const target = join(directory, 'organisations', name);
  await cp(from, target, {
    recursive: true,
    filter: (path) => path === from || !isLeftOut(path.slice(from.length + 1)),
  });
  const tell = join(directory, 'tell-others');
  writePublicPart(layout, name, tell);
}

function writePublicPart({ dataDir }: Layout, name: string, directory: string): void {
  const target = organisationDirectory(directory, name);
  const files = publicFilesIn(organisationDirectory(dataDir, name));
  for (const [file, text] of files) writeIfDifferent(join(target, file), text);
  writeIfDifferent(join(target, ELSEWHERE), '');
}

const ENVIRONMENT = `# In this directory: . ./environment
export DATA_DIR="$PWD" CONSORTIUM="$PWD/consortium.yaml"
`;

/** What others have told it, what it must tell them, and what must be reached from where. */
function readmeOf({ consortium, layout }: NetworkContext, name: string): string {
  const { peers, orderers } = layout.everywhere;
  const nodes = [...peers, ...orderers].map((node) => ({
    node,
    organisation: typeof node.organisation === 'string' ? node.organisation : node.organisation.name,
  }));
  const lines = (isOwn: boolean): string[] =>
    nodes
      .filter(({ organisation }) => (organisation === name) === isOwn)
      .map(({ node, organisation }) => `- ${node.process}: ${addressOf(node)}${isOwn ? '' : ` (${organisation})`}`);
  return `# ${name}'s part of ${consortium.channel}

Everything here that is another's is public: certificates, addresses, the channel's first block.
How it is used: docs/joining.md of the product.

## What others have told it, and must be reached from its host

${lines(false).join('\n')}

## What it tells the others, and must be reached from their hosts

${lines(true).join('\n')}
${
  isElsewhere(layout.dataDir, name)
    ? `\nIts keys are with its own operator, who takes this directory: npm run network -- take DIRECTORY\n`
    : `\nIts keys are in organisations/${name}: whoever has this directory acts as ${name}. Only one host may run ${peerProcess(name)}.
The others take tell-others: npm run network -- take DIRECTORY\n`
}`;
}

/** A directory appears whole or not at all. @throws UsageError where there is no place for it */
async function written(to: string | undefined, write: (directory: string) => Promise<void>): Promise<void> {
  if (to === undefined) throw new UsageError('--to names the directory that is written');
  if (existsSync(to)) throw new UsageError(`${to} exists already, and nothing is overwritten`);
  const unfinished = `${resolve(to)}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  await write(unfinished);
  renameSync(unfinished, to);
}

async function putWhole(from: string, to: string): Promise<void> {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  const unfinished = `${to}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  await cp(from, unfinished, { recursive: true });
  rmSync(to, { recursive: true, force: true });
  renameSync(unfinished, to);
}
