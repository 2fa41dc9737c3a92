/** One transaction that submits, screens or decides several claims: each as it would be alone. */
import { checkDistinct, forEachInTurn } from '../ledger/several.ts';
import type { Store } from '../ledger/store.ts';
import type { EventName } from '../model/events.ts';

const CLAIMS = { list: 'private.claims', item: 'private' };

/**
 * @param event names all of them: `{"ids": […]}`
 * @throws LedgerError of the first that is refused, at its place; CONFLICT where one rests on what another writes; INVALID where one is there twice
 */
export async function forEachClaim<T>(
  { store }: { store: Store },
  claims: readonly T[],
  idOf: (claim: T) => string,
  event: EventName,
  perform: (claim: T) => Promise<unknown>,
): Promise<{ time: string }> {
  const ids = claims.map(idOf);
  checkDistinct(ids, CLAIMS);
  await forEachInTurn(claims, CLAIMS, { nextPart: () => store.nextPart(), perform });
  store.emit(event, { ids });
  return { time: store.time };
}
