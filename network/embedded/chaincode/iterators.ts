/**
 * A transaction's open queries. The peer cuts results into batches of 100 and reads one ahead, so that `has_more`
 * is always followed by a batch that is not empty.
 */
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';

const BATCH_SIZE = 100;
/** Fabric's ledger.state.totalQueryLimit in the sample configuration: what is beyond is cut off in silence. */
const TOTAL_LIMIT = 100_000;

interface Query {
  next(): Promise<Uint8Array | undefined>;
  close(): void;
  pending: Uint8Array[];
  total: number;
}

export class Iterators {
  readonly #queries = new Map<string, Query>();
  #opened = 0;

  /** Opens a query whose `next` gives serialised results; answers its first QueryResponse. */
  open(next: () => Promise<Uint8Array | undefined>, close: () => void): Promise<Buffer> {
    const id = String(++this.#opened);
    this.#queries.set(id, { next, close, pending: [], total: 0 });
    return this.next(id);
  }

  /** @throws Error where the id is unknown or the query has ended. */
  async next(id: string): Promise<Buffer> {
    const query = this.#queries.get(id);
    if (!query) throw new Error('query iterator not found');
    while (query.total < TOTAL_LIMIT) {
      const result = await query.next();
      if (!result) break;
      query.total++;
      if (query.pending.length === BATCH_SIZE) {
        const batch = query.pending;
        query.pending = [result];
        return queryResponse(batch, true, id);
      }
      query.pending.push(result);
    }
    const rest = query.pending;
    this.close(id);
    return queryResponse(rest, false, id);
  }

  close(id: string): void {
    this.#queries.get(id)?.close();
    this.#queries.delete(id);
  }

  closeAll(): void {
    for (const id of [...this.#queries.keys()]) this.close(id);
  }
}

/** A QueryResponse; `metadata` is a serialised QueryResponseMetadata. */
export function queryResponse(results: Uint8Array[], hasMore: boolean, id: string, metadata?: Uint8Array): Buffer {
  return encode(
    ...repeated(
      1,
      results.map((result) => encode([1, result])),
    ),
    [2, hasMore],
    [3, id],
    [4, metadata],
  );
}
