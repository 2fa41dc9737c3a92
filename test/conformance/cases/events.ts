/** Section 8, events: what streams of events and blocks deliver, and to whom (cases 38 to 50). */
import type { ChaincodeEvent, ChaincodeEventsOptions } from '@hyperledger/fabric-gateway';
import { common, type ledger, type peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { envelopesOf, headerHash, outcomesOf, seekEnvelope, sha256 } from '../messages.ts';
import { failureOf, type Suite, take } from '../suite.ts';

export function eventCases(suite: () => Suite): void {
  describe('Events', () => {
    const chaincodeEvents = (options?: ChaincodeEventsOptions, chaincode = 'either') =>
      suite().client().network.getChaincodeEvents(chaincode, options);
    const emit = (name: string) => suite().write({}, 'event', suite().name('event'), name);
    const names = (events: ChaincodeEvent[]) => events.map(({ eventName }) => eventName);
    const lastIs = (name: string) => (events: ChaincodeEvent[]) => events.at(-1)?.eventName === name;

    it('38 ChaincodeEvents live → event, block, txid', async () => {
      const events = await chaincodeEvents();
      const taking = take(events, (taken) => taken.length === 1);
      await suite().put(suite().name('no-event'), 'x');
      const key = suite().name('event');
      const { txId, block } = await suite().write({}, 'event', key, 'live');
      const [event] = await taking;
      expect(event).to.deep.include({
        blockNumber: BigInt(block),
        transactionId: txId,
        chaincodeName: 'either',
        eventName: 'live',
      });
      expect(Buffer.from(event!.payload).toString()).to.equal(`about ${key}`);
    });

    it('39 From block 0 → all valid, in order (B)', async () => {
      for (const name of ['a', 'b', 'c']) await emit(`all-${name}`);
      const { block } = await emit('all-last');
      const events = await take(await chaincodeEvents({ startBlock: 0n }), lastIs('all-last'));
      expect(names(events).slice(-4)).to.deep.equal(['all-a', 'all-b', 'all-c', 'all-last']);
      expect(Number(events.at(-1)?.blockNumber)).to.equal(block);
      const numbers = events.map(({ blockNumber }) => Number(blockNumber));
      expect(numbers).to.deep.equal([...numbers].sort((a, b) => a - b));
      suite().observe('39 events', names(events));
    });

    it('40 After txid with event → starts after it', async () => {
      const { txId, block } = await emit('before');
      await emit('after');
      const checkpoint = { getBlockNumber: () => BigInt(block), getTransactionId: () => txId };
      const events = await take(await chaincodeEvents({ checkpoint }), lastIs('after'));
      expect(names(events)).to.deep.equal(['after']);
    });

    it('41 After txid without event → silence', async () => {
      const { txId, block } = await suite().put(suite().name('silent'), 'x');
      const checkpoint = { getBlockNumber: () => BigInt(block), getTransactionId: () => txId };
      const silent = await chaincodeEvents({ checkpoint });
      const control = take(await chaincodeEvents({ startBlock: BigInt(block) }), lastIs('unheard'));
      const nothing = take(silent, (taken) => taken.length > 0, 1500);
      await emit('unheard');
      expect(names(await control)).to.deep.equal(['unheard']);
      expect(await nothing).to.deep.equal([]);
    });

    it('42 Start beyond height → waits', async () => {
      const height = await suite().height();
      const events = await chaincodeEvents({ startBlock: BigInt(height + 2) });
      const taking = take(events, lastIs('beyond-3'));
      for (const number of [0, 1, 2, 3]) await emit(`beyond-${number}`);
      expect(names(await taking)).to.deep.equal(['beyond-2', 'beyond-3']);
    });

    it('43 Event of invalid transaction → absent; in filtered block → present', async () => {
      const key = suite().name('conflict');
      const outcomes = await suite().inOneBlock(() =>
        Promise.all([
          suite().endorse({}, 'eventAfterRead', key, 'winner'),
          suite().endorse({}, 'eventAfterRead', key, 'loser'),
        ]),
      );
      expect(outcomes.map(({ code }) => code)).to.deep.equal([0, 11]);
      await emit('after-conflict');
      const startBlock = BigInt(outcomes[0]!.block);
      const events = await take(await chaincodeEvents({ startBlock }), lastIs('after-conflict'));
      expect(names(events)).to.deep.equal(['winner', 'after-conflict']);
      const [filtered] = await take(await suite().client().network.getFilteredBlockEvents({ startBlock }), () => true);
      const found = filtered!.getFilteredTransactionsList().map((each) => {
        const event = each.getTransactionActions()?.getChaincodeActionsList()[0]?.getChaincodeEvent();
        return [each.getTxValidationCode(), event?.getEventName(), event?.getPayload_asU8().length];
      });
      expect(found).to.deep.equal([
        [0, 'winner', 0],
        [11, 'loser', 0],
      ]);
    });

    it('44 Event from called chaincode → absent', async () => {
      const key = suite().name('called');
      const { block } = await suite().write({}, 'putThenInvoke', key, 'callee', 'event', key, 'from-callee');
      const transactions = envelopesOf(await suite().block(block));
      expect(transactions.some((each) => Buffer.from(each.serializeBinary()).includes('from-callee'))).to.equal(true);
      await emit('after-called');
      const startBlock = BigInt(block);
      expect(names(await take(await chaincodeEvents({ startBlock }), lastIs('after-called')))).to.deep.equal([
        'after-called',
      ]);
      expect(await take(await chaincodeEvents({ startBlock }, 'callee'), () => true, 300)).to.deep.equal([]);
    });

    it('45 Block events from 0 → headers chain, data_hash recomputes (B with same envelopes)', async () => {
      const height = await suite().height();
      const stream = await suite().client().network.getBlockEvents({ startBlock: 0n });
      const blocks = await take(stream, (taken) => taken.length === height, 15_000);
      expect(blocks).to.have.length(height);
      let previous: Uint8Array = new Uint8Array();
      for (const [number, block] of blocks.entries()) {
        const header = block.getHeader()!;
        expect(header.getNumber()).to.equal(number);
        expect(Buffer.from(header.getPreviousHash_asU8()).equals(previous), `block ${number} follows`).to.equal(true);
        const data = block.getData()!.getDataList_asU8();
        expect(sha256(...data).equals(header.getDataHash_asU8()), `data of block ${number}`).to.equal(true);
        expect(block.getMetadata()!.getMetadataList()).to.have.length(5);
        previous = headerHash(header);
      }
    });

    it('46 Filtered blocks (B with same envelopes)', async () => {
      const height = await suite().height();
      const { network } = suite().client();
      const filtered = await take(
        await network.getFilteredBlockEvents({ startBlock: 0n }),
        (taken) => taken.length === height,
        15_000,
      );
      expect(filtered.map((each) => each.getNumber())).to.deep.equal([...filtered.keys()]);
      for (const each of filtered.slice(-5)) {
        const block = await suite().block(each.getNumber());
        const found = each
          .getFilteredTransactionsList()
          .map((transaction) => ({ txId: transaction.getTxid(), code: transaction.getTxValidationCode() }));
        expect(each.getChannelId()).to.equal('conformance');
        expect(found).to.deep.equal(outcomesOf(block));
        expect(each.getFilteredTransactionsList().every((one) => one.getType() === 3)).to.equal(true);
      }
    });

    it('47 With private data: member, non-member, memberOnlyRead true and false → map contents (B)', async () => {
      const key = suite().name('delivered');
      const outcomes = await suite().inOneBlock(async () => [
        await suite().endorse({}, 'putPrivate', 'shared', key, 'for members'),
        await suite().endorse({}, 'putPrivate', 'open', key, 'for all readers'),
      ]);
      const startBlock = BigInt(outcomes[0]!.block);
      const seenBy = async (client = suite().client()) => {
        const stream = await client.network.getBlockAndPrivateDataEvents({ startBlock });
        const [received] = await take(stream, () => true);
        const map = received!.getPrivateDataMapMap();
        return [...map.entries()].map(([index, set]) => [index, collectionsOf(set)]);
      };
      const everything = [
        [0, ['either/shared']],
        [1, ['either/open']],
      ];
      expect(await seenBy(suite().client('org1'))).to.deep.equal(everything);
      expect(await seenBy(suite().client('org2'))).to.deep.equal(everything);
      expect(await seenBy(suite().client('org3'))).to.deep.equal([]);
      expect(await seenBy(suite().visitor('org3', 'org1'))).to.deep.equal([[1, ['either/open']]]);
    });

    const blockFailure = async (client = suite().client(), startBlock = 0n) =>
      failureOf(client.network.getBlockEvents({ startBlock }).then((events) => take(events, () => true)));

    it('48 Start = height+5 → status 404', async () => {
      const failure = await blockFailure(suite().client(), BigInt((await suite().height()) + 5));
      expect(failure.message).to.equal('Unexpected status response: 404');
    });

    it('49 Outsider → status 403', async () => {
      for (const kind of ['foreign', 'revoked', 'expired'] as const) {
        const failure = await blockFailure(suite().client('org1', kind));
        expect(failure.message, kind).to.equal('Unexpected status response: 403');
      }
    });

    it('50 Replayed SeekInfo after 20 min → status 400', async () => {
      const client = suite().client();
      const statusOf = (at: Date) =>
        new Promise<number>((resolve, reject) => {
          const stream = client.deliver.deliver();
          stream.on('error', reject);
          stream.on('data', (response: peer.DeliverResponse) => {
            resolve(response.hasBlock() ? 0 : response.getStatus());
            stream.cancel();
          });
          stream.write(seekEnvelope(client, at));
        });
      expect(await statusOf(new Date(Date.now() - 20 * 60_000))).to.equal(common.Status.BAD_REQUEST);
      expect(await statusOf(new Date())).to.equal(0);
    });
  });
}

function collectionsOf(set: ledger.rwset.TxPvtReadWriteSet): string[] {
  return set
    .getNsPvtRwsetList()
    .flatMap((each) =>
      each.getCollectionPvtRwsetList().map((one) => `${each.getNamespace()}/${one.getCollectionName()}`),
    );
}
