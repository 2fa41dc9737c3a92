/** PDF documents: what is on their pages, in which order and where, read back by a library that is not ours. */
import { expect } from 'chai';
import { getDocumentProxy } from 'unpdf';
import { linesOf } from './lines.ts';
import { type PdfBlock, type PdfOptions, pdfOf } from './pdf.ts';

const OPTIONS: PdfOptions = { title: 'Record of Łucja', language: 'en', madeAt: new Date('2026-03-01T10:00:00Z') };

interface Piece {
  text: string;
  x: number;
  y: number;
}

/** The pieces of each page that show something. */
async function pagesOf(options: Partial<PdfOptions>, blocks: PdfBlock[]): Promise<Piece[][]> {
  const document = await getDocumentProxy(new Uint8Array(await pdfOf({ ...OPTIONS, ...options }, blocks)));
  const pages = Array.from({ length: document.numPages }, async (_, index) => {
    const { items } = await (await document.getPage(index + 1)).getTextContent();
    return items.flatMap((item) =>
      'str' in item && item.str.trim() !== ''
        ? [{ text: item.str, x: Math.round(item.transform[4]), y: Math.round(item.transform[5]) }]
        : [],
    );
  });
  return Promise.all(pages);
}
const textOf = (pieces: readonly Piece[]): string => pieces.map(({ text }) => text).join(' ');
const byLetters = (text: string): number => [...text].length;

describe('A PDF document', () => {
  it('has title, header and number on each page, and the titles of a table again', async () => {
    const rows = Array.from({ length: 120 }, (_, index) => [`row ${index}`, 'é €', '0123456789'.repeat(12)]);
    const columns = [{ title: 'Number' }, { title: 'Signs' }, { title: 'Digits', share: 2 }];
    const pages = await pagesOf({ header: 'until 2026' }, [{ kind: 'table', columns, rows }]);
    expect(pages.length).to.be.within(2, 20);
    for (const [index, page] of pages.entries()) {
      const text = textOf(page);
      for (const part of ['Record of Łucja', 'until 2026', `${index + 1} / ${pages.length}`, 'Number'])
        expect(text).to.include(part);
    }
    const all = pages.map(textOf).join(' ');
    for (const [name] of rows) expect(all).to.include(name);
    expect(all.replaceAll(/[^0-9]/g, '').length).to.be.greaterThan(120 * 120);
    for (const { x, y } of pages.flat()) expect([x >= 40, x < 560, y > 30, y < 815], `${x} ${y}`).to.not.include(false);
  });

  it('shows headings, paragraphs and facts in their order', async () => {
    const [page = []] = await pagesOf({}, [
      { kind: 'heading', text: 'Allergies' },
      { kind: 'paragraph', text: 'None known.\nAsked today.' },
      { kind: 'facts', facts: [['Born', '1970-01-01']] },
    ]);
    const found = ['Allergies', 'None known.', 'Asked today.', 'Born', '1970-01-01'].map((text) =>
      textOf(page).indexOf(text),
    );
    expect(found).to.not.include(-1);
    expect(found).to.deep.equal(found.toSorted((one, other) => one - other));
  });

  it('runs from the right in Arabic, with what is Latin or a number in its own order', async () => {
    const text = 'قرأ \u2068Dr. Smith\u2069 عدد 12 سجلا';
    const [page = []] = await pagesOf({ language: 'ar', direction: 'rtl', title: 'سجل' }, [
      { kind: 'paragraph', text },
    ]);
    const line = page.filter((piece) => piece.text.includes('Smith'));
    // Read back in the order of reading; the shorter it is, the further to the right it begins.
    expect(textOf(line)).to.match(/^قرأ Dr\. Smith عدد 12 سج/);
    expect(Math.min(...line.map(({ x }) => x))).to.be.greaterThan(300);
    expect(textOf(line)).to.not.match(/[\u2066-\u2069]/);
  });

  it('goes on with a row that is longer than a page, and takes any text', async () => {
    const long = 'word '.repeat(6_000);
    const pages = await pagesOf({}, [{ kind: 'table', columns: [{ title: 'Only' }], rows: [[long, 'of no column']] }]);
    expect(pages.length).to.be.greaterThan(2);
    expect(pages.map(textOf).join(' ').match(/word/g)).to.have.length(6_000);
    expect(textOf(pages.flat())).to.not.include('of no column');
    await pagesOf({}, [
      { kind: 'paragraph', text: '\u0000\ud800 \u2069\u2069 漢字 \u202e' },
      { kind: 'paragraph', text: '' },
    ]);
  });
});

describe('Lines', () => {
  it('break between words, in a word where it is too long, and keep line breaks', () => {
    const joined = (text: string, width: number) => linesOf(text, width, 'ltr', byLetters).map((line) => line.join(''));
    expect(joined('one two three', 7)).to.deep.equal(['one two', 'three']);
    expect(joined('a 0123456789 b', 4)).to.deep.equal(['a', '0123', '4567', '89 b']);
    expect(joined('a\n\nb', 4)).to.deep.equal(['a', '', 'b']);
  });

  it('stand from left to right as they are seen', () => {
    const seen = (text: string, direction: 'ltr' | 'rtl') => linesOf(text, 100, direction, byLetters)[0]?.join('');
    expect(seen('אב גד 12 (הו)', 'rtl')).to.equal(')הו( 12 גד אב');
    expect(seen('one אב גד two', 'ltr')).to.equal('one גד אב two');
    expect(seen('אב \u2068one two!\u2069 גד', 'rtl')).to.equal('גד one two! אב');
  });
});
