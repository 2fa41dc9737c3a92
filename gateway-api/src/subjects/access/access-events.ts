/** Which accesses, or which claim, an event of the ledger is about. */
import { MAX_ACCESSES_AT_ONCE } from '@telemed-ledger/chaincode/model/decision-shape.ts';
import type { ParsedBlock } from '../../ledger/block.ts';

type Event = ParsedBlock['transactions'][number]['event'];

export const accessIn = (event: Event): string[] => idIn(event, /^(Access|Copies)/);

/** Of a claim, or of a request for authorization. */
export const claimIn = (event: Event): string[] => idIn(event, /^(Claim|Authorization)/);

/** Anybody may put anything into an event. */
function idIn(event: Event, names: RegExp): string[] {
  if (event === undefined || !names.test(event.name)) return [];
  try {
    const { id, ids } = JSON.parse(event.payload) as { id?: unknown; ids?: unknown };
    const named = [id, ...(Array.isArray(ids) ? ids.slice(0, MAX_ACCESSES_AT_ONCE) : [])];
    return named.filter((one) => typeof one === 'string');
  } catch {
    return [];
  }
}
