/**
 * Commits a chaincode definition: a transaction of `_lifecycle`, signed and endorsed by the organisations' peers, that
 * writes the genuine keys in a block of its own. This stands in for Fabric's install, approve and commit.
 */
import { randomBytes } from 'node:crypto';
import { ENDORSER_TRANSACTION } from '@telemed-ledger/formats/blocks/transaction.ts';
import { VALID } from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import type { ChaincodeConfig } from '../../config.ts';
import type { Channel, Definition, Ledger, Signer, Simulator } from '../../seams.ts';
import { encodeDefinition, FIELDS, fieldName, LIFECYCLE, metadataName } from './definitions.ts';

export interface DefinitionOptions {
  ledger: Ledger;
  channel: Channel;
  /** One peer of each organisation; enough of them to satisfy the channel's LifecycleEndorsement policy. */
  peers: { organisation: string; signer: Signer }[];
  chaincode: Pick<ChaincodeConfig, 'name' | 'version' | 'endorsementPolicy' | 'collections'>;
}

/**
 * Makes the definition the current one. Where it already is, nothing is written; otherwise the sequence goes up by
 * one and only the fields that differ are written.
 *
 * @throws Error where a policy cannot be read or the transaction was not valid.
 */
export async function writeDefinition(options: DefinitionOptions): Promise<Definition> {
  const { ledger, chaincode } = options;
  const envelope = definitionTransaction(options);
  if (envelope) {
    const { transactions } = await ledger.commit([envelope]);
    const code = transactions[0]?.code;
    if (code !== VALID) throw new Error(`the definition of chaincode ${chaincode.name} was refused with code ${code}`);
  }
  const definition = ledger.definition(chaincode.name);
  if (!definition) throw new Error(`chaincode ${chaincode.name} is not defined`);
  return definition;
}

/** The envelope that changes the definition, undefined where nothing differs. */
function definitionTransaction({ ledger, channel, peers, chaincode }: DefinitionOptions): Buffer | undefined {
  const [first] = peers;
  const creator = first && channel.identities.parse(first.signer.creator);
  if (!first || !creator) throw new Error('a definition needs the peer of an organisation of the channel');
  const nonce = randomBytes(24);
  const signatureHeader = encode([1, first.signer.creator], [2, nonce]);
  const txId = sha256(nonce, first.signer.creator).toString('hex');
  const simulator = ledger.simulate(first.organisation, { txId, creator });
  try {
    const current = simulator.readDefinition(chaincode.name, false);
    const wanted: Definition = {
      name: chaincode.name,
      version: chaincode.version,
      sequence: (current?.sequence ?? 0) + 1,
      endorsementPolicy: channel.policies.applicationPolicy(chaincode.endorsementPolicy),
      collections: chaincode.collections,
    };
    if (!putDefinition(simulator, wanted, channel)) return undefined;
    const header = { channelHeader: channelHeader(channel.name, txId), signatureHeader };
    const results = simulator.result().publicRwset;
    return endorse(
      header,
      proposalInput(wanted),
      results,
      peers.map(({ signer }) => signer),
    );
  } finally {
    simulator.close();
  }
}

/** False, with nothing written, where all but the sequence is as it was. */
function putDefinition(simulator: Simulator, definition: Definition, channel: Channel): boolean {
  const { metadata, fields } = encodeDefinition(definition, channel.policies);
  const entries = FIELDS.map((field) => ({ key: fieldName(definition.name, field), value: fields.get(field), field }));
  const changed = entries.filter(({ key, value, field }) => {
    const before = simulator.getState(LIFECYCLE, '', key);
    return field !== 'Sequence' && !(before && value?.equals(before));
  });
  if (changed.length === 0) return false;
  const isNew = simulator.getState(LIFECYCLE, '', metadataName(definition.name)) === undefined;
  if (isNew) simulator.putState(LIFECYCLE, '', metadataName(definition.name), metadata);
  for (const { key, value, field } of entries) {
    if (value && (field === 'Sequence' || changed.some((each) => each.key === key))) {
      simulator.putState(LIFECYCLE, '', key, value);
    }
  }
  return true;
}

interface RawHeader {
  channelHeader: Buffer;
  signatureHeader: Buffer;
}

function channelHeader(channel: string, txId: string): Buffer {
  const milliseconds = Date.now();
  const timestamp = encode([1, Math.floor(milliseconds / 1000)], [2, (milliseconds % 1000) * 1_000_000]);
  const extension = encode([2, encode([2, LIFECYCLE])]);
  return encode([1, ENDORSER_TRANSACTION], [3, timestamp], [4, channel], [5, txId], [7, extension]);
}

/** The ChaincodeProposalPayload of `CommitChaincodeDefinition`. */
function proposalInput(definition: Definition): Buffer {
  const args = encode(
    [1, definition.sequence],
    [2, definition.name],
    [3, definition.version],
    [4, 'escc'],
    [5, 'vscc'],
    [6, definition.endorsementPolicy],
  );
  const input = encode(...repeated(1, [Buffer.from('CommitChaincodeDefinition'), args]));
  const specification = encode([1, 1], [2, encode([2, LIFECYCLE])], [3, input]);
  return encode([1, encode([1, specification])]);
}

function endorse(header: RawHeader, input: Buffer, results: Uint8Array, signers: Signer[]): Buffer {
  const response = encode([1, 200]);
  const action = encode([1, results], [3, response], [4, encode([2, LIFECYCLE], [3, 'syscc'])]);
  const proposalHash = sha256(header.channelHeader, header.signatureHeader, input);
  const payload = encode([1, proposalHash], [2, action]);
  const endorsements = signers.map((signer) =>
    encode([1, signer.creator], [2, signer.sign(Buffer.concat([payload, signer.creator]))]),
  );
  const endorsed = encode([1, payload], ...repeated(2, endorsements));
  const transaction = encode([1, encode([1, header.signatureHeader], [2, encode([1, input], [2, endorsed])])]);
  const body = encode([1, encode([1, header.channelHeader], [2, header.signatureHeader])], [2, transaction]);
  const [creator] = signers;
  return encode([1, body], [2, creator?.sign(body)]);
}
