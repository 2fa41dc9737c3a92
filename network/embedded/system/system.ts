/** The system chaincodes of one organisation's peer: who may call them and what they answer (spec 5, 6). */
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import type { ChaincodeResponse } from '../chaincode/messages.ts';
import type { ChaincodeRuntime } from '../chaincode/runtime.ts';
import { chaincodeArguments, type Proposal } from '../endorser/proposal.ts';
import type { Channel, Ledger } from '../seams.ts';
import { InstalledChaincodes, installedQueries } from './installed.ts';
import { queryDefinition, queryDefinitions, UndefinedChaincode } from './lifecycle.ts';
import { checkLocalPolicy } from './local-policy.ts';
import { queries } from './qscc.ts';

export interface SystemChaincodes {
  /** Runs a system chaincode for a proposal that has passed the endorser's checks; it may name no channel. */
  invoke(name: string, proposal: Proposal): Promise<ChaincodeResponse>;
}

interface Parts {
  organisation: string;
  mspId: string;
  channel: Channel;
  ledger: Ledger;
  runtime: ChaincodeRuntime;
}

export function systemChaincodes(parts: Parts): SystemChaincodes {
  const run: Record<string, (parts: Parts, proposal: Proposal, name: string, args: Buffer[]) => Promise<Uint8Array>> = {
    qscc,
    cscc,
    _lifecycle: lifecycle,
  };
  return {
    async invoke(name, proposal) {
      const [fn, ...args] = chaincodeArguments(proposal.input ?? new Uint8Array());
      try {
        const payload = await run[name]?.(parts, proposal, String(fn ?? ''), args);
        return { status: 200, message: '', payload: payload ?? new Uint8Array() };
      } catch (error) {
        const status = error instanceof UndefinedChaincode ? 404 : 500;
        return { status, message: (error as Error).message, payload: new Uint8Array() };
      }
    },
  };
}

async function qscc(parts: Parts, proposal: Proposal, fn: string, args: Buffer[]): Promise<Uint8Array> {
  const { organisation, channel, ledger } = parts;
  const [named, argument] = args;
  if (named === undefined) throw new Error(`Incorrect number of arguments, ${args.length + 1}`);
  if (fn !== 'GetChainInfo' && argument === undefined) throw new Error(`missing 3rd argument for ${fn}`);
  if (String(named) !== channel.name) throw new Error(`Invalid chain ID, ${named}`);
  const query = queries[fn];
  const denied = query ? await channel.checkAcl('query', proposal.signed) : `Unmapped policy for qscc/${fn}`;
  if (denied !== undefined || !query) throw new Error(`access denied for [${fn}][${named}]: [${denied}]`);
  return query(ledger, argument ?? Buffer.alloc(0), organisation);
}

async function cscc(parts: Parts, proposal: Proposal, fn: string, args: Buffer[]): Promise<Uint8Array> {
  const { channel, mspId } = parts;
  if (fn === 'GetChannels') {
    const denied = await checkLocalPolicy({ mspId, identities: channel.identities }, 'Members', proposal.signed);
    if (denied !== undefined) throw new Error(`access denied for [${fn}]: ${denied}`);
    return encode(...repeated(1, [encode([1, channel.name])]));
  }
  if (args.length === 0) throw new Error('Incorrect number of arguments, 1');
  const named = String(args[0] ?? '');
  if (fn !== 'GetConfigBlock' && fn !== 'GetChannelConfig') throw new Error(`Requested function ${fn} not found.`);
  if (fn === 'GetChannelConfig' && named === '') throw new Error('empty channel name provided');
  const denied = await checkReader(parts, named, proposal);
  if (denied) throw new Error(`access denied for [${fn}][${named}]: ${denied}`);
  return fn === 'GetConfigBlock' ? genesisOf(parts) : channel.config.serializeBinary();
}

/** A question for a channel without a name is held to the peer's own policies, which have no such one. */
async function checkReader(
  { channel, mspId }: Parts,
  named: string,
  { signed }: Proposal,
): Promise<string | undefined> {
  const { name, identities } = channel;
  if (named === '') return checkLocalPolicy({ mspId, identities }, '/Channel/Application/Readers', signed);
  return named === name ? channel.checkAcl('query', signed) : `Failed to get policy manager for channel [${named}]`;
}

/** The configuration never changes after start, so the last configuration block is block 0. */
function genesisOf({ ledger }: Parts): Uint8Array {
  return ledger.block(0) ?? new Uint8Array();
}

async function lifecycle(parts: Parts, proposal: Proposal, fn: string, args: Buffer[]): Promise<Uint8Array> {
  const [argument] = args;
  if (argument === undefined || args.length > 1) {
    throw new Error(`lifecycle scc operations require exactly two arguments but received ${args.length + 1}`);
  }
  const denied = await checkLifecycle(parts, proposal, fn);
  if (denied) throw new Error(`Failed to authorize invocation due to failed ACL check: ${denied}`);
  const { channel, ledger } = parts;
  if (fn === 'QueryChaincodeDefinition') return queryDefinition(ledger, channel, argument);
  if (fn === 'QueryChaincodeDefinitions') return queryDefinitions(ledger, channel);
  const query = installedQueries[fn];
  if (query) return query(new InstalledChaincodes(parts), argument, proposal.channel);
  throw new Error(`SCC: function ${fn} is not part of this network's _lifecycle`);
}

/** What is installed and approved is the peer's administrator's to see, what is committed every writer's. */
const ADMINISTRATORS = [
  'InstallChaincode',
  'QueryInstalledChaincode',
  'QueryInstalledChaincodes',
  'GetInstalledChaincodePackage',
  'ApproveChaincodeDefinitionForMyOrg',
  'QueryApprovedChaincodeDefinition',
  'QueryApprovedChaincodeDefinitions',
];
const WRITERS = [
  'CommitChaincodeDefinition',
  'QueryChaincodeDefinition',
  'QueryChaincodeDefinitions',
  'CheckCommitReadiness',
];

async function checkLifecycle(parts: Parts, { channel: named, signed }: Proposal, fn: string) {
  const { channel, mspId } = parts;
  const local = { mspId, identities: channel.identities };
  if (ADMINISTRATORS.includes(fn)) return checkLocalPolicy(local, 'Admins', signed);
  if (!WRITERS.includes(fn)) return `Unmapped policy for _lifecycle/${fn}`;
  return named === ''
    ? checkLocalPolicy(local, '/Channel/Application/Writers', signed)
    : channel.checkAcl('lifecycle', signed);
}
