/** Section 8, chaincode API: chaincode to chaincode, events, context, limits and purging (cases 63 to 73). */
import { common, gateway, ledger, peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { sha256 } from '../messages.ts';
import { CHANNEL } from '../network.ts';
import { allTexts, contentOf, failureOf, type Suite, take, textOf } from '../suite.ts';

export function callCases(suite: () => Suite): void {
  describe('Chaincode API: calls and context', () => {
    const invoke = async (chaincode: string, ...args: string[]) =>
      JSON.parse(await suite().evaluate({}, 'invoke', chaincode, '', ...args));

    it('63 invokeChaincode same channel → both namespaces in rwset (B)', async () => {
      const key = suite().name('shared-name');
      const transaction = await suite().endorse({}, 'putThenInvoke', key, 'callee', 'put', key, 'callee');
      const { rwset } = contentOf(transaction);
      expect([...rwset.keys()]).to.deep.equal(['_lifecycle', 'callee', 'either']);
      const writes = [...rwset].map(([, set]) => set.getWritesList().map((each) => Buffer.from(each.getValue_asU8())));
      expect(writes.map((each) => each.map(String))).to.deep.equal([[], ['callee'], ['caller']]);
      const reads = rwset.get('_lifecycle')!.getReadsList();
      expect(reads.map((each) => each.getKey())).to.deep.equal([
        'namespaces/fields/callee/Sequence',
        'namespaces/fields/either/Sequence',
      ]);
      for (const name of ['callee', 'either']) suite().observe(`63 ${name}`, rwset.get(name)!.serializeBinary());
      expect((await suite().commit(transaction)).code).to.equal(0);
      expect(await suite().evaluate({ chaincode: 'callee' }, 'get', key)).to.equal('callee');
      expect(await suite().get(key)).to.equal('caller');
    });

    it('64 … callee returns 500 → caller sees status 500', async () => {
      expect(await invoke('callee', 'fail', 'refused')).to.include({ called: 500, message: 'refused' });
      expect(await invoke('callee', 'answer', '404', 'absent')).to.include({ called: 404, message: 'absent' });
    });

    it('65 … self call → error text', async () => {
      const failure = await failureOf(suite().evaluate({}, 'invoke', 'either', '', 'get', 'x'));
      expect(textOf(failure)).to.match(
        /INVOKE_CHAINCODE failed: transaction ID: (\w{64}): .*txid: \1\(conformance\) exists$/,
      );
      suite().observe('65 text', textOf(failure).replace(/\w{64}/g, '<txid>'));
    });

    it('66 … undefined chaincode → error text', async () => {
      const failure = await failureOf(suite().evaluate({}, 'invoke', 'nowhere', '', 'get', 'x'));
      expect(textOf(failure)).to.match(/INVOKE_CHAINCODE failed: transaction ID: \w{64}: .*nowhere/);
      suite().observe('66 text', textOf(failure).replace(/\w{64}/g, '<txid>'));
    });

    it('68 setEvent twice → last only', async () => {
      const key = suite().name('events');
      const { block, txId } = await suite().write({}, 'event', key, 'first', 'second');
      const stream = await suite()
        .client()
        .network.getChaincodeEvents('either', { startBlock: BigInt(block) });
      const events = await take(stream, () => true);
      expect(events.map(({ eventName, transactionId }) => [eventName, transactionId])).to.deep.equal([
        ['second', txId],
      ]);
    });

    it('69 32 concurrent putState in one transaction → all written', async () => {
      const prefix = `${suite().name('concurrent')}-`;
      await suite().write({}, 'putMany', prefix, '32');
      expect(JSON.parse(await suite().evaluate({}, 'range', prefix, `${prefix}~`))).to.have.length(32);
    });

    it('70 getCreator, getTxTimestamp, getTransient, getBinding → equal (B)', async () => {
      const transientData = { one: Buffer.from([0, 255]), two: 'text' };
      const proposal = suite().contract().newProposal('context', { transientData });
      const context = JSON.parse(Buffer.from(await proposal.evaluate()).toString());
      const signed = gateway.ProposedTransaction.deserializeBinary(proposal.getBytes()).getProposal()!;
      const sent = peer.Proposal.deserializeBinary(signed.getProposalBytes_asU8());
      const header = common.Header.deserializeBinary(sent.getHeader_asU8());
      const channelHeader = common.ChannelHeader.deserializeBinary(header.getChannelHeader_asU8());
      const signatureHeader = common.SignatureHeader.deserializeBinary(header.getSignatureHeader_asU8());
      const epoch = Buffer.alloc(8);
      const binding = sha256(signatureHeader.getNonce_asU8(), signatureHeader.getCreator_asU8(), epoch);
      const { mspId, identity } = suite().client();
      expect(context).to.deep.equal({
        mspId,
        certificate: identity.certificate,
        seconds: channelHeader.getTimestamp()!.getSeconds(),
        nanos: channelHeader.getTimestamp()!.getNanos(),
        transient: [
          ['one', '00ff'],
          ['two', Buffer.from('text').toString('hex')],
        ],
        binding: binding.toString('hex'),
        txId: proposal.getTransactionId(),
        channel: CHANNEL,
      });
    });

    it('71 throw in contract / in raw Invoke → status 500 / 30 s timeout', async () => {
      const caught = await failureOf(suite().evaluate({}, 'fail', 'thrown'));
      expect(textOf(caught)).to.contain('chaincode response 500, thrown');
      const failure = await failureOf(suite().evaluate({ endorsers: ['Org1MSP'] }, 'throwRaw', 'thrown'));
      expect(failure.code).to.equal(10);
      expect(allTexts(failure)).to.match(
        /error in simulation: failed to execute transaction \w{64}: error sending: timeout expired while executing transaction/,
      );
    });

    it('72 5 MB value made by chaincode → commits', async () => {
      const key = suite().name('large');
      const size = String(5 * 1024 * 1024);
      await suite().write({}, 'putLarge', key, size);
      expect(await suite().evaluate({}, 'size', key)).to.equal(size);
      await suite().write({ chaincode: 'callee' }, 'putLarge', key, size);
      const failure = await failureOf(suite().evaluate({ chaincode: 'callee' }, 'size', key));
      expect(allTexts(failure), 'a chaincode that takes no such message').to.contain('chaincode stream terminated');
      expect(await suite().evaluate({ chaincode: 'callee' }, 'where')).to.equal('org1');
    });

    it('73 Purge → hash gone, private value gone, later get empty', async () => {
      const key = suite().name('purged');
      const { block } = await suite().write({ transient: { value: 'gone soon' } }, 'putPrivate', 'open', key);
      const hash = await suite().evaluate({ by: 'org3' }, 'hashPrivate', 'open', key);
      expect(hash).to.equal(sha256('gone soon').toString('hex'));
      const purging = await suite().endorse({}, 'purge', 'open', key);
      const [write] = hashedWrites(contentOf(purging).hashed.get('either/open')!.getHashedRwset_asU8());
      expect(write).to.deep.equal({ isDelete: true, isPurge: true, valueHash: '' });
      expect((await suite().commit(purging)).code).to.equal(0);
      for (const by of ['org1', 'org2'] as const) {
        expect(await suite().evaluate({ by }, 'getPrivate', 'open', key)).to.equal('');
        expect(await suite().evaluate({ by }, 'hashPrivate', 'open', key)).to.equal('');
      }
      const stream = await suite()
        .client()
        .network.getBlockAndPrivateDataEvents({ startBlock: BigInt(block) });
      const [delivered] = await take(stream, () => true);
      expect(Buffer.from(delivered!.serializeBinary()).includes('gone soon')).to.equal(false);
      const kept = [...delivered!.getPrivateDataMapMap().entries()];
      suite().observe(
        '73 delivered',
        kept.map(([index, set]) => [index, Buffer.from(set.serializeBinary()).toString('hex')]),
      );
    });
  });
}

function hashedWrites(bytes: Uint8Array): object[] {
  const set = ledger.rwset.kvrwset.HashedRWSet.deserializeBinary(bytes);
  return set.getHashedWritesList().map((each) => ({
    isDelete: each.getIsDelete(),
    isPurge: each.getIsPurge(),
    valueHash: Buffer.from(each.getValueHash_asU8()).toString('hex'),
  }));
}
