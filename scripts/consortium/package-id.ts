/**
 * The chaincode's package id on the embedded network: `label:sha256` over its sources, the consortium package's and
 * the consortium it is given, so that another chaincode, or the same one for another consortium, is another package, as on Fabric.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
/** What runs as the chaincode. */
const SOURCES = ['chaincode/src', 'network/consortium'];

/** `root` holds the sources, in their rooms. */
export function packageIdOf(consortium: Consortium, version: string, root = ROOT): string {
  const hash = createHash('sha256').update(canonicalJson(consortium));
  const files = SOURCES.flatMap((directory) => sourcesIn(root, directory));
  for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
  return `${consortium.chaincode}_${version}:${hash.digest('hex')}`;
}

/** Paths from the root, in one order everywhere. */
const sourcesIn = (root: string, directory: string): string[] =>
  readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.(test|fixture)\.ts$|(^|\/)node_modules\//.test(file))
    .map((file) => `${directory}/${file}`)
    .sort();
