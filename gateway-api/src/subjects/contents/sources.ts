/**
 * Where other organisations' gateways are that keep what Binaries hold: the cipher text of a content is asked of its author by its
 * hash. Nothing is said of the record, and what comes is believed by that hash alone.
 */

/** The address of each organisation's gateway, without a slash at the end, by its name. */
export type ContentSources = Readonly<Record<string, string>>;

const TIMEOUT_MS = 10_000;

/** `hospital=https://fhir.hospital.example`, separated by commas; what is none is a mistake. */
export function sourcesIn(text: string | undefined, mistakes: string[]): ContentSources {
  const pairs = (text ?? '').split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]));
  const found = pairs.map((pair) => /^([a-z0-9-]+)=(https?:\/\/[^/?#]+)$/.exec(pair));
  if (found.includes(null)) mistakes.push('CONTENT_SOURCES: expected name=https://host, separated by commas');
  return Object.fromEntries(found.flatMap((one) => (one === null ? [] : [[one[1], one[2]]])));
}

/** A cipher text of so many bytes, from its author; undefined where nobody gives it at the moment. */
export type FetchContent = (author: string, hash: string, bytes: number) => Promise<Buffer | undefined>;

export const contentsFrom =
  (sources: ContentSources): FetchContent =>
  async (author, hash, bytes) => {
    const source = Object.hasOwn(sources, author) ? sources[author] : undefined;
    if (source === undefined) return undefined;
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(`${source}/contents/${hash}`, { redirect: 'error', signal });
      if (response.status !== 200 || response.body === null) {
        await response.body?.cancel();
        return undefined;
      }
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of response.body) {
        length += chunk.length;
        // Longer than it can be: its hash could not be right.
        if (length > bytes) break;
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } catch {
      return undefined;
    }
  };
