/** Section 8, commit: private data, identities, block sizes (cases 84 to 90). */

import type { Transaction } from '@hyperledger/fabric-gateway';
import { gateway, ledger } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { envelopesOf, sha256, withEndorsements } from '../messages.ts';
import { BATCH } from '../network.ts';
import { contentOf, failureOf, outcomeOf, type Suite, textOf } from '../suite.ts';
import { endorsementBy } from './submit.ts';

export function commitCases(suite: () => Suite): void {
  describe('Commit: private data, identities and blocks', () => {
    it('84 BTL 2 → present after 2 more blocks, gone after the third', async () => {
      const key = suite().name('brief');
      const { block } = await suite().write({}, 'putPrivate', 'brief', key, 'for a while');
      const hash = sha256('for a while').toString('hex');
      const seen = async () => [
        await suite().evaluate({}, 'getPrivate', 'brief', key),
        await suite().evaluate({ by: 'org3' }, 'hashPrivate', 'brief', key),
      ];
      for (let more = 1; more <= 3; more++) {
        const { block: now } = await suite().put(suite().name('filler'), 'x');
        expect(now).to.equal(block + more);
        await suite().untilHeight('org3', now + 1);
        expect(await seen(), `after ${more} blocks`).to.deep.equal(more <= 2 ? ['for a while', hash] : ['', '']);
      }
    });

    it('85 Non-member peer getPrivateData → error text', async () => {
      const key = suite().name('absent');
      const { block } = await suite().write({}, 'putPrivate', 'open', key, 'x');
      const failure = await failureOf(suite().evaluate({ by: 'org3' }, 'getPrivate', 'open', key));
      expect(textOf(failure)).to.match(/chaincode response 500, GET_STATE failed: transaction ID: \w{64}: /);
      expect(textOf(failure)).to.contain(
        'private data matching public hash version is not available. Public hash version = ' +
          `{BlockNum: ${block}, TxNum: 0}, Private data version = <nil>`,
      );
    });

    it('86 memberOnlyWrite by outsider → error text', async () => {
      const refused = async (fn: string, ...args: string[]) =>
        textOf(await failureOf(suite().evaluate({ by: 'org3' }, fn, 'shared', ...args)));
      const permission = (access: string) =>
        `tx creator does not have ${access} access permission on privatedata in chaincodeName:either collectionName: shared`;
      expect(await refused('putPrivate', 'x', 'y')).to.contain(permission('write'));
      expect(await refused('purge', 'x')).to.contain(permission('write'));
      expect(await refused('getPrivate', 'x')).to.contain(permission('read'));
    });

    it('87 Revoked certificate → rejected at endorsement', async () => {
      const contract = suite().client('org1', 'revoked').network.getContract('either');
      const evaluated = await failureOf(contract.evaluateTransaction('get', 'x'));
      expect(evaluated.code).to.equal(9);
      expect(textOf(evaluated)).to.contain('access denied: channel [conformance] creator org [Org1MSP]');
      const endorsed = await failureOf(contract.submitTransaction('put', 'x', 'y'));
      expect(endorsed.code).to.equal(10);
      expect(endorsed.details[0]?.message).to.contain('access denied: channel [conformance] creator org [Org1MSP]');
      const bystander = suite().bystander().network.getContract('either');
      const unwelcome = await failureOf(bystander.evaluateTransaction('get', 'x'));
      expect(unwelcome.code).to.equal(9);
      suite().observe('87 text for a bystander', textOf(unwelcome));
    });

    it('88 Endorsement by a client-OU certificate, policy wants peer → 10', async () => {
      const client = suite().client();
      const submitWith = async (forge: boolean) => {
        const transaction = await suite().endorse({}, 'put', suite().name('forged'), 'x');
        const taken = contentOf(transaction);
        const own = endorsementBy(client, taken.endorsed.getProposalResponsePayload_asU8());
        const endorsements = forge ? [own] : [own, ...taken.endorsed.getEndorsementsList()];
        const prepared = new gateway.PreparedTransaction();
        prepared.setTransactionId(transaction.getTransactionId());
        const envelope = withEndorsements(client, taken, endorsements);
        prepared.setEnvelope(envelope);
        const signed = client.sdk.newSignedTransaction(prepared.serializeBinary(), envelope.getSignature_asU8());
        return (await suite().commit(signed)).code;
      };
      expect(await submitWith(true)).to.equal(10);
      expect(await submitWith(false)).to.equal(0);
    });

    const sizesOf = async (blocks: number[]) =>
      Promise.all([...new Set(blocks)].map(async (number) => envelopesOf(await suite().block(number)).length));

    it('89 MaxMessageCount, PreferredMaxBytes, BatchTimeout → block sizes', async () => {
      const attempt = async (keys: [fn: string, ...args: string[]][]) => {
        const endorsed: Transaction[] = await Promise.all(keys.map((step) => suite().endorse({}, ...step)));
        const submitted = await Promise.all(endorsed.map((each) => each.submit()));
        const blocks = await Promise.all(submitted.map(outcomeOf));
        return sizesOf(blocks.map(({ block }) => block).sort((a, b) => a - b));
      };
      const eventually = async (steps: () => [string, ...string[]][], expected: number[]) => {
        let sizes: number[] = [];
        for (let round = 0; round < 5; round++) {
          sizes = await attempt(steps());
          if (sizes.join() === expected.join()) return;
        }
        expect(sizes).to.deep.equal(expected);
      };
      const { maxMessageCount, preferredMaxBytes, timeoutMs } = BATCH;
      const small = (): [string, ...string[]] => ['put', suite().name('small'), 'x'];
      const large = (part: number): [string, ...string[]] => [
        'putLarge',
        suite().name('large'),
        String(Math.round(preferredMaxBytes * part)),
      ];
      const many = Array.from({ length: 2 * maxMessageCount }, () => small);
      await eventually(() => many.map((one) => one()), [maxMessageCount, maxMessageCount]);
      await eventually(() => [large(0.6), large(0.6)], [1, 1]);
      await eventually(() => [large(1.2), large(1.2), large(1.2)], [1, 1, 1]);
      await eventually(() => [large(0.3), large(0.3), small()], [3]);
      const began = performance.now();
      await suite().write({}, ...small());
      expect(performance.now() - began).to.be.at.least(timeoutMs);
    });

    it('90 Rwset of private write: hashed set and pvt hash (B)', async () => {
      const { kvrwset } = ledger.rwset;
      const key = suite().name('hashed');
      const taken = contentOf(await suite().endorse({}, 'putPrivate', 'open', key, 'private'));
      const write = new kvrwset.KVWrite();
      write.setKey(key);
      write.setValue(Buffer.from('private'));
      const plain = new kvrwset.KVRWSet();
      plain.addWrites(write);
      const hashedWrite = new kvrwset.KVWriteHash();
      hashedWrite.setKeyHash(sha256(key));
      hashedWrite.setValueHash(sha256('private'));
      const hashed = new kvrwset.HashedRWSet();
      hashed.addHashedWrites(hashedWrite);
      const expected = new ledger.rwset.CollectionHashedReadWriteSet();
      expected.setCollectionName('open');
      expected.setHashedRwset(hashed.serializeBinary());
      expected.setPvtRwsetHash(sha256(plain.serializeBinary()));
      const found = Buffer.from(taken.hashed.get('either/open')!.serializeBinary()).toString('hex');
      expect(found).to.equal(Buffer.from(expected.serializeBinary()).toString('hex'));
      suite().observe('90 hashed set', found);
      const reads = taken.rwset.get('_lifecycle')!.getReadsList();
      const field = (name: string) => `namespaces/fields/either/${name}`;
      expect(reads.map((each) => each.getKey())).to.deep.equal([
        field('Collections'),
        field('EndorsementInfo'),
        field('Sequence'),
        field('ValidationInfo'),
        'namespaces/metadata/either',
      ]);
    });
  });
}
