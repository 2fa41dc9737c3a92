/** X12's syntax, and what of an 837 is read: a changed, cut or joined file is refused with its place, and nothing is left out unsaid. */
import { textOfNumber } from '@telemed-ledger/chaincode/model/numbers.ts';
import { expect } from 'chai';
import { read837 } from './claims-837.ts';
import { readX12 } from './segments.ts';
import { expectValidX12, isValidX12 } from './validator.fixture.ts';
import { writeX12 } from './writing.ts';
import { example837 } from './x12.fixture.ts';

const claims = [
  {
    ...{ controlNumber: 'ACC-1', member: 'M-1', npi: '1234567893' },
    lines: [
      { code: '99213:25', charge: '80.50', day: '20260102' },
      { code: 'J1100', charge: '.5', units: '2.0', day: '20260102' },
    ],
  },
  {
    ...{ controlNumber: 'ACC-2', member: 'M-2', npi: '1234567893', frequency: '7', original: 'c-1' },
    lines: [{ code: '99215', charge: '120', day: '20260103' }],
  },
];
const text = example837(claims, 'payer');

const faultOf = (file: string): string => {
  try {
    read837(readX12(file));
  } catch (error) {
    return (error as Error).message;
  }
  return 'read';
};

describe('an 837', () => {
  it('is read by its claims and lines, with the digits of its amounts', () => {
    const [first, second] = read837(readX12(text)).claims;
    expect(first).to.include({
      type: 'professional',
      controlNumber: 'ACC-1',
      member: 'M-1',
      payer: 'payer',
      rendering: '1234567893',
    });
    expect(first).to.deep.include({ created: '2026-01-05', place: '10', frequency: '1', diagnoses: ['J06.9'] });
    const lines = first?.lines.map(({ code, modifiers, charge, quantity, served }) => [
      ...[code, modifiers, textOfNumber(charge as number), textOfNumber(quantity as number), served],
    ]);
    const served = { first: '2026-01-02', last: '2026-01-02' };
    expect(lines).to.deep.equal([
      ['99213', ['25'], '80.50', '1', served],
      ['J1100', [], '0.5', '2.0', served],
    ]);
    expect(second).to.include({ member: 'M-2', frequency: '7', original: 'c-1' });
  });

  it('says by its place what was not read, and none of it', () => {
    const { notMapped } = read837(readX12(text));
    expect(Object.fromEntries(notMapped)).to.include({
      'N3 01': 3,
      'DMG*D8 02': 2,
      'NM1*IL 03': 2,
      'CLM 06': 2,
      'REF*EI 02': 1,
    });
    expect(JSON.stringify([...notMapped])).to.not.match(/EXAMPLE|SPRINGFIELD|19800203|123456789/);
  });

  it('may have other separators, line ends or none, and several interchanges', () => {
    const others = text.replaceAll('\n', '').replaceAll('*', '|').replaceAll(':', '>').replaceAll('~', '\u001d');
    for (const file of [others, text.replaceAll('\n', '\r\n'), `\uFEFF${text}`])
      expect(read837(readX12(file)).claims.map(({ controlNumber }) => controlNumber)).to.deep.equal(['ACC-1', 'ACC-2']);
    expect(read837(readX12(text + text)).claims).to.have.length(4);
  });

  for (const [name, file, fault] of [
    ['that is cut', text.slice(0, -60), 'the interchange has no end'],
    ['that lacks a segment', text.replace(/LX\*2~\n/, ''), 'SE01'],
    ['that was put together of two', text.replace('ST*837*0001', 'ST*837*0002'), 'is not the number of its ST'],
    [
      'with another number at its end',
      text.replace(/IEA\*1\*000000001/, 'IEA*1*000000002'),
      'is not the number of its ISA',
    ],
    ['of another version', text.replaceAll('005010X222A1', '004010X098A1'), 'only 837 of'],
    ['with an amount that is none', text.replace('80.50*UN', '80,50*UN'), 'is no amount'],
    ['with a day that is none', text.replace('D8*20260102', 'D8*2026-01-02'), 'is no day'],
    ['with a level that is none', text.replace('HL*2*1*22*0', 'HL*2*1*99*0'), 'is none of the levels'],
    ['that is empty', '  ', 'the file is empty'],
    ['that is JSON', '{"resourceType":"Claim"}', 'begins with ISA'],
  ] as const)
    it(`is refused ${name}, with its place`, () => {
      expect(faultOf(file)).to.include(fault);
    });

  it('is refused for any segment that is taken away', () => {
    const segments = text.trim().split('\n');
    for (const [index] of segments.entries()) {
      const left = segments.filter((_, at) => at !== index).join('\n');
      expect(faultOf(left), segments[index]).to.not.equal('read');
    }
  });

  it('is valid for a validator that is not ours', function () {
    this.timeout(60_000);
    expectValidX12(this, text);
    expect(isValidX12(text.replace('NM1*85*2', 'NM1*85*9')), 'a qualifier that is none').to.equal(false);
  });
});

describe('X12 that is written', () => {
  const parties = {
    ...{ sender: 'a*b', receiver: 'c~d', at: '2026-01-05T10:23:00Z', control: 7 },
    ...{ group: 'HP', type: '837', version: 'v' },
  };

  it('has names without what separates, and several sets, each with its number', () => {
    const text = writeX12([[['N1', 'PR', 'plain']], [['HI', ['ABK', 'J06', '']]]], parties);
    expect(text).to.include('*ZZ*ab             *ZZ*cd             *');
    const sets = readX12(text);
    expect(sets.map(({ type, version }) => [type, version])).to.deep.equal([
      ['837', 'v'],
      ['837', 'v'],
    ]);
    expect(sets[0]?.segments).to.deep.equal([{ id: 'N1', elements: ['PR', 'plain'], position: 4 }]);
    expect(sets[1]?.segments[0]?.elements).to.deep.equal(['ABK:J06']);
  });

  for (const character of ['*', '^', ':', '~', '\n', '\u001d', 'é', '\u{1f600}'])
    it(`is refused with ${JSON.stringify(character)} in data, with its place`, () => {
      expect(() => writeX12([[['CLP', `a${character}b`]]], parties)).to.throw('INVALID at <CLP01>');
      expect(() => writeX12([[['SVC', ['HC', `a${character}b`]]]], parties)).to.throw('INVALID at <SVC01>');
    });
});
