/**
 * The chaincode's package id on the embedded network: `label:sha256` over its sources and the consortium it is given,
 * so that another chaincode, or the same one for another consortium, is another package, as on Fabric.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Consortium } from '@telemed-ledger/chaincode/model/consortium.ts';

const SOURCES = new URL('../../chaincode/src', import.meta.url).pathname;

export function packageIdOf(consortium: Consortium, version: string): string {
  const hash = createHash('sha256').update(canonicalJson(consortium));
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(file))
    .sort();
  for (const file of files) hash.update(file).update(readFileSync(join(SOURCES, file)));
  return `${consortium.chaincode}_${version}:${hash.digest('hex')}`;
}
