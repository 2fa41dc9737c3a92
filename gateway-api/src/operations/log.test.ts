import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { loggable, newLog } from './log.ts';

describe('The log', () => {
  it('keeps the message of a ledger error and the place of any', () => {
    const shown = loggable(new LedgerError('CONFLICT', 'not the next version'));
    expect(shown).to.deep.include({ kind: 'LedgerError', reason: 'LedgerError CONFLICT: not the next version' });
    expect(shown.at?.[0]).to.match(/^at /);
  });

  it('drops messages that may quote content', () => {
    const secret = 'Doe-Example';
    for (const fail of [() => JSON.parse(`{"name":"${secret}"`), () => JSON.parse(secret)]) {
      try {
        fail();
        expect.fail();
      } catch (error) {
        expect(JSON.stringify(loggable(error)))
          .to.not.include(secret)
          .and.not.include('Doe');
        expect(loggable(error)).to.include({ kind: 'SyntaxError' });
      }
    }
    class EndorseError extends Error {}
    const said = new EndorseError(`10 ABORTED: chaincode response 500, cannot read ${secret}\nand ${secret}`);
    expect(loggable(said).reason).to.equal('10 ABORTED: chaincode response 500');
  });

  it('is JSON lines with the organisation and the time', () => {
    const lines: string[] = [];
    newLog('hospital', 'info', { write: (line: string) => void lines.push(line) }).info({ port: 1 }, 'listening');
    expect(JSON.parse(lines[0] ?? '')).to.include({ organisation: 'hospital', port: 1, msg: 'listening' });
  });
});
