/** One organisation's peer, checked whole through its public services by a member of the organisation. */

import type { Network } from '@hyperledger/fabric-gateway';
import { qualifiedName } from '@telemed-ledger/chaincode/model/transactions.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { LedgerConnection } from '@telemed-ledger/gateway-api/ledger/connect.ts';
import { BlockCheck } from './block-check.ts';
import { checkIndex, IndexSample } from './index-check.ts';
import type { PeerFinding } from './peer-findings.ts';
import { ChaincodeAway, connectionOf, kindOf, NotInChannel, PeerFault, PeerRefuses, type Reach } from './reach.ts';
import { type Readable, readBlocks } from './reading.ts';
import { checkState, type Evaluate } from './state-check.ts';
import { type Held, ValuesCheck } from './values-check.ts';

export interface PeerReport {
  organisation: string;
  /** Why the peer could not be asked; then nothing else is known. */
  away?: string;
  /** What it answered where it refused; then nothing else is known either. */
  refuses?: string;
  /** Why its chaincode could not be asked for its state, which is not known then. */
  withoutChaincode?: string;
  blocks: number;
  /** Private values delivered, and keys of state asked for. */
  values: number;
  state: number;
  digests: BlockCheck['digests'];
  findings: PeerFinding[];
}

/** What is written while a check runs is looked at again, so many times. */
const ROUNDS = 5;

/**
 * `collections`: those that the organisation is a member of, with the blocks that a value lives.
 * @throws PeerAway, PeerRefuses
 */
export async function checkPeer(reach: Reach, collections: ReadonlyMap<string, number>): Promise<PeerReport> {
  const connection = connectionOf(reach);
  try {
    return await checkConnected(reach, collections, connection);
  } catch (error) {
    const kind = kindOf(error);
    if (kind instanceof NotInChannel) return withoutLedger(reach.organisation);
    // What it answers to every member, and cannot answer here.
    if (kind instanceof PeerFault) throw new PeerRefuses(kind.message, { cause: kind });
    throw kind;
  } finally {
    connection.close();
  }
}

async function checkConnected(
  reach: Reach,
  collections: ReadonlyMap<string, number>,
  connection: LedgerConnection,
): Promise<PeerReport> {
  const { organisation, connection: settings, identity } = reach;
  const network = connection.network(identity);
  const height = await heightOf(network, settings.mspId);
  const blocks = new BlockCheck();
  const values = new ValuesCheck({ chaincode: settings.chaincode, collections, height });
  const samples = new IndexSample();
  const onBlock = (each: Readable): void => {
    values.check(each);
    samples.add(each.block);
  };
  const unreadable: PeerFinding[] = [];
  const read = async (to: number): Promise<void> => {
    unreadable.push(...(await readBlocks({ reach, blocks, withPrivateData: true, onBlock }, to)));
  };
  await read(height);
  // What a damaged block wrote is not known, so that nothing can be said of the keys that it may have written.
  const isWhole = blocks.findings.length === 0;
  const held = isWhole ? values.held : [];
  const state = await stateFindings(
    held,
    () => values.held,
    settings.chaincode,
    evaluateBy(connection, reach),
    async () => read(await heightOf(network, settings.mspId)),
  ).catch((error: unknown) => {
    if (error instanceof ChaincodeAway) return error;
    throw error;
  });
  const isAsked = !(state instanceof ChaincodeAway);
  const index = await checkIndex(network, settings.mspId, samples.all);
  return {
    organisation,
    ...(isAsked ? {} : { withoutChaincode: state.message }),
    blocks: blocks.height,
    values: values.values,
    state: isAsked ? held.length : 0,
    digests: blocks.digests,
    findings: [...blocks.findings, ...unreadable, ...values.findings(isWhole), ...(isAsked ? state : []), ...index],
  };
}

const NO_LEDGER: PeerFinding = { part: 'blocks', place: 'peer', what: 'missing: the ledger of the channel' };

const withoutLedger = (organisation: string): PeerReport => ({
  ...{ organisation, blocks: 0, values: 0, state: 0, digests: [] },
  findings: [NO_LEDGER],
});

/** On the organisation's own peer alone. */
function evaluateBy(connection: LedgerConnection, { connection: { mspId }, identity }: Reach): Evaluate {
  const contract = connection.contract(identity);
  return async (name, input) => {
    const request = { arguments: [JSON.stringify(input)], endorsingOrganizations: [mspId] };
    try {
      return JSON.parse(Buffer.from(await contract.evaluate(qualifiedName(name), request)).toString('utf8'));
    } catch (error) {
      throw kindOf(error);
    }
  };
}

async function stateFindings(
  first: Held[],
  current: () => Held[],
  chaincode: string,
  evaluate: Evaluate,
  catchUp: () => Promise<void>,
): Promise<PeerFinding[]> {
  let { findings } = await checkState(first, chaincode, evaluate);
  for (let round = 0; round < ROUNDS && findings.length > 0; round++) {
    await catchUp();
    const places = new Set(findings.map(({ place }) => place));
    const again = await checkState(current(), chaincode, evaluate, places);
    if (again.findings.length === findings.length) return again.findings;
    ({ findings } = again);
  }
  return findings;
}

/** Blocks that the peer has. */
async function heightOf(network: Network, mspId: string): Promise<number> {
  const request = { arguments: [network.getName()], endorsingOrganizations: [mspId] };
  const info = await network.getContract('qscc').evaluate('GetChainInfo', request);
  return new Message(info).number(1);
}
