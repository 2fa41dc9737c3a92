/**
 * Narratives of other systems (hl7.org/fhir/R4/narrative.html): read into a document of their own, where nothing runs and nothing is fetched,
 * and built anew of the few elements that are allowed, without any attribute. No markup of others ever enters the page.
 */
import { type ComponentChildren, h } from 'preact';

const ALLOWED = new Set([
  ...['p', 'br', 'div', 'span', 'b', 'strong', 'i', 'em', 'small', 'sub', 'sup', 'ul', 'ol', 'li', 'dl', 'dt', 'dd'],
  ...['table', 'caption', 'thead', 'tbody', 'tfoot', 'tr', 'th', 'td', 'pre', 'code', 'blockquote', 'hr'],
]);
/** Whose content is none to be read. */
const DROPPED = new Set(['script', 'style', 'iframe', 'object', 'template', 'head', 'svg', 'math']);
const HEADING = /^h[1-6]$/;
const DEEPEST = 40;

/** The DOM asks for a policy to parse a text (Trusted Types); there is this one, and nothing it makes enters the page. */
interface TypesFactory {
  createPolicy(name: string, rules: { createHTML: (text: string) => string }): { createHTML(text: string): string };
}
const factory = (globalThis as { trustedTypes?: TypesFactory }).trustedTypes;
const policy = factory?.createPolicy('narrative', { createHTML: (text) => text });

const documentOf = (div: string): Document =>
  new DOMParser().parseFromString(policy?.createHTML(div) ?? div, 'text/html');

/** What a narrative says, as text. */
export const textOf = (div: string): string => documentOf(div).body.textContent.replace(/\s+/g, ' ').trim();

function builtOf(node: Node, depth: number): ComponentChildren {
  if (node.nodeType === Node.TEXT_NODE) return node.textContent;
  if (node.nodeType !== Node.ELEMENT_NODE || depth > DEEPEST) return null;
  const name = (node as Element).localName;
  if (DROPPED.has(name)) return null;
  const children = [...node.childNodes].map((child) => builtOf(child, depth + 1));
  if (HEADING.test(name)) return h('p', null, h('strong', null, children));
  return ALLOWED.has(name) ? h(name, null, ...children) : children;
}

export const Narrative = ({ div }: { div: string }) => (
  <div class="narrative" dir="auto">
    {[...documentOf(div).body.childNodes].map((node) => builtOf(node, 0))}
  </div>
);
