/**
 * A document as PDF: headings, paragraphs, facts and tables on numbered A4 pages, in scripts of either direction. It knows nothing of
 * what it shows, keeps nothing and logs nothing. Characters that DejaVu Sans lacks (Chinese, Devanagari) are boxes.
 */

import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import PDFDocument from 'pdfkit';
import { type Direction, linesOf } from './lines.ts';

export interface PdfColumn {
  title: string;
  /** Its share of the width, against the other columns'. Default 1. */
  share?: number;
}

export type PdfBlock =
  | { kind: 'heading'; text: string }
  | { kind: 'paragraph'; text: string }
  /** Pairs of a name and a value. */
  | { kind: 'facts'; facts: readonly (readonly [name: string, value: string])[] }
  /** The titles stand on each page again. A row stays on one page where it can. */
  | { kind: 'table'; columns: readonly PdfColumn[]; rows: Iterable<readonly string[]> };

export interface PdfOptions {
  title: string;
  /** BCP 47, of what is the document's own text. */
  language: string;
  /** Default ltr. */
  direction?: Direction;
  /** At the head of each page, beside the title. */
  header?: string;
  /** At the foot of each page: "Page 2 of 7", say. Default the two numbers. */
  pageOf?: (page: number, pages: number) => string;
  landscape?: boolean;
  /** When it was made. */
  madeAt: Date;
}

const FONTS = new URL('ttf/', import.meta.resolve('dejavu-fonts-ttf/package.json'));
const fontFile = (name: string): string => fileURLToPath(new URL(`${name}.ttf`, FONTS));

type Face = 'regular' | 'bold';
interface Style {
  face: Face;
  /** Points. */
  size: number;
}
const STYLES = {
  ...{ title: { face: 'bold', size: 15 }, heading: { face: 'bold', size: 11 }, text: { face: 'regular', size: 9 } },
  ...{ cell: { face: 'regular', size: 7 }, name: { face: 'bold', size: 7 }, small: { face: 'regular', size: 7 } },
} as const satisfies Record<string, Style>;
const LEADING = 1.35;
const MARGIN = 42;
const HEAD = 24;
const GAP = 6;
/** The share of a fact's name. */
const NAME_SHARE = 0.3;
/** Rows after which others get their turn: shaping letters takes time. */
const ROWS_AT_ONCE = 20;

/** The whole document. @throws nothing for any text */
export async function pdfOf({ title, ...options }: PdfOptions, blocks: Iterable<PdfBlock>): Promise<Buffer> {
  const page = new Page(title, options);
  page.text(title, STYLES.title);
  for (const block of blocks) {
    await page.block(block);
    await setImmediate();
  }
  return page.end();
}

class Page {
  readonly #doc: PDFKit.PDFDocument;
  readonly #options: Omit<PdfOptions, 'title'>;
  readonly #title: string;
  readonly #direction: Direction;
  readonly #done: Promise<Buffer>;
  readonly #widths = new Map<string, number>();
  #y = MARGIN + HEAD;

  constructor(title: string, options: Omit<PdfOptions, 'title'>) {
    const { language, landscape = false, direction = 'ltr', madeAt } = options;
    this.#title = title;
    this.#options = options;
    this.#direction = direction;
    this.#doc = new PDFDocument({
      ...{ size: 'A4', layout: landscape ? 'landscape' : 'portrait', margin: 0, bufferPages: true, compress: true },
      // Named by file it would be opened again for each text.
      ...{ pdfVersion: '1.7', lang: language, displayTitle: true, font: '' },
      info: {
        Title: title,
        Producer: 'Telemed Ledger',
        Creator: 'Telemed Ledger',
        CreationDate: madeAt,
        ModDate: madeAt,
      },
    });
    this.#doc.registerFont('regular', fontFile('DejaVuSans'));
    this.#doc.registerFont('bold', fontFile('DejaVuSans-Bold'));
    this.#done = collected(this.#doc);
  }

  get #width(): number {
    return this.#doc.page.width - 2 * MARGIN;
  }
  get #bottom(): number {
    return this.#doc.page.height - MARGIN - HEAD;
  }

  async block(block: PdfBlock): Promise<void> {
    if (block.kind === 'heading') {
      this.#y += GAP;
      // A heading is not left alone at the foot of a page.
      if (this.#y + 3 * STYLES.heading.size * LEADING > this.#bottom) this.#next();
      this.text(block.text, STYLES.heading);
    } else if (block.kind === 'paragraph') this.text(block.text, STYLES.text);
    else if (block.kind === 'facts') await this.#facts(block.facts);
    else await this.#table(block.columns, block.rows);
    this.#y += GAP;
  }

  text(text: string, style: Style): void {
    for (const line of this.#lines(text, this.#width, style)) {
      if (this.#y + style.size * LEADING > this.#bottom) this.#next();
      this.#line(line, { x: MARGIN, y: this.#y, width: this.#width }, style);
      this.#y += style.size * LEADING;
    }
  }

  async #facts(facts: readonly (readonly [string, string])[]): Promise<void> {
    const columns = [
      { title: '', share: NAME_SHARE },
      { title: '', share: 1 - NAME_SHARE },
    ];
    for (const [at, fact] of facts.entries()) {
      this.#row(fact, this.#places(columns), [STYLES.name, STYLES.cell]);
      if (at % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await setImmediate();
    }
  }

  async #table(columns: readonly PdfColumn[], rows: Iterable<readonly string[]>): Promise<void> {
    const places = this.#places(columns);
    const titles = columns.map(({ title }) => title);
    const head = (): void => {
      this.#row(
        titles,
        places,
        columns.map(() => STYLES.name),
      );
      this.#rule();
    };
    head();
    let count = 0;
    for (const row of rows) {
      this.#row(
        row,
        places,
        columns.map(() => STYLES.cell),
        head,
      );
      this.#rule();
      count += 1;
      if (count % ROWS_AT_ONCE === 0) await setImmediate();
    }
  }

  /** Where columns stand: from the right, where the document runs that way. */
  #places(columns: readonly PdfColumn[]): { x: number; width: number }[] {
    const all = columns.reduce((sum, { share = 1 }) => sum + share, 0);
    let at = 0;
    return columns.map(({ share = 1 }) => {
      const width = (this.#width * share) / all;
      const x = this.#direction === 'ltr' ? MARGIN + at : MARGIN + this.#width - at - width;
      at += width;
      return { x, width: width - GAP };
    });
  }

  #row(
    cells: readonly string[],
    places: readonly { x: number; width: number }[],
    styles: readonly Style[],
    head?: () => void,
  ): void {
    const lines = places.map(({ width }, index) => this.#lines(cells[index] ?? '', width, styles[index]!));
    const height = (index: number): number => styles[index]!.size * LEADING;
    const most = Math.max(1, ...lines.map((some) => some.length));
    const tall = Math.max(...styles.map((_, index) => height(index)));
    const isFresh = this.#y <= MARGIN + HEAD + 3 * tall;
    if (this.#y + most * tall > this.#bottom && !isFresh) this.#turn(head);
    for (let number = 0; number < most; number += 1) {
      // A row that is longer than a page goes on on the next.
      if (this.#y + tall > this.#bottom) this.#turn(head);
      for (const [index, place] of places.entries())
        this.#line(lines[index]![number] ?? [], { ...place, y: this.#y }, styles[index]!);
      this.#y += tall;
    }
  }

  #turn(head: (() => void) | undefined): void {
    this.#next();
    head?.();
  }

  #rule(): void {
    const y = this.#y + 1;
    this.#doc
      .lineWidth(0.3)
      .strokeColor('#999999')
      .moveTo(MARGIN, y)
      .lineTo(MARGIN + this.#width, y)
      .stroke();
    this.#y += 3;
  }

  #next(): void {
    this.#doc.addPage();
    this.#y = MARGIN + HEAD;
  }

  #lines(text: string, width: number, style: Style): string[][] {
    return linesOf(text, width, this.#direction, (piece) => this.#measure(piece, style));
  }

  #measure(text: string, { face, size }: Style): number {
    const name = `${face} ${size} ${text}`;
    const known = this.#widths.get(name);
    if (known !== undefined) return known;
    const width = this.#doc.font(face).fontSize(size).widthOfString(text);
    if (this.#widths.size < MOST_WIDTHS) this.#widths.set(name, width);
    return width;
  }

  /** Pieces side by side, at the edge where the document's lines begin. */
  #line(pieces: readonly string[], { x, y, width }: { x: number; y: number; width: number }, style: Style): void {
    const widths = pieces.map((piece) => this.#measure(piece, style));
    const all = widths.reduce((sum, one) => sum + one, 0);
    let at = this.#direction === 'ltr' ? x : x + Math.max(0, width - all);
    this.#doc.font(style.face).fontSize(style.size).fillColor('#000000');
    for (const [index, piece] of pieces.entries()) {
      if (piece.trim() !== '') this.#doc.text(piece, at, y, { lineBreak: false });
      at += widths[index]!;
    }
  }

  async end(): Promise<Buffer> {
    const { header = '', pageOf = (page, pages) => `${page} / ${pages}` } = this.#options;
    const { count } = this.#doc.bufferedPageRange();
    for (let page = 0; page < count; page += 1) {
      this.#doc.switchToPage(page);
      const place = { x: MARGIN, width: this.#width };
      const [head = []] = this.#lines(
        [this.#title, header].filter((text) => text !== '').join(' · '),
        this.#width,
        STYLES.small,
      );
      this.#line(head, { ...place, y: MARGIN }, STYLES.small);
      const [foot = []] = this.#lines(pageOf(page + 1, count), this.#width, STYLES.small);
      this.#line(foot, { ...place, y: this.#doc.page.height - MARGIN - STYLES.small.size }, STYLES.small);
    }
    this.#doc.end();
    return this.#done;
  }
}

/** Widths that are remembered: words come again. */
const MOST_WIDTHS = 50_000;

async function collected(doc: PDFKit.PDFDocument): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of doc) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
