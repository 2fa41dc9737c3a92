/**
 * Who orders a channel, by its configuration: how many orderers sign a block, by which authorities their certificates are, and
 * under BFT which certificate stands behind which number (protoutil/blocksignature.go).
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/orderer/ordering_service.html
 */
import { common } from '@hyperledger/fabric-protos';
import { LAST_CONFIG, SIGNATURES } from '../blocks/block.ts';
import { Message } from '../protobuf/message.ts';
import { entriesOf } from './config-group.ts';
import { configOf } from './genesis.ts';
import { readMspConfig } from './msp-config.ts';

export interface Orderers {
  /** How many of them must have signed a block. */
  needed: number;
  /** Those that run orderers; certificates are PEM. */
  organisations: { mspId: string; authorities: string[]; revocations: string[] }[];
  /** By their numbers in signatures; none where the channel is not ordered by BFT. */
  consenters: { id: number; mspId: string; certificate: string }[];
}

/** @param block that holds the configuration. @throws Error where it holds none */
export function orderersOf(block: common.Block): Orderers {
  const group = configOf(block).config.getChannelGroup()?.getGroupsMap().get('Orderer') ?? new common.ConfigGroup();
  const consenters = consentersOf(group);
  return { needed: quorumOf(consenters.length), organisations: organisationsOf(group), consenters };
}

/** Of one orderer with Raft, of a quorum with BFT. */
const quorumOf = (consenters: number): number =>
  consenters === 0 ? 1 : Math.ceil((consenters + Math.floor((consenters - 1) / 3) + 1) / 2);

function consentersOf(group: common.ConfigGroup): Orderers['consenters'] {
  const value = group.getValuesMap().get('Orderers')?.getValue_asU8();
  const consenters = value === undefined ? [] : common.Orderers.deserializeBinary(value).getConsenterMappingList();
  return consenters.map((each) => ({
    ...{ id: each.getId(), mspId: each.getMspId() },
    certificate: textOf(each.getIdentity_asU8()),
  }));
}

const organisationsOf = (group: common.ConfigGroup): Orderers['organisations'] =>
  entriesOf(group.getGroupsMap()).flatMap(([mspId, own]) => {
    const value = own.getValuesMap().get('MSP');
    return value === undefined ? [] : [authoritiesIn(mspId, value.getValue_asU8())];
  });

function authoritiesIn(mspId: string, bytes: Uint8Array): Orderers['organisations'][number] {
  const config = readMspConfig(bytes);
  return {
    mspId,
    authorities: [...config.getRootCertsList_asU8(), ...config.getIntermediateCertsList_asU8()].map(textOf),
    revocations: config.getRevocationListList_asU8().map(textOf),
  };
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** Number of the block that held the configuration when this one was ordered. */
export function lastConfigOf(block: common.Block): number {
  const metadata = block.getMetadata()?.getMetadataList_asU8() ?? [];
  const signed = new Message(new Message(metadata[SIGNATURES] ?? new Uint8Array()).bytes(1));
  // Blocks of Fabric 1 say so in an entry of its own.
  const value = signed.has(1)
    ? signed.message(1)
    : new Message(new Message(metadata[LAST_CONFIG] ?? new Uint8Array()).bytes(1));
  return value.number(1);
}
