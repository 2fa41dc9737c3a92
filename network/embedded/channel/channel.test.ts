import { createHash } from 'node:crypto';
import { common, orderer } from '@hyperledger/fabric-protos';
import { configOf } from '@telemed-ledger/formats/channel/genesis.ts';
import { expect } from 'chai';
import type { KeyPair } from '../config.ts';
import { type FixtureNetwork, fixtureAuthority, fixtureNetwork } from '../identity/authority.fixture.ts';
import { createSigner } from '../identity/signer.ts';
import type { Channel, SignedData } from '../seams.ts';
import { createChannel } from './channel.ts';

const NOBODY =
  "implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'NAME' sub-policies to be satisfied";

describe('A channel', () => {
  let network: FixtureNetwork;
  let channel: Channel;

  before(async () => {
    network = await fixtureNetwork('', 'first', 'second');
    channel = createChannel(network.config);
  });

  const signedBy = (mspId: string, pair: KeyPair): SignedData => {
    const data = Buffer.from('request');
    const signer = createSigner(mspId, pair);
    return { creator: signer.creator, data, signature: signer.sign(data) };
  };
  const signedAs = async (unit: string): Promise<SignedData> =>
    signedBy('FirstMSP', await network.organisations.get('first')!.ca.issue({ units: [unit] }));

  it('lets clients and administrators propose, and peers only look on', async () => {
    const outcomes: Record<string, string[]> = {};
    for (const unit of ['client', 'admin', 'peer', 'orderer']) {
      const signed = await signedAs(unit);
      const allowed: string[] = [];
      for (const resource of ['propose', 'lifecycle', 'events', 'query', 'broadcast'] as const) {
        if ((await channel.checkAcl(resource, signed)) === undefined) allowed.push(resource);
      }
      outcomes[unit] = allowed;
    }
    const everything = ['propose', 'lifecycle', 'events', 'query', 'broadcast'];
    expect(outcomes).to.deep.equal({ client: everything, admin: everything, peer: ['events', 'query'], orderer: [] });
  });

  it('lets the orderer broadcast and nothing else', async () => {
    const signed = signedBy('OrdererMSP', network.config.orderer.identity);
    expect(await channel.checkAcl('broadcast', signed)).to.equal(undefined);
    expect(await channel.checkAcl('query', signed)).to.contain('Failed evaluating policy');
  });

  it("refuses an outsider who claims a known MSP id, in Fabric's words", async () => {
    const signed = signedBy('FirstMSP', await (await fixtureAuthority('ca.first')).issue());
    expect(await channel.checkAcl('query', signed)).to.equal(
      'Failed evaluating policy on signed data during check policy on channel [testing] with policy ' +
        `[/Channel/Application/Readers]: [${NOBODY.replace('NAME', 'Readers')}]`,
    );
    expect(await channel.checkAcl('propose', signed)).to.contain('with policy [/Channel/Application/Writers]');
    expect(await channel.checkAcl('broadcast', signed)).to.equal(
      `${NOBODY.replace('NAME', 'Writers')}: permission denied`,
    );
  });

  it('refuses a signature over something else', async () => {
    const signed = await signedAs('client');
    expect(await channel.checkAcl('propose', { ...signed, data: Buffer.from('else') })).not.to.equal(undefined);
  });

  it("begins with a block whose hashes and metadata are a configuration block's", () => {
    const { genesisBlock: block } = channel;
    const entries = block.getData()!.getDataList_asU8();
    expect(entries).to.have.length(1);
    expect(block.getHeader()!.getNumber()).to.equal(0);
    expect(block.getHeader()!.getPreviousHash_asU8()).to.have.length(0);
    expect(Buffer.from(block.getHeader()!.getDataHash_asU8()).toString('hex')).to.equal(
      createHash('sha256').update(entries[0]!).digest('hex'),
    );
    const metadata = block.getMetadata()!.getMetadataList_asU8();
    expect(metadata).to.have.length(5);
    expect([...metadata[common.BlockMetadataIndex.TRANSACTIONS_FILTER]!]).to.deep.equal([0]);
    const payload = common.Payload.deserializeBinary(common.Envelope.deserializeBinary(entries[0]!).getPayload_asU8());
    const header = common.ChannelHeader.deserializeBinary(payload.getHeader()!.getChannelHeader_asU8());
    const nonce = common.SignatureHeader.deserializeBinary(
      payload.getHeader()!.getSignatureHeader_asU8(),
    ).getNonce_asU8();
    expect(header.getChannelId()).to.equal('testing');
    expect(header.getTxId()).to.equal(createHash('sha256').update(nonce).digest('hex'));
  });

  it('carries capabilities, organisations, policies and batch settings in its configuration', () => {
    const group = configOf(channel.genesisBlock).config.getChannelGroup()!;
    const application = group.getGroupsMap().get('Application')!;
    const ordering = group.getGroupsMap().get('Orderer')!;
    const capability = (of: common.ConfigGroup) => {
      const value = of.getValuesMap().get('Capabilities')!.getValue_asU8();
      return [...common.Capabilities.deserializeBinary(value).getCapabilitiesMap().keys()];
    };
    expect([group, ordering, application].map(capability)).to.deep.equal([['V3_0'], ['V2_0'], ['V2_5']]);
    expect([...application.getGroupsMap().keys()]).to.deep.equal(['FirstMSP', 'SecondMSP']);
    const batch = orderer.BatchSize.deserializeBinary(ordering.getValuesMap().get('BatchSize')!.getValue_asU8());
    expect(batch.toObject()).to.deep.equal({
      maxMessageCount: 10,
      absoluteMaxBytes: 103_809_024,
      preferredMaxBytes: 524_288,
    });
    const timeout = ordering.getValuesMap().get('BatchTimeout')!.getValue_asU8();
    expect(orderer.BatchTimeout.deserializeBinary(timeout).getTimeout()).to.equal('50ms');
    for (const path of [
      '/Channel/Admins',
      '/Channel/Application/LifecycleEndorsement',
      '/Channel/Application/FirstMSP/Endorsement',
    ]) {
      expect(channel.policies.named(path), path).not.to.equal(undefined);
    }
    expect(channel.policies.named('/Channel/Application/Nothing')).to.equal(undefined);
  });

  it('serialises alike whatever the order of organisations, but for nonce and time', () => {
    const reversed = { ...network.config, organisations: network.config.organisations.toReversed() };
    expect(createChannel(reversed).config.serializeBinary()).to.deep.equal(channel.config.serializeBinary());
  });

  it('is the same when opened from its block', async () => {
    const bytes = channel.genesisBlock.serializeBinary();
    const opened = createChannel(network.config, bytes);
    expect(opened.genesisBlock.serializeBinary()).to.deep.equal(bytes);
    expect(opened.identities.mspIds()).to.have.members(['FirstMSP', 'SecondMSP', 'OrdererMSP']);
    expect(await opened.checkAcl('propose', await signedAs('client'))).to.equal(undefined);
  });

  it('will not be opened for another channel or other organisations, and says every difference', async () => {
    const other = await fixtureNetwork('', 'first', 'third');
    const config = { ...other.config, channel: 'another', orderer: network.config.orderer };
    expect(() => createChannel(config, channel.genesisBlock.serializeBinary())).to.throw(
      'the existing ledger belongs to another network: its channel is testing, not another; it knows FirstMSP by ' +
        'another CA certificate; it has no organisation ThirdMSP; SecondMSP is no longer configured',
    );
  });

  it('heeds revocation lists that came after its first start', async () => {
    const { ca } = network.organisations.get('first')!;
    const revoked = await ca.issue();
    const [first, second] = network.config.organisations;
    const list = await ca.revoke(revoked.certificate);
    const config = { ...network.config, organisations: [{ ...first!, revocationLists: [list] }, second!] };
    const signed = signedBy('FirstMSP', revoked);
    expect(await channel.checkAcl('propose', signed)).to.equal(undefined);
    const opened = createChannel(config, channel.genesisBlock.serializeBinary());
    expect(await opened.checkAcl('propose', signed)).to.contain('0 sub-policies');
  });

  it('refuses a block that is not a configuration block', () => {
    expect(() => createChannel(network.config, new common.Block().serializeBinary())).to.throw('is empty');
  });
});
