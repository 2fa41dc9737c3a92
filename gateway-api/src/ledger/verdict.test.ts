import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { GatewayError } from '@hyperledger/fabric-gateway';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { LedgerFailure } from './ledger-failure.ts';
import { refusedByOrderer, verdictOf } from './verdict.ts';

function failure(code: number, message: string, details: string[] = []): GatewayError {
  const cause = Object.assign(new Error(message), { code, details: message, metadata: {} as Metadata }) as ServiceError;
  const told = details.map((text) => ({ address: 'peer', mspId: 'MSP', message: text }));
  return new GatewayError({ code, details: told, cause, message });
}

const asked = { organisation: 'PatientsMSP', own: 'HospitalMSP' };
const ENDORSE = 'failed to collect enough transaction endorsements, see attached details for more info';
const EVALUATE = 'failed to evaluate transaction, see attached details for more info';
const CLOCK =
  'request unauthorized due to incorrect timestamp 2026-11-28T10:00:00Z, peer time 2026-11-28T10:20:00Z, peer.authentication.timewindow 15m0s';

describe('The verdict on what the SDK throws', () => {
  it('is the ledger error that the chaincode threw', () => {
    const thrown = failure(status.ABORTED, ENDORSE, [
      'chaincode response 500, LedgerError CONFLICT: not the next version',
    ]);
    const verdict = verdictOf(thrown, asked);
    expect(verdict).to.be.instanceOf(LedgerError);
    expect(verdict).to.include({ code: 'CONFLICT', reason: 'not the next version' });
  });

  const kinds: [string, string, GatewayError, string?][] = [
    [
      'away',
      'no peer of the organisation',
      failure(status.UNAVAILABLE, 'failed to find any endorsing peers for org(s): PatientsMSP'),
    ],
    ['away', 'a chaincode that stopped', failure(status.ABORTED, ENDORSE, ['chaincode stream terminated'])],
    [
      'away',
      'a peer that ended while it was asked',
      failure(status.ABORTED, ENDORSE, ['rpc error: code = Unavailable desc = error reading from server: EOF']),
    ],
    ['away', "this gateway's own peer", failure(status.UNAVAILABLE, 'No connection established'), 'HospitalMSP'],
    [
      'slow',
      'a deadline',
      failure(status.DEADLINE_EXCEEDED, 'endorsement timeout expired while collecting endorsements'),
    ],
    ['slow', 'a deadline here', failure(status.CANCELLED, 'Call cancelled')],
    [
      'slow',
      'a deadline at another peer',
      failure(status.ABORTED, ENDORSE, ['rpc error: code = DeadlineExceeded desc = context deadline exceeded']),
    ],
    [
      'slow',
      'a chaincode that hangs',
      failure(status.ABORTED, ENDORSE, [
        'error in simulation: failed to execute transaction x: timeout expired while executing transaction',
      ]),
    ],
    [
      'quota',
      'a full peer',
      failure(status.UNKNOWN, 'too many requests for /gateway.Gateway, exceeding concurrency limit (500)'),
    ],
    [
      'lag',
      'private data that has not arrived',
      failure(status.ABORTED, ENDORSE, [
        'private data matching public hash version is not available. Public hash version = {BlockNum: 5}',
      ]),
    ],
    [
      'lag',
      'a definition that has not arrived',
      failure(status.ABORTED, ENDORSE, [
        'make sure the chaincode telemed has been successfully defined on channel telemed and try again',
      ]),
    ],
    [
      'refuses',
      'an identity of another authority, at this peer',
      failure(
        status.FAILED_PRECONDITION,
        'evaluate call to endorser returned error: error validating proposal: access denied: channel [telemed] creator org [HospitalMSP]',
      ),
    ],
    [
      'refuses',
      'an expired certificate, at another peer',
      failure(status.ABORTED, ENDORSE, ['rpc error: code = Unknown desc = proposal client identity expired']),
    ],
    [
      'clock',
      'a clock that is off, when endorsing',
      failure(status.ABORTED, ENDORSE, [`rpc error: code = Unknown desc = ${CLOCK}`]),
    ],
    ['clock', 'a clock that is off, when evaluating', failure(status.UNAVAILABLE, EVALUATE, [CLOCK])],
  ];
  for (const [kind, what, thrown, organisation = 'PatientsMSP'] of kinds) {
    it(`is ${kind} for ${what}`, () => {
      const verdict = verdictOf(thrown, asked);
      expect(verdict).to.be.instanceOf(LedgerFailure);
      expect(verdict).to.deep.include({ kind, organisations: [organisation] });
      expect((verdict as LedgerFailure).message).to.include(organisation);
    });
  }

  it('says by how much a clock is off, and in which direction', () => {
    const at = (text: string) => verdictOf(failure(status.UNAVAILABLE, EVALUATE, [text]), asked).message;
    expect(at(CLOCK)).to.match(/the clock of this machine is 20 minutes behind it/);
    const ahead = CLOCK.replace('10:00:00Z', '10:50:00Z');
    expect(at(ahead)).to.match(/30 minutes ahead of it/);
    expect(at('incorrect timestamp')).to.match(/clock/);
  });

  it('is the error itself for what no peer is the reason of', () => {
    for (const thrown of [
      failure(status.ABORTED, ENDORSE, ['chaincode response 500, x is undefined']),
      failure(status.ABORTED, ENDORSE, ['chaincode response 500, the timeout expired of connection refused']),
      new TypeError('x'),
    ]) {
      expect(verdictOf(thrown, asked)).to.equal(thrown);
    }
  });

  it('knows what an orderer refused from what it may have accepted', () => {
    const text = 'received unsuccessful response from orderer: status=BAD_REQUEST, info=too large';
    expect(refusedByOrderer(failure(status.ABORTED, text))).to.equal(true);
    expect(refusedByOrderer(failure(status.UNAVAILABLE, 'no orderers could successfully process'))).to.equal(false);
  });
});
