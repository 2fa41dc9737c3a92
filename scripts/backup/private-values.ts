/**
 * The private values that one organisation's peer of the embedded network delivers, as a file of a backup, and looked up
 * there by a repair, which holds each against its hash on the ledger: what was purged since is asked for no more.
 */
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { decodePrivateSet, type Write } from '@telemed-ledger/formats/blocks/rwset.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import {
  type Copy,
  fits,
  type PrivateCopies,
} from '@telemed-ledger/network/embedded/ledger/verification/private-sets.ts';
import { type DeliveredBlock, deliver } from '../verification/channel/deliver.ts';
import type { Reach } from '../verification/channel/reach.ts';
import { readSets } from '../verification/channel/values-check.ts';

type SetPlace = Parameters<PrivateCopies['find']>[0];

/** A line of the file: key and value in base64. */
interface Line {
  collection: string;
  key: string;
  value: string;
}

/** Every value that the peer has in its blocks so far. @returns the last block. @throws PeerAway, PeerRefuses, PeerFault */
export async function writePrivateValues(reach: Reach, file: string): Promise<DeliveredBlock['block']> {
  const out = createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true });
  let last: DeliveredBlock['block'] | undefined;
  for await (const { block, privateSets } of deliver(reach, { from: 0, to: 'newest', withPrivateData: true })) {
    for (const bytes of privateSets.values())
      for (const line of linesOf(bytes, reach.connection.chaincode)) if (!out.write(line)) await once(out, 'drain');
    last = block;
  }
  out.end();
  await finished(out);
  if (last === undefined) throw new Error(`${reach.organisation}'s peer delivered no block`);
  return last;
}

function linesOf(bytes: Buffer, chaincode: string): string[] {
  return [...readSets(bytes, chaincode)].flatMap(([collection, set]) =>
    decodePrivateSet(set)
      .writes.filter(({ value }) => value.length > 0)
      .map(({ key, value }) => {
        const line: Line = { collection, key: key.toString('base64'), value: value.toString('base64') };
        return `${JSON.stringify(line)}\n`;
      }),
  );
}

export class BackupCopies implements PrivateCopies {
  readonly #file: string;
  readonly #from: string;
  /** By collection and hash of the key; read when the first value is looked for. */
  #values: Promise<Map<string, Omit<Copy, 'from'>[]>> | undefined;

  /** `from`: what it is called where it was of use. */
  constructor(file: string, from: string) {
    this.#file = file;
    this.#from = from;
  }

  async find(place: SetPlace, hashed: Write): Promise<Copy | undefined> {
    const held = await this.#held(place, hashed.key);
    const found = hashed.isDelete ? held[0] && { ...held[0], value: Buffer.alloc(0) } : held.find(isOf(hashed));
    return found && { ...found, from: this.#from };
  }

  async keyOf(place: SetPlace, keyHash: Buffer): Promise<Buffer | undefined> {
    return (await this.#held(place, keyHash))[0]?.key;
  }

  async #held({ collection }: SetPlace, keyHash: Buffer): Promise<Omit<Copy, 'from'>[]> {
    this.#values ??= read(this.#file);
    return (await this.#values).get(idOf(collection, keyHash)) ?? [];
  }
}

const isOf =
  (hashed: Write) =>
  ({ value }: Pick<Copy, 'value'>): boolean =>
    fits({ value }, hashed);

async function read(file: string): Promise<Map<string, Omit<Copy, 'from'>[]>> {
  const values = new Map<string, Omit<Copy, 'from'>[]>();
  if (!existsSync(file)) return values;
  for await (const text of createInterface({ input: createReadStream(file) })) {
    const line = JSON.parse(text) as Line;
    const [key, value] = [Buffer.from(line.key, 'base64'), Buffer.from(line.value, 'base64')];
    const id = idOf(line.collection, sha256(key));
    values.set(id, [...(values.get(id) ?? []), { key, value }]);
  }
  return values;
}

const idOf = (collection: string, keyHash: Buffer): string => `${collection}\0${keyHash.toString('hex')}`;
