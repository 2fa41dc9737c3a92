/**
 * Who orders a channel, by its configuration, and whether a block bears their signatures: of one orderer with Raft, of a
 * quorum with BFT (protoutil/blocksignature.go).
 */
import { common } from '@hyperledger/fabric-protos';
import { headerDer, SIGNATURES, type StoredBlock } from '@telemed-ledger/formats/blocks/block.ts';
import { mspConfigsOf } from '@telemed-ledger/formats/channel/config-group.ts';
import { configOf } from '@telemed-ledger/formats/channel/genesis.ts';
import { readMspConfig } from '@telemed-ledger/formats/channel/msp-config.ts';
import { serializeIdentity } from '@telemed-ledger/formats/identity.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { createIdentities } from '@telemed-ledger/network/embedded/identity/identities.ts';

export class Ordering {
  readonly #identities: ReturnType<typeof createIdentities>;
  /** Serialised identities by their number, where the channel is ordered by BFT. */
  readonly #consenters: Map<number, Uint8Array>;

  /** @param configurationBlock bytes of the block that holds the configuration */
  constructor(configurationBlock: Uint8Array) {
    const { config } = configOf(common.Block.deserializeBinary(configurationBlock));
    const group = config.getChannelGroup() ?? new common.ConfigGroup();
    this.#identities = createIdentities(mspConfigsOf(group).map(readMspConfig));
    this.#consenters = consentersOf(group);
  }

  /** How many orderers must have signed. */
  get quorum(): number {
    const count = this.#consenters.size;
    return count === 0 ? 1 : Math.ceil((count + Math.floor((count - 1) / 3) + 1) / 2);
  }

  /** Whether as many orderers signed the block as must have. */
  async isSigned({ header, metadata }: StoredBlock): Promise<boolean> {
    try {
      const entry = new Message(metadata[SIGNATURES] ?? Buffer.alloc(0));
      const signers = new Set<string>();
      for (const signature of entry.messages(2)) {
        const [creator, signedHeader] = this.#signer(signature);
        const orderer = creator && this.#identities.parse(creator);
        if (!creator || orderer?.nodeOu !== 'orderer' || this.#identities.invalidity(orderer) !== undefined) continue;
        const signed = Buffer.concat([entry.bytes(1), signedHeader, headerDer(header)]);
        if (await this.#identities.verify(orderer, signed, signature.bytes(2))) {
          signers.add(Buffer.from(creator).toString('base64'));
        }
      }
      return signers.size >= this.quorum;
    } catch {
      return false;
    }
  }

  /** MetadataSignature: by the signer's identity in full, or by its number among the consenters. */
  #signer(signature: Message): [creator: Uint8Array | undefined, header: Buffer] {
    const identifier = signature.bytes(3);
    if (identifier.length === 0) return [signature.message(1).bytes(1), signature.bytes(1)];
    return [this.#consenters.get(new Message(identifier).number(1)), identifier];
  }
}

function consentersOf(group: common.ConfigGroup): Map<number, Uint8Array> {
  const value = group.getGroupsMap().get('Orderer')?.getValuesMap().get('Orderers')?.getValue_asU8();
  const consenters = value === undefined ? [] : common.Orderers.deserializeBinary(value).getConsenterMappingList();
  return new Map(
    consenters.map((each) => [
      each.getId(),
      serializeIdentity(each.getMspId(), Buffer.from(each.getIdentity_asU8()).toString('utf8')),
    ]),
  );
}
