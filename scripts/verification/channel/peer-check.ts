/** One organisation's peer, checked whole through its public services by a member of the organisation. */

import type { Network } from '@hyperledger/fabric-gateway';
import { qualifiedName } from '@telemed-ledger/chaincode/model/transactions.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { BlockCheck } from './block-check.ts';
import { deliver } from './deliver.ts';
import { checkIndex, IndexSample } from './index-check.ts';
import type { PeerFinding } from './peer-findings.ts';
import { asAway, connectionOf, type Reach } from './reach.ts';
import { checkState, type Evaluate } from './state-check.ts';
import { type Held, ValuesCheck } from './values-check.ts';

export interface PeerReport {
  organisation: string;
  /** Why the peer could not be asked; then nothing else is known. */
  away?: string;
  blocks: number;
  /** Private values delivered, and keys of state asked for. */
  values: number;
  state: number;
  digests: BlockCheck['digests'];
  findings: PeerFinding[];
}

/** What is written while a check runs is looked at again, so many times. */
const ROUNDS = 5;

/** `collections`: those that the organisation is a member of, with the blocks that a value lives. @throws PeerAway */
export async function checkPeer(reach: Reach, collections: ReadonlyMap<string, number>): Promise<PeerReport> {
  const { organisation, connection: settings, identity } = reach;
  const connection = connectionOf(reach);
  try {
    const network = connection.network(identity);
    const height = await heightOf(network, settings.mspId);
    const blocks = new BlockCheck();
    const values = new ValuesCheck({ chaincode: settings.chaincode, collections, height });
    const samples = new IndexSample();
    const read = async (to: number): Promise<void> => {
      if (to <= blocks.digests.length) return;
      for await (const each of deliver(reach, { from: blocks.digests.length, to: to - 1, withPrivateData: true })) {
        if (!(await blocks.check(each))) continue;
        values.check(each);
        samples.add(each.block);
      }
    };
    await read(height);
    const contract = connection.contract(identity);
    const evaluate: Evaluate = async (name, input) => {
      const request = { arguments: [JSON.stringify(input)], endorsingOrganizations: [settings.mspId] };
      return JSON.parse(Buffer.from(await contract.evaluate(qualifiedName(name), request)).toString('utf8'));
    };
    // What a damaged block wrote is not known, so that nothing can be said of the keys that it may have written.
    const isWhole = blocks.findings.length === 0;
    const held = isWhole ? values.held : [];
    const state = await stateFindings(
      held,
      () => values.held,
      settings.chaincode,
      evaluate,
      async () => read(await heightOf(network, settings.mspId)),
    );
    const index = await checkIndex(network, settings.mspId, samples.all);
    return {
      organisation,
      blocks: blocks.digests.length,
      values: values.values,
      state: held.length,
      digests: blocks.digests,
      findings: [...blocks.findings, ...values.findings(isWhole), ...state, ...index],
    };
  } catch (error) {
    throw asAway(error);
  } finally {
    connection.close();
  }
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
