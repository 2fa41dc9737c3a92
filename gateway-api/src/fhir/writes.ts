/**
 * create and update of hl7.org/fhir/R4/http.html, and what they share with Bundles: plans changes, writes them in one
 * ledger transaction and answers each. A request that comes again under its Idempotency-Key is answered from the ids
 * and versions that its first one stored.
 */

import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { inStretches } from '../http/pauses.ts';
import { afterCommit } from '../idempotency/after-commit.ts';
import type { IdempotentRequest } from '../idempotency/request.ts';
import type { Written } from '../idempotency/writes.ts';
import type { Outcome } from '../ledger/outcomes.ts';
import { type Answer, preferred, unreadableNow } from './answers.ts';
import { Change, type ChangeRequest } from './changes.ts';
import { Refusal } from './outcomes.ts';
import { criteriaOf, plan } from './plan.ts';
import type { NewDraft, Scope } from './repository.ts';
import type { Return } from './requests.ts';
import { supportedType } from './types.ts';

/** By the change's index. */
export type Answers = Map<number, Answer>;

/** What an Idempotency-Key remembers of a change: ids, versions and types, no content. */
interface Line {
  index: number;
  type: string;
  id: string;
  /** 0: nothing was written, it was there. */
  version: number;
  /** It was created; of a create so is what has version 1. */
  begins?: true;
  /** What was asked for is gone; with version 0 nothing was there to delete. */
  deleted?: true;
}

export interface WriteOptions {
  idempotency: IdempotentRequest | undefined;
  return: Return | undefined;
}

/** Answers one create or update, with its conditions. */
export async function write(request: ChangeRequest, scope: Scope, options: WriteOptions): Promise<Answer> {
  const change = new Change(request);
  const ready = async (): Promise<void> => {
    await plan([change], scope, false);
    if (change.failure === undefined) return;
    const { status, issues } = change.failure;
    throw new Refusal(status, issues, status === 405 ? { Allow: 'GET, HEAD, OPTIONS' } : {});
  };
  try {
    const answers = await commit([change], scope, options.idempotency, ready, criteriaOf([change]));
    return asPreferred(answers.get(0) ?? { status: 200 }, scope, options.return);
  } catch (error) {
    throw asPrecondition(error, change);
  }
}

/** As a client wants to see what it wrote; what it comes to is told where an OperationOutcome is wanted. */
export async function asPreferred(answer: Answer, { repository }: Scope, wanted: Return | undefined): Promise<Answer> {
  const { resource } = answer;
  if (wanted !== 'OperationOutcome' || resource === undefined) return preferred(answer, wanted);
  const told = await afterCommit(async () => repository.told?.(resource as Resource));
  return preferred(answer, wanted, told);
}

/** A version that came in between: 412 for who named the one to change, 409 for who did not. */
export function asPrecondition(error: unknown, change: Change): unknown {
  const code = (error as { code?: unknown } | undefined)?.code;
  if (code !== 'CONFLICT' || change.request.ifMatch === undefined) return error;
  return new Refusal(412, {
    severity: 'error',
    code: 'conflict',
    diagnostics: 'The resource was changed meanwhile.',
    expression: [change.request.conditionPath ?? 'If-Match'],
  });
}

/**
 * Writes changes in one ledger transaction, or in none where all are there already, and answers each with its resource.
 * `ready` plans them where nothing was written under the key before, and throws where one has failed.
 */
export async function commit(
  changes: readonly Change[],
  scope: Scope,
  idempotency: IdempotentRequest | undefined,
  ready: () => Promise<void> = async () => {},
  locks: readonly string[] = [],
): Promise<Answers> {
  const { repository, caller, idempotent } = scope;
  const prepare = async () => {
    await ready();
    const writing = changes.filter(({ exists }) => !exists);
    if (writing.length === 0) return undefined;
    const drafts: NewDraft[] = [];
    await inStretches(writing, (change) => void drafts.push(change.draft()));
    const submit = (sending: Parameters<typeof repository.submit>[2]) => repository.submit(caller, drafts, sending);
    return { answer: changes.map(lineOf), submit };
  };
  const written = await idempotent.write<Line[], Outcome>(caller, idempotency, prepare, locks);
  const isReplay = written !== undefined && written.submitted === undefined;
  await inStretches(changes, (change) => change.rename(written?.submitted?.renamed));
  return isReplay ? replayedAnswers(written, scope) : answersOf(changes, written?.outcome, scope);
}

const lineOf = ({ index, type, id, exists, version, begins, interaction }: Change): Line => ({
  ...{ index, type, id, version: exists ? 0 : version },
  ...(begins ? { begins } : {}),
  ...(interaction === 'delete' ? { deleted: true as const } : {}),
});

async function answersOf(changes: readonly Change[], outcome: Outcome | undefined, scope: Scope): Promise<Answers> {
  const answers: Answers = new Map();
  await inStretches(changes, async (change) => {
    if (change.exists || outcome === undefined) return;
    if (change.interaction === 'delete') {
      answers.set(change.index, deletedAnswer(lineOf(change), outcome));
      return;
    }
    const resource = await writtenResource(change, outcome, scope);
    answers.set(change.index, { ...writtenAnswer(lineOf(change), outcome), resource });
  });
  const isCommitted = outcome !== undefined;
  for (const change of changes) {
    if (!change.exists) continue;
    const isDelete = change.interaction === 'delete';
    const answer = isDelete ? NOTHING_THERE : await existingOf(change, changes, answers, scope, isCommitted);
    answers.set(change.index, answer);
  }
  return answers;
}

/** The answers of an earlier request under the same key, with the versions it made. */
export async function replayedAnswers({ outcome, answer }: Written<Line[]>, scope: Scope): Promise<Answers> {
  const answers: Answers = new Map();
  await inStretches(answer, async (line) => {
    if (line.deleted !== undefined) {
      answers.set(line.index, line.version === 0 ? NOTHING_THERE : deletedAnswer(line, outcome));
      return;
    }
    if (line.version === 0) {
      answers.set(line.index, await existingAfterCommit(line, scope));
      return;
    }
    const { type, id, version } = line;
    const stored = await afterCommit(() => scope.repository.readVersion(scope.caller, type, id, version));
    answers.set(line.index, { ...writtenAnswer(line, outcome), resource: stored?.resource ?? unreadableNow() });
  });
  return answers;
}

/** Of a delete: there was nothing, or it is deleted already. */
const NOTHING_THERE: Answer = { status: 204 };

/** With the version that says so. */
const deletedAnswer = ({ version }: Line, { time, transactionId }: Outcome): Answer => ({
  ...{ status: 204, version, lastModified: time },
  transactions: [transactionId],
});

const writtenAnswer = ({ type, id, version, begins }: Line, outcome: Outcome): Answer => ({
  status: version === 1 || begins === true ? 201 : 200,
  version,
  lastModified: outcome.time,
  location: `${type}/${id}/_history/${version}`,
  transactions: [outcome.transactionId],
});

/** A record is stored as it was written: this is what a read would give now. */
const asStored = (change: Change, { time }: Outcome): object => {
  const { resourceType, id, meta, ...rest } = change.written() as Record<string, unknown> & { meta?: object };
  return { resourceType, id, meta: { ...meta, versionId: String(change.version), lastUpdated: time }, ...rest };
};

/** Other types are what the ledger makes of them (a revoked Consent, for instance), so they are read back. */
async function writtenResource(change: Change, outcome: Outcome, { repository, caller }: Scope): Promise<object> {
  if (supportedType(change.type)?.writer === 'provider') return asStored(change, outcome);
  const read = () => repository.readVersion(caller, change.type, change.id, change.version);
  return (await afterCommit(read))?.resource ?? unreadableNow();
}

/** A second conditional create of a Bundle is answered with what the first one made. */
async function existingOf(
  change: Change,
  changes: readonly Change[],
  answers: Answers,
  scope: Scope,
  isCommitted: boolean,
): Promise<Answer> {
  const maker = changes.find((other) => !other.exists && other.id === change.id && other.type === change.type);
  const made = maker === undefined ? undefined : answers.get(maker.index);
  if (made !== undefined) return { ...made, status: 200 };
  const line = lineOf(change);
  return isCommitted ? existingAfterCommit(line, scope) : existingAnswer(line, scope);
}

const existingAfterCommit = async (line: Line, scope: Scope): Promise<Answer> =>
  (await afterCommit(() => existingAnswer(line, scope))) ?? { status: 200, location: `${line.type}/${line.id}` };

/** What is there already, as a conditional create found it. */
async function existingAnswer({ type, id }: Line, { repository, caller }: Scope): Promise<Answer> {
  const stored = await repository.read(caller, type, id);
  if (stored === undefined) return { status: 200, location: `${type}/${id}` };
  const { version, lastUpdated, resource } = stored;
  return { status: 200, resource, version, lastModified: lastUpdated, location: `${type}/${id}/_history/${version}` };
}
