/** The day's visits of a provider: what was booked, who waits since when, and what is under way, each of them once. */
import type { Appointment, Encounter, Patient } from '@medplum/fhirtypes';
import { nameOf } from '../parts/fhir-texts.ts';

export const STATES = ['waiting', 'under-way', 'later'] as const;
export type State = (typeof STATES)[number];

export interface Visit {
  /** Of what is there first of it; it stays while the page is shown. */
  key: string;
  state: State;
  /** Id of the Patient. */
  patient: string;
  name: string;
  /** Day of birth, where it is recorded. */
  born?: string | undefined;
  /** Since when she waits or is seen, or for when it was booked; ISO 8601. */
  at: string;
  appointment?: Appointment;
  encounter?: Encounter;
}

type Found = Appointment | Encounter | Patient;

const idIn = (reference = ''): string => reference.split('/').at(-1) ?? '';
const patientOf = ({ participant }: Appointment): string =>
  idIn(participant.map(({ actor }) => actor?.reference ?? '').find((one) => /(?:^|\/)Patient\//.test(one)));

const STATE_OF: Readonly<Record<string, State>> = {
  ...{ arrived: 'waiting', 'checked-in': 'waiting', triaged: 'waiting', booked: 'later', planned: 'later' },
  ...{ 'in-progress': 'under-way', onleave: 'under-way' },
};

/** Those that one can do something about, by state and then by time. @param found what two searches and their includes found */
export function visitsOf(found: readonly Found[]): Visit[] {
  const patients = new Map<string, Patient>();
  const appointments = new Map<string, Appointment>();
  const encounters: Encounter[] = [];
  for (const one of found) {
    if (one.resourceType === 'Patient') patients.set(one.id ?? '', one);
    else if (one.resourceType === 'Appointment') appointments.set(one.id ?? '', one);
    else encounters.push(one);
  }
  const begun = encounters.map((encounter): Visit => {
    const booked = idIn(encounter.appointment?.[0]?.reference);
    const appointment = appointments.get(booked);
    appointments.delete(booked);
    const patient = idIn(encounter.subject?.reference);
    const at = encounter.period?.start ?? encounter.meta?.lastUpdated ?? '';
    const state = STATE_OF[encounter.status] ?? 'later';
    return { key: encounter.id ?? '', state, patient, name: '', at, encounter, ...(appointment && { appointment }) };
  });
  const booked = [...appointments.values()].map((appointment): Visit => {
    const state = STATE_OF[appointment.status] ?? 'later';
    const at = (state === 'waiting' ? appointment.meta?.lastUpdated : appointment.start) ?? '';
    return { key: appointment.id ?? '', state, patient: patientOf(appointment), name: '', at, appointment };
  });
  const rank = ({ state }: Visit): number => STATES.indexOf(state);
  return [...begun, ...booked]
    .map((one) => {
      const { name, birthDate } = patients.get(one.patient) ?? {};
      return { ...one, name: nameOf(name), born: birthDate };
    })
    .sort((one, other) => rank(one) - rank(other) || one.at.localeCompare(other.at));
}

const HOUR_MS = 3_600_000;

/** The day where the browser is; and around midnight who waits since before it, and who comes soon after. */
export function today(now: Date): { start: string; end: string } {
  const midnight = (days: number): number =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).getTime();
  const start = Math.min(midnight(0), now.getTime() - 12 * HOUR_MS);
  const end = Math.max(midnight(1), now.getTime() + 2 * HOUR_MS);
  return { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
}
