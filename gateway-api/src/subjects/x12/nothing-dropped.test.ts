/** Whatever an element of a file says: it is read, it is counted as not read, or the file is refused. None is dropped in silence. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { read837 } from './claims-837.ts';
import { readInquiry278 } from './inquiries-278.ts';
import { example278, exampleInquiry278 } from './questions.fixture.ts';
import { read278 } from './requests-278.ts';
import { readX12, type TransactionSet } from './segments.ts';
import type { NotMapped } from './unread.ts';
import { example837 } from './x12.fixture.ts';

const line = { code: '99213', charge: '80.00', day: '20260105', item: 'L-1' };
/** Behind a segment, what else billing systems write there. */
const FULL_837 = example837([{ controlNumber: 'A', member: 'M', npi: '1234567893', lines: [line] }], 'payer')
  .replace('LX*1~', 'NM1*IL*1*OTHER*ONE****MI*OTHER-1~\nNM1*PR*2*OTHER PAYER*****PI*OTHER~\nREF*EA*MRN~\nLX*1~')
  .replace(
    /(DTP\*472[^~]*~)/,
    '$1\nDTP*434*D8*20260101~\nNM1*82*1*LINE*ONE****XX*1999999999~\nREF*G1*LINE-AUTH~\nNTE*ADD*NOTE~',
  )
  .replace('SV1*HC:99213*', 'SV1*HC:99213:25::::said in words*');
const FULL_278 = example278(
  [{ trace: 'T', member: 'M', isUrgent: true, services: [{ code: '97110', units: '2', day: '20260105', trace: 'S' }] }],
  'payer',
)
  .replace('HI*ABF:M545~', 'HI*ABK:M545*BBR:0SR9~\nNM1*FA*2*FACILITY*****XX*1888888888~\nCRC*07*Y*01~')
  .replace('SV1*HC:97110*', 'SV1*HC:97110:GP::::said in words*');
const FULL_INQUIRY = exampleInquiry278([{ member: 'M', number: 'N', code: '97110', day: '20260105' }], 'payer');

/** As it is, but with the right count of its segments. */
const counted = (text: string): string =>
  text.replace(/SE\*\d+/, () => `SE*${text.slice(text.indexOf('ST*'), text.indexOf('SE*')).split('~').length}`);

/** What is read for the ledger: neither places nor what is only said again in an answer. */
const told = (value: unknown): string =>
  JSON.stringify(value, (name, one) =>
    ['segment', 'segments', 'names', 'level', 'levels', 'position', 'hl', 'parent'].includes(name) ? undefined : one,
  );

const KINDS: Readonly<Record<string, [string, (set: TransactionSet, notMapped: NotMapped) => unknown]>> = {
  837: [
    counted(FULL_837),
    (set, notMapped) => {
      const read = read837([set]);
      for (const [place, times] of read.notMapped) notMapped.set(place, times);
      return read.claims;
    },
  ],
  278: [counted(FULL_278), (set, notMapped) => read278(set, notMapped).requests],
  '278 inquiry': [
    counted(FULL_INQUIRY),
    (set, notMapped) => {
      const { inquiries, reference } = readInquiry278(set, notMapped);
      return [inquiries, reference];
    },
  ],
};

/** Elements that say what stands beside them, or whose value is a person's or payer's name beside the number that counts. */
const BESIDE = /^(BHT|HL|NM1(02|03|04|05|08)|UM(0?[124])|TRN01|DTP02|LX|SV103|CLM05|NM109 of (1P|85|41|40))$/;

describe('An element of a file', () => {
  for (const [kind, [text, read]] of Object.entries(KINDS))
    it(`of a ${kind} is read or counted, each of them`, () => {
      const [set] = readX12(text) as [TransactionSet];
      const before: NotMapped = new Map();
      const own = told(read(set, before));
      let count = 0;
      for (const [at, segment] of set.segments.entries())
        for (const [place, element] of segment.elements.entries()) {
          if (element === '') continue;
          const name = `${segment.id}${String(place + 1).padStart(2, '0')}`;
          const parts = element.split(set.component);
          for (const [part, value] of parts.entries()) {
            if (
              value === '' ||
              (place === 0 && part === 0 && /^(NM1|REF|DTP|NTE|CRC|HI|DMG|SBR|PRV|PER|AMT)$/.test(segment.id))
            )
              continue;
            const of = segment.id === 'NM1' ? `${name} of ${segment.elements[0]}` : name;
            if ([segment.id, name, of].some((one) => BESIDE.test(one))) continue;
            const other = /^\d{8}$/.test(value)
              ? '20260106'
              : /^[\d.]+$/.test(value)
                ? `${value}7`.slice(-10)
                : `${value}X`;
            const elements = segment.elements.with(place, parts.with(part, other).join(set.component));
            const changed = { ...set, segments: set.segments.with(at, { ...segment, elements }) };
            const notMapped: NotMapped = new Map();
            count += 1;
            try {
              const now = told(read(changed, notMapped));
              const qualified = `${segment.id}*${elements[0]} ${String(place + 1).padStart(2, '0')}`;
              const plain = `${segment.id} ${String(place + 1).padStart(2, '0')}`;
              const isCounted = [...notMapped.keys()].some(
                (one) => one === qualified || one === plain || (segment.id === 'HI' && one.startsWith('HI*')),
              );
              expect(now !== own || isCounted, `${of} part ${part + 1} is dropped`).to.equal(true);
            } catch (error) {
              if (!(error instanceof LedgerError)) throw error;
            }
          }
        }
      expect(count).to.be.greaterThan(8);
    });
});
