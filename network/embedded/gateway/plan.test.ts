import { status } from '@grpc/grpc-js';
import type { Contract, Transaction } from '@hyperledger/fabric-gateway';
import { common, msp, peer, gateway as protos } from '@hyperledger/fabric-protos';
import { parsePolicyText } from '@telemed-ledger/formats/policies/policy-text.ts';
import { expect } from 'chai';
import { Fixture, type FixtureOptions, failureOf } from '../fixtures/network.ts';

describe('An endorsement plan', () => {
  let fixture: Fixture;
  let alpha: Contract;

  const start = async (options: FixtureOptions) => {
    fixture = await Fixture.start(options);
    alpha = await fixture.contract('alpha');
  };
  afterEach(() => fixture.close());

  const endorse = (name: string, args: string[], transientData: Record<string, string> = {}) =>
    alpha.newProposal(name, { arguments: args, transientData }).endorse();
  const submitted = async (transaction: Transaction) => (await (await transaction.submit()).getStatus()).code;

  it('asks the gateway alone where any organisation will do', async () => {
    await start({ endorsementPolicy: "OR('AlphaMSP.peer','BetaMSP.peer')" });
    const transaction = await endorse('put', ['a', '1']);
    expect(endorsersOf(transaction)).to.deep.equal(['AlphaMSP']);
    expect(await submitted(transaction)).to.equal(0);
  });

  it('asks every organisation that the policy names', async () => {
    await start({ endorsementPolicy: "AND('BetaMSP.peer','GammaMSP.peer')" });
    const transaction = await endorse('put', ['a', '1']);
    expect(endorsersOf(transaction)).to.have.members(['BetaMSP', 'GammaMSP']);
    expect(await submitted(transaction)).to.equal(0);
  });

  it("asks for a key's own policy instead of the chaincode's", async () => {
    await start({ endorsementPolicy: "OutOf(2,'AlphaMSP.peer','BetaMSP.peer','GammaMSP.peer')" });
    await alpha.submitTransaction('put', 'guarded', '1');
    const policy = Buffer.from(parsePolicyText("OR('GammaMSP.peer')").serializeBinary()).toString('base64');
    await alpha.submitTransaction('setPolicy', 'guarded', policy);
    const transaction = await endorse('put', ['guarded', '2']);
    expect(endorsersOf(transaction)).to.deep.equal(['GammaMSP']);
    expect(await submitted(transaction)).to.equal(0);
    const other = alpha.submit('put', { arguments: ['guarded', '3'], endorsingOrganizations: ['AlphaMSP', 'BetaMSP'] });
    expect(await failureOf(other)).to.include({ name: 'CommitError', code: 10 });
  });

  it('keeps transient data from organisations outside the collection', async () => {
    await start({ endorsementPolicy: "AND('AlphaMSP.peer','GammaMSP.peer')" });
    const failed = await failureOf(endorse('putPrivate', ['open', 'k'], { value: 'x' }));
    expect(failed.code).to.equal(status.FAILED_PRECONDITION);
    expect(failed.cause.details).to.equal(
      'requires endorsement from organisation(s) that are not in the distribution policy of the private data ' +
        'collection(s): [open]; retry specifying trusted endorsing organizations to protect transient data',
    );
  });

  it("asks for the organisation whose implicit collection is written, through another's gateway", async () => {
    await start({ endorsementPolicy: "OR('AlphaMSP.peer')" });
    const transaction = await endorse('putPrivate', ['_implicit_org_BetaMSP', 'k']);
    expect(endorsersOf(transaction)).to.have.members(['BetaMSP']);
    expect(await submitted(transaction)).to.equal(0);
  });

  it('fails where too few organisations run the chaincode', async () => {
    await start({ endorsementPolicy: "AND('AlphaMSP.peer','GammaMSP.peer')", runs: ['alpha', 'beta'] });
    const failed = await failureOf(endorse('put', ['a', '1']));
    expect(failed.code).to.equal(status.FAILED_PRECONDITION);
    expect(failed.cause.details).to.contain('no combination of peers can be derived');
  });

  it('never sends transient data to another organisation because its own does not run the chaincode', async () => {
    await start({ runs: ['beta', 'gamma'] });
    const failed = await failureOf(endorse('putPrivate', ['shared', 'k'], { value: 'x' }));
    expect(failed.cause.details).to.contain("no endorsers found in the gateway's organization");
    const evaluated = await failureOf(alpha.evaluate('get', { arguments: ['a'], transientData: { value: 'x' } }));
    expect(evaluated.cause.details).to.contain("no endorsers found in the gateway's organization");
    expect(endorsersOf(await endorse('put', ['a', '1']))).to.have.members(['BetaMSP', 'GammaMSP']);
  });
});

function endorsersOf(transaction: Transaction): string[] {
  const envelope = protos.PreparedTransaction.deserializeBinary(transaction.getBytes()).getEnvelope();
  const payload = common.Payload.deserializeBinary(envelope?.getPayload_asU8() ?? new Uint8Array());
  const [action] = peer.Transaction.deserializeBinary(payload.getData_asU8()).getActionsList();
  const endorsed = peer.ChaincodeActionPayload.deserializeBinary(
    action?.getPayload_asU8() ?? new Uint8Array(),
  ).getAction();
  return (endorsed?.getEndorsementsList() ?? []).map((endorsement) =>
    msp.SerializedIdentity.deserializeBinary(endorsement.getEndorser_asU8()).getMspid(),
  );
}
