/**
 * What Fabric 3.1.5 answered in a run of the suite, and the blocks it made: expectations for machines that have no
 * Fabric. `CONFORMANCE_RECORD=1 npm run test:fabric` replaces them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { common } from '@hyperledger/fabric-protos';
import type { Authorities } from './replay.ts';

const DIRECTORY = join(import.meta.dirname, 'recorded');
const OBSERVED = join(DIRECTORY, 'observed.json');
const BLOCKS = join(DIRECTORY, 'blocks.json.gz');

export interface Recording {
  /** By label, as `Suite.observed`. */
  observed: Map<string, string>;
  authorities: Authorities;
  blocks: common.Block[];
}

export function writeRecording({ observed, authorities, blocks }: Recording): void {
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(OBSERVED, `${JSON.stringify(Object.fromEntries(observed), null, 2)}\n`);
  const encoded = blocks.map((block) => Buffer.from(block.serializeBinary()).toString('base64'));
  writeFileSync(BLOCKS, gzipSync(JSON.stringify({ authorities, blocks: encoded }), { level: 9 }));
}

export function readRecording(): Recording {
  const { authorities, blocks } = JSON.parse(gunzipSync(readFileSync(BLOCKS)).toString()) as {
    authorities: Authorities;
    blocks: string[];
  };
  return {
    observed: new Map(Object.entries(JSON.parse(readFileSync(OBSERVED, 'utf8')) as Record<string, string>)),
    authorities,
    blocks: blocks.map((block) => common.Block.deserializeBinary(Buffer.from(block, 'base64'))),
  };
}

/** Labels under which two networks gave something else; a label that one lacks counts. */
export function differencesOf(embedded: Map<string, string>, fabric: Map<string, string>): object[] {
  return [...new Set([...embedded.keys(), ...fabric.keys()])].flatMap((label) =>
    embedded.get(label) === fabric.get(label)
      ? []
      : [{ label, embedded: embedded.get(label), fabric: fabric.get(label) }],
  );
}
