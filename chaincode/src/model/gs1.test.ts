import { expect } from 'chai';
import fc from 'fast-check';
import { isGtin, readScan, type Scan, type ScanFault } from './gs1.ts';

const TODAY = '2026-03-01';
const GTIN = '09506000134352';
const whole: Scan = { gtin: GTIN, expiry: '2027-12-31', lot: 'AB-12/c', serial: '12345' };

describe('a GS1 element string', () => {
  const forms: Record<string, string> = {
    'as a scanner sends it': `]d201${GTIN}1727123110AB-12/c\u001D2112345`,
    'without the symbology, with FNC1 in front': `\u001D01${GTIN}1727123110AB-12/c\u001D2112345`,
    'with a sign for FNC1': `01${GTIN}1727123110AB-12/c␝2112345`,
    'with a word for FNC1': `01${GTIN}2112345<GS>10AB-12/c{GS}17271231`,
    'as it is printed': `(01)${GTIN}(17)271231(10)AB-12/c(21)12345`,
    'with FNC1 where none is needed': `01${GTIN}\u001D17271231\u001D10AB-12/c\u001D2112345\u001D`,
    'with other elements between': `01${GTIN}1125010117271231712123\u001D10AB-12/c\u001D2112345`,
  };
  for (const [name, text] of Object.entries(forms))
    it(`is read ${name}`, () => expect(readScan(text, TODAY)).to.deep.equal(whole));

  const days: Record<string, string> = {
    '270200': '2027-02-28',
    '280200': '2028-02-29',
    '261130': '2026-11-30',
    '750101': '2075-01-01',
    '770101': '1977-01-01',
    '000100': '2000-01-31',
  };
  for (const [digits, expiry] of Object.entries(days))
    it(`means ${expiry} by ${digits}`, () =>
      expect((readScan(`01${GTIN}17${digits}`, TODAY) as Scan).expiry).to.equal(expiry));

  const bad: Record<string, [string, RegExp, number]> = {
    'another check digit': ['0109506000134353', /check digit/, 2],
    'no product': ['10AB', /no product/, 0],
    'a month 13': [`01${GTIN}17271301`, /is no day/, 18],
    'a 30th of February': [`01${GTIN}17270230`, /is no day/, 18],
    'too few digits': ['01095060001', /has 14 characters/, 2],
    'a letter among digits': ['0109506000A34352', /digits alone/, 2],
    'an identifier that nobody knows': [`01${GTIN}88123`, /no application identifier/, 16],
    'a lot twice': [`(01)${GTIN}(10)A(10)B`, /stands twice/, 27],
    'an empty lot': [`01${GTIN}10`, /up to 20/, 18],
    'a lot that is too long': [`01${GTIN}10${'A'.repeat(21)}`, /up to 20/, 18],
    'a character of none': [`01${GTIN}10Ä`, /none of GS1/, 18],
    nothing: ['', /no product/, 0],
  };
  for (const [name, [text, fault, at]] of Object.entries(bad))
    it(`is refused with ${name}, and where`, () => {
      const read = readScan(text, TODAY) as ScanFault;
      expect(read.fault).to.match(fault);
      expect(read.at).to.equal(at);
    });

  it('is read or refused, whatever the text', () => {
    fc.assert(fc.property(fc.string(), (text) => 'gtin' in readScan(text, TODAY) || 'fault' in readScan(text, TODAY)));
  });

  it('has GTINs of 8, 12, 13 and 14 digits', () => {
    for (const digits of ['96385074', '614141007349', '9506000134352', GTIN]) expect(isGtin(digits)).to.equal(true);
    for (const digits of ['96385075', '9506000134353', '123', 'A506000134352']) expect(isGtin(digits)).to.equal(false);
  });
});
