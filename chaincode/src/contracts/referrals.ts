/** Answers to orders among records: what answers another provider's order is recorded by whom that refers to, while it stands. */
import { checkRecord } from '../ledger/evidence.ts';
import type { Call } from '../ledger/transaction.ts';
import { LedgerError } from '../model/errors.ts';
import { ANSWERS, type AnswerShown, ordersOf, REFERRAL } from '../model/referrals.ts';
import { REFERRAL_REFUSALS, referralRefusal } from '../rules/referrals.ts';
import { previousOf, type Recorded, type Recording, withShown } from './following.ts';
import { asPatientOf } from './one-person.ts';

type Answering = Call<'RecordVersions'> & Recording;

/**
 * Holds the answers among these records to the orders that they name.
 * @throws LedgerError CONFLICT by the name of the rule; INVALID, NOT_FOUND where what is shown is not what it rests on
 */
export async function holdAnswers(call: Answering, entries: readonly Recorded[]): Promise<void> {
  const along = new Set(
    entries.filter(({ resource }) => resource.resourceType === REFERRAL).map(({ draft }) => draft.id),
  );
  for (const { entry, shown, root } of withShown(entries, ANSWERS, 'answers', call.private.answers)) {
    const named = entry.draft.deleted === undefined ? ordersOf(entry.resource) : [];
    const asked = named.filter((id) => !along.has(id));
    if (asked.length > 0) await holdAnswer(call, { entry, shown, root, asked });
  }
}

interface Answer {
  entry: Recorded;
  shown: AnswerShown | undefined;
  root: string;
  /** Ids of the orders that it names and that are not recorded along with it. */
  asked: readonly string[];
}

async function holdAnswer(call: Answering, { entry, shown, root, asked }: Answer): Promise<void> {
  const before = shown?.previous === undefined ? undefined : await previousOf(call, entry, shown.previous, root);
  // A correction goes on after the order is over, or is shown no more.
  const kept = before === undefined || before.deleted !== undefined ? [] : ordersOf(before.resource);
  for (const id of asked.filter((one) => !kept.includes(one))) await holdOrder(call, { entry, shown, root, id });
}

async function holdOrder(
  call: Answering,
  { entry, shown, root, id }: Omit<Answer, 'asked'> & { id: string },
): Promise<void> {
  const { provider, store } = call;
  const { at, resource } = entry;
  const index = shown?.orders.findIndex(({ record }) => record.id === id) ?? -1;
  const order = shown?.orders[index];
  if (shown === undefined || order === undefined)
    throw new LedgerError('INVALID', 'does not show the order that it answers', `${at}.resource.basedOn`);
  const place = `${root}.orders[${index}]`;
  const { anchored } = await checkRecord(store, order.provider, order.record, place);
  if (anchored.resource.resourceType !== REFERRAL) throw new LedgerError('INVALID', 'is no order', place);
  if (order.provider === provider) return;
  const patients = shown.patients && { theirs: shown.patients.ordered, ours: shown.patients.answered };
  const followed = { resource: anchored.resource, provider: order.provider, patients, at: `${root}.patients` };
  const answer = await asPatientOf(call, resource, followed);
  const reason = referralRefusal({ answer, order: anchored.resource, provider, now: store.time });
  if (reason !== undefined)
    throw new LedgerError('CONFLICT', `${reason}: ${REFERRAL_REFUSALS[reason]}`, `${at}.resource.basedOn`);
}
