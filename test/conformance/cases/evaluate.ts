/** Section 8, gateway: calls that end with an answer of one peer (cases 1 to 9). */
import { expect } from 'chai';
import { whenBegun } from '../chaincode.ts';
import { ORGANISATIONS } from '../material.ts';
import { allTexts, failureOf, type Suite, textOf } from '../suite.ts';

export function evaluateCases(suite: () => Suite): void {
  describe('Gateway: evaluate', () => {
    it('1 Evaluate read → payload (B)', async () => {
      const key = suite().name('read');
      await suite().put(key, 'a value with ünïcode');
      const payload = await suite().contract().evaluateTransaction('get', key);
      expect(Buffer.from(payload).toString()).to.equal('a value with ünïcode');
      suite().observe('1 payload', payload);
    });

    it('2 Evaluate of a writing function → result, height unchanged', async () => {
      const key = suite().name('written');
      await suite().put(key, 'before');
      const height = await suite().height();
      expect(await suite().evaluate({}, 'putThenGet', key, 'after')).to.equal('before');
      expect(await suite().height()).to.equal(height);
      expect(await suite().get(key)).to.equal('before');
    });

    it('3 Evaluate, chaincode error 500 → UNKNOWN, text, one ED', async () => {
      const failure = await failureOf(suite().evaluate({}, 'fail', 'no such thing'));
      expect(failure).to.include({ name: 'GatewayError', code: 2 });
      expect(textOf(failure)).to.equal(
        'evaluate call to endorser returned error: chaincode response 500, no such thing',
      );
      expect(failure.details).to.have.length(1);
      expect(failure.details[0]).to.include({ mspId: 'Org1MSP', message: 'chaincode response 500, no such thing' });
      expect(failure.details[0]?.address).to.match(/:\d+$/);
    });

    it('4 Evaluate, status 404 → UNKNOWN `chaincode response 404, …`', async () => {
      const failure = await failureOf(suite().evaluate({}, 'answer', '404', 'not here'));
      expect(failure.code).to.equal(2);
      expect(textOf(failure)).to.contain('chaincode response 404, not here');
    });

    it('5 Evaluate, unknown chaincode → FAILED_PRECONDITION', async () => {
      const failure = await failureOf(suite().contract('nowhere').evaluateTransaction('get', 'x'));
      expect(failure.code).to.equal(9);
      expect(textOf(failure)).to.equal('no peers available to evaluate chaincode nowhere in channel conformance');
    });

    it('6 Evaluate, unknown channel → UNAVAILABLE', async () => {
      const contract = suite().client().sdk.getNetwork('elsewhere').getContract('either');
      const failure = await failureOf(contract.evaluateTransaction('get', 'x'));
      expect(failure.code).to.equal(14);
      expect(textOf(failure)).to.equal(
        'failed to get config for channel [elsewhere]: could not get last config for channel elsewhere',
      );
    });

    it('7 Evaluate, `endorsingOrganizations`=[Org2] → ran on Org2', async () => {
      expect(await suite().evaluate({ endorsers: ['Org2MSP'] }, 'where')).to.equal('org2');
      for (const by of ORGANISATIONS) expect(await suite().evaluate({ by }, 'where')).to.equal(by);
    });

    it('8 Evaluate, transient, chaincode only on Org2 → FAILED_PRECONDITION', async () => {
      const failure = await failureOf(suite().evaluate({ chaincode: 'solo', transient: { a: 'b' } }, 'where'));
      expect(failure.code).to.equal(9);
      expect(textOf(failure)).to.equal(
        "no endorsers found in the gateway's organization; retry specifying target organization(s) to protect " +
          'transient data: no peers available to evaluate chaincode solo in channel conformance',
      );
      expect(await suite().evaluate({ chaincode: 'solo' }, 'where')).to.equal('org2');
    });

    it('9 Evaluate, chaincode killed mid-call → ABORTED or second peer answers', async () => {
      const { chaincodes } = suite().network;
      const killDuring = async (options: object, marker: string) => {
        const begun = whenBegun(marker);
        const answer = suite().evaluate(options, 'sleepAt', 'org1', '2000', marker);
        answer.catch(() => undefined);
        await begun;
        chaincodes.kill('main', 'org1');
        return answer;
      };
      try {
        const failure = await failureOf(killDuring({ endorsers: ['Org1MSP'] }, 'first'));
        expect(failure.code).to.equal(10);
        expect(allTexts(failure)).to.contain('chaincode stream terminated');
        await chaincodes.restore('main', 'org1');
        await suite().evaluate({ endorsers: ['Org1MSP'] }, 'where');
        expect(await killDuring({}, 'second')).to.be.oneOf(['org2', 'org3']);
      } finally {
        chaincodes.kill('main', 'org1');
        await chaincodes.restore('main', 'org1');
        expect(await suite().evaluate({ endorsers: ['Org1MSP'] }, 'where')).to.equal('org1');
      }
    });
  });
}
