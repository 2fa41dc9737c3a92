import { peer } from '@hyperledger/fabric-protos';
import { decodeBlock } from '@telemed-ledger/formats/blocks/block.ts';
import { expect } from 'chai';
import { parseTransaction } from '../blocks/transaction.ts';
import { CHAINCODE, COLLECTIONS, collectionOf, LedgerFixture, POLICY } from '../ledger.fixture.ts';
import { LIFECYCLE } from './definitions.ts';

describe('A chaincode definition', () => {
  let fixture: LedgerFixture;
  beforeEach(async () => {
    fixture = await LedgerFixture.open();
  });
  afterEach(() => fixture.close());

  const written = (block: number) => {
    const [envelope] = decodeBlock(fixture.ledger.block(block)!).envelopes;
    const set = parseTransaction(envelope!).rwset.find(({ namespace }) => namespace === LIFECYCLE);
    return set!.writes.map(({ key }) => String(key).replace(`namespaces/fields/${CHAINCODE}/`, ''));
  };

  it('lies in state under genuine _lifecycle keys', async () => {
    const { StateMetadata, StateData } = peer.lifecycle;
    const read = (key: string) => fixture.read('gamma', (s) => s.getState(LIFECYCLE, '', key));
    const metadata = StateMetadata.deserializeBinary((await read(`namespaces/metadata/${CHAINCODE}`))!);
    expect(metadata.toObject()).to.deep.equal({
      datatype: 'ChaincodeDefinition',
      fieldsList: ['Sequence', 'EndorsementInfo', 'ValidationInfo', 'Collections'],
    });
    const field = async (name: string) =>
      StateData.deserializeBinary((await read(`namespaces/fields/${CHAINCODE}/${name}`))!);
    expect((await field('Sequence')).getInt64()).to.equal(1);
    const endorsement = (await field('EndorsementInfo')).getBytes_asU8();
    expect(peer.lifecycle.ChaincodeEndorsementInfo.deserializeBinary(endorsement).toObject()).to.deep.equal({
      version: '1.0',
      initRequired: false,
      endorsementPlugin: 'escc',
    });
    const validation = peer.lifecycle.ChaincodeValidationInfo.deserializeBinary(
      (await field('ValidationInfo')).getBytes_asU8(),
    );
    expect(validation.getValidationPlugin()).to.equal('vscc');
    expect(Buffer.from(validation.getValidationParameter_asU8())).to.deep.equal(
      Buffer.from(fixture.channel.policies.applicationPolicy(POLICY)),
    );
    const collections = peer.CollectionConfigPackage.deserializeBinary((await field('Collections')).getBytes_asU8());
    const names = collections.getConfigList().map((each) => each.getStaticCollectionConfig()?.getName());
    expect(names).to.deep.equal(COLLECTIONS.map(({ name }) => name));
  });

  it('is read back as it was written, after a restart too', async () => {
    const check = () => {
      const { name, version, sequence, collections, endorsementPolicy } = fixture.ledger.definition(CHAINCODE)!;
      expect({ name, version, sequence }).to.deep.equal({ name: CHAINCODE, version: '1.0', sequence: 1 });
      expect(collections).to.deep.equal(COLLECTIONS);
      const policy = fixture.channel.policies.applicationPolicy(POLICY);
      expect(Buffer.from(endorsementPolicy)).to.deep.equal(Buffer.from(policy));
    };
    check();
    await fixture.reopen();
    check();
  });

  it('writes nothing when it is already so', async () => {
    await fixture.define();
    expect(fixture.ledger.height()).to.equal(2);
    await fixture.reopen();
    await fixture.define();
    expect(fixture.ledger.height()).to.equal(2);
  });

  it('raises its sequence and writes only what differs', async () => {
    expect(written(1)).to.have.members([
      'Collections',
      'EndorsementInfo',
      'Sequence',
      'ValidationInfo',
      `namespaces/metadata/${CHAINCODE}`,
    ]);
    await fixture.define(COLLECTIONS, POLICY, '2.0');
    expect(written(2)).to.deep.equal(['EndorsementInfo', 'Sequence']);
    await fixture.define([...COLLECTIONS, collectionOf('more', "OR('AlphaMSP.member')")], POLICY, '2.0');
    expect(written(3)).to.deep.equal(['Collections', 'Sequence']);
    expect(fixture.ledger.definition(CHAINCODE)).to.include({ sequence: 3, version: '2.0' });
  });

  it('is in force from the next block on', async () => {
    const put = () => fixture.transact(['alpha'], (s) => s.putState(CHAINCODE, '', 'k', Buffer.from('v')));
    await fixture.define(COLLECTIONS, "AND('AlphaMSP.peer','BetaMSP.peer')");
    expect(await fixture.commit(await put())).to.deep.equal([10]);
  });
});
