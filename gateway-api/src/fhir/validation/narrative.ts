/**
 * Narrative (hl7.org/fhir/R4/narrative.html, invariants txt-1 and txt-2): one div in the XHTML namespace that holds
 * formatting, links and images only. Anything that could run in a reader's browser is refused.
 */

const ELEMENTS = new Set(
  (
    'a abbr acronym address b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i ' +
    'img kbd li ol p pre q s samp small span strong sub sup table tbody td tfoot th thead tr tt u ul var'
  ).split(' '),
);
const ATTRIBUTES = new Set(
  (
    'abbr accesskey align alt axis border bgcolor cellhalign cellpadding cellspacing cellvalign char charoff charset cite ' +
    'class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap rel rev ' +
    'rowspan rules scope shape span src start style summary tabindex title type valign value vspace width xml:lang ' +
    'xml:space xmlns'
  ).split(' '),
);
const TAG = /<(\/?)([A-Za-z][A-Za-z0-9]*)((?:\s+[A-Za-z:_-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
const ATTRIBUTE = /([A-Za-z:_-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const TEXT = /[^<]+/y;
const COMMENT = /<!--(?:(?!--)[\s\S])*-->/y;
const BLANK = /^(?:\s|&nbsp;|&#160;|&#xa0;)*$/i;

function areAllowed(attributes: string): boolean {
  for (const [, name = '', double, single] of attributes.matchAll(ATTRIBUTE)) {
    if (!ATTRIBUTES.has(name)) return false;
    const value = (double ?? single ?? '').replace(/\s/g, '').toLowerCase();
    if ((name === 'href' || name === 'src') && /^(?:javascript|vbscript|data:(?!image\/))/.test(decode(value))) {
      return false;
    }
  }
  return true;
}

/** Character references, so that `java&#115;cript:` is seen for what it is. */
const decode = (value: string): string =>
  value
    .replace(/&#x([0-9a-f]{1,6});?/g, (_, hex: string) => safeCharacter(Number.parseInt(hex, 16)))
    .replace(/&#([0-9]{1,7});?/g, (_, number: string) => safeCharacter(Number(number)))
    .replace(/&(?:tab|newline);/g, '')
    .replace(/&colon;/g, ':')
    .replace(/\s/g, '');
const safeCharacter = (point: number): string => (point > 0x20 && point <= 0x10ffff ? String.fromCodePoint(point) : '');

/** Whether the text of Narrative.div is well formed, within R4's subset of XHTML, and says something. */
export function isNarrative(div: string): boolean {
  const text = div.trim();
  if (!/^<div\s[^>]*xmlns\s*=\s*["']http:\/\/www\.w3\.org\/1999\/xhtml["']/.test(text)) return false;
  const open: string[] = [];
  let speaks = false;
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const found = pattern.exec(text);
    if (found !== null) position = pattern.lastIndex;
    return found;
  };
  while (position < text.length) {
    if (position > 0 && open.length === 0) return false;
    const words = take(TEXT);
    if (words !== null) {
      speaks ||= !BLANK.test(words[0]);
      continue;
    }
    if (take(COMMENT) !== null) continue;
    const tag = take(TAG);
    if (tag === null) return false;
    const [, closes, name = '', attributes = '', empty] = tag;
    if (!ELEMENTS.has(name) || !areAllowed(attributes)) return false;
    speaks ||= name === 'img';
    if (closes === '/') {
      if (open.pop() !== name || attributes !== '' || empty === '/') return false;
    } else if (empty !== '/') open.push(name);
  }
  return open.length === 0 && speaks;
}
