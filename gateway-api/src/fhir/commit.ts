/**
 * Writes planned drafts in one ledger transaction and says what came of each; answers again, from what was stored
 * with the Idempotency-Key, when a request comes a second time.
 */
import { afterCommit } from '../idempotency/after-commit.ts';
import { type Answer, unreadableNow } from './answers.ts';
import type { Draft } from './drafts.ts';
import type { Scope } from './plan.ts';
import type { IdempotentRequest, Receipt, Replay } from './repository.ts';
import { supportedType } from './types.ts';

/** One line of what is stored with an Idempotency-Key: ids, versions and types, no content. */
interface Line {
  index: number;
  type: string;
  id: string;
  /** 0: nothing was written, it was there. */
  version: number;
}

export type Answers = Map<number, Answer>;

const lineOf = (draft: Draft): Line => ({
  index: draft.index,
  type: draft.type,
  id: draft.id,
  version: draft.exists ? 0 : draft.version,
});

const writtenAnswer = ({ type, id, version }: Line, receipt: Receipt): Answer => ({
  status: version === 1 ? 201 : 200,
  version,
  lastModified: receipt.time,
  location: `${type}/${id}/_history/${version}`,
  receipts: [receipt],
});

/** What is there already, as a conditional create found it. */
async function existingAnswer({ type, id }: Line, { repository, caller }: Scope): Promise<Answer> {
  const stored = await repository.read(caller, type, id);
  if (stored === undefined) return { status: 200, location: `${type}/${id}` };
  const { version, lastUpdated, resource } = stored;
  return { status: 200, resource, version, lastModified: lastUpdated, location: `${type}/${id}/_history/${version}` };
}

/** A record is stored as it was written: this is what a read would give now. */
const asStored = (draft: Draft, receipt: Receipt): object => {
  const { resourceType, id, meta, ...rest } = draft.write().resource as Record<string, unknown> & { meta?: object };
  return { resourceType, id, meta: { ...meta, versionId: String(draft.version), lastUpdated: receipt.time }, ...rest };
};

/** Other types are what the ledger makes of them (a revoked Consent, for instance), so they are read back. */
async function writtenResource(draft: Draft, receipt: Receipt, { repository, caller }: Scope): Promise<object> {
  if (supportedType(draft.type)?.writer === 'provider') return asStored(draft, receipt);
  const read = () => repository.readVersion(caller, draft.type, draft.id, draft.version);
  return (await afterCommit(read))?.resource ?? unreadableNow();
}

/**
 * One ledger transaction for all drafts that have not failed; none where nothing is to be written. Answers by the
 * draft's index, each with the resource.
 */
export async function commit(drafts: readonly Draft[], scope: Scope, request?: IdempotentRequest): Promise<Answers> {
  const { repository, caller } = scope;
  const writing = drafts.filter((draft) => !draft.exists);
  const answers: Answers = new Map();
  if (writing.length > 0) {
    const idempotency = request && { ...request, answer: JSON.stringify(drafts.map(lineOf)) };
    const receipt = await repository.write(
      caller,
      writing.map((draft) => draft.write()),
      idempotency,
    );
    for (const draft of writing) {
      const resource = await writtenResource(draft, receipt, scope);
      answers.set(draft.index, { ...writtenAnswer(lineOf(draft), receipt), resource });
    }
  }
  const isCommitted = writing.length > 0;
  for (const draft of drafts) {
    if (draft.exists) answers.set(draft.index, await existingOf(draft, drafts, answers, scope, isCommitted));
  }
  return answers;
}

/** A second conditional create of a Bundle is answered with what the first one made. */
async function existingOf(
  draft: Draft,
  drafts: readonly Draft[],
  answers: Answers,
  scope: Scope,
  isCommitted: boolean,
): Promise<Answer> {
  const maker = drafts.find((other) => !other.exists && other.id === draft.id && other.type === draft.type);
  const made = maker === undefined ? undefined : answers.get(maker.index);
  if (made !== undefined) return { ...made, status: 200 };
  const line = lineOf(draft);
  return isCommitted ? existingAfterCommit(line, scope) : existingAnswer(line, scope);
}

const existingAfterCommit = async (line: Line, scope: Scope): Promise<Answer> =>
  (await afterCommit(() => existingAnswer(line, scope))) ?? { status: 200, location: `${line.type}/${line.id}` };

/** The answers of an earlier request with the same key, with the versions it made. */
export async function answersOf({ receipt, answer }: Replay, scope: Scope): Promise<Answers> {
  const answers: Answers = new Map();
  for (const line of JSON.parse(answer) as Line[]) {
    if (line.version === 0) {
      answers.set(line.index, await existingAfterCommit(line, scope));
      continue;
    }
    const { type, id, version } = line;
    const stored = await afterCommit(() => scope.repository.readVersion(scope.caller, type, id, version));
    const resource = stored?.resource ?? unreadableNow();
    answers.set(line.index, { ...writtenAnswer(line, receipt), resource });
  }
  return answers;
}
