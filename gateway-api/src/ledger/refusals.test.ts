import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { GatewayError } from '@hyperledger/fabric-gateway';
import { expect } from 'chai';
import { judge, refusedByOrderer } from './refusals.ts';

function failure(code: number, message: string, details: string[] = []): GatewayError {
  const cause = Object.assign(new Error(message), { code, details: message, metadata: {} as Metadata }) as ServiceError;
  const told = details.map((text) => ({ address: 'peer', mspId: 'MSP', message: text }));
  return new GatewayError({ code, details: told, cause, message });
}

const REFUSED = 'chaincode response 500, LedgerError CONFLICT: not the next version';

describe('judging what the SDK throws', () => {
  it('finds the ledger error in the details of a failed endorsement', () => {
    const verdict = judge(failure(status.ABORTED, 'failed to endorse transaction', [REFUSED, REFUSED]), 2);
    expect(verdict).to.deep.include({ kind: 'ledger', unanimous: true });
  });

  it('tells a refusal that only one of two peers gives', () => {
    const verdict = judge(failure(status.ABORTED, 'failed to collect enough transaction endorsements', [REFUSED]), 2);
    expect(verdict).to.deep.include({ kind: 'ledger', unanimous: false });
  });

  const cases: [string, number, string, string[], string][] = [
    ['payloads that differ', status.ABORTED, 'failed', ['ProposalResponsePayloads do not match'], 'retry'],
    ['a peer that is away', status.UNAVAILABLE, 'failed to find any endorsing peers for org(s): A', [], 'retry'],
    ['a chaincode that stopped', status.ABORTED, 'failed', ['chaincode stream terminated'], 'retry'],
    [
      'a peer that ended while it was asked',
      status.ABORTED,
      'failed to collect enough transaction endorsements',
      ['rpc error: code = Unavailable desc = error reading from server: EOF'],
      'retry',
    ],
    ['a full peer', status.UNKNOWN, 'too many requests for /gateway.Gateway, exceeding concurrency limit', [], 'busy'],
    ['a deadline', status.DEADLINE_EXCEEDED, 'endorsement timeout expired', [], 'silent'],
    ['anything else of the chaincode', status.ABORTED, 'failed', ['chaincode response 500, x is undefined'], 'bug'],
  ];
  for (const [name, code, message, details, kind] of cases) {
    it(`takes ${name} for ${kind}`, () => {
      expect(judge(failure(code, message, details), 2).kind).to.equal(kind);
    });
  }

  it('knows what an orderer refused from what it may have accepted', () => {
    const text = 'received unsuccessful response from orderer: status=BAD_REQUEST, info=too large';
    expect(refusedByOrderer(failure(status.ABORTED, text))).to.equal(true);
    expect(refusedByOrderer(failure(status.UNAVAILABLE, 'no orderers could successfully process'))).to.equal(false);
  });
});
