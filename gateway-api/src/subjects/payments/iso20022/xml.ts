/**
 * XML as banks exchange it, in and out: elements by their local names, without document types, so that no entity, whether of a file,
 * of an address or of itself, is ever expanded.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { DOMImplementation, DOMParser, type Document, type Element, XMLSerializer } from '@xmldom/xmldom';

/** The local name of an element, its text or its elements, and its attributes. */
export interface Node {
  name: string;
  /** As it stands, without white space at its ends; '' where it has elements. */
  text: string;
  children: Node[];
  attributes: Record<string, string>;
}

export interface ParsedDocument {
  /** Namespace of the root: which message it is. */
  namespace: string;
  root: Node;
}

/** How deep messages nest; those of ISO 20022 stay far below. */
const DEEPEST = 40;

/** @throws {LedgerError} INVALID for what is not well-formed XML, or has a document type */
export function parseXml(text: string): ParsedDocument {
  // Its name can stand nowhere else but in text, where no message of ours has it.
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) throw new LedgerError('INVALID', 'a document type is not taken', '$');
  const root = documentOf(text).documentElement;
  if (root === null) throw new LedgerError('INVALID', 'is no XML document', '$');
  return { namespace: root.namespaceURI ?? '', root: nodeOf(root, 1) };
}

function documentOf(text: string): Document {
  const parser = new DOMParser({
    onError: () => {
      throw new LedgerError('INVALID', 'is not well-formed XML', '$');
    },
  });
  try {
    return parser.parseFromString(text, 'application/xml');
  } catch (error) {
    // What the parser says would quote the file.
    throw error instanceof LedgerError ? error : new LedgerError('INVALID', 'is not well-formed XML', '$');
  }
}

function nodeOf(element: Element, depth: number): Node {
  if (depth > DEEPEST) throw new LedgerError('INVALID', 'nests too deeply', '$');
  const children: Node[] = [];
  for (let child = element.firstChild; child !== null; child = child.nextSibling)
    if (child.nodeType === child.ELEMENT_NODE) children.push(nodeOf(child as Element, depth + 1));
  const attributes = Object.fromEntries(
    Array.from({ length: element.attributes.length }, (_, index) => {
      const attribute = element.attributes.item(index)!;
      return [attribute.localName ?? attribute.name, attribute.value];
    }),
  );
  const text = children.length > 0 ? '' : (element.textContent ?? '').trim();
  return { name: element.localName ?? element.nodeName, text, children, attributes };
}

/** The elements of a name below a node, by a path of local names. */
export function all(node: Node | undefined, ...path: string[]): Node[] {
  let found = node === undefined ? [] : [node];
  for (const name of path) found = found.flatMap(({ children }) => children.filter((child) => child.name === name));
  return found;
}

/** The first of them. */
export const first = (node: Node | undefined, ...path: string[]): Node | undefined => all(node, ...path)[0];

/** The text of the first; undefined where there is none, or nothing in it. */
export const textAt = (node: Node | undefined, ...path: string[]): string | undefined =>
  first(node, ...path)?.text || undefined;

/** What is written: a text, elements by name (several of one as a list), or nothing where it is undefined. `@` begins an attribute. */
export type Content = string | undefined | { [name: string]: Content | Content[] };

/** A document of a namespace, in the order in which elements are given. */
export function writeXml(namespace: string, root: string, content: Content): string {
  const document = new DOMImplementation().createDocument(namespace, root, null);
  fill(document, document.documentElement!, namespace, content);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(document)}\n`;
}

function fill(document: Document, element: Element, namespace: string, content: Content): void {
  if (content === undefined) return;
  if (typeof content === 'string') {
    element.appendChild(document.createTextNode(content));
    return;
  }
  for (const [name, value] of Object.entries(content)) {
    if (name === '#' && typeof value === 'string') element.appendChild(document.createTextNode(value));
    else if (name.startsWith('@')) element.setAttribute(name.slice(1), String(value));
    else
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one === undefined) continue;
        const child = document.createElementNS(namespace, name);
        fill(document, child, namespace, one);
        element.appendChild(child);
      }
  }
}
