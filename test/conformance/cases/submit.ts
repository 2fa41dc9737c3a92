/** Section 8, gateway: what is refused, and how a submission ends (cases 23 to 37). */
import { randomBytes } from 'node:crypto';
import { common, gateway, peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { type Client, unary } from '../client.ts';
import {
  type BuiltProposal,
  buildProposal,
  headerOf,
  outcomesOf,
  type ProposalOptions,
  signedEnvelope,
  signedProposal,
} from '../messages.ts';
import { BATCH, CHANNEL } from '../network.ts';
import { allTexts, type Failure, failureOf, type Suite, textOf } from '../suite.ts';

const READ: ProposalOptions = { chaincode: 'either', fn: 'get', arguments: ['x'] };
const ABORTED = 10;
const FAILED_PRECONDITION = 9;
const UNAVAILABLE = 14;
/** DEADLINE_EXCEEDED of the client, or CANCELLED of the server where that one notices first. */
const DEADLINE = [4, 1];

export function refusalCases(suite: () => Suite): void {
  describe('Gateway: refusals', () => {
    const evaluate = (client: Client, { bytes, txId }: BuiltProposal, signature: Uint8Array) => {
      const request = new gateway.EvaluateRequest();
      request.setTransactionId(txId);
      request.setChannelId(CHANNEL);
      request.setProposedTransaction(signedProposal(bytes, signature));
      const call = client.gateway.evaluate.bind(client.gateway);
      return unary<gateway.EvaluateRequest, gateway.EvaluateResponse>(call, request);
    };
    const endorse = ({ bytes, txId }: BuiltProposal, signature: Uint8Array) =>
      suite()
        .client()
        .sdk.newSignedProposal(
          (() => {
            const proposed = new gateway.ProposedTransaction();
            proposed.setTransactionId(txId);
            proposed.setProposal(signedProposal(bytes, new Uint8Array()));
            return proposed.serializeBinary();
          })(),
          signature,
        )
        .endorse();
    /** Both ways in refuse it, each in its own words around the same cause. */
    const expectRefused = async (proposal: BuiltProposal, signature: Uint8Array, cause: string, code: number) => {
      const client = suite().client();
      const evaluated = await failureOf(evaluate(client, proposal, signature));
      expect(evaluated.code).to.equal(code);
      const endorsed = await failureOf(endorse(proposal, signature));
      expect(endorsed.code).to.equal(ABORTED);
      expect(allTexts(endorsed)).to.contain(cause);
      return [evaluated, endorsed] as const;
    };
    const DENIED = 'error validating proposal: access denied: channel [conformance] creator org [Org1MSP]';

    it('23 Tampered proposal signature → Evaluate FAILED_PRECONDITION, Endorse ABORTED', async () => {
      const client = suite().client();
      const proposal = buildProposal(client, READ);
      const [evaluated] = await expectRefused(proposal, client.sign(Buffer.from('other')), DENIED, FAILED_PRECONDITION);
      expect(textOf(evaluated)).to.equal(`evaluate call to endorser returned error: ${DENIED}`);
    });

    it('24 High-S signature → rejected', async () => {
      const client = suite().client();
      const proposal = buildProposal(client, READ);
      await expectRefused(proposal, client.signHighS(proposal.bytes), DENIED, FAILED_PRECONDITION);
      await evaluate(client, proposal, client.sign(proposal.bytes));
    });

    it('25 Wrong txid → `incorrectly computed txid`', async () => {
      const client = suite().client();
      const proposal = buildProposal(client, { ...READ, txId: 'f'.repeat(64) });
      await expectRefused(
        proposal,
        client.sign(proposal.bytes),
        `incorrectly computed txid '${'f'.repeat(64)}'`,
        FAILED_PRECONDITION,
      );
    });

    it('26 Re-endorse a committed proposal → `duplicate transaction found`', async () => {
      const client = suite().client();
      const proposal = buildProposal(client, { ...READ, fn: 'put', arguments: [suite().name('once'), 'x'] });
      const signature = client.sign(proposal.bytes);
      const endorsed = await endorse(proposal, signature);
      await suite().commit(endorsed);
      const creator = Buffer.from(client.creator).toString('hex');
      const cause = `duplicate transaction found [${proposal.txId}]. Creator [${creator}]`;
      await expectRefused(proposal, signature, cause, FAILED_PRECONDITION);
    });

    it('27 Expired client certificate → Evaluate UNAVAILABLE', async () => {
      const contract = suite().client('org1', 'expired').network.getContract('either');
      const failure = await failureOf(contract.evaluateTransaction('get', 'x'));
      expect(failure.code).to.equal(UNAVAILABLE);
      expect(allTexts(failure)).to.contain('proposal client identity expired');
    });

    it('28 Timestamp 20 min old → rejected', async () => {
      const client = suite().client();
      const proposal = buildProposal(client, { ...READ, at: new Date(Date.now() - 20 * 60_000) });
      const [evaluated] = await expectRefused(
        proposal,
        client.sign(proposal.bytes),
        'request unauthorized due to incorrect timestamp',
        UNAVAILABLE,
      );
      expect(textOf(evaluated)).to.equal('failed to evaluate transaction, see attached details for more info');
    });
  });
}

export function submitCases(suite: () => Suite): void {
  describe('Gateway: submit and commit status', () => {
    const submit = (client: Client, envelope: common.Envelope | undefined) => {
      const request = new gateway.SubmitRequest();
      request.setTransactionId('none');
      request.setChannelId(CHANNEL);
      if (envelope) request.setPreparedTransaction(envelope);
      const call = client.gateway.submit.bind(client.gateway);
      return unary<gateway.SubmitRequest, gateway.SubmitResponse>(call, request);
    };
    /** An envelope that is an endorser transaction by its header only. */
    const envelopeBy = (client: Client, data: Uint8Array) => {
      const proposal = buildProposal(client, READ);
      const payload = new common.Payload();
      payload.setHeader(headerOf(proposal.channelHeader, proposal.signatureHeader));
      payload.setData(data);
      return signedEnvelope(client, payload.serializeBinary());
    };
    const commitStatus = (client: Client, txId: string, channel: string, options: object = {}) => {
      const request = new gateway.CommitStatusRequest();
      request.setTransactionId(txId);
      request.setChannelId(channel);
      request.setIdentity(client.creator);
      const signed = new gateway.SignedCommitStatusRequest();
      signed.setRequest(request.serializeBinary());
      signed.setSignature(client.sign(request.serializeBinary()));
      const call = client.gateway.commitStatus.bind(client.gateway);
      return unary<gateway.SignedCommitStatusRequest, gateway.CommitStatusResponse>(call, signed, options);
    };
    const rawText = (failure: Failure) => (failure as unknown as { details: string }).details;

    it('29 Submit unsigned → INVALID_ARGUMENT', async () => {
      const client = suite().client();
      const envelope = envelopeBy(client, Buffer.from('data'));
      envelope.setSignature('');
      const unsigned = await failureOf(submit(client, envelope));
      expect([unsigned.code, rawText(unsigned)]).to.deep.equal([3, 'prepared transaction must be signed']);
      const absent = await failureOf(submit(client, undefined));
      expect([absent.code, rawText(absent)]).to.deep.equal([3, 'a prepared transaction is required']);
    });

    it('30 Submit by non-writer → ABORTED FORBIDDEN', async () => {
      for (const kind of ['peer', 'foreign', 'revoked'] as const) {
        const client = suite().client('org1', kind);
        const failure = await failureOf(submit(client, envelopeBy(client, Buffer.from('data'))));
        expect(failure.code, kind).to.equal(ABORTED);
        expect(rawText(failure)).to.match(
          /^received unsuccessful response from orderer: status=FORBIDDEN, info=.*: permission denied$/s,
        );
        suite().observe(`30 text for ${kind}`, rawText(failure));
      }
    });

    it('31 Envelope over AbsoluteMaxBytes → ABORTED BAD_REQUEST', async () => {
      const client = suite().client();
      const envelope = envelopeBy(client, randomBytes(BATCH.absoluteMaxBytes + 1));
      const size = envelope.getPayload_asU8().length + envelope.getSignature_asU8().length;
      const failure = await failureOf(submit(client, envelope));
      expect(failure.code).to.equal(ABORTED);
      expect(rawText(failure)).to.equal(
        'received unsuccessful response from orderer: status=BAD_REQUEST, info=message payload is ' +
          `${size} bytes and exceeds maximum allowed ${BATCH.absoluteMaxBytes} bytes`,
      );
    });

    it('32 Same envelope twice → second code 9 in block; status reports the first', async () => {
      const outcomes = await suite().inOneBlock(async () => {
        const transaction = await suite().endorse({}, 'put', suite().name('twice'), 'x');
        return [transaction, transaction];
      });
      expect(outcomes.map(({ code }) => code)).to.deep.equal([0, 0]);
      const { block, txId } = outcomes[0]!;
      const inBlock = outcomesOf(await suite().block(block)).filter((each) => each.txId === txId);
      if (inBlock.length === 2) expect(inBlock.map(({ code }) => code)).to.deep.equal([0, 9]);
      else expect(outcomesOf(await suite().block(block + 1))).to.deep.include({ txId, code: 9 });
    });

    it('33 CommitStatus before and after commit → equal', async () => {
      const transaction = await suite().endorse({}, 'put', suite().name('status'), 'x');
      const txId = transaction.getTransactionId();
      const client = suite().client();
      const early = commitStatus(client, txId, CHANNEL);
      const submitted = await suite().commit(transaction);
      const late = await commitStatus(client, txId, CHANNEL);
      expect((await early).toObject()).to.deep.equal(late.toObject());
      expect(late.toObject()).to.deep.include({ result: 0, blockNumber: submitted.block });
    });

    it('34 CommitStatus, unknown txid, 1 s deadline → DEADLINE_EXCEEDED', async () => {
      const options = { deadline: Date.now() + 1000 };
      const failure = await failureOf(commitStatus(suite().client(), 'e'.repeat(64), CHANNEL, options));
      expect(DEADLINE).to.include(failure.code);
    });

    it('35 CommitStatus, unknown channel → PERMISSION_DENIED', async () => {
      const failure = await failureOf(commitStatus(suite().client(), 'e'.repeat(64), 'elsewhere'));
      expect(failure.code).to.equal(7);
      expect(rawText(failure)).to.contain('Failed to get policy manager for channel [elsewhere]');
      const outsider = suite().client('org1', 'foreign');
      const denied = await failureOf(commitStatus(outsider, 'e'.repeat(64), CHANNEL));
      expect(denied.code).to.equal(7);
      suite().observe('35 text for an outsider', rawText(denied));
      const reading = await failureOf(commitStatus(suite().bystander(), 'e'.repeat(64), CHANNEL));
      expect(reading.code).to.equal(7);
      suite().observe('35 text for a bystander', rawText(reading));
    });

    it('36 Read directly after CommitStatus → new value', async () => {
      const key = suite().name('fresh');
      for (let round = 0; round < 5; round++) {
        await suite().put(key, `round ${round}`);
        expect(await suite().get(key)).to.equal(`round ${round}`);
      }
    });

    it('37 Slow chaincode with 1 s deadline → DEADLINE_EXCEEDED', async () => {
      const contract = suite().contract();
      const options = () => ({ deadline: Date.now() + 1000 });
      const [evaluated, endorsed] = await Promise.all([
        failureOf(contract.newProposal('sleep', { arguments: ['1500'] }).evaluate(options())),
        failureOf(contract.newProposal('sleep', { arguments: ['1500'] }).endorse(options())),
      ]);
      expect(DEADLINE).to.include(evaluated.code).and.to.include(endorsed.code);
    });
  });
}

/** One endorsement by an identity of the suite's own over the payload of a prepared transaction. */
export function endorsementBy(client: Client, responsePayload: Uint8Array): peer.Endorsement {
  const endorsement = new peer.Endorsement();
  endorsement.setEndorser(client.creator);
  endorsement.setSignature(client.sign(Buffer.concat([responsePayload, client.creator])));
  return endorsement;
}
