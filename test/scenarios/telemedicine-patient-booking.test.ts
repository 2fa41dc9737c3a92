/** A patient, or her caretaker, finds a slot, books, moves and cancels at her own gateway; and is reminded. On either network. */
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import { delegationTo, toAct } from '@telemed-ledger/scripts/demo/caretakers.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const CALLERS = 50;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

interface Bundle {
  entry?: { resource: Resource }[];
}
type Answer = Awaited<ReturnType<Party['send']>>;

describe('A patient who books', function () {
  this.timeout(180_000);
  let scene: Scene;
  let clinic: Party;
  let doctor: string;
  let schedule: string;
  const people: { reference: string; party: Party }[] = [];
  const create = async (body: object & { resourceType: string }): Promise<string> =>
    `${body.resourceType}/${(await clinic.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id}`;
  // Within a day, and not across one: what takes a person is counted by the day.
  const begin = Math.ceil((Date.now() + 2 * HOUR_MS) / HOUR_MS) * HOUR_MS;
  const time = (minutes: number) => ({
    start: new Date(begin + minutes * MINUTE_MS).toISOString(),
    end: new Date(begin + (minutes + 20) * MINUTE_MS).toISOString(),
  });
  const slotAt = (at: object, status = 'free') =>
    create({ resourceType: 'Slot', status, schedule: { reference: schedule }, ...at } as never);
  const appointmentOf = (who: string, slot: string, at: object, change: object = {}) => ({
    ...{ resourceType: 'Appointment', status: 'booked', ...at, slot: [{ reference: slot }] },
    participant: [who, doctor].map((reference) => ({ actor: { reference }, status: 'accepted' })),
    ...change,
  });
  const book = (party: Party, body: object): Promise<Answer> =>
    party.send({ method: 'POST', path: '/fhir/R4/Appointment', body });
  const refusedAs = ({ status, body }: Answer, reason: RegExp): void => {
    expect(`${status} ${JSON.stringify(body)}`).to.match(reason);
  };

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    clinic = scene.parties.of('clinic', 'system');
    doctor = await create({ resourceType: 'Practitioner', name: [{ family: 'Example' }] } as never);
    schedule = await create({ resourceType: 'Schedule', actor: [{ reference: doctor }] } as never);
    for (let number = 0; number < 3; number += 1) {
      const reference = await create({ resourceType: 'Patient' });
      people.push({ reference, party: scene.parties.of('patients', 'patient', reference) });
    }
  });

  it('finds what is offered, and nothing that is about others', async () => {
    const slot = await slotAt(time(0));
    const [own, other] = people as [(typeof people)[0], (typeof people)[0]];
    const shared = [own, other].map(({ reference }) => ({ reference }));
    const ofTwo = await create({ resourceType: 'Schedule', actor: shared } as never);
    const [, , third] = people;
    const theirs = await create({ resourceType: 'Schedule', actor: [{ reference: other.reference }] } as never);
    await third!.party.find({ path: `/fhir/R4/${slot}` }, 'the slot');
    const path = `/fhir/R4/Slot?schedule=${schedule}&status=free&_include=Slot:schedule`;
    const { entry = [] } = await third!.party.find<Bundle>(
      { path },
      'the slots',
      ({ entry: found }) => found !== undefined,
    );
    expect(entry.map(({ resource }) => `${resource.resourceType}/${resource.id}`)).to.deep.equal([slot, schedule]);
    for (const hidden of [ofTwo, theirs]) {
      expect((await third!.party.send({ path: `/fhir/R4/${hidden}` })).status, hidden).to.be.oneOf([403, 404]);
      const found = await third!.party.ask<Bundle>({ path: `/fhir/R4/Schedule?_id=${hidden.split('/')[1]}` });
      expect(found.entry ?? []).to.deep.equal([]);
    }
  });

  it('finds no words of an offer, which may be about others, by whichever way', async () => {
    const words = { comment: 'for Jane Example after her operation' };
    const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Jane Example</div>' };
    const commented = await create({ resourceType: 'Schedule', actor: [{ reference: doctor }], ...words } as never);
    const slot = await create({
      ...{ resourceType: 'Slot', status: 'free', schedule: { reference: commented }, ...time(25), ...words, text },
    } as never);
    const { party } = people[0]!;
    await party.find({ path: `/fhir/R4/${slot}` }, 'the slot');
    for (const path of [
      ...[slot, commented].flatMap((one) => [one, `${one}/_history/1`, `${one}/_history`]),
      `Slot?schedule=${commented}&_include=Slot:schedule`,
      `Schedule?_id=${commented.split('/')[1]}&_revinclude=Slot:schedule`,
    ]) {
      const { status, body } = await party.send({ path: `/fhir/R4/${path}` });
      expect(JSON.stringify(body), path).to.not.contain('Jane');
      expect(status, path).to.be.oneOf([200, 403, 404]);
    }
    const own = await clinic.ask<Resource>({ path: `/fhir/R4/${slot}` });
    expect(own['comment']).to.equal(words.comment);
  });

  it('has one slot alone of fifty who want it at once', async () => {
    const slot = await slotAt(time(30));
    for (const { party } of people) await party.find({ path: `/fhir/R4/${slot}` }, 'the slot');
    const answers = await Promise.all(
      Array.from({ length: CALLERS }, (_, index) => {
        const { party, reference } = people[index % people.length]!;
        return book(party, appointmentOf(reference, slot, time(30)));
      }),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).to.have.length(1);
    expect(new Set(statuses)).to.deep.equal(new Set([201, 409]));
  });

  it('moves and cancels, and the clinic sees it and goes on with it', async () => {
    const [{ party, reference }] = people as [(typeof people)[0]];
    const [first, second] = [await slotAt(time(60)), await slotAt(time(90))];
    await party.find({ path: `/fhir/R4/${second}` }, 'the slots');
    const { body } = await party.write({
      ...{ method: 'POST', path: '/fhir/R4/Appointment', body: appointmentOf(reference, first, time(60)) },
    });
    const path = `/fhir/R4/Appointment/${body.id}`;
    const put = (by: Party, slot: string, at: object, change: object = {}) =>
      by.send({ method: 'PUT', path, body: { ...appointmentOf(reference, slot, at, change), id: body.id } });
    expect((await put(party, second, time(90))).status).to.equal(200);
    expect((await book(people[1]!.party, appointmentOf(people[1]!.reference, first, time(60)))).status).to.equal(201);
    refusedAs(await put(party, first, time(60)), /^409 .*slot-taken/);
    refusedAs(await put(party, second, time(90), { status: 'fulfilled' }), /^403 .*not-hers-to-say/);
    await clinic.find<Resource>({ path }, 'her move', ({ slot }) => JSON.stringify(slot).includes(second));
    expect((await put(clinic, second, time(90), { comment: 'bring your results' })).status).to.equal(200);
    await party.find<Resource>({ path }, 'the comment', ({ comment }) => comment !== undefined);
    const cancelled = { status: 'cancelled', comment: 'bring your results' };
    expect((await put(party, second, time(90), cancelled)).status).to.equal(200);
    expect((await book(people[2]!.party, appointmentOf(people[2]!.reference, second, time(90)))).status).to.equal(201);
  });

  it('is refused a slot of the past, one that is not free, and a time that is none of the slot’s', async () => {
    const [{ party, reference }] = people as [(typeof people)[0]];
    const yesterday = {
      start: new Date(begin - 48 * HOUR_MS).toISOString(),
      end: new Date(begin - 47 * HOUR_MS).toISOString(),
    };
    const [past, busy, free] = [await slotAt(yesterday), await slotAt(time(120), 'busy'), await slotAt(time(120))];
    await party.find({ path: `/fhir/R4/${free}` }, 'the slots');
    refusedAs(await book(party, appointmentOf(reference, past, yesterday)), /^409 .*slot-of-the-past/);
    refusedAs(await book(party, appointmentOf(reference, busy, time(120))), /^403 .*slot-not-free/);
    refusedAs(await book(party, appointmentOf(reference, free, time(121))), /^403 .*other-time/);
    refusedAs(await book(party, appointmentOf(people[1]!.reference, free, time(120))), /^403 .*other-patient/);
  });

  it('is booked for by a caretaker who may book and sees nothing else', async () => {
    const [{ party, reference }] = people as [(typeof people)[0]];
    const body = { resourceType: 'RelatedPerson', patient: { reference }, relationship: toAct('book') };
    const related = await create(body);
    const caretaker = scene.parties.of('patients', 'caretaker', related);
    await party.find({ path: `/fhir/R4/${related}` }, 'the caretaker’s record');
    const until = new Date(Date.now() + 24 * HOUR_MS).toISOString();
    await granted(party, delegationTo(related, reference.split('/')[1]!, ['book'], until));
    const slot = await slotAt(time(150));
    await caretaker.find({ path: `/fhir/R4/${slot}` }, 'the slot');
    const { id } = (
      await caretaker.write({
        method: 'POST',
        path: '/fhir/R4/Appointment',
        body: appointmentOf(reference, slot, time(150)),
      })
    ).body;
    await party.find({ path: `/fhir/R4/Appointment/${id}` }, 'what he booked');
    const by = { reference: related };
    const reading = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference },
      performer: [by],
    };
    expect((await caretaker.send({ method: 'POST', path: '/fhir/R4/Observation', body: reading })).status).to.equal(
      403,
    );
    expect((await caretaker.send({ path: '/fhir/R4/Observation' })).status).to.equal(403);
  });

  it('is reminded by the clinic, once', async () => {
    const [{ party, reference }] = people as [(typeof people)[0]];
    const slot = await slotAt(time(180));
    await party.find({ path: `/fhir/R4/${slot}` }, 'the slot');
    const { id } = (
      await party.write({
        method: 'POST',
        path: '/fhir/R4/Appointment',
        body: appointmentOf(reference, slot, time(180)),
      })
    ).body;
    const path = '/fhir/R4/Communication?category=reminder';
    const about = ({ entry = [] }: Bundle) =>
      entry.filter(({ resource }) => JSON.stringify(resource['about']).includes(id));
    const found = await party.find<Bundle>({ path }, 'the reminder', (bundle) => about(bundle).length > 0);
    expect(about(found)).to.have.length(1);
  });
});
