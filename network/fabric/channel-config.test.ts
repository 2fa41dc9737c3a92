import { common, msp, orderer, peer } from '@hyperledger/fabric-protos';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { configOf } from '@telemed-ledger/formats/channel/genesis.ts';
import { readMspConfig } from '@telemed-ledger/formats/channel/msp-config.ts';
import { parsePolicyText } from '@telemed-ledger/formats/policies/policy-text.ts';
import { expect } from 'chai';
import { firstBlock } from './channel-config.ts';
import { quorumOf } from './consensus.ts';
import { type Layout, layoutOf } from './layout.ts';
import { CONTAINERS } from './place.ts';

const consortium = loadConsortium();
const { batch } = consortium.ordering;
const layout = layoutOf('/data', consortium, 'bft');
const material = {
  mspOf: (organisation: string) => ({
    mspId: consortium.organisations.find(({ name }) => name === organisation)!.mspId,
    caCertificate: `CA of ${organisation}`,
    tlsCaCertificate: `TLS CA of ${organisation}`,
    revocationLists: organisation === 'bank' ? ['CRL of bank'] : [],
  }),
  certificatesOf: ({ process }: { process: string }) => ({ identity: `id of ${process}`, tls: `tls of ${process}` }),
};

/** The channel's group as whoever joins reads it from the block. */
function groupIn(of: Layout): common.ConfigGroup {
  const { channel, config } = configOf(
    common.Block.deserializeBinary(firstBlock(consortium.channel, of, batch, material)),
  );
  expect(channel).to.equal('telemed');
  return config.getChannelGroup()!;
}

const sub = (group: common.ConfigGroup, name: string): common.ConfigGroup => group.getGroupsMap().get(name)!;
const names = (map: { keys(): Iterable<string> | { next(): { done: boolean; value: string } } }): string[] =>
  [...(map.keys() as Iterable<string>)].sort();
const value = (group: common.ConfigGroup, name: string): Uint8Array => group.getValuesMap().get(name)!.getValue_asU8();
const signaturePolicy = (group: common.ConfigGroup, name: string): Uint8Array => {
  const policy = group.getPoliciesMap().get(name)!.getPolicy()!;
  expect(policy.getType()).to.equal(common.Policy.PolicyType.SIGNATURE);
  return policy.getValue_asU8();
};
const capabilitiesOf = (group: common.ConfigGroup): string[] =>
  names(common.Capabilities.deserializeBinary(value(group, 'Capabilities')).getCapabilitiesMap());
const consensusOf = (group: common.ConfigGroup): orderer.ConsensusType =>
  orderer.ConsensusType.deserializeBinary(value(sub(group, 'Orderer'), 'ConsensusType'));
const optionsOf = (group: common.ConfigGroup): orderer.smartbft.Options.AsObject =>
  orderer.smartbft.Options.deserializeBinary(consensusOf(group).getMetadata_asU8()).toObject();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe("The channel's first block", () => {
  const group = groupIn(layout);
  const ordering = sub(group, 'Orderer');
  const application = sub(group, 'Application');

  it('orders by every orderer of the definition, each of its own organisation', () => {
    expect(consensusOf(group).getType()).to.equal('BFT');
    expect([group, ordering, application].map(capabilitiesOf)).to.deep.equal([['V3_0'], ['V2_0'], ['V2_5']]);
    const consenters = common.Orderers.deserializeBinary(value(ordering, 'Orderers')).getConsenterMappingList();
    const shown = consenters.map((each) => [
      ...[each.getId(), each.getHost(), each.getPort(), each.getMspId()],
      ...[each.getIdentity_asU8(), each.getClientTlsCert_asU8(), each.getServerTlsCert_asU8()].map(text),
    ]);
    const consenter = (id: number, name: string, mspId: string, port: number) => [
      ...[id, '127.0.0.1', port, mspId],
      ...[`id of ${name}`, `tls of ${name}`, `tls of ${name}`],
    ];
    expect(shown).to.deep.equal([
      consenter(1, 'orderer-hospital', 'HospitalMSP', 7151),
      consenter(2, 'orderer-patients', 'PatientsMSP', 7152),
      consenter(3, 'orderer-payer', 'PayerMSP', 7153),
      consenter(4, 'orderer-regulator', 'RegulatorMSP', 7154),
    ]);
    expect(names(ordering.getGroupsMap())).to.deep.equal(['HospitalMSP', 'PatientsMSP', 'PayerMSP', 'RegulatorMSP']);
    const endpoints = common.OrdererAddresses.deserializeBinary(value(sub(ordering, 'PayerMSP'), 'Endpoints'));
    expect(endpoints.getAddressesList()).to.deep.equal(['127.0.0.1:7153']);
    const writers = parsePolicyText("OR('PayerMSP.orderer')").serializeBinary();
    expect(signaturePolicy(sub(ordering, 'PayerMSP'), 'Writers')).to.deep.equal(writers);
  });

  it("asks a quorum of the ordering nodes' own identities for a block", () => {
    const policy = common.SignaturePolicyEnvelope.deserializeBinary(signaturePolicy(ordering, 'BlockValidation'));
    expect(policy.getRule()?.getNOutOf()?.getN()).to.equal(3);
    expect(policy.getRule()?.getNOutOf()?.getRulesList()).to.have.length(4);
    const identities = policy.getIdentitiesList().map((principal) => {
      expect(principal.getPrincipalClassification()).to.equal(msp.MSPPrincipal.Classification.IDENTITY);
      const identity = msp.SerializedIdentity.deserializeBinary(principal.getPrincipal_asU8());
      return `${identity.getMspid()}: ${text(identity.getIdBytes_asU8())}`;
    });
    expect(identities).to.include('PayerMSP: id of orderer-payer');
    // n = 3f + 1: 2f + 1; in between as many more as keep any two quorums' common node honest.
    expect([1, 4, 5, 6, 7, 10].map(quorumOf)).to.deep.equal([1, 3, 4, 4, 5, 7]);
  });

  it('cuts blocks as the definition says, where byzantine ordering looks for it', () => {
    const { requestBatchMaxInterval, requestBatchMaxCount, requestBatchMaxBytes } = optionsOf(group);
    const size = orderer.BatchSize.deserializeBinary(value(ordering, 'BatchSize'));
    expect(requestBatchMaxInterval).to.equal(`${batch.timeoutMs}ms`);
    expect([requestBatchMaxCount, size.getMaxMessageCount()]).to.deep.equal([
      batch.maxMessageCount,
      batch.maxMessageCount,
    ]);
    expect([requestBatchMaxBytes, size.getAbsoluteMaxBytes()]).to.deep.equal([
      batch.absoluteMaxBytes,
      batch.absoluteMaxBytes,
    ]);
  });

  it('names no option of byzantine ordering that would outlast another', () => {
    const seconds = (duration: string): number => Number.parseFloat(duration) * (duration.endsWith('ms') ? 0.001 : 1);
    const options = optionsOf(group);
    const { requestForwardTimeout, requestComplainTimeout, requestAutoRemoveTimeout } = options;
    const values = [requestForwardTimeout, requestComplainTimeout, requestAutoRemoveTimeout].map(seconds);
    expect(values).to.deep.equal(values.toSorted((a, b) => a - b));
    expect(seconds(options.viewChangeResendInterval)).to.be.at.most(seconds(options.viewChangeTimeout));
  });

  it('has a node take part as soon as it starts: nodes that catch up first, all at once, stop each other', () => {
    expect(optionsOf(group).syncOnStart).to.equal(false);
  });

  it('has one Raft node where that is asked for', () => {
    const raft = groupIn(layoutOf('/data', consortium, 'raft'));
    expect(consensusOf(raft).getType()).to.equal('etcdraft');
    const metadata = orderer.etcdraft.ConfigMetadata.deserializeBinary(consensusOf(raft).getMetadata_asU8());
    const shown = metadata.getConsentersList().map((each) => [each.getHost(), each.getPort()]);
    expect(shown).to.deep.equal([['127.0.0.1', 7151]]);
    expect(text(metadata.getConsentersList()[0]!.getServerTlsCert_asU8())).to.equal('tls of orderer-hospital');
    expect(names(sub(raft, 'Orderer').getGroupsMap())).to.deep.equal(['HospitalMSP']);
    expect(sub(raft, 'Orderer').getValuesMap().get('Orderers')).to.equal(undefined);
    const { ANY } = common.ImplicitMetaPolicy.Rule;
    const validation = sub(raft, 'Orderer').getPoliciesMap().get('BlockValidation')!.getPolicy()!;
    const meta = common.ImplicitMetaPolicy.deserializeBinary(validation.getValue_asU8());
    expect([meta.getRule(), meta.getSubPolicy()]).to.deep.equal([ANY, 'Writers']);
  });

  it('makes every organisation a member with an anchor peer, its authorities and its own administrators', () => {
    expect(names(application.getGroupsMap())).to.deep.equal(consortium.organisations.map(({ mspId }) => mspId).sort());
    for (const { name, mspId, peerPort } of consortium.organisations) {
      const organisation = sub(application, mspId);
      const anchors = peer.AnchorPeers.deserializeBinary(value(organisation, 'AnchorPeers')).toObject();
      expect(anchors.anchorPeersList).to.deep.equal([{ host: '127.0.0.1', port: peerPort }]);
      const administrators = parsePolicyText(`OR('${mspId}.admin')`).serializeBinary();
      expect(signaturePolicy(organisation, 'Admins')).to.deep.equal(administrators);
      const own = readMspConfig(value(organisation, 'MSP'));
      expect(own.getFabricNodeOus()?.getEnable()).to.equal(true);
      expect([own.getRootCertsList_asU8(), own.getTlsRootCertsList_asU8()].flat().map(text)).to.deep.equal([
        `CA of ${name}`,
        `TLS CA of ${name}`,
      ]);
      expect(own.getRevocationListList_asU8().map(text)).to.deep.equal(name === 'bank' ? ['CRL of bank'] : []);
    }
  });

  it('calls nodes in containers by their names', () => {
    const contained = groupIn(layoutOf('/data', consortium, 'bft', CONTAINERS));
    const consenters = common.Orderers.deserializeBinary(value(sub(contained, 'Orderer'), 'Orderers'));
    expect(consenters.getConsenterMappingList()[3]?.getHost()).to.equal('orderer-regulator');
    const bank = sub(sub(contained, 'Application'), 'BankMSP');
    const anchors = peer.AnchorPeers.deserializeBinary(value(bank, 'AnchorPeers')).toObject().anchorPeersList;
    expect(anchors).to.deep.equal([{ host: 'peer-bank', port: 7055 }]);
  });
});
