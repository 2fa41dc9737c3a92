/** Lists by which other claims hold services (the chaincode's model/service-lists.ts), shown where the chaincode asks for them. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { LISTS_EXPRESSION, listsAskedFor } from '@telemed-ledger/chaincode/model/service-lists.ts';
import type { ReadModel } from '../../index/read/queries.ts';

/**
 * Sends a claim without lists first, as most bill what nobody does in the same days; else again with those that are asked for.
 * @param collection where this organisation reads them
 * @throws as `send`: CONFLICT at `services` where one is not in the read model yet
 */
export async function showingLists<T>(
  index: Pick<ReadModel, 'evidence'>,
  collection: string,
  send: (shown: { services?: string[] }) => Promise<T>,
): Promise<T> {
  const shown = new Map<string, string>();
  for (;;) {
    try {
      return await send(shown.size === 0 ? {} : { services: [...shown.values()] });
    } catch (error) {
      const missing = askedFor(error).filter((id) => !shown.has(id));
      const texts = await Promise.all(
        missing.map((id) => index.evidence.text(collection, privateKeys.serviceList(id))),
      );
      if (texts.length === 0 || texts.includes(undefined)) throw error;
      for (const [at, id] of missing.entries()) shown.set(id, texts[at]!);
    }
  }
}

const askedFor = (error: unknown): string[] =>
  error instanceof LedgerError && error.code === 'CONFLICT' && error.expression === LISTS_EXPRESSION
    ? listsAskedFor(error.reason)
    : [];
