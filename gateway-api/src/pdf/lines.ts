/**
 * Text as lines of a page: where a paragraph is broken, and in which order the pieces of a line stand, which for Arabic and for what
 * mixes both directions is not the order in which they are read (Unicode Standard Annex #9).
 */
import { createRequire } from 'node:module';
import type { Bidi } from 'bidi-js';

/** Which way a text runs that says nothing itself. */
export type Direction = 'ltr' | 'rtl';
/** How wide a piece is, in points. */
export type Measure = (text: string) => number;

/** The package's types say another module system than its files have. */
const bidi = (createRequire(import.meta.url)('bidi-js') as () => Bidi)();
/** Characters that say how text runs, and show nothing. */
const MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const CONTROLS = /\p{Cc}+/gu;

/** Characters of a word that no line holds: it is not measured whole. */
const LONGEST_WORD = 500;

/** Where lines begin and end in a text, end exclusive; a word that is wider than a line is broken. */
function breaks(text: string, width: number, measure: Measure): [start: number, end: number][] {
  const space = measure(' ');
  const lines: [start: number, end: number][] = [];
  let used = 0;
  for (const { 0: word, index } of text.matchAll(/\S+/gu)) {
    const wide = word.length > LONGEST_WORD ? Number.POSITIVE_INFINITY : measure(visible(word));
    const line = lines.at(-1);
    if (line !== undefined && used + space + wide <= width) {
      line[1] = index + word.length;
      used += space + wide;
      continue;
    }
    let start = index;
    for (const piece of piecesOf(word, width, measure)) {
      lines.push([start, start + piece.length]);
      start += piece.length;
      used = measure(visible(piece));
    }
  }
  return lines;
}

/** A word in pieces that fit. */
function piecesOf(word: string, width: number, measure: Measure): string[] {
  if (word.length <= LONGEST_WORD && measure(visible(word)) <= width) return [word];
  const characters = [...word];
  const pieces: string[] = [];
  for (let start = 0; start < characters.length; ) {
    const end = start + fitting(characters, start, width, measure);
    pieces.push(characters.slice(start, end).join(''));
    start = end;
  }
  return pieces;
}

/** How many characters from a place on fit, one at least: found by halves, since measuring a piece takes as long as it is. */
function fitting(characters: readonly string[], start: number, width: number, measure: Measure): number {
  const fits = (count: number): boolean => measure(visible(characters.slice(start, start + count).join(''))) <= width;
  const most = characters.length - start;
  let high = 1;
  while (high < most && fits(high)) high = Math.min(most, high * 2);
  if (fits(high)) return high;
  let low = Math.floor(high / 2);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return Math.max(1, low);
}

const visible = (text: string): string => text.replace(MARKS, '');

interface Run {
  level: number;
  text: string;
}

/** Runs of a line as they stand from left to right (rule L2): from the highest level down, what is at least that is turned round. */
function turned(runs: readonly Run[]): Run[] {
  let line = [...runs];
  for (let level = Math.max(0, ...runs.map((run) => run.level)); level > 0; level -= 1) {
    const next: Run[] = [];
    for (let at = 0; at < line.length; ) {
      let stop = at;
      while (stop < line.length && line[stop]!.level >= level) stop += 1;
      if (stop === at) stop += 1;
      const some = line.slice(at, stop);
      next.push(...(some.length > 0 && some[0]!.level >= level ? some.toReversed() : some));
      at = stop;
    }
    line = next;
  }
  return line;
}

/** Pieces that a font can be given one by one: it turns letters of a word itself, and no words. */
function wordsOf({ level, text }: Run): string[] {
  const words = visible(text)
    .split(/(\s+)/u)
    .filter((word) => word !== '');
  return level % 2 === 0 ? [words.join('')] : words.toReversed();
}

/**
 * The lines of a paragraph.
 * @param text a line break in it is kept
 * @param width in points
 * @returns of each line its pieces from left to right
 */
export function linesOf(text: string, width: number, direction: Direction, measure: Measure): string[][] {
  return text.split(/\r?\n/u).flatMap((part) => paragraph(part.replace(CONTROLS, ' '), width, direction, measure));
}

function paragraph(text: string, width: number, direction: Direction, measure: Measure): string[][] {
  if (text.trim() === '') return [[]];
  const { levels } = bidi.getEmbeddingLevels(text, direction);
  const mirrored = bidi.getMirroredCharactersMap(text, levels);
  return breaks(text, width, measure).map(([start, end]) => {
    const runs: Run[] = [];
    for (let at = start; at < end; at += 1) {
      const character = mirrored.get(at) ?? text[at]!;
      const last = runs.at(-1);
      if (last !== undefined && last.level === levels[at]) last.text += character;
      else runs.push({ level: levels[at]!, text: character });
    }
    return turned(runs)
      .flatMap(wordsOf)
      .filter((piece) => piece !== '');
  });
}
