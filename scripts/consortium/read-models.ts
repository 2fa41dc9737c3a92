/**
 * The gateways' read models belong to one ledger. A data directory may serve the embedded and the real network in turn:
 * the read models of the one that does not run lie aside as `gateway.<network>`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type NetworkKind = 'embedded' | 'fabric';
export const isNetworkKind = (text: string): text is NetworkKind => text === 'embedded' || text === 'fabric';
const MARK = 'network';

/** `organisations/<org>/gateway`, holding what belongs to this network. */
export function gatewayDirectory(organisation: string, network: NetworkKind): string {
  const current = join(organisation, 'gateway');
  const aside = (of: string): string => join(organisation, `gateway.${of}`);
  const owner = ownerOf(current);
  if (owner !== undefined && owner !== network) renameSync(current, aside(owner));
  if (!existsSync(current) && existsSync(aside(network))) renameSync(aside(network), current);
  mkdirSync(current, { recursive: true, mode: 0o700 });
  writeFileSync(join(current, MARK), network);
  return current;
}

/** The network that the gateways on this data directory were started on last, or the one that is there. */
export function networkInUse(dataDir: string): NetworkKind {
  const organisations = join(dataDir, 'organisations');
  const owners = existsSync(organisations)
    ? readdirSync(organisations).map((name) => ownerOf(join(organisations, name, 'gateway')))
    : [];
  if (owners.includes('fabric')) return 'fabric';
  const holds = (...path: string[]): boolean => existsSync(join(dataDir, ...path));
  return holds('fabric', 'channel') && !holds('network', 'ledger') ? 'fabric' : 'embedded';
}

/** Removes the read models of one network, whose ledger is gone. */
export function dropReadModels(dataDir: string, network: NetworkKind): void {
  const organisations = join(dataDir, 'organisations');
  if (!existsSync(organisations)) return;
  for (const name of readdirSync(organisations)) {
    const current = join(organisations, name, 'gateway');
    if (ownerOf(current) === network) rmSync(current, { recursive: true });
    rmSync(`${current}.${network}`, { recursive: true, force: true });
  }
}

/** A directory without a mark is from before there was a choice. */
function ownerOf(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  const mark = join(directory, MARK);
  return existsSync(mark) ? readFileSync(mark, 'utf8') : 'embedded';
}
