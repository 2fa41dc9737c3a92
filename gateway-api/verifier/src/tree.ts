/** Hashes of the Merkle tree of RFC 6962, and the check of a path (RFC 9162, section 2.1.3.2), by WebCrypto. */

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export async function sha256(...parts: Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
}

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
export const fromHex = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
export const sha256Hex = async (text: string): Promise<string> => toHex(await sha256(bytesOf(text)));

/** Of a leaf's text: SHA-256(0x00 ‖ text). */
export const leafHash = (text: string): Promise<Uint8Array> => sha256(Uint8Array.of(0), bytesOf(text));

/** The root that a leaf comes to by its path in a tree of that size; undefined where the path is not one of that place. */
export async function rootBy(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Promise<Uint8Array | undefined> {
  if (index >= size) return undefined;
  let hash = leaf;
  let [position, last] = [index, size - 1];
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (position % 2 === 1 || position === last) {
      hash = await sha256(Uint8Array.of(1), sibling, hash);
      while (position % 2 === 0 && position !== 0) [position, last] = [position / 2, Math.floor(last / 2)];
    } else hash = await sha256(Uint8Array.of(1), hash, sibling);
    [position, last] = [Math.floor(position / 2), Math.floor(last / 2)];
  }
  return last === 0 ? hash : undefined;
}

/** The root over leaf hashes, at least one; an odd last node rises unchanged, which is RFC 6962's split from below. */
export async function rootOf(leaves: readonly Uint8Array[]): Promise<Uint8Array> {
  let level = leaves;
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const [left, right] = [level[at]!, level[at + 1]];
      above.push(right === undefined ? left : await sha256(Uint8Array.of(1), left, right));
    }
    level = above;
  }
  return level[0]!;
}
