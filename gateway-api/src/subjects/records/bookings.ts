/** Appointments on their way to the ledger: what they show to their endorsers (chaincode/contracts/bookings.ts), from the read model. */
import { type BookingShown, isTaking, placesOf } from '@telemed-ledger/chaincode/model/bookings.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { ownRow } from './dispenses.ts';
import type { RecordItem } from './sheets.ts';

const TYPE = 'Appointment';

export const isAppointment = ({ type }: RecordItem): boolean => type === TYPE;

interface BookingServices extends Pick<Services, 'index'> {
  /** At whom they are. */
  organisation: Pick<Services['organisation'], 'name'>;
}

/** The records, its appointments with what they show. @throws {LedgerError} CONFLICT */
export const withBookings = (services: BookingServices, items: readonly RecordItem[]): Promise<RecordItem[]> =>
  Promise.all(items.map((item) => withBooked(services, item)));

async function withBooked({ index, organisation }: BookingServices, item: RecordItem): Promise<RecordItem> {
  if (item.type !== TYPE) return item;
  const resource = parseExact(item.resource) as Resource;
  const row = item.version === 1 ? undefined : await index.evidence.rowOf(TYPE, item.id, item.version - 1);
  if (row === undefined && !isTaking(resource)) return item;
  const before = row === undefined ? [] : placesOf((parseExact(row.value) as Anchored).resource);
  const places = [...before, ...(item.deleted === undefined ? placesOf(resource) : [])];
  const names = new Set(places.map(({ name }) => name));
  const known: BookingShown['known'] = [];
  for (const name of names) {
    const n = await index.evidence.newest(
      collections.care(organisation.name),
      privateKeys.booking(name, 0).slice(0, -1),
    );
    known.push({ name, n });
  }
  const previous = row === undefined ? {} : { previous: await index.evidence.ofRecord(ownRow(row, organisation)) };
  return { ...item, booked: { ...previous, known, salt: newSalt() } };
}
