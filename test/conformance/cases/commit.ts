/** Section 8, commit: what becomes of transactions that meet in one block (cases 74 to 83). */

import type { Transaction } from '@hyperledger/fabric-gateway';
import { type common, gateway } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { outcomesOf, withEndorsements } from '../messages.ts';
import { DEFINITIONS } from '../network.ts';
import { contentOf, type Suite } from '../suite.ts';
import { keyPolicy } from './endorse.ts';

export function conflictCases(suite: () => Suite): void {
  describe('Commit: conflicts', () => {
    type Step = [fn: string, ...args: string[]];
    /** Endorses all steps on the same state and commits them in one block, in order; answers their codes. */
    const together = async (...steps: Step[]) => {
      const outcomes = await suite().inOneBlock(() => Promise.all(steps.map((step) => suite().endorse({}, ...step))));
      return outcomes.map(({ code }) => code);
    };

    it('74 Two updates of one key in a block → 0 and 11', async () => {
      const key = suite().name('update');
      await suite().put(key, 'before');
      expect(await together(['getThenPut', key, key, 'first'], ['getThenPut', key, key, 'second'])).to.deep.equal([
        0, 11,
      ]);
      expect(await suite().get(key)).to.equal('first');
    });

    it('75 Insert into a range that a later transaction scanned → 12', async () => {
      const prefix = `${suite().name('scanned')}-`;
      await suite().put(`${prefix}1`, 'x');
      const scan: Step = ['rangeThenPut', prefix, `${prefix}~`, suite().name('scan')];
      // A new key each time, or a second attempt would insert nothing.
      const outcomes = await suite().inOneBlock(async () => [
        await suite().endorse({}, 'put', `${prefix}${suite().name('new')}`, 'x'),
        await suite().endorse({}, ...scan),
      ]);
      expect(outcomes.map(({ code }) => code)).to.deep.equal([0, 12]);
    });

    it('76 Delete of a key that a later transaction read → 11', async () => {
      const key = suite().name('deleted');
      await suite().put(key, 'x');
      const after = suite().name('after');
      expect(await together(['del', key], ['getThenPut', key, after, 'x'])).to.deep.equal([0, 11]);
      expect(await suite().get(after)).to.equal('');
    });

    it('77 Read of missing key, then created → 11', async () => {
      const outcomes = await suite().inOneBlock(async () => {
        const key = suite().name('missing');
        return [
          await suite().endorse({}, 'put', key, 'x'),
          await suite().endorse({}, 'getThenPut', key, suite().name('after'), 'x'),
        ];
      });
      expect(outcomes.map(({ code }) => code)).to.deep.equal([0, 11]);
    });

    it('78 Blind writes in a block → both valid, last wins', async () => {
      const key = suite().name('blind');
      expect(await together(['put', key, 'first'], ['put', key, 'second'])).to.deep.equal([0, 0]);
      expect(await suite().get(key)).to.equal('second');
    });

    it('79 Policy failure plus the same txid later in block → 10, 0', async () => {
      const client = suite().client();
      const signed = (txId: string, envelope: common.Envelope): Transaction => {
        const prepared = new gateway.PreparedTransaction();
        prepared.setTransactionId(txId);
        prepared.setEnvelope(envelope);
        return client.sdk.newSignedTransaction(prepared.serializeBinary(), envelope.getSignature_asU8());
      };
      const key = suite().name('retried');
      const outcomes = await suite().inOneBlock(async () => {
        const complete = await suite().endorse({ chaincode: 'both' }, 'put', key, 'x');
        const taken = contentOf(complete);
        const few = withEndorsements(client, taken, taken.endorsed.getEndorsementsList().slice(0, 1));
        return [signed(complete.getTransactionId(), few), complete];
      });
      const { block, txId } = outcomes[0]!;
      const inBlock = outcomesOf(await suite().block(block)).filter((each) => each.txId === txId);
      expect(inBlock.map(({ code }) => code)).to.deep.equal([10, 0]);
      expect(await suite().evaluate({ chaincode: 'both' }, 'get', key)).to.equal('x');
      suite().observe(
        '79 status',
        outcomes.map(({ code }) => code),
      );
    });

    it('80 SBE change and write to the key in one block → second 10', async () => {
      const outcomes = await suite().inOneBlock(async () => {
        const key = suite().name('sbe');
        await suite().put(key, 'before');
        return [
          await suite().endorse({}, 'setPolicy', key, keyPolicy('Org2MSP')),
          await suite().endorse({}, 'put', key, 'after'),
        ];
      });
      expect(outcomes.map(({ code }) => code)).to.deep.equal([0, 10]);
    });

    it('81 Metadata-only write on missing key → no state', async () => {
      const key = suite().name('metadata');
      await suite().write({}, 'setPolicy', key, keyPolicy('Org2MSP'));
      expect(await suite().evaluate({}, 'getPolicy', key)).to.equal('');
      expect(await suite().get(key)).to.equal('');
      await suite().write({ endorsers: ['Org1MSP'] }, 'put', key, 'x');
    });

    it('82 Definition upgrade while transaction in flight → 11', async () => {
      const key = suite().name('in-flight');
      const transaction = await suite().endorse({ chaincode: 'callee' }, 'put', key, 'x');
      await suite().network.define({ ...DEFINITIONS.callee, version: '1.1' });
      expect((await suite().commit(transaction)).code).to.equal(11);
      const after = await suite().endorse({ chaincode: 'callee' }, 'put', key, 'y');
      expect(contentOf(after).chaincodeAction.getChaincodeId()!.getVersion()).to.equal('1.1');
      expect((await suite().commit(after)).code).to.equal(0);
    });

    it('83 Private hash read conflict → 11', async () => {
      const key = suite().name('hash');
      await suite().write({}, 'putPrivate', 'open', key, 'before');
      const after = suite().name('after');
      expect(
        await together(['putPrivate', 'open', key, 'after'], ['checkHashThenPut', 'open', key, after]),
      ).to.deep.equal([0, 11]);
      expect(
        await together(['getThenPutPrivate', 'open', key, 'third'], ['getThenPutPrivate', 'open', key, 'fourth']),
      ).to.deep.equal([0, 11]);
      expect(await suite().evaluate({ by: 'org2' }, 'getPrivate', 'open', key)).to.equal('third');
    });
  });
}
