/** What patients say of their visits, as marks that every endorser of a claim looks for. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { putMark } from '../ledger/marks.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { Anchored } from '../model/values.ts';
import { VISIT_WORDS, type VisitMark, type VisitWord, visitHandle } from '../model/visits.ts';

export class Visits extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('visits');
    this.#consortium = consortium;
  }

  SayOfVisit(ctx: Context, argument: string): Promise<string> {
    return run('SayOfVisit', this.#consortium, ctx, argument, sayOfVisit);
  }
}

async function sayOfVisit(call: Call<'SayOfVisit'>): Promise<OutputOf<'SayOfVisit'>> {
  const { input, consortium, store, private: said } = call;
  if (organisationByName(consortium, input.provider)?.kind !== 'provider')
    throw new LedgerError('INVALID', 'is no provider of the consortium', 'provider');
  const { handle, word, salt } = said;
  const mark: VisitMark = { schema: 1, at: store.time, salt };
  await putMark(store, consortium, privateKeys.visit(handle, word), mark, 'private.word');
  store.emit(events.VisitSaid, {});
  return { time: store.time };
}

/** What patients have said of the visits among a provider's records, by `Encounter/<id>`. Works on every peer. */
export async function wordsOfVisits(
  store: Store,
  provider: string,
  evidence: ReadonlyMap<string, Anchored>,
): Promise<Map<string, VisitWord[]>> {
  const visits = [...evidence].filter(([, { resource }]) => resource.resourceType === 'Encounter');
  const said = visits.map(async ([target, { id }]) => {
    const handle = visitHandle(provider, id);
    const marks = await Promise.all(
      VISIT_WORDS.map((word) => store.anchor(collections.marks, privateKeys.visit(handle, word))),
    );
    return [target, VISIT_WORDS.filter((_, index) => marks[index] !== undefined)] as const;
  });
  return new Map(await Promise.all(said));
}
