/** Section 8, system: a network that dies without warning (case 95). */
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { GatewayError } from '@hyperledger/fabric-gateway';
import { expect } from 'chai';
import { numbered } from '../chaincode.ts';
import { headerHash, outcomesOf } from '../messages.ts';
import type { CrashableNetwork } from '../network.ts';
import { type Outcome, Suite } from '../suite.ts';

const ORDERER_POLL_MS = 200;

export function crashCases(start: () => Promise<CrashableNetwork>): void {
  describe('Crash', () => {
    let suite: Suite;
    let network: CrashableNetwork;
    before(async function () {
      this.timeout(120_000);
      network = await start();
      suite = new Suite(network);
    });
    after(async () => {
      await suite?.close();
      await network?.close();
    });

    /** Writes public and private values without a pause until the network is gone; answers what was committed. */
    const load = async (prefix: string, caller: number, enough: () => void): Promise<Map<string, Outcome>> => {
      const committed = new Map<string, Outcome>();
      for (let round = 0; ; round++) {
        const key = numbered(`${prefix}-${caller}-`, round);
        try {
          const outcome =
            round % 2 === 0
              ? await suite.submit({}, 'put', key, key)
              : await suite.submit({}, 'putPrivate', 'open', key, key);
          committed.set(key, outcome);
        } catch {
          return committed;
        }
        if (round === 4) enough();
      }
    };

    /** A peer that was started again refuses to submit (14) until it has found its orderer: asked until it has. */
    const putOnceOrdered = async (key: string, value: string): Promise<void> => {
      for (;;) {
        try {
          await suite.put(key, value);
          return;
        } catch (error) {
          if (!(error instanceof GatewayError && error.code === status.UNAVAILABLE)) throw error;
          await delay(ORDERER_POLL_MS);
        }
      }
    };

    it('95 kill -9 during commit load, restart → heights, commit hashes, state equal to a replay', async function () {
      this.timeout(60_000);
      for (const attempt of ['first', 'second']) {
        const { promise: isLoaded, resolve: enough } = Promise.withResolvers<void>();
        const callers = Array.from({ length: 8 }, (_, caller) => load(attempt, caller, enough));
        await isLoaded;
        await network.kill();
        const committed = new Map((await Promise.all(callers)).flatMap((each) => [...each]));
        await suite.close();
        await network.restart();
        expect(committed.size).to.be.greaterThan(0);
        const height = await suite.height();
        await suite.untilHeight('org2', height);
        for (const [key, outcome] of committed) {
          expect(outcome.code).to.equal(0);
          expect(outcome.block).to.be.lessThan(height);
          const isPublic = Number(key.slice(-4)) % 2 === 0;
          const value = isPublic
            ? await suite.get(key)
            : await suite.evaluate({ by: 'org2' }, 'getPrivate', 'open', key);
          expect(value, `${key} after the ${attempt} crash`).to.equal(key);
        }
        const outcomes = new Map([...committed.values()].map((outcome) => [outcome.txId, outcome]));
        let previous: Uint8Array = new Uint8Array();
        for (let number = 0; number < height; number++) {
          const block = await suite.block(number);
          expect(Buffer.from(block.getHeader()!.getPreviousHash_asU8()).equals(previous)).to.equal(true);
          previous = headerHash(block.getHeader()!);
          for (const { txId } of outcomesOf(block)) outcomes.delete(txId);
        }
        expect([...outcomes.keys()], 'acknowledged and not in a block').to.deep.equal([]);
        await putOnceOrdered(`after-${attempt}`, 'goes on');
        expect(await suite.get(`after-${attempt}`, 'org3')).to.equal('goes on');
      }
      await suite.close();
      expect(await network.replay()).to.deep.equal([]);
    });
  });
}
