/** What every network command works on: the consortium, the data directory, where things are. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { isElsewhere } from '@telemed-ledger/network/ca/elsewhere.ts';
import { type Layout, layoutOf, ORDERINGS, type Ordering } from '@telemed-ledger/network/fabric/layout.ts';
import { NATIVE } from '@telemed-ledger/network/fabric/place.ts';
import { existingOrdering } from '@telemed-ledger/network/fabric/prepare.ts';
import { dataDirectory, definedConsortium, UsageError } from '../command-line.ts';

export interface NetworkContext {
  consortium: ConsortiumDefinition;
  layout: Layout;
}

/**
 * `ordering` is what was asked for; an existing network keeps its own.
 * @throws ConsortiumError; UsageError when an existing network has another ordering.
 */
export function networkContext(ordering?: string, dataDir: string = dataDirectory()): NetworkContext {
  const consortium = definedConsortium();
  if (ordering !== undefined && !ORDERINGS.includes(ordering as Ordering))
    throw new UsageError(`--ordering takes one of ${ORDERINGS.join(', ')}`);
  const asked = ordering as Ordering | undefined;
  const existing = existingOrdering(layoutOf(dataDir, consortium, 'bft'));
  if (asked !== undefined && existing !== undefined && asked !== existing) {
    throw new UsageError(`this network orders by ${existing}; npm run network -- reset removes it`);
  }
  return {
    consortium,
    layout: layoutOf(dataDir, consortium, existing ?? asked ?? 'bft', NATIVE, (name) => !isElsewhere(dataDir, name)),
  };
}

export const NO_NETWORK = 'there is no network yet: npm run network -- up';

/** The package that was deployed last, whose processes serve the network. */
export function deployedPackage(layout: Layout): string | undefined {
  const file = servedFile(layout);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

export const servedFile = (layout: Layout): string => join(layout.chaincodeDirectory, 'package-id');
