/** Which access an event of the ledger is about. */
import type { ParsedBlock } from '../../ledger/block.ts';

/** Anybody may put anything into an event. */
export function accessIn(event: ParsedBlock['transactions'][number]['event']): string[] {
  if (event === undefined || !/^(Access|Copies)/.test(event.name)) return [];
  try {
    const { id } = JSON.parse(event.payload) as { id?: unknown };
    return typeof id === 'string' ? [id] : [];
  } catch {
    return [];
  }
}
