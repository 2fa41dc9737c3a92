/** Drafts of records as they are laid on sheets, and refusals of them with the places as who sent them knows them. */
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { NewDraft } from '../../fhir/repository.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { LIST_NAMES, type RecordItem } from './sheets.ts';

/** @param provider in whose collection they stand */
export const recordItems = (index: ReadModel, provider: string, drafts: readonly NewDraft[]): Promise<RecordItem[]> =>
  Promise.all(
    drafts.map(async ({ resource, ...draft }): Promise<RecordItem> => {
      const origin =
        draft.version === 2 ? await index.evidence.originOf(collections.care(provider), draft.id) : undefined;
      const text = canonicalJson(resource);
      return { ...draft, type: resource.resourceType, resource: text, ...(origin === undefined ? {} : { origin }) };
    }),
  );

const RESOURCE = new RegExp(
  `^private\\.(?:sheets\\[\\d+\\]\\.records\\[\\d+\\](?:\\.resource)?|(?:${LIST_NAMES})\\[\\d+\\])(.*)$`,
);

/** A refusal at the only record of a write, with its place as who sent it knows it. */
export function atResource(error: unknown, [only, ...others]: readonly RecordItem[]): unknown {
  if (!(error instanceof LedgerError) || only === undefined || others.length > 0) return error;
  const [, rest] = RESOURCE.exec(error.expression ?? '') ?? [];
  return rest === undefined ? error : new LedgerError(error.code, error.reason, `${only.type}${rest}`);
}
