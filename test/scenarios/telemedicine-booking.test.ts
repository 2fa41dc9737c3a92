/** A slot, a practitioner and a patient are booked once at a time, under many callers, held by the endorsers. On either network. */
import { randomUUID } from 'node:crypto';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';

const CALLERS = 50;
const MINUTE_MS = 60_000;

type Answer = Awaited<ReturnType<Party['send']>>;

describe('An appointment', function () {
  this.timeout(120_000);
  let clinic: Party;
  let schedule: string;
  const doctors: string[] = [];
  const patients: string[] = [];
  const create = async (body: Record<string, unknown> & { resourceType: string }): Promise<string> =>
    `${body.resourceType}/${(await clinic.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id}`;
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const time = (minutes: number, length = 20) => {
    const start = Date.parse(`${tomorrow}T09:00:00Z`) + minutes * MINUTE_MS;
    return { start: new Date(start).toISOString(), end: new Date(start + length * MINUTE_MS).toISOString() };
  };
  const slotAt = (minutes: number) =>
    create({ resourceType: 'Slot', status: 'free', schedule: { reference: schedule }, ...time(minutes) });
  interface Wanted {
    slot?: string;
    doctor?: string;
    patient?: string;
    at?: { start: string; end: string };
    status?: string;
  }
  const appointmentOf = ({ slot, doctor = doctors[0]!, patient = patients[0]!, at = time(0), status }: Wanted) => ({
    ...{ resourceType: 'Appointment', status: status ?? 'booked', ...at },
    ...(slot === undefined ? {} : { slot: [{ reference: slot }] }),
    participant: [doctor, patient].map((reference) => ({ actor: { reference }, status: 'accepted' })),
  });
  const book = (wanted: Wanted): Promise<Answer> =>
    clinic.send({ method: 'POST', path: '/fhir/R4/Appointment', body: appointmentOf(wanted) });
  const refusedAs = (answer: Answer, reason: string): void => {
    expect([answer.status, JSON.stringify(answer.body)].join(' ')).to.match(new RegExp(`^409 .*${reason}`));
  };

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    clinic = (await consortium()).parties.of('clinic', 'system');
    for (let number = 0; number < 2; number += 1) {
      doctors.push(await create({ resourceType: 'Practitioner' }));
      patients.push(
        await create({ resourceType: 'Patient', identifier: [{ system: 'urn:of-the-clinic', value: randomUUID() }] }),
      );
    }
    schedule = await create({ resourceType: 'Schedule', actor: [{ reference: doctors[0] }] });
  });

  it('has its slot alone of fifty who want it at once', async () => {
    const slot = await slotAt(0);
    const answers = await Promise.all(
      Array.from({ length: CALLERS }, (_, index) =>
        book({ slot, at: time(0), patient: patients[index % 2]!, doctor: doctors[index % 2]! }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).to.have.length(1);
    expect(new Set(statuses)).to.deep.equal(new Set([201, 409]));
  });

  it('has its practitioner and its patient alone, with and without a slot', async () => {
    const at = time(60);
    const [own, other] = [doctors[0]!, doctors[1]!];
    const answers = await Promise.all(Array.from({ length: CALLERS }, () => book({ at })));
    expect(answers.filter(({ status }) => status === 201)).to.have.length(1);
    refusedAs(await book({ at: time(70), doctor: own, patient: patients[1]! }), 'practitioner-taken');
    refusedAs(await book({ at: time(70), doctor: other, patient: patients[0]! }), 'patient-taken');
    expect((await book({ at: time(80) })).status).to.equal(201);
  });

  it('is moved and cancelled, and its time is free for others', async () => {
    const slot = await slotAt(120);
    const { id } = (await book({ slot, at: time(120) })).body as Resource;
    refusedAs(await book({ slot, at: time(120), doctor: doctors[1]!, patient: patients[1]! }), 'slot-taken');
    const put = (wanted: Wanted): Promise<Answer> =>
      clinic.send({ method: 'PUT', path: `/fhir/R4/Appointment/${id}`, body: { ...appointmentOf(wanted), id } });
    expect((await put({ at: time(150) })).status).to.equal(200);
    expect((await book({ slot, at: time(120) })).status).to.equal(201);
    refusedAs(await put({ slot, at: time(120) }), 'slot-taken');
    expect((await put({ at: time(150), status: 'cancelled' })).status).to.equal(200);
    expect((await book({ at: time(150) })).status).to.equal(201);
    expect((await clinic.send({ method: 'DELETE', path: `/fhir/R4/Appointment/${id}` })).status).to.be.oneOf([
      200, 204,
    ]);
    refusedAs(await put({ at: time(150) }), 'practitioner-taken');
    expect((await put({ at: time(180) })).status).to.be.oneOf([200, 201]);
  });

  it('is none of the past, of no time, or of too long a time', async () => {
    const at = (start: string, end: string) => ({ at: { start, end } });
    const yesterday = new Date(Date.now() - 86_400_000).toISOString();
    refusedAs(await book(at(yesterday, new Date(Date.now() - 86_000_000).toISOString())), 'slot-of-the-past');
    refusedAs(await book(at(time(0).end, time(-60).start)), 'ends-before-it-starts');
    refusedAs(await book(at(time(0).start, time(30 * 60).start)), 'longer-than-a-day');
    expect((await book({ at: time(300), status: 'proposed' })).status).to.equal(201);
    expect((await book({ at: time(300) })).status).to.equal(201);
  });
});
