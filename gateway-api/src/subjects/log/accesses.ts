/** Accesses and their purges, newest first: of some patients, or all that this organisation takes part in. */
import { continuationOf } from '@telemed-ledger/chaincode/model/deliveries.ts';
import { renewalOf } from '@telemed-ledger/chaincode/model/renewals.ts';
import { accessStateSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { StandingAccess } from '../../index/read/accesses.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { PURGED, purgeEvent } from './purge-event.ts';
import type { Happening, Source } from './timeline.ts';

export interface AccessesOptions {
  index: Pick<ReadModel, 'accesses' | 'own'>;
  isCustodian: boolean;
  /** An access as an AuditEvent. */
  read(id: string): Promise<StoredResource | undefined>;
}

const PAGE = 50;
/** Requests for one patient. */
const MOST = 20_000;

type Place = readonly [at: string, id: string];
const isBehind = ([at, id]: Place, place: Place | undefined): boolean =>
  place === undefined || at < place[0] || (at === place[0] && id < place[1]);

/** Of these patients, with what was purged of them. */
export function accessesOf(patients: readonly string[], options: AccessesOptions): Source {
  return async function* (behind) {
    const standing = await standingFor(patients, options);
    const all = standing.flatMap((one) => happeningsOf(one, options));
    all.sort((one, other) => (isBehind(placeOf(other), placeOf(one)) ? -1 : 1));
    for (const one of all) if (isBehind(placeOf(one), behind as Place | undefined)) yield one;
  };
}

const placeOf = ({ position }: Happening): Place => position as Place;

function happeningsOf({ id, last_updated: at, value }: StandingAccess, { read }: AccessesOptions): Happening[] {
  const access = { id, at: at ?? '', position: [at ?? '', id], read: () => read(id) };
  const { data: state } = accessStateSchema.safeParse(value === null ? undefined : JSON.parse(value));
  if (state?.purgedAt === undefined) return [access];
  const { purgedAt } = state;
  const purge = {
    ...{ at: purgedAt, position: [purgedAt, `${id}${PURGED}`] },
    read: async () => {
      const found = await read(id);
      return found && purgeEvent(found, state);
    },
  };
  return [purge, access];
}

/** The custodian finds them by what was asked for, whoever else by whom they were decided on. */
async function standingFor(
  patients: readonly string[],
  { index, isCustodian }: AccessesOptions,
): Promise<StandingAccess[]> {
  const { accesses } = index;
  if (!isCustodian) return accesses.standingAbout(patients);
  const requests = await accesses.requestsFor(patients, { count: MOST });
  const found = new Map<string, StandingAccess>();
  for (let open = [...new Set(requests.map(({ id }) => id))]; open.length > 0; ) {
    const standing = await accesses.standing(open);
    for (const one of standing) found.set(one.id, one);
    const later = standing.flatMap(({ id }) => [renewalOf(id), continuationOf(id)]);
    open = later.filter((id) => !found.has(id));
  }
  return [...found.values()];
}

/** All that this organisation takes part in. */
export function ownAccesses({ index, read }: AccessesOptions): Source {
  return async function* (behind) {
    let place = behind as readonly [string, number] | undefined;
    for (;;) {
      const rows = await index.own.latest('access', { count: PAGE, behind: place });
      for (const { id, at, sequence } of rows) {
        place = [at, sequence];
        yield { id, at, position: place, read: () => read(id) };
      }
      if (rows.length < PAGE) return;
    }
  };
}
