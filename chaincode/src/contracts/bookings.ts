/**
 * Appointments among records: each takes its slot, its practitioners and its patients at their provider, so that none is booked twice
 * for one time.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import {
  type BookingShown,
  type Bookings,
  bookingsSchema,
  isTaking,
  placesOf,
  type Taken,
  timeOf,
} from '../model/bookings.ts';
import { LedgerError } from '../model/errors.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { newestNumber } from '../model/series.ts';
import { BOOKING_REFUSALS, bookingRefusal } from '../rules/bookings.ts';
import { previousOf, type Recorded, type Recording, withShown } from './following.ts';

/** Of the private input only what is shown for appointments is read. */
interface Booking extends Recording {
  private: { bookings?: BookingShown[] | undefined };
}

/** What takes a slot or a person on a day, and under which number of its series that stands. */
interface Standing {
  n: number;
  taken: readonly Taken[];
  salt: string;
  isChanged: boolean;
}

const TYPE = 'Appointment';

/**
 * Takes what the appointments among these records are booked for, and gives back what they are not any more.
 * @throws LedgerError CONFLICT where it is taken, by the name of the rule; INVALID where what is shown is not what it rests on
 */
export async function book(call: Booking, entries: readonly Recorded[]): Promise<void> {
  const standings = new Map<string, Standing>();
  const appointments: Appointing[] = [];
  for (const { entry, shown, root } of withShown(entries, TYPE, 'bookings', call.private.bookings))
    appointments.push(await appointing(call, entry, shown, root));
  // What is given back by one of them can be taken by another.
  for (const one of appointments) await giveBack(call, one, standings);
  for (const one of appointments) await take(call, one, standings);
  putStandings(call, standings);
}

interface Appointing {
  entry: Recorded;
  shown: BookingShown | undefined;
  /** The version before, where it took something. */
  before: Resource | undefined;
}

async function appointing(
  call: Recording,
  entry: Recorded,
  shown: BookingShown | undefined,
  root: string,
): Promise<Appointing> {
  const previous = await previousOf(call, entry, shown?.previous, root);
  const isBooked = entry.draft.deleted === undefined && isTaking(entry.resource);
  const before =
    previous !== undefined && previous.deleted === undefined && isTaking(previous.resource)
      ? previous.resource
      : undefined;
  if (shown === undefined && (isBooked || before !== undefined))
    throw new LedgerError('INVALID', 'does not show what it is booked by', `${entry.at}.resource.status`);
  return { entry, shown, before };
}

async function giveBack(
  call: Recording,
  { entry, shown, before }: Appointing,
  all: Map<string, Standing>,
): Promise<void> {
  if (before === undefined || shown === undefined) return;
  for (const { name } of placesOf(before)) {
    const standing = await standingOf(call, name, shown, all);
    const taken = standing.taken.filter(({ appointment }) => appointment !== entry.draft.id);
    const isChanged = standing.isChanged || taken.length < standing.taken.length;
    all.set(name, { ...standing, taken, isChanged });
  }
}

async function take(call: Recording, { entry, shown, before }: Appointing, all: Map<string, Standing>): Promise<void> {
  const { draft, resource, at } = entry;
  if (shown === undefined || draft.deleted !== undefined || !isTaking(resource)) return;
  const places = [];
  for (const place of placesOf(resource))
    places.push({ place, taken: (await standingOf(call, place.name, shown, all)).taken });
  const isKept = before !== undefined && before['start'] === resource['start'];
  const reason = bookingRefusal({ appointment: resource, places, isKept, now: call.store.time });
  if (reason !== undefined)
    throw new LedgerError('CONFLICT', `${reason}: ${BOOKING_REFUSALS[reason]}`, `${at}.resource`);
  const time = timeOf(resource)!;
  for (const { place } of places) {
    const standing = await standingOf(call, place.name, shown, all);
    const taken = [...standing.taken, { appointment: draft.id, ...time }];
    all.set(place.name, { ...standing, taken, isChanged: true });
  }
}

async function standingOf(
  { provider, store }: Recording,
  name: string,
  { known, salt }: BookingShown,
  all: ReadonlyMap<string, Standing>,
): Promise<Standing> {
  const here = all.get(name);
  if (here !== undefined) return here;
  const collection = collections.care(provider);
  const n = await newestNumber(
    async (number) => (await store.anchor(collection, privateKeys.booking(name, number))) !== undefined,
    known.find((one) => one.name === name)?.n ?? 0,
  );
  const value = n === 0 ? undefined : await store.getPrivate(collection, privateKeys.booking(name, n), bookingsSchema);
  if (n > 0 && value === undefined)
    throw new LedgerError('INVALID', 'there is no such value', 'private.bookings.known');
  return { n, taken: value?.taken ?? [], salt, isChanged: false };
}

function putStandings({ provider, store }: Recording, standings: ReadonlyMap<string, Standing>): void {
  const collection = collections.care(provider);
  for (const [name, { n, taken, salt, isChanged }] of standings)
    if (isChanged)
      store.putPrivate(collection, privateKeys.booking(name, n + 1), { schema: 1, taken, salt } as Bookings);
}
