/**
 * transaction and batch (hl7.org/fhir/R4/http.html#transaction). A transaction is one ledger transaction: all of it or
 * none. The sound entries of a batch also share one, for speed; where the ledger refuses it, each goes alone.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { type Answer, entryOf, failedAnswer, preferred } from './answers.ts';
import { type Answers, answersOf, commit } from './commit.ts';
import type { Draft } from './drafts.ts';
import { type Entries, type EntryRead, readBundle } from './entries.ts';
import { asPrecondition, history, idempotencyLock, read, replayed, vread, type WriteOptions } from './interactions.ts';
import { type Issue, outcomeOf, Refusal, refuse } from './outcomes.ts';
import { criteriaOf, plan, refuseOverlaps, type Scope } from './plan.ts';
import type { IdempotentRequest, Receipt } from './repository.ts';
import { search } from './search.ts';
import { criterionKey } from './tokens.ts';
import { supportedType } from './types.ts';

export interface BundleOptions extends WriteOptions {
  lenient: boolean;
  /** Hears of failures that are ours and stay inside a batch's entry. */
  report: (error: unknown) => void;
}

/** A transaction fails with everything that is wrong in it; the first fault decides the status. */
function refuseFailed({ refused, drafts }: Pick<Entries, 'refused' | 'drafts'>): void {
  const issues: Issue[] = [];
  let status: number | undefined;
  for (const { refusal } of refused) {
    status ??= refusal.status;
    issues.push(...refusal.issues);
  }
  for (const { failure } of drafts) {
    status ??= failure?.status;
    issues.push(...(failure?.issues ?? []));
  }
  if (status !== undefined) throw new Refusal(status, issues.slice(0, 100));
}

async function writeTogether(entries: Entries, scope: Scope, options: BundleOptions): Promise<Answers> {
  const before = await replayed(scope, options.idempotency);
  if (before !== undefined) return before;
  refuseOverlaps(entries.drafts);
  await plan(entries.drafts, scope, true);
  refuseFailed(entries);
  try {
    return await commit(entries.drafts, scope, options.idempotency);
  } catch (error) {
    throw whereOf(error, entries.drafts);
  }
}

/** With an If-Match in the transaction, a version that came in between is a failed precondition. */
function whereOf(error: unknown, drafts: readonly Draft[]): unknown {
  const isConflict = error instanceof LedgerError && error.code === 'CONFLICT';
  if (!isConflict || !drafts.some((draft) => draft.request.ifMatch !== undefined)) return error;
  const diagnostics = 'A resource of this transaction was changed meanwhile.';
  return new Refusal(412, { severity: 'error', code: 'conflict', diagnostics, expression: ['Bundle.entry'] });
}

/** One GET of a Bundle: `Type/id`, `Type/id/_history`, `Type/id/_history/version`, or `Type?parameters`. */
async function readEntry({ url, urlPath }: EntryRead, scope: Scope, lenient: boolean): Promise<Answer> {
  const [path = '', query = ''] = url.split(/\?(.*)/s);
  const [name = '', id, marker, version, ...more] = path.split('/');
  const type = supportedType(name);
  if (type === undefined)
    return refuse(404, 'not-supported', 'This server does not hold resources of that type.', urlPath);
  if (more.length > 0 || (marker !== undefined && marker !== '_history')) {
    return refuse(404, 'not-supported', 'There is no such interaction.', urlPath);
  }
  if (id === undefined) {
    return search(scope, { type, parameters: [...new URLSearchParams(query)], method: 'GET', lenient });
  }
  if (version !== undefined) return vread(scope, name, id, version);
  return marker === undefined ? read(scope, name, id) : history(scope, name, id);
}

/** Reads come after the writes of the same Bundle, and fail alone. */
async function addReads(answers: Answers, entries: Entries, scope: Scope, options: BundleOptions): Promise<void> {
  for (const one of entries.reads) {
    const answer = await readEntry(one, scope, options.lenient).catch((error: unknown) =>
      failedAnswer(error, options.report, one.urlPath),
    );
    answers.set(one.index, answer);
  }
}

/** Drafts that must not share a round: an equal condition or target is taken up again when the first one is through. */
function roundsOf(drafts: readonly Draft[]): Draft[][] {
  const rounds: Draft[][] = [];
  const seen = new Map<string, number>();
  for (const draft of drafts) {
    const { criterion, interaction } = draft.request;
    const key =
      criterion !== undefined ? criterionKey(criterion) : interaction === 'update' ? draft.reference : undefined;
    const round = key === undefined ? 0 : (seen.get(key) ?? 0);
    if (key !== undefined) seen.set(key, round + 1);
    rounds[round] ??= [];
    rounds[round].push(draft);
  }
  return rounds;
}

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
  async attempt(drafts: readonly Draft[], round: number): Promise<void> {
    try {
      await this.#round(drafts, round);
    } catch (error) {
      if (round === 0) throw error;
      const answer = failedAnswer(error, this.#options.report);
      for (const { index } of drafts) if (!this.answers.has(index)) this.answers.set(index, answer);
    }
  }

  async #round(drafts: readonly Draft[], round: number): Promise<void> {
    await this.#recall(drafts, round);
    const open = drafts.filter((draft) => !this.answers.has(draft.index));
    await plan(open, this.#scope, false);
    for (const { index, failure } of open) {
      if (failure !== undefined)
        this.answers.set(index, { status: failure.status, resource: outcomeOf(failure.issues) });
    }
    const sound = open.filter((draft) => draft.failure === undefined);
    const isFirst = open.length === drafts.length;
    if (sound.length > 1 && isFirst && (await this.#together(sound, round))) return;
    for (const draft of sound) await this.#alone(draft, round);
  }

  /** What an earlier request with the same key did already: together, or entry by entry. */
  async #recall(drafts: readonly Draft[], round: number): Promise<void> {
    if (this.#options.idempotency === undefined) return;
    await this.#recallPart(`${round}`);
    for (const { index } of drafts) if (!this.answers.has(index)) await this.#recallPart(`${round}.${index}`);
  }

  async #recallPart(part: string): Promise<void> {
    const request = this.#keyed(part);
    const replay = request && (await this.#scope.repository.replay(this.#scope.caller, request));
    if (replay !== undefined) this.#add(await answersOf(replay, this.#scope));
  }

  async #together(drafts: readonly Draft[], round: number): Promise<boolean> {
    try {
      this.#add(await commit(drafts, this.#scope, this.#keyed(`${round}`)));
      return true;
    } catch (error) {
      if (error instanceof LedgerError) return false;
      const answer = failedAnswer(error, this.#options.report);
      for (const { index } of drafts) this.answers.set(index, answer);
      return true;
    }
  }

  async #alone(draft: Draft, round: number): Promise<void> {
    try {
      this.#add(await commit([draft], this.#scope, this.#keyed(`${round}.${draft.index}`)));
    } catch (error) {
      this.answers.set(draft.index, failedAnswer(asPrecondition(error, draft), this.#options.report));
    }
  }

  #add(answers: Answers): void {
    for (const [index, answer] of answers) this.answers.set(index, answer);
  }
}

async function writeApart(entries: Entries, scope: Scope, options: BundleOptions): Promise<Answers> {
  const batch = new Batch(scope, options);
  for (const { index, refusal } of entries.refused) {
    batch.answers.set(index, { status: refusal.status, resource: outcomeOf(refusal.issues) });
  }
  for (const [round, drafts] of roundsOf(entries.drafts).entries()) await batch.attempt(drafts, round);
  return batch.answers;
}

/** Receipts of all that was written, each once. */
const receiptsOf = (answers: Answers): Receipt[] => {
  const receipts = [...answers.values()].flatMap((answer) => answer.receipts ?? []);
  return [...new Map(receipts.map((receipt) => [receipt.transactionId, receipt])).values()];
};

/** Answers a transaction or batch Bundle with its response Bundle, entry by entry in the order of the request. */
export async function bundle(body: unknown, scope: Scope, options: BundleOptions): Promise<Answer> {
  const entries = readBundle(body);
  if (entries.type === 'transaction') refuseFailed({ refused: entries.refused, drafts: [] });
  const locks = [...idempotencyLock(scope, options.idempotency), ...criteriaOf(entries.drafts)];
  const write = entries.type === 'transaction' ? writeTogether : writeApart;
  const answers = await options.turns.hold(locks, () => write(entries, scope, options));
  const receipts = receiptsOf(answers);
  const wanted = options.return ?? 'minimal';
  for (const { index } of entries.drafts) {
    const answer = answers.get(index);
    if (answer !== undefined && answer.status < 300) answers.set(index, preferred(answer, wanted));
  }
  await addReads(answers, entries, scope, options);
  const entry = Array.from({ length: entries.count }, (_, index) => entryOf(answers.get(index) ?? { status: 500 }));
  const resource = {
    resourceType: 'Bundle',
    type: `${entries.type}-response`,
    ...(entry.length === 0 ? {} : { entry }),
  };
  return { status: 200, resource, receipts };
}
