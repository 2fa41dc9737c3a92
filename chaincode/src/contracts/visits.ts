/** What patients say of their visits, as marks that every endorser of a claim looks for. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { putMark } from '../ledger/marks.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { patientIdOf, type Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { isHers } from '../model/patient-statements.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { Anchored } from '../model/values.ts';
import {
  confirmationOf,
  VISIT_WORDS,
  type VisitMark,
  type VisitWord,
  visitHandle,
  visitMarkSchema,
} from '../model/visits.ts';
import { keysOf } from './key-marks.ts';

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
  const { handle, word, salt, signed } = said;
  const mark: VisitMark = { schema: 1, at: store.time, salt, ...(signed === undefined ? {} : { signed }) };
  await putMark(store, consortium, privateKeys.visit(handle, word), mark, 'private.word');
  store.emit(events.VisitSaid, {});
  return { time: store.time };
}

/**
 * What patients have said of the visits among a provider's records, by `Encounter/<id>`. A confirmation of one who has a key counts where
 * she has signed it: whoever writes a mark with the custodian does not see whose it is. Works on every peer.
 */
export async function wordsOfVisits(
  store: Store,
  provider: string,
  evidence: ReadonlyMap<string, Anchored>,
): Promise<Map<string, VisitWord[]>> {
  const visits = [...evidence].filter(([, { resource }]) => resource.resourceType === 'Encounter');
  const said = visits.map(async ([target, { resource }]) => {
    const handle = visitHandle(provider, resource.id);
    const isSaid = await Promise.all(
      VISIT_WORDS.map(async (word) => {
        const key = privateKeys.visit(handle, word);
        if ((await store.anchor(collections.marks, key)) === undefined) return false;
        return word === 'disputed' || isConfirmed(store, provider, resource, key);
      }),
    );
    return [target, VISIT_WORDS.filter((_, index) => isSaid[index])] as const;
  });
  return new Map(await Promise.all(said));
}

async function isConfirmed(store: Store, provider: string, visit: Resource, key: string): Promise<boolean> {
  const patient = patientIdOf(visit);
  const mark = await store.getPrivate(collections.marks, key, visitMarkSchema);
  if (patient === undefined || mark === undefined) return false;
  const owner = { provider, patient };
  return isHers(confirmationOf(owner, visit.id), mark.signed, await keysOf(store, owner), mark.at);
}
