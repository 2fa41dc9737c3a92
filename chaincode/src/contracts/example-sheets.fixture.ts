/** For tests of contracts: records put on sheets as a gateway does, and shown as evidence from what the ledger holds. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { MemoryLedger, Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { isConsultation } from '../model/consultations.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import type { VisitShown } from '../model/live-visits.ts';
import { auditPaths } from '../model/merkle.ts';
import {
  type Content,
  leavesOf,
  type Origin,
  type RecordDraft,
  type RecordEvidence,
  recordIdAt,
  type SheetDraft,
} from '../model/sheets.ts';
import type { Anchored } from '../model/values.ts';

const newSalt = (): string => randomBytes(32).toString('hex');

/** A resource as a draft of that version; without an origin, version 2 follows a version 1 that has a key of its own. */
export const recordDraft = (
  resource: Resource,
  version = 1,
  { origin, salt = newSalt() }: { origin?: Origin; salt?: string } = {},
): RecordDraft => ({
  id: resource.id,
  version,
  salt,
  resource: canonicalJson(resource),
  ...(origin === undefined ? {} : { origin }),
});

/** A sheet of its own for records whose ids are their authors'. */
export const sheetOf = (records: RecordDraft[], id: string = randomUUID(), salt: string = newSalt()): SheetDraft => ({
  id,
  salt,
  records,
});

/** A sheet of new records whose ids follow from their places. */
export function createdSheet(contents: readonly { resourceType: string }[]): SheetDraft {
  const sheet = randomUUID();
  const records = contents.map((content, index) =>
    recordDraft({ ...content, id: recordIdAt({ sheet, index }, content.resourceType) }),
  );
  return sheetOf(records, sheet);
}

/** The transaction that writes these sheets. */
export const recording = (sheets: SheetDraft[], from = 'hospital'): Request<'RecordVersions'> => ({
  ...{ from, role: 'system', input: {} },
  private: { sheets },
});

/** The evidence for a record version, found among all sheets of a provider. */
export function evidenceFrom(ledger: MemoryLedger, provider: string, id: string, version = 1): RecordEvidence {
  const collection = `care_${provider}`;
  const prefix = `${collection} content/`;
  for (const name of ledger.private.keys()) {
    if (!name.startsWith(prefix)) continue;
    const sheet = name.slice(prefix.length).split('/')[0] ?? '';
    const content = JSON.parse(ledger.private.get(name) ?? '') as Content;
    const leaves = leavesOf(content);
    for (const [index, text] of content.leaves.entries()) {
      if (typeof text !== 'string') continue;
      const anchored = JSON.parse(text) as Anchored;
      if (anchored.id !== id || anchored.version !== version) continue;
      const place = ledger.private.get(`${collection} ${privateKeys.version(id, version)}`);
      const tree = ledger.private.get(`${collection} ${privateKeys.sheet(sheet)}`) ?? '';
      const path = auditPaths(leaves)[index] ?? [];
      return { id, version, text, sheet, index, path, tree, ...(place === undefined ? {} : { place }) };
    }
  }
  throw new Error('there is no such record version');
}

/** What the consultations among these records are changed from, as RecordVersions is shown it. */
export function consultationsShown(
  ledger: MemoryLedger,
  provider: string,
  records: readonly Resource[],
  version: number,
): { visits?: VisitShown[] } {
  const changed = version === 1 ? [] : records.filter(isConsultation);
  const visits = changed.map(({ id }) => ({ id, previous: evidenceFrom(ledger, provider, id, version - 1) }));
  return visits.length === 0 ? {} : { visits };
}
