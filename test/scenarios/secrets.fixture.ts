/** Finds what must not be seen: a text in any of the forms in which it could have slipped into bytes. */
import { createHash } from 'node:crypto';

export interface Secret {
  text: string;
  /** Also look for its hash: what can be guessed must not be confirmed by one. */
  guessable?: boolean;
}

/** Shorter codes and amounts also occur by chance in hexadecimal text, so they count only where they stand alone. */
const SHORT = 9;

interface Form {
  name: string;
  pattern: RegExp;
}

/** Names of the forms of a secret that `bytes` hold. */
export function findSecret(bytes: Buffer, { text, guessable = false }: Secret): string[] {
  const haystack = bytes.toString('latin1');
  return formsOf(text, guessable)
    .filter(({ pattern }) => pattern.test(haystack))
    .map(({ name }) => name);
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function formsOf(text: string, guessable: boolean): Form[] {
  const bytes = Buffer.from(text);
  const alone = bytes.length < SHORT;
  const plain = escaped(bytes.toString('latin1'));
  const forms: Form[] = [{ name: 'plain', pattern: new RegExp(alone ? `(?<![\\w.-])${plain}(?![\\w.-])` : plain) }];
  if (!alone) {
    forms.push({ name: 'hex', pattern: new RegExp(bytes.toString('hex'), 'i') });
    for (const offset of [0, 1, 2])
      forms.push({ name: 'base64', pattern: new RegExp(escaped(base64Within(bytes, offset))) });
  }
  if (guessable) {
    const digest = createHash('sha256').update(text).digest();
    forms.push({ name: 'hash', pattern: new RegExp(escaped(digest.toString('latin1'))) });
    forms.push({ name: 'hash in hex', pattern: new RegExp(digest.toString('hex'), 'i') });
    forms.push({ name: 'hash in base64', pattern: new RegExp(escaped(digest.toString('base64').slice(0, 42))) });
  }
  return forms;
}

/** The base64 characters that are the same whatever stands around the bytes, `offset` bytes into a group of three. */
function base64Within(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replaceAll('=', '');
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor(((offset + bytes.length) * 8) / 6);
  return text.slice(first, last);
}
