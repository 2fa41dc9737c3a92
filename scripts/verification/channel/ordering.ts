/**
 * Who orders a channel, by its configuration, and whether a block bears their signatures: of one orderer with Raft, of a
 * quorum with BFT (protoutil/blocksignature.go).
 */
import { common } from '@hyperledger/fabric-protos';
import { headerDer, SIGNATURES, type StoredBlock } from '@telemed-ledger/formats/blocks/block.ts';
import { mspConfigsOf } from '@telemed-ledger/formats/channel/config-group.ts';
import { configOf } from '@telemed-ledger/formats/channel/genesis.ts';
import { readMspConfig } from '@telemed-ledger/formats/channel/msp-config.ts';
import { orderersOf } from '@telemed-ledger/formats/channel/ordering.ts';
import { serializeIdentity } from '@telemed-ledger/formats/identity.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { createIdentities } from '@telemed-ledger/network/embedded/identity/identities.ts';

export class Ordering {
  /** How many orderers must have signed. */
  readonly quorum: number;
  readonly #identities: ReturnType<typeof createIdentities>;
  /** Serialised identities by their number, where the channel is ordered by BFT. */
  readonly #consenters: Map<number, Uint8Array>;

  /** @param configurationBlock bytes of the block that holds the configuration */
  constructor(configurationBlock: Uint8Array) {
    const block = common.Block.deserializeBinary(configurationBlock);
    const group = configOf(block).config.getChannelGroup() ?? new common.ConfigGroup();
    this.#identities = createIdentities(mspConfigsOf(group).map(readMspConfig));
    const { needed, consenters } = orderersOf(block);
    this.quorum = needed;
    this.#consenters = new Map(
      consenters.map(({ id, mspId, certificate }) => [id, serializeIdentity(mspId, certificate)]),
    );
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
