/**
 * transaction and batch (hl7.org/fhir/R4/http.html#transaction). A transaction is one ledger transaction: all of it or
 * none. The sound entries of a batch also share one, for speed; where the ledger refuses it, each goes alone.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { inStretches } from '../http/pauses.ts';
import type { IdempotentRequest } from '../idempotency/request.ts';
import { type Answer, entryOf, failedAnswer, isUnchanged } from './answers.ts';
import type { Change } from './changes.ts';
import { demandModestReads } from './costs.ts';
import { type Entries, type EntryRead, readBundle } from './entries.ts';
import { type Issue, outcomeOf, Refusal, refuse } from './outcomes.ts';
import { criteriaOf, plan } from './plan.ts';
import { changes, history, read, vread } from './reads.ts';
import type { Scope } from './repository.ts';
import { memberOf } from './search/compartments.ts';
import { search } from './search.ts';
import { criterionKey } from './tokens.ts';
import { supportedType } from './types.ts';
import { type Answers, asPrecondition, asPreferred, commit, replayedAnswers, type WriteOptions } from './writes.ts';

export interface BundleOptions extends WriteOptions {
  lenient: boolean;
  /** Called with failures that are ours and stay inside a batch's entry. */
  report: (error: unknown) => void;
}

/** A transaction fails with everything that is wrong in it; the first fault decides the status. */
function refuseFailed({ refused, changes }: Pick<Entries, 'refused' | 'changes'>): void {
  const issues: Issue[] = [];
  let status: number | undefined;
  for (const { refusal } of refused) {
    status ??= refusal.status;
    issues.push(...refusal.issues);
  }
  for (const { failure } of changes) {
    status ??= failure?.status;
    issues.push(...(failure?.issues ?? []));
  }
  if (status !== undefined) throw new Refusal(status, issues.slice(0, 100));
}

async function writeTogether(entries: Entries, scope: Scope, options: BundleOptions): Promise<Answers> {
  const { changes } = entries;
  const ready = async (): Promise<void> => {
    await plan(changes, scope, true);
    refuseFailed(entries);
  };
  try {
    return await commit(changes, scope, options.idempotency, ready, criteriaOf(changes));
  } catch (error) {
    throw whereOf(error, changes);
  }
}

/** With an If-Match in the transaction, a version that came in between is a failed precondition. */
function whereOf(error: unknown, changes: readonly Change[]): unknown {
  const isConflict = error instanceof LedgerError && error.code === 'CONFLICT';
  if (!isConflict || !changes.some((change) => change.request.ifMatch !== undefined)) return error;
  const diagnostics = 'A resource of this transaction was changed meanwhile.';
  return new Refusal(412, { severity: 'error', code: 'conflict', diagnostics, expression: ['Bundle.entry'] });
}

/** One GET of a Bundle: `Type/id`, `Type/id/_history`, `Type/id/_history/version`, `Type/id/Member`, or `Type?parameters`. */
async function readEntry({ url, urlPath }: EntryRead, scope: Scope, lenient: boolean): Promise<Answer> {
  const [path = '', query = ''] = url.split(/\?(.*)/s);
  const [name = '', id, marker, version, ...more] = path.split('/');
  const parameters = [...new URLSearchParams(query)];
  if (path === '_history') return changes(scope, undefined, { parameters, lenient });
  const type = supportedType(name);
  if (type === undefined)
    return refuse(404, 'not-supported', 'This server does not hold resources of that type.', urlPath);
  const member = marker === undefined || version !== undefined ? undefined : memberOf(name, id ?? '', marker);
  if (member !== undefined) {
    const asked = { type: member.type, parameters: [...parameters, member.within] };
    return search(scope, { ...asked, method: 'GET', lenient });
  }
  if (more.length > 0 || (marker !== undefined && marker !== '_history')) {
    return refuse(404, 'not-supported', 'There is no such interaction.', urlPath);
  }
  if (id === '_history' && marker === undefined) return changes(scope, type, { parameters, lenient });
  if (id === undefined) {
    return search(scope, { type, parameters, method: 'GET', lenient });
  }
  if (version !== undefined) return vread(scope, name, { id, version }, parameters);
  return marker === undefined ? read(scope, name, id, parameters) : history(scope, name, id, { parameters, lenient });
}

/** Reads come after the writes of the same Bundle, and fail alone. */
async function addReads(answers: Answers, entries: Entries, scope: Scope, options: BundleOptions): Promise<void> {
  await inStretches(entries.reads, async (one) => {
    const reading = scope.reads.run(scope.caller.subject, () => readEntry(one, scope, options.lenient));
    const answer = await reading.catch((error: unknown) => failedAnswer(error, options.report, one.urlPath));
    const { version, lastModified } = answer;
    const isKnown = isUnchanged(answer, one.conditions);
    const unchanged = { status: 304, ...(version && { version }), ...(lastModified && { lastModified }) };
    answers.set(one.index, isKnown ? unchanged : answer);
  });
}

/** Changes of one round have different conditions and targets; an equal one waits for the next round. */
function roundsOf(changes: readonly Change[]): Change[][] {
  const rounds: Change[][] = [];
  const seen = new Map<string, number>();
  for (const change of changes) {
    const { criterion, interaction } = change.request;
    const key =
      criterion !== undefined ? criterionKey(criterion) : interaction === 'create' ? undefined : change.reference;
    const round = key === undefined ? 0 : (seen.get(key) ?? 0);
    if (key !== undefined) seen.set(key, round + 1);
    rounds[round] ??= [];
    rounds[round].push(change);
  }
  return rounds;
}

/** Entries of a batch that are written alone, at once: they may yet meet in one ledger transaction. */
const ALONE_AT_ONCE = 16;

class Batch {
  readonly answers: Answers = new Map();
  readonly #scope: Scope;
  readonly #options: BundleOptions;

  constructor(scope: Scope, options: BundleOptions) {
    this.#scope = scope;
    this.#options = options;
  }

  /** Each write of a batch is a transaction with an outcome of its own, so each has its own key. */
  #keyed(part: string): IdempotentRequest | undefined {
    const { idempotency } = this.#options;
    return idempotency && { ...idempotency, key: `${idempotency.key}/${part}` };
  }

  /** After the first round entries are committed: what fails then, fails for the entries it concerns alone. */
  async attempt(changes: readonly Change[], round: number): Promise<void> {
    try {
      await this.#round(changes, round);
    } catch (error) {
      if (round === 0) throw error;
      const answer = failedAnswer(error, this.#options.report);
      for (const { index } of changes) if (!this.answers.has(index)) this.answers.set(index, answer);
    }
  }

  async #round(changes: readonly Change[], round: number): Promise<void> {
    await this.#recall(changes, round);
    const open = changes.filter((change) => !this.answers.has(change.index));
    await plan(open, this.#scope, false);
    for (const { index, failure } of open) {
      if (failure !== undefined)
        this.answers.set(index, { status: failure.status, resource: outcomeOf(failure.issues) });
    }
    const sound = open.filter((change) => change.failure === undefined);
    const isFirst = open.length === changes.length;
    if (sound.length > 1 && isFirst && (await this.#together(sound, round))) return;
    await inStretches(sound, (change) => this.#alone(change, round), ALONE_AT_ONCE);
  }

  /** What an earlier request with the same key did already: together, or entry by entry. */
  async #recall(changes: readonly Change[], round: number): Promise<void> {
    if (this.#options.idempotency === undefined) return;
    await this.#recallPart(`${round}`);
    for (const { index } of changes) if (!this.answers.has(index)) await this.#recallPart(`${round}.${index}`);
  }

  async #recallPart(part: string): Promise<void> {
    const request = this.#keyed(part);
    const { idempotent, caller } = this.#scope;
    const written = request && (await idempotent.replay<never[]>(caller, request));
    if (written !== undefined) this.#add(await replayedAnswers(written, this.#scope));
  }

  async #together(changes: readonly Change[], round: number): Promise<boolean> {
    try {
      this.#add(await commit(changes, this.#scope, this.#keyed(`${round}`)));
      return true;
    } catch (error) {
      if (error instanceof LedgerError) return false;
      const answer = failedAnswer(error, this.#options.report);
      for (const { index } of changes) this.answers.set(index, answer);
      return true;
    }
  }

  async #alone(change: Change, round: number): Promise<void> {
    try {
      this.#add(await commit([change], this.#scope, this.#keyed(`${round}.${change.index}`)));
    } catch (error) {
      this.answers.set(change.index, failedAnswer(asPrecondition(error, change), this.#options.report));
    }
  }

  #add(answers: Answers): void {
    for (const [index, answer] of answers) this.answers.set(index, answer);
  }
}

function writeApart(entries: Entries, scope: Scope, options: BundleOptions): Promise<Answers> {
  const { idempotent, caller } = scope;
  const locks = criteriaOf(entries.changes);
  return idempotent.hold(caller, options.idempotency, locks, () => writeRounds(entries, scope, options));
}

async function writeRounds(entries: Entries, scope: Scope, options: BundleOptions): Promise<Answers> {
  const batch = new Batch(scope, options);
  for (const { index, refusal } of entries.refused) {
    batch.answers.set(index, { status: refusal.status, resource: outcomeOf(refusal.issues) });
  }
  for (const [round, changes] of roundsOf(entries.changes).entries()) await batch.attempt(changes, round);
  return batch.answers;
}

/** Of all that was written, each once. */
const transactionsOf = (answers: Answers): string[] => [
  ...new Set([...answers.values()].flatMap(({ transactions = [] }) => transactions)),
];

/** Answers a transaction or batch Bundle with its response Bundle, entry by entry in the order of the request. */
export async function bundle(body: unknown, scope: Scope, options: BundleOptions): Promise<Answer> {
  const entries = readBundle(body, scope.baseUrl);
  demandModestReads(entries.reads);
  if (entries.type === 'transaction') refuseFailed({ refused: entries.refused, changes: [] });
  const write = entries.type === 'transaction' ? writeTogether : writeApart;
  const answers = await write(entries, scope, options);
  const transactions = transactionsOf(answers);
  const wanted = options.return ?? 'minimal';
  for (const { index } of entries.changes) {
    const answer = answers.get(index);
    if (answer !== undefined && answer.status < 300) answers.set(index, await asPreferred(answer, scope, wanted));
  }
  await addReads(answers, entries, scope, options);
  const entry = Array.from({ length: entries.count }, (_, index) => entryOf(answers.get(index) ?? { status: 500 }));
  const resource = {
    resourceType: 'Bundle',
    type: `${entries.type}-response`,
    ...(entry.length === 0 ? {} : { entry }),
  };
  return { status: 200, resource, transactions };
}
