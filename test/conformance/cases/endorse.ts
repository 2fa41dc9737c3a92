/** Section 8, gateway: what an endorsement consists of and who must give it (cases 10 to 22). */
import { verify, X509Certificate } from 'node:crypto';
import { common, gateway, ledger, msp, peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { unary } from '../client.ts';
import { ORGANISATIONS } from '../material.ts';
import { buildProposal, headerOf, sha256, signedProposal, takeApart } from '../messages.ts';
import { CHANNEL } from '../network.ts';
import { contentOf, failureOf, type Suite, textOf } from '../suite.ts';

/** ANY one of these organisations' peers, as the bytes of a key's VALIDATION_PARAMETER. */
export function keyPolicy(...mspIds: string[]): string {
  const envelope = new common.SignaturePolicyEnvelope();
  const rule = new common.SignaturePolicy();
  const any = new common.SignaturePolicy.NOutOf();
  any.setN(1);
  mspIds.forEach((mspId, index) => {
    const role = new msp.MSPRole();
    role.setMspIdentifier(mspId);
    role.setRole(msp.MSPRole.MSPRoleType.PEER);
    const principal = new msp.MSPPrincipal();
    principal.setPrincipalClassification(msp.MSPPrincipal.Classification.ROLE);
    principal.setPrincipal(role.serializeBinary());
    envelope.addIdentities(principal);
    const signedBy = new common.SignaturePolicy();
    signedBy.setSignedBy(index);
    any.addRules(signedBy);
  });
  rule.setNOutOf(any);
  envelope.setRule(rule);
  return Buffer.from(envelope.serializeBinary()).toString('base64');
}

export function endorseCases(suite: () => Suite): void {
  describe('Gateway: endorse', () => {
    const prepare = async (fn: string, args: string[], nonce: Uint8Array, at: Date) => {
      const client = suite().client();
      const proposal = buildProposal(client, { chaincode: 'either', fn, arguments: args, nonce, at });
      const request = new gateway.EndorseRequest();
      request.setTransactionId(proposal.txId);
      request.setChannelId(CHANNEL);
      request.setProposedTransaction(signedProposal(proposal.bytes, client.sign(proposal.bytes)));
      const call = client.gateway.endorse.bind(client.gateway);
      const response = await unary<gateway.EndorseRequest, gateway.EndorseResponse>(call, request);
      return { proposal, envelope: response.getPreparedTransaction()! };
    };
    /** What `put` of one key answers and writes, written down from the definitions of the messages. */
    const expectedResponse = (
      proposal: ReturnType<typeof buildProposal>,
      key: string,
      sequence: ledger.rwset.kvrwset.Version,
    ) => {
      const read = new ledger.rwset.kvrwset.KVRead();
      read.setKey('namespaces/fields/either/Sequence');
      read.setVersion(sequence);
      const lifecycle = new ledger.rwset.kvrwset.KVRWSet();
      lifecycle.setReadsList([read]);
      const write = new ledger.rwset.kvrwset.KVWrite();
      write.setKey(key);
      write.setValue(Buffer.from('value'));
      const own = new ledger.rwset.kvrwset.KVRWSet();
      own.setWritesList([write]);
      const results = new ledger.rwset.TxReadWriteSet();
      for (const [name, set] of [
        ['_lifecycle', lifecycle],
        ['either', own],
      ] as const) {
        const namespace = new ledger.rwset.NsReadWriteSet();
        namespace.setNamespace(name);
        namespace.setRwset(set.serializeBinary());
        results.addNsRwset(namespace);
      }
      const id = new peer.ChaincodeID();
      id.setName('either');
      id.setVersion('1.0');
      const answer = new peer.Response();
      answer.setStatus(200);
      const action = new peer.ChaincodeAction();
      action.setResults(results.serializeBinary());
      action.setResponse(answer);
      action.setChaincodeId(id);
      const expected = new peer.ProposalResponsePayload();
      expected.setProposalHash(sha256(proposal.channelHeader, proposal.signatureHeader, proposal.payload));
      expected.setExtension$(action.serializeBinary());
      return expected.serializeBinary();
    };

    it('10 Endorse: ProposalResponsePayload with fixed nonce and time (B)', async () => {
      const key = suite().name('fixed');
      const { proposal, envelope } = await prepare('put', [key, 'value'], Buffer.alloc(24, 7), new Date());
      const taken = takeApart(envelope);
      const sequence = taken.rwset.get('_lifecycle')!.getReadsList()[0]!.getVersion()!;
      const payload = Buffer.from(taken.endorsed.getProposalResponsePayload_asU8());
      expect(payload.toString('hex')).to.equal(Buffer.from(expectedResponse(proposal, key, sequence)).toString('hex'));
      suite().observe('10 write set', taken.rwset.get('either')!.serializeBinary());
      suite().observe('10 namespaces', [...taken.rwset.keys()]);
    });

    it('11 Endorse: prepared payload, endorsement signatures masked (B)', async () => {
      const key = suite().name('prepared');
      const { proposal, envelope } = await prepare('put', [key, 'value'], Buffer.alloc(24, 8), new Date());
      const { endorsed } = takeApart(envelope);
      expect(envelope.getSignature_asU8()).to.have.length(0);
      const responsePayload = endorsed.getProposalResponsePayload_asU8();
      const input = peer.ChaincodeProposalPayload.deserializeBinary(proposal.payload);
      const action = new peer.ChaincodeActionPayload();
      const expectedEndorsed = new peer.ChaincodeEndorsedAction();
      expectedEndorsed.setProposalResponsePayload(responsePayload);
      expectedEndorsed.setEndorsementsList(endorsed.getEndorsementsList());
      action.setChaincodeProposalPayload(input.serializeBinary());
      action.setAction(expectedEndorsed);
      const transactionAction = new peer.TransactionAction();
      transactionAction.setHeader(proposal.signatureHeader);
      transactionAction.setPayload(action.serializeBinary());
      const transaction = new peer.Transaction();
      transaction.setActionsList([transactionAction]);
      const payload = new common.Payload();
      payload.setHeader(headerOf(proposal.channelHeader, proposal.signatureHeader));
      payload.setData(transaction.serializeBinary());
      expect(Buffer.from(envelope.getPayload_asU8()).toString('hex')).to.equal(
        Buffer.from(payload.serializeBinary()).toString('hex'),
      );
      for (const endorsement of endorsed.getEndorsementsList()) {
        const endorser = endorsement.getEndorser_asU8();
        const certificate = Buffer.from(msp.SerializedIdentity.deserializeBinary(endorser).getIdBytes_asU8());
        const { publicKey } = new X509Certificate(certificate);
        const signed = Buffer.concat([responsePayload, endorser]);
        expect(verify('sha256', signed, publicKey, endorsement.getSignature_asU8())).to.equal(true);
      }
    });

    it('12 Transient value absent from envelope and block', async () => {
      const secret = 'a secret that nobody else should see';
      const options = { transient: { value: secret } };
      const key = suite().name('transient');
      const transaction = await suite().endorse(options, 'putPrivate', 'open', key);
      expect(Buffer.from(transaction.getBytes()).includes(secret)).to.equal(false);
      const { block } = await suite().write(options, 'putPrivate', 'open', key);
      expect(Buffer.from((await suite().block(block)).serializeBinary()).includes(secret)).to.equal(false);
      expect(await suite().evaluate({ by: 'org2' }, 'getPrivate', 'open', key)).to.equal(secret);
    });

    it('13 Endorse, chaincode error → ABORTED plus ED `chaincode response 500, …`', async () => {
      const failure = await failureOf(suite().endorse({}, 'fail', 'not today'));
      expect(failure).to.include({ name: 'EndorseError', code: 10 });
      expect(textOf(failure)).to.equal('failed to endorse transaction, see attached details for more info');
      expect(failure.details.map(({ message }) => message)).to.deep.equal(['chaincode response 500, not today']);
    });

    it('14 Non-deterministic chaincode → ABORTED, ED `ProposalResponsePayloads do not match`', async () => {
      const failure = await failureOf(suite().endorse({ chaincode: 'both' }, 'random', suite().name('random')));
      expect(failure.code).to.equal(10);
      expect(textOf(failure)).to.equal(
        'failed to collect enough transaction endorsements, see attached details for more info',
      );
      expect(failure.details.map(({ message }) => message)).to.deep.equal(['ProposalResponsePayloads do not match']);
    });

    it('15 endorsingOrganizations lists unknown org → UNAVAILABLE', async () => {
      const failure = await failureOf(suite().endorse({ endorsers: ['Org1MSP', 'NowhereMSP'] }, 'put', 'x', 'y'));
      expect(failure.code).to.equal(14);
      expect(textOf(failure)).to.equal('failed to find any endorsing peers for org(s): NowhereMSP');
    });

    it('16 endorsingOrganizations too few → commit code 10', async () => {
      const key = suite().name('few');
      const { code } = await suite().submit({ chaincode: 'both', endorsers: ['Org1MSP'] }, 'put', key, 'x');
      expect(code).to.equal(10);
      expect(await suite().evaluate({ chaincode: 'both' }, 'get', key)).to.equal('');
    });

    it('17 AND(Org1,Org2) unattended → two endorsements', async () => {
      for (const by of ORGANISATIONS) {
        const transaction = await suite().endorse({ chaincode: 'both', by }, 'put', suite().name('and'), 'x');
        expect(contentOf(transaction).endorsers).to.have.members(['Org1MSP', 'Org2MSP']);
      }
      await suite().write({ chaincode: 'both' }, 'put', suite().name('and'), 'x');
    });

    it('18 OR policy → one endorsement, gateway org', async () => {
      for (const by of ORGANISATIONS) {
        const transaction = await suite().endorse({ by }, 'put', suite().name('or'), 'x');
        expect(contentOf(transaction).endorsers).to.deep.equal([suite().client(by).mspId]);
      }
    });

    it('19 Key with SBE Org2 only → an Org2 endorsement suffices', async () => {
      const key = suite().name('guarded');
      await suite().put(key, 'first');
      await suite().write({}, 'setPolicy', key, keyPolicy('Org2MSP'));
      const unattended = await suite().endorse({}, 'put', key, 'second');
      expect(contentOf(unattended).endorsers).to.deep.equal(['Org2MSP']);
      expect((await suite().commit(unattended)).code).to.equal(0);
      await suite().write({ endorsers: ['Org2MSP'] }, 'put', key, 'third');
      const { code } = await suite().submit({ endorsers: ['Org1MSP', 'Org3MSP'] }, 'put', key, 'fourth');
      expect(code).to.equal(10);
      expect(await suite().get(key)).to.equal('third');
    });

    it("20 Private write with collection policy → that org's endorsement", async () => {
      const key = suite().name('private');
      const transaction = await suite().endorse({}, 'putPrivate', 'guarded', key, 'x');
      expect(contentOf(transaction).endorsers).to.deep.equal(['Org2MSP']);
      expect((await suite().commit(transaction)).code).to.equal(0);
      const { code } = await suite().submit({ endorsers: ['Org1MSP'] }, 'putPrivate', 'guarded', key, 'y');
      expect(code).to.equal(10);
      expect(await suite().evaluate({}, 'getPrivate', 'guarded', key)).to.equal('x');
    });

    it('21 Transient plus policy org outside collection → FAILED_PRECONDITION text', async () => {
      const transient = { value: 'secret' };
      const failure = await failureOf(suite().endorse({ transient }, 'putPrivate', 'outside', suite().name('out')));
      expect(failure.code).to.equal(9);
      expect(textOf(failure)).to.equal(
        'requires endorsement from organisation(s) that are not in the distribution policy of the private data ' +
          'collection(s): [outside]; retry specifying trusted endorsing organizations to protect transient data',
      );
    });

    it('22 Implicit collection of Org2 written via Org1 gateway → outcome and text equal', async () => {
      const collection = '_implicit_org_Org2MSP';
      const key = suite().name('implicit');
      const transaction = await suite().endorse({}, 'putPrivate', collection, key, 'for the second');
      expect(contentOf(transaction).endorsers).to.deep.equal(['Org2MSP']);
      expect((await suite().commit(transaction)).code).to.equal(0);
      expect(await suite().evaluate({ by: 'org2' }, 'getPrivate', collection, key)).to.equal('for the second');
      const missing = await failureOf(suite().evaluate({ endorsers: ['Org1MSP'] }, 'getPrivate', collection, key));
      expect(textOf(missing)).to.contain('private data matching public hash version is not available');
      expect((await suite().submit({ endorsers: ['Org1MSP'] }, 'putPrivate', collection, key, 'x')).code).to.equal(10);
    });
  });
}
