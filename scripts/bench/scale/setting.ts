/** The consortium of one measurement: the definition's own, with more organisations and with empty collections. */
import type { ConsortiumDefinition, OrganisationDefinition } from '@telemed-ledger/consortium/definition.ts';
import { collectionConfigsOf } from '@telemed-ledger/network/collections.ts';

export interface Setting {
  organisations: number;
  /** In the chaincode's definition; undefined: as many as the organisations need. */
  collections?: number;
}

/** One payer for so many providers. */
const PROVIDERS_PER_PAYER = 5;
/** Ports of their own, so that a consortium at work here stays as it is. */
const GATEWAY_PORT = 24_000;
const PEER_PORT = 20_000;
const ORDERER_PORT = 25_000;

/** @throws Error where the setting has fewer organisations or collections than the definition needs */
export function consortiumOf(
  base: ConsortiumDefinition,
  { organisations, collections }: Setting,
): ConsortiumDefinition {
  if (organisations < base.organisations.length)
    throw new Error(`at least the ${base.organisations.length} organisations of the definition`);
  const added = Array.from({ length: organisations - base.organisations.length }, (_, index) => member(index));
  const all = [...base.organisations, ...added].map((one, index) => ({
    ...one,
    gatewayPort: GATEWAY_PORT + index,
    peerPort: PEER_PORT + index,
  }));
  const orderers = base.ordering.orderers.map((one, index) => ({ ...one, port: ORDERER_PORT + index }));
  const { emptyCollections: _, ...rest } = base;
  const made = { ...rest, organisations: all, ordering: { ...base.ordering, orderers } };
  const needed = collectionConfigsOf(made).length;
  const empty = (collections ?? needed) - needed;
  if (empty < 0) throw new Error(`${organisations} organisations need ${needed} collections`);
  return { ...made, emptyCollections: empty };
}

function member(index: number): Pick<OrganisationDefinition, 'name' | 'mspId' | 'kind'> {
  const kind = index % (PROVIDERS_PER_PAYER + 1) === PROVIDERS_PER_PAYER ? 'payer' : 'provider';
  return { name: `${kind}-${index + 1}`, mspId: `Added${index + 1}MSP`, kind };
}
