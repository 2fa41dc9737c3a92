import { expect } from 'chai';
import pg from 'pg';
import { isBusy, isHopeless, isLoss, reasonOf } from './errors.ts';

const QUOTING = 'duplicate key value violates unique constraint: Key (id)=(a patient)';

function ofServer(code: string, message: string): Error {
  const error = new pg.DatabaseError(message, message.length, 'error');
  error.code = code;
  return error;
}

describe('errors of PostgreSQL', () => {
  for (const [name, error, expected] of [
    ['a reset connection', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), 'loss'],
    ['a server that ends', ofServer('57P01', 'terminating connection due to administrator command'), 'loss'],
    ['a server that starts', ofServer('57P03', 'the database system is starting up'), 'loss'],
    ['a standby', ofServer('25006', 'cannot execute UPDATE in a read-only transaction'), 'loss'],
    ['a wrong password', ofServer('28P01', 'password authentication failed for user "x"'), 'hopeless'],
    ['a missing database', ofServer('3D000', 'database "x" does not exist'), 'hopeless'],
    ['a missing right', ofServer('42501', 'permission denied for database x'), 'hopeless'],
    ['a full disk', ofServer('53100', 'could not extend file'), 'busy'],
    ['a statement over its time', ofServer('57014', 'canceling statement due to statement timeout'), 'busy'],
    ['a pool whose connections are all taken', new Error('timeout exceeded when trying to connect'), 'busy'],
    ['a wrong statement', ofServer('23505', QUOTING), 'bug'],
  ] as const) {
    it(`take ${name} for ${expected}`, () => {
      const found = isHopeless(error) ? 'hopeless' : isLoss(error) ? 'loss' : isBusy(error) ? 'busy' : 'bug';
      expect(found).to.equal(expected);
    });
  }

  it('are told without what a statement was about', () => {
    expect(reasonOf(ofServer('23505', QUOTING))).to.equal('23505');
    expect(reasonOf(new Error('Connection terminated unexpectedly'))).to.equal('Connection terminated unexpectedly');
    expect(reasonOf(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }))).to.equal('ECONNREFUSED');
  });
});
