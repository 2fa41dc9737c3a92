/**
 * What is done about erasures unasked: marks that lacked an endorser are sent again, and the custodian has the contents and
 * the deliveries purged that hold an erased record. The rows that are still held say what is to be done.
 */
import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { accessStateSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import { ownState } from '../../duties/found.ts';
import type { WantedErasure } from '../../idempotency/erasures.ts';
import { handleOf } from '../../index/write/erased.ts';
import type { Standing } from '../../index/write/resources.ts';
import { contentIn, leafOf } from '../../index/write/sheets.ts';
import { newSalt } from '../../ledger/sender.ts';
import { goesOn, withdrawn } from '../access/renewing.ts';
import type { Services } from '../services.ts';

const PAGE = 100;
const CARE = collections.care('');

const sendErasures = (kind: Kind): Duty<WantedErasure> => ({
  name: 'send erasures',
  kind,
  // What is lacking comes back without an event; what is done is forgotten.
  on: [events.ContentPurged, events.CopiesPurged],
  idOf: ({ id }) => id,
  find: ({ erasures }) => erasures.due(),
  perform: (wanted, { erasures }) => erasures.send(wanted),
});
export const sendPatientsErasures = sendErasures('custodian');
export const sendProvidersErasures = sendErasures('provider');

/** The erased versions that are held, by the key that they lie under; each key once. */
async function* heldKeys({ index }: Services): AsyncGenerator<Standing> {
  const seen = new Set<string>();
  for (let after: string | undefined; ; ) {
    const rows = await index.erasures.held({ count: PAGE, after });
    for (const row of rows) {
      const name = `${row.key_hash} ${row.collection}`;
      if (!seen.has(name)) yield row;
      seen.add(name);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = String(last.sequence);
  }
}

async function* heldContents(services: Services): AsyncGenerator<Standing> {
  for await (const row of heldKeys(services)) if (row.collection.startsWith(CARE)) yield row;
}

async function* heldDeliveries(services: Services): AsyncGenerator<Standing> {
  for await (const row of heldKeys(services)) if (row.access !== null) yield row;
}

/** The texts of a content go all at once: whatever of it is marked by then. */
export const purgeContents: Duty<Standing> = {
  name: 'purge contents',
  kind: 'custodian',
  on: [events.RecordErased, events.ContentPurged],
  idOf: ({ key }) => contentIn(key)?.sheet ?? '',
  waitsFor: ({ collection }) => collection,
  find: heldContents,
  async perform({ collection, key, key_hash: keyHash }, { index, ledger, erasures }) {
    const content = contentIn(key);
    if (content === undefined) return;
    const provider = collection.slice(CARE.length);
    const erased: { index: number; askedBy?: WantedErasure['asked_by'] }[] = [];
    for (const row of await index.erasures.heldUnder(collection, keyHash)) {
      const askedBy = await erasures.askedBy(provider, row.id);
      erased.push({ index: leafOf(row)!.index, ...(askedBy === undefined ? {} : { askedBy }) });
    }
    if (erased.length === 0) return;
    await ledger.submit('PurgeContent', { provider }, { ...content, erased, salt: newSalt() }, AS_SYSTEM);
  },
};

/** A delivery goes whole; what of it is not erased is delivered anew. */
export const purgeErasedCopies: Duty<Standing> = {
  name: 'purge erased copies',
  kind: 'custodian',
  on: [events.RecordErased, events.AccessDecided],
  idOf: ({ access }) => access ?? '',
  find: heldDeliveries,
  async perform(row, services) {
    const state = await ownState(services, 'access', accessStateSchema, row.access ?? '');
    const erased = handleOf(row);
    if (state?.status !== 'granted' || erased === undefined) return;
    await withdrawn(state, { erased, ...(await goesOn(state, services)) }, services);
  },
};
