/** What a backup of one organisation holds, and where in a data directory that belongs. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_CONSORTIUM_FILE } from '@telemed-ledger/consortium/loader.ts';
import type { PeerLayout } from '@telemed-ledger/network/fabric/layout.ts';

/** Names in the archive. */
export const IN_ARCHIVE = {
  organisation: 'organisation',
  gateway: join('organisation', 'gateway'),
  /** The consortium's definition as it was. */
  definition: join('configuration', 'consortium.yaml'),
  /** Of the embedded network: see private-values.ts. */
  privateValues: 'private-values.jsonl',
  /** Of Fabric: the peer's ledgers, installed packages and what it built of them. */
  peer: 'peer',
  channel: 'channel',
  chaincode: 'chaincode',
};

/** The consortium's definition as it is here. */
export const definitionText = (): string => readFileSync(process.env['CONSORTIUM'] || DEFAULT_CONSORTIUM_FILE, 'utf8');

export const DATABASES = ['index.sqlite', 'journal.sqlite'];

/** In an organisation's directory, while it is being restored: the manifest of what it is restored from. */
const RESTORING = 'restoring.json';

export const restoringFile = (organisationDirectory: string): string => join(organisationDirectory, RESTORING);

/** @throws Error naming the organisations of which a restore has not come to its end, whose gateways must not serve */
export function assertRestored(directories: readonly string[]): void {
  const unfinished = directories.filter((directory) => existsSync(restoringFile(directory)));
  if (unfinished.length > 0)
    throw new Error(
      `${unfinished.join(', ')}: a restore has not come to its end: run npm run network -- restore again`,
    );
}

/** Gateways' directories are copied by the database; what tells of the running processes is made anew. */
export const isLeftOut = (path: string): boolean =>
  /^gateway($|[./])/.test(path) || path === 'connection.json' || path === RESTORING;

export const peerData = ({ directory }: Pick<PeerLayout, 'directory'>): string => join(directory, 'data');

/** A private value that was endorsed and not ordered is its client's to send again; a lock is the process's. */
export const isLeftOutOfPeer = (path: string): boolean => path.startsWith('transientstore') || /(^|\/)LOCK$/.test(path);
