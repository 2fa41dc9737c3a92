import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger, type Request } from '../ledger/memory-ledger.fixture.ts';
import type { BookingShown } from '../model/bookings.ts';
import { canonicalJson } from '../model/canonical.ts';
import type { Resource } from '../model/fhir.ts';
import type { RecordDraft } from '../model/sheets.ts';
import { evidenceFrom, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import { Records } from './records.ts';

const hex = (): string => randomBytes(32).toString('hex');

interface Change {
  id?: string;
  resource?: object;
  draft?: Partial<RecordDraft>;
  shown?: Partial<BookingShown>;
  from?: string;
  slot?: string;
  who?: string;
  patient?: string;
}

describe('what is booked', () => {
  let ledger: MemoryLedger;
  let count = 0;
  beforeEach(() => {
    ledger = new MemoryLedger(exampleConsortium, [new Records(exampleConsortium)]);
  });

  const fresh = (): string => {
    count += 1;
    return `x${count}`;
  };
  const appointmentOf = (id: string, change: Change): Resource => {
    const actors = [`Practitioner/${change.who ?? fresh()}`, `Patient/${change.patient ?? fresh()}`];
    return {
      ...{ resourceType: 'Appointment', id, status: 'booked' },
      ...{ start: '2026-03-02T09:00:00Z', end: '2026-03-02T09:30:00Z' },
      slot: [{ reference: `Slot/${change.slot ?? fresh()}` }],
      participant: actors.map((reference) => ({ actor: { reference }, status: 'accepted' })),
      ...change.resource,
    };
  };
  function booking(change: Change = {}): Request<'RecordVersions'> {
    const { id = randomUUID(), from = 'clinic' } = change;
    const version = change.draft?.version ?? 1;
    const draft = { ...recordDraft(appointmentOf(id, change), version), ...change.draft };
    const previous = version === 1 ? {} : { previous: evidenceFrom(ledger, from, id, version - 1) };
    const request = recording([sheetOf([draft])], from);
    const shown = { id, known: [], salt: hex(), ...previous, ...change.shown };
    return { ...request, private: { ...request.private!, bookings: [shown] } };
  }
  const book = (change?: Change) => ledger.submit('RecordVersions', booking(change));
  const refused = async (reason: RegExp, change?: Change): Promise<void> => {
    const before = ledger.private.size;
    expect(await failureOf(book(change))).to.match(reason);
    expect(ledger.private.size).to.equal(before);
  };
  const at = (start: string, end: string) => ({ start: `2026-03-${start}`, end: `2026-03-${end}` });

  it('takes a slot, a practitioner and a patient once at a time, and leaves every other time', async () => {
    await book({ slot: 's', who: 'd', patient: 'p' });
    await refused(/CONFLICT.*slot-taken/, { slot: 's', resource: at('05T09:00:00Z', '05T09:30:00Z') });
    await refused(/CONFLICT.*practitioner-taken/, { who: 'd' });
    await refused(/CONFLICT.*patient-taken/, { patient: 'p' });
    for (const time of [
      at('02T09:29:59Z', '02T11:00:00Z'),
      at('02T08:00:00Z', '02T09:00:01Z'),
      at('02T10:15:00+01:00', '02T10:20:00+01:00'),
    ])
      await refused(/practitioner-taken/, { who: 'd', resource: time });
    for (const time of [
      at('02T09:30:00Z', '02T10:00:00Z'),
      at('02T08:30:00Z', '02T09:00:00Z'),
      at('03T09:00:00Z', '03T09:30:00Z'),
    ])
      await book({ who: 'd', patient: 'p', resource: time });
    await book({ who: 'd', patient: 'p', slot: 's', from: 'hospital' });
  });

  it('is of the same slot and people by whatever version of theirs it names', async () => {
    await book({ slot: 's', who: 'd', patient: 'p' });
    for (const [change, reason] of [
      [{ slot: 's/_history/1' }, /slot-taken/],
      [{ who: 'd/_history/2' }, /practitioner-taken/],
      [{ patient: 'p/_history/1' }, /patient-taken/],
    ] as const)
      await refused(reason, change);
  });

  it('is held over midnight on both days', async () => {
    await book({ who: 'd', resource: at('02T23:30:00Z', '03T00:30:00Z') });
    await refused(/practitioner-taken/, { who: 'd', resource: at('03T00:00:00Z', '03T00:10:00Z') });
    await refused(/practitioner-taken/, { who: 'd', resource: at('02T23:40:00Z', '02T23:50:00Z') });
    await book({ who: 'd', resource: at('03T00:30:00Z', '03T00:40:00Z') });
  });

  const cases: Record<string, object> = {
    'time-not-stated': { end: undefined },
    'ends-before-it-starts': at('02T09:00:00Z', '02T08:00:00Z'),
    'longer-than-a-day': at('02T09:00:00Z', '03T15:00:00Z'),
    'slot-of-the-past': at('01T11:00:00Z', '01T11:30:00Z'),
  };
  for (const [reason, resource] of Object.entries(cases))
    it(`is refused as ${reason}`, () => refused(new RegExp(`CONFLICT.*${reason}`), { resource }));

  it('is moved and cancelled, and what it gave back is free', async () => {
    const id: string = randomUUID();
    const whom = { slot: 's', who: 'd', patient: 'p' };
    await book({ id, ...whom });
    await book({ id, ...whom, draft: { version: 2 }, resource: at('02T09:10:00Z', '02T09:40:00Z') });
    await refused(/practitioner-taken/, { who: 'd', resource: at('02T09:35:00Z', '02T09:50:00Z') });
    await book({ who: 'd', resource: at('02T09:00:00Z', '02T09:10:00Z') });
    await book({ id, ...whom, draft: { version: 3 }, resource: { status: 'cancelled' } });
    await book({ slot: 's', patient: 'p', resource: at('02T09:10:00Z', '02T09:40:00Z') });
    await refused(/slot-taken/, { id, ...whom, draft: { version: 4 }, resource: at('02T12:00:00Z', '02T12:10:00Z') });
    const other: string = randomUUID();
    await book({ id: other, slot: 't' });
    const tombstone = canonicalJson({ resourceType: 'Appointment', id: other });
    await book({ id: other, draft: { version: 2, deleted: true, resource: tombstone } });
    await book({ slot: 't' });
    await refused(/slot-taken/, { id: other, draft: { version: 3 }, slot: 't' });
  });

  it('goes on to be kept while it goes by, and is not made of the past', async () => {
    const id: string = randomUUID();
    const whom = { slot: 's', who: 'd', patient: 'p' };
    await book({ id, ...whom });
    ledger.time = '2026-03-02T09:20:00.000Z';
    await book({ id, ...whom, draft: { version: 2 }, resource: { comment: 'late' } });
    await book({ id, ...whom, draft: { version: 3 }, resource: { status: 'arrived' } });
    await refused(/slot-of-the-past/, {
      id,
      ...whom,
      draft: { version: 4 },
      resource: at('02T08:00:00Z', '02T08:30:00Z'),
    });
    await refused(/practitioner-taken/, { who: 'd', resource: at('02T09:25:00Z', '02T09:50:00Z') });
  });

  it('exchanges two appointments in one transaction, and takes one of two for one time', async () => {
    const [one, other]: string[] = [randomUUID(), randomUUID()];
    const [early, late] = [at('02T09:00:00Z', '02T09:30:00Z'), at('02T10:00:00Z', '02T10:30:00Z')];
    const together = (...some: Request<'RecordVersions'>[]): Request<'RecordVersions'> => ({
      ...some[0]!,
      private: {
        sheets: some.flatMap((each) => each.private!.sheets),
        bookings: some.flatMap((each) => each.private!.bookings ?? []),
      },
    });
    await book({ id: one!, who: 'd', slot: 's', resource: early });
    await book({ id: other!, who: 'd', slot: 't', resource: late });
    const next = { who: 'd', draft: { version: 2 } };
    const moved = [
      booking({ id: one!, ...next, slot: 't', resource: late }),
      booking({ id: other!, ...next, slot: 's', resource: early }),
    ];
    await ledger.submit('RecordVersions', together(...moved));
    expect(
      await failureOf(ledger.submit('RecordVersions', together(booking({ slot: 'u' }), booking({ slot: 'u' })))),
    ).to.match(/sheets\[1\].*slot-taken/);
  });

  it('takes nothing while it is proposed, nor of whom declined, and needs to be shown', async () => {
    await book({ slot: 's', shown: {}, resource: { status: 'proposed' } });
    await book({ slot: 's' });
    const declined = (who: string) => [{ actor: { reference: `Practitioner/${who}` }, status: 'declined' }];
    await book({ resource: { participant: declined('d') } });
    await book({ who: 'd' });
    const id: string = randomUUID();
    await book({ id });
    await refused(/does not show the version before/, { id, draft: { version: 2 }, shown: { previous: undefined } });
    const bare = recording([sheetOf([recordDraft(appointmentOf(randomUUID(), {}))])], 'clinic');
    expect(await failureOf(ledger.submit('RecordVersions', bare))).to.match(/does not show what it is booked by/);
  });
});
