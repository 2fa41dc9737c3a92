/**
 * Narrative (hl7.org/fhir/R4/narrative.html, invariants txt-1 and txt-2): well-formed XHTML in one div that holds basic
 * formatting, links and images, and is not empty. Nothing in it runs or is fetched when a reader's browser shows it,
 * whether the viewer parses it as XML or, as many do, as HTML.
 */
import { type CSSToken, TokenType, tokenize } from '@csstools/css-tokenizer';
import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from 'saxes';

const XHTML = 'http://www.w3.org/1999/xhtml';

/** txt-1's own list, with `address` and `kbd` of the chapters that it names. */
const ELEMENTS = new Set(
  (
    'a abbr acronym address b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i ' +
    'img kbd li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var'
  ).split(' '),
);
/** txt-1's own list, with what XML itself defines. */
const ATTRIBUTES = new Set(
  (
    'abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset cite ' +
    'class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap rel rev ' +
    'rowspan rules scope shape span src start style summary tabindex title type valign value vspace width xml:lang ' +
    'xml:space xmlns'
  ).split(' '),
);
/** What a reader may follow: the web, mail, telephone, a Bundle's fullUrl, and whatever has no scheme. */
const LINK = /^(?:(?:https?|mailto|tel|urn):|[^:]*$|[^:]*[/?#])/i;
/** An image comes with the resource: embedded, contained (`#id`), or another resource of the same server or Bundle. */
const IMAGE =
  /^(?:data:image\/(?:png|jpe?g|gif|webp|bmp);base64,|#|urn:(?:uuid|oid):|[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$)/;
/** Functions of CSS that compute colours and lengths, and fetch nothing. */
const STYLE_FUNCTIONS = new Set(['rgb', 'rgba', 'hsl', 'hsla', 'calc', 'min', 'max', 'clamp']);
/** Old browsers run what these properties name. */
const ACTIVE_PROPERTIES = new Set(['behavior', '-moz-binding']);
/** Parsing more would hold up other requests: this takes some 60 ms. Longer documents are attachments. */
export const MAX_CHARACTERS = 512 * 1024;
/** Deeper than any text of use; the parser looks for a namespace in every element around. */
const MAX_DEPTH = 100;
const BLANK = /^[\s\u00a0]*$/;

/** Why a text is no narrative, in words that repeat nothing of it, and where where the parser does not stand there. */
class NarrativeFault extends Error {
  readonly place: Place | undefined;

  constructor(reason: string, place?: Place) {
    super(reason);
    this.place = place;
  }
}

interface Place {
  line: number;
  column: number;
}

/**
 * What is wrong with the text of a Narrative.div, and where in it; undefined where nothing is.
 * @param images what an image may name; R4 lets it name anything
 */
export function narrativeFault(div: string, images = IMAGE): string | undefined {
  if (div.length > MAX_CHARACTERS)
    return `A narrative may have ${MAX_CHARACTERS} characters; a document is an attachment.`;
  const parser = new SaxesParser({ xmlns: true });
  const text = div.trim();
  try {
    return read(parser, text, images) ? undefined : 'txt-2: The narrative says nothing.';
  } catch (error) {
    if (!(error instanceof NarrativeFault)) throw error;
    const { line, column } = error.place ?? parser;
    return `txt-1: ${error.message} (line ${line}, column ${column}).`;
  }
}

/** Reads a div to its end and returns whether it has content. @throws {NarrativeFault} */
function read(parser: SaxesParser<{ xmlns: true }>, div: string, images: RegExp): boolean {
  let depth = 0;
  let hasContent = false;
  parser.on('error', ({ message }) => refuseUnreadable(message, div));
  parser.on('opentag', (tag) => {
    if (depth === 0 && tag.name !== 'div') refuse('The narrative must be one div');
    depth += 1;
    if (depth > MAX_DEPTH) refuse(`Elements may be nested ${MAX_DEPTH} deep`);
    checkTag(tag, images);
    hasContent ||= tag.name === 'img' && tag.attributes['src'] !== undefined;
  });
  parser.on('closetag', () => {
    depth -= 1;
  });
  parser.on('text', (text) => {
    hasContent ||= !BLANK.test(text);
  });
  parser.on('comment', checkComment);
  // To a browser that reads HTML, these end at their first `>`, and what follows is markup.
  parser.on('cdata', () => refuse('A CDATA section is not allowed'));
  parser.on('processinginstruction', () => refuse('A processing instruction is not allowed'));
  parser.on('xmldecl', () => refuse('An XML declaration is not allowed'));
  parser.on('doctype', () => refuse('A document type is not allowed'));
  parser.write(div).close();
  return hasContent;
}

const refuse = (reason: string): never => {
  throw new NarrativeFault(reason);
};

const BARE = /&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i;

/** The parser takes an & for the beginning of a reference, and finds out at the next semicolon, or at the end. */
function refuseUnreadable(message: string, text: string): never {
  const bare = /entity|unexpected end|unclosed tag/.test(message) ? text.search(BARE) : -1;
  if (bare < 0) return refuse('The narrative is not well-formed XML');
  const lines = text.slice(0, bare).split('\n');
  const place = { line: lines.length, column: (lines.at(-1) ?? '').length };
  const reason = 'An & begins a character reference or one of &amp; &lt; &gt; &quot; &apos;; XML has no other entities';
  throw new NarrativeFault(reason, place);
}

/** `<!-->` and `<!--->` are whole comments to a browser that reads HTML. */
function checkComment(text: string): void {
  if (/^-?>/.test(text)) refuse('A comment may not begin with >');
}

function checkTag({ name, uri, attributes }: SaxesTagNS, images: RegExp): void {
  if (uri !== XHTML) refuse(`Every element must be in the namespace ${XHTML}`);
  if (!ELEMENTS.has(name)) refuse('This element is not allowed in a narrative');
  for (const attribute of Object.values(attributes)) checkAttribute(name, attribute, images);
}

function checkAttribute(element: string, { name, value }: SaxesAttributeNS, images: RegExp): void {
  if (!ATTRIBUTES.has(name)) refuse('This attribute is not allowed in a narrative');
  if (name === 'src') checkImage(element, value, images);
  if (name === 'href' || name === 'cite' || name === 'longdesc') checkLink(value);
  if (name === 'style' && !isPassive(value)) refuse('A style may not name anything outside of the narrative');
}

/** Browsers ignore blanks and control characters in and around a URL. */
const asBrowsersRead = (url: string): string => url.replace(/[\s\p{Cc}]/gu, '');

function checkLink(url: string): void {
  if (!LINK.test(asBrowsersRead(url))) refuse('A link may be http, https, mailto, tel, urn, or relative');
}

function checkImage(element: string, url: string, images: RegExp): void {
  if (element !== 'img') refuse('This attribute is not allowed in a narrative');
  if (!images.test(asBrowsersRead(url))) refuse('An image must come with the resource: data:image, #id, or Type/id');
}

/** Whether a style (a list of declarations) fetches and runs nothing. */
const isPassive = (style: string): boolean => tokenize({ css: style }).every(isPassiveToken);

function isPassiveToken(token: CSSToken): boolean {
  switch (token[0]) {
    case TokenType.URL:
    case TokenType.BadURL:
    case TokenType.BadString:
    case TokenType.AtKeyword:
    case TokenType.OpenCurly:
      return false;
    case TokenType.Function:
      return STYLE_FUNCTIONS.has(token[4].value.toLowerCase());
    case TokenType.Ident:
      return !ACTIVE_PROPERTIES.has(token[4].value.toLowerCase());
    default:
      return true;
  }
}
