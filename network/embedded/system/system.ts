/** The system chaincodes of one organisation's peer: who may call them and what they answer (spec 5, 6). */
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import type { ChaincodeResponse } from '../chaincode/messages.ts';
import { chaincodeArguments, type Proposal } from '../endorser/proposal.ts';
import type { Channel, Ledger } from '../seams.ts';
import { queryDefinition, queryDefinitions, UndefinedChaincode } from './lifecycle.ts';
import { queries } from './qscc.ts';

export interface SystemChaincodes {
  /** Runs a system chaincode for a proposal that has passed the endorser's checks. */
  invoke(name: string, proposal: Proposal): Promise<ChaincodeResponse>;
}

interface Parts {
  mspId: string;
  channel: Channel;
  ledger: Ledger;
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

async function qscc({ channel, ledger }: Parts, proposal: Proposal, fn: string, args: Buffer[]): Promise<Uint8Array> {
  const [named, argument] = args;
  if (named === undefined) throw new Error(`Incorrect number of arguments, ${args.length + 1}`);
  if (String(named) !== channel.name) throw new Error(`Invalid chain ID, ${named}`);
  const denied = await channel.checkAcl('query', proposal.signed);
  if (denied) throw new Error(`access denied for [${fn}][${named}]: [${denied}]`);
  if (fn !== 'GetChainInfo' && argument === undefined) throw new Error(`missing 3rd argument for ${fn}`);
  const query = queries[fn];
  if (!query) throw new Error(`Requested function ${fn} not found.`);
  return query(ledger, argument ?? Buffer.alloc(0));
}

async function cscc(parts: Parts, proposal: Proposal, fn: string, args: Buffer[]): Promise<Uint8Array> {
  const { channel, mspId } = parts;
  if (fn === 'GetChannels') {
    const member = channel.identities.parse(proposal.signed.creator);
    if (member?.mspId !== mspId) {
      throw new Error(
        `access denied for [${fn}]: Failed deserializing proposal creator during channelless check policy with ` +
          `policy [Members]: [expected MSP ID ${mspId}, received ${member?.mspId ?? ''}]`,
      );
    }
    return encode(...repeated(1, [encode([1, channel.name])]));
  }
  if (args.length === 0) throw new Error('Incorrect number of arguments, 1');
  const named = String(args[0] ?? '');
  if (fn !== 'GetConfigBlock' && fn !== 'GetChannelConfig') throw new Error(`Requested function ${fn} not found.`);
  const denied =
    named === channel.name
      ? await channel.checkAcl('query', proposal.signed)
      : `Failed to get policy manager for channel [${named}]`;
  if (denied) throw new Error(`access denied for [${fn}][${named}]: ${denied}`);
  return fn === 'GetConfigBlock' ? genesisOf(parts) : channel.config.serializeBinary();
}

/** The configuration never changes after start, so the last configuration block is block 0. */
function genesisOf({ ledger }: Parts): Uint8Array {
  return ledger.block(0) ?? new Uint8Array();
}

async function lifecycle({ channel, ledger }: Parts, proposal: Proposal, fn: string, args: Buffer[]) {
  if (args.length !== 1) {
    throw new Error(`lifecycle scc operations require exactly two arguments but received ${args.length + 1}`);
  }
  const denied = await channel.checkAcl('lifecycle', proposal.signed);
  if (denied) throw new Error(`Failed to authorize invocation due to failed ACL check: ${denied}`);
  if (fn === 'QueryChaincodeDefinition') return queryDefinition(ledger, channel, args[0] ?? Buffer.alloc(0));
  if (fn === 'QueryChaincodeDefinitions') return queryDefinitions(ledger, channel);
  throw new Error(`SCC: function ${fn} is not part of this network's _lifecycle`);
}
