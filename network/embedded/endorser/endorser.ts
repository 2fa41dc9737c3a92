/**
 * The endorser of one organisation's peer: checks a proposal, runs its chaincode against this peer's state, hands
 * private data on and signs the result (spec 1.4 and 4.4).
 */
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { type ChaincodeResponse, encodeResponse } from '../chaincode/messages.ts';
import type { ChaincodeRuntime, ExecutionResult } from '../chaincode/runtime.ts';
import type { Channel, Identity, Ledger, Signer, SimulationResult, Simulator } from '../seams.ts';
import { isSystemChaincode } from '../system/names.ts';
import type { SystemChaincodes } from '../system/system.ts';
import { admit, type Denial } from './admission.ts';
import { type Proposal, proposalHash } from './proposal.ts';

/** shim.ERRORTHRESHOLD: from here on nothing is endorsed. */
const ERROR_THRESHOLD = 400;
const ERROR = 500;

export interface Endorsement {
  /** SerializedIdentity of the peer. */
  endorser: Uint8Array;
  signature: Uint8Array;
}

/** A ProposalResponse in parts. */
export interface Endorsed {
  kind: 'response';
  response: ChaincodeResponse;
  /** ProposalResponsePayload; empty for what the peer itself answered and for statuses 400 to 499. */
  payload: Uint8Array;
  endorsement?: Endorsement;
  /** What planning needs of the simulation. */
  interest: SimulationResult['interest'];
}

export type EndorserReply = Endorsed | Denial;

export interface EndorserParts {
  organisation: string;
  mspId: string;
  signer: Signer;
  channel: Channel;
  ledger: Ledger;
  runtime: ChaincodeRuntime;
  system: SystemChaincodes;
}

export class Endorser {
  readonly #parts: EndorserParts;

  constructor(parts: EndorserParts) {
    this.#parts = parts;
  }

  /** `admission` is the outcome of {@link admit} where the caller has it already. */
  async process(proposal: Proposal, admission?: Promise<Denial | undefined>): Promise<EndorserReply> {
    const { channel, ledger, mspId } = this.#parts;
    const denial = await (admission ?? admit(proposal, channel, ledger, mspId));
    if (denial) return denial.kind === 'answered' ? peerMade(denial.message) : denial;
    try {
      const chaincode = proposal.chaincode ?? '';
      if (!isSystemChaincode(chaincode)) return await this.#simulate(chaincode, proposal);
      const response = await this.#parts.system.invoke(chaincode, proposal);
      return this.#answer(proposal, { response }, 'syscc', undefined);
    } catch (error) {
      return peerMade(error instanceof Error ? error.message : String(error));
    }
  }

  async #simulate(chaincode: string, proposal: Proposal): Promise<Endorsed> {
    const { organisation, channel, ledger, runtime } = this.#parts;
    const { txId, signed, signedProposal, input } = proposal;
    const creator = channel.identities.parse(signed.creator) as Identity;
    const simulator = ledger.simulate(organisation, { txId, creator });
    try {
      const definition = simulator.readDefinition(chaincode, false);
      if (!definition) throw new Error(undefinedChaincode(chaincode, channel.name));
      const invocation = { channel: channel.name, txId, proposal: signedProposal, signed, simulator };
      const executed = await runtime
        .execute(chaincode, input ?? new Uint8Array(), invocation)
        .catch((error: Error) => failSimulation(error));
      const result = await this.#finish(simulator, txId);
      return this.#answer(proposal, executed, definition.version, result);
    } finally {
      simulator.close();
    }
  }

  /** The read/write set, after its private part has reached the peers that must hold it. */
  async #finish(simulator: Simulator, txId: string): Promise<SimulationResult> {
    const { organisation, ledger } = this.#parts;
    try {
      const result = simulator.result();
      if (result.privateRwset) {
        await ledger.storeTransient(organisation, txId, ledger.height(organisation), result.privateRwset);
      }
      return result;
    } catch (error) {
      return failSimulation(error as Error);
    }
  }

  #answer(proposal: Proposal, executed: ExecutionResult, version: string, result: SimulationResult | undefined) {
    const { response } = executed;
    const reply = { kind: 'response', response, interest: result?.interest ?? [] } as const;
    if (response.status >= ERROR_THRESHOLD && response.status < ERROR) return { ...reply, payload: new Uint8Array() };
    const payload = responsePayload(proposal, executed, version, result);
    if (response.status >= ERROR) return { ...reply, payload };
    // Without a channel there is nothing to endorse: Fabric answers the bare response.
    if (proposal.channel === '') return { ...reply, payload: new Uint8Array() };
    return { ...reply, payload, endorsement: this.#sign(payload) };
  }

  #sign(payload: Uint8Array): Endorsement {
    const { signer, channel } = this.#parts;
    const endorser = signer.creator;
    const message = Buffer.concat([payload, endorser]);
    const signature = signer.sign(message);
    const identity = channel.identities.parse(endorser);
    if (identity) channel.identities.remember(identity, message, signature);
    return { endorser, signature };
  }
}

/** A reply the peer makes itself: status 500 and no payload. */
function peerMade(message: string): Endorsed {
  return {
    kind: 'response',
    response: { status: ERROR, message, payload: new Uint8Array() },
    payload: new Uint8Array(),
    interest: [],
  };
}

/** ProposalResponsePayload, byte for byte as Fabric's endorser writes it. */
function responsePayload(
  proposal: Proposal,
  { response, event }: ExecutionResult,
  version: string,
  result: SimulationResult | undefined,
): Buffer {
  const isError = response.status >= ERROR_THRESHOLD;
  const action = encode(
    [1, result?.publicRwset],
    [2, event && !isError ? chaincodeEvent(proposal, event) : undefined],
    [3, encodeResponse(response), true],
    [4, encode([2, proposal.chaincode], [3, version]), true],
  );
  return encode([1, proposalHash(proposal)], [2, action]);
}

/** The peer puts its own chaincode name and transaction id into the chaincode's event. */
function chaincodeEvent(proposal: Proposal, event: Uint8Array): Buffer {
  const fields = new Message(event);
  return encode([1, proposal.chaincode], [2, proposal.txId], [3, fields.text(3)], [4, fields.bytes(4)]);
}

function undefinedChaincode(chaincode: string, channel: string): string {
  return (
    `make sure the chaincode ${chaincode} has been successfully defined on channel ${channel} and try again: ` +
    `chaincode ${chaincode} not found`
  );
}

function failSimulation(error: Error): never {
  throw new Error(`error in simulation: ${error.message}`);
}
