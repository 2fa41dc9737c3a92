/** Files of every kind that is read, broken in every way that one comes upon: each is read or refused with its place, and acknowledged. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { acknowledgmentOf } from './acknowledgments.ts';
import { read837 } from './claims-837.ts';
import { readInquiry278 } from './inquiries-278.ts';
import { example270, example276, example278, exampleInquiry278 } from './questions.fixture.ts';
import { read270 } from './questions-270.ts';
import { read276 } from './questions-276.ts';
import { read278 } from './requests-278.ts';
import { readX12, type TransactionSet } from './segments.ts';
import { example837 } from './x12.fixture.ts';

const services = [{ code: '97110', units: '2', day: '20260105' }];
const lines = [{ code: '99213', charge: '80.00', day: '20260105' }];
const KINDS: Readonly<Record<string, readonly [file: string, read: (set: TransactionSet) => unknown]>> = {
  837: [example837([{ controlNumber: 'A', member: 'M', npi: '1234567893', lines }], 'payer'), (set) => read837([set])],
  276: [example276([{ trace: 'T', member: 'M', claim: 'C' }], 'payer'), (set) => read276(set, new Map())],
  270: [example270([{ member: 'M' }], 'payer'), (set) => read270(set, new Map())],
  278: [example278([{ trace: 'T', member: 'M', services }], 'payer'), (set) => read278(set, new Map())],
  '278 inquiry': [exampleInquiry278([{ member: 'M', number: '1' }], 'payer'), (set) => readInquiry278(set, new Map())],
};

const piece = fc.constantFrom(
  ...['', '*', '~', ':', '^', '\n', 'A', '9', 'É', '\0', '\u2028', '*****', '~~', '-1', 'NaN', '.', 'ISA', 'ST*837*1~'],
  ...['HL*1*1*20*1~', 'HL*3*3*22*0~', '9'.repeat(20), '00000000', '20260231'],
);
const change = fc.record({ at: fc.nat(), cut: fc.nat(8), piece });

/** With these changes; where `isCounted`, its segments are counted anew, so that more than the count is at fault. */
function broken(
  file: string,
  changes: readonly { at: number; cut: number; piece: string }[],
  isCounted: boolean,
): string {
  let text = file;
  for (const one of changes) {
    const at = one.at % text.length;
    text = text.slice(0, at) + one.piece + text.slice(at + one.cut);
  }
  const count = text.split('ST*')[1]?.split('SE*')[0]?.split('~').length ?? 0;
  return isCounted ? text.replace(/SE\*\d+/, `SE*${count}`) : text;
}

describe('A broken file', () => {
  for (const [kind, [file, read]] of Object.entries(KINDS))
    it(`${kind} is read, or refused with its place, and acknowledged`, function () {
      this.timeout(60_000);
      const counted = { read: 0, refused: 0 };
      fc.assert(
        fc.property(fc.array(change, { maxLength: 3 }), fc.boolean(), (changes, isCounted) => {
          const text = broken(file, changes, isCounted);
          let fault: LedgerError | undefined;
          try {
            for (const set of readX12(text)) read(set);
            counted.read += 1;
          } catch (error) {
            if (!(error instanceof LedgerError)) throw error;
            expect(error.code).to.equal('INVALID');
            expect(error.expression, error.message).to.be.a('string').and.not.equal(undefined);
            fault = error;
            counted.refused += 1;
          }
          acknowledgmentOf(text, { fault, now: '2026-01-05T10:00:00Z', control: 1 });
        }),
        { numRuns: 500 },
      );
      expect(counted.read).to.be.greaterThan(10);
      expect(counted.refused).to.be.greaterThan(10);
    });

  it('whose numbers X12 cannot carry is acknowledged without them', () => {
    const [file] = KINDS[837]!;
    const text = file
      .replaceAll('GS*HC', 'GS*HÉC')
      .replace('ST*837*0001', 'ST*837*É1')
      .replace(/SE\*(\d+)\*0001/, 'SE*$1*É1');
    const answer = acknowledgmentOf(text, { fault: undefined, now: '2026-01-05T10:00:00Z', control: 1 });
    expect(answer).to.include('AK1*HC*').and.include('AK2*837*1*');
  });
});
