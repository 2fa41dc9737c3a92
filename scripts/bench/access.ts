/**
 * `npm run bench -- access`: how long a request for access takes until its copy can be read, how many a second are served,
 * how soon a revocation has taken copies away, and what an evaluation with a hundred consents costs. On the running consortium,
 * in records that it makes up.
 */
import { randomUUID } from 'node:crypto';
import { timeEvaluations } from '@telemed-ledger/chaincode/bench.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import { dataDirectory, gatewayUrls } from '../command-line.ts';
import { granted } from '../demo/access.ts';
import { Parties, type Party, type Resource } from '../demo/parties.ts';
import { table } from '../table.ts';
import { closedLoop, perSecond, quantile, type Round } from './closed-loop.ts';
import { newObservation } from './observations.ts';

const PATIENTS = 64;
const CALLERS = [1, 16, 64];
const LARGE = 1_000;
const PER_BUNDLE = 200;
const WITHDRAWN = 10;
const CONSENTS = 100;
const EVALUATIONS = 2_000;
const WITHIN_MS = 60_000;
const SYSTEM = 'urn:example:bench';
const HOLDER = 'hospital';
const REQUESTOR = 'clinic';

/** Answered once it is decided (RFC 7240). */
const WAITING = { prefer: 'wait=30' };

/** A made-up patient with one record, all of it permitted to the requestor. */
interface Subject {
  id: string;
  identifier: { system: string; value: string };
  observation: string;
  consent: string;
}

interface Access {
  id: string;
  status: string;
  whole?: { status: string };
}

/** Prints the table. @param seconds in all, over the numbers of callers */
export async function access(seconds: number): Promise<void> {
  const parties = new Parties({ dataDir: dataDirectory(), urls: gatewayUrls() });
  try {
    const subjects = await Promise.all(Array.from({ length: PATIENTS }, () => subjectAt(parties)));
    const large = await largeSubject(parties);
    const rows = [['', 'callers', 'per second', 'p50 ms', 'p99 ms', 'errors']];
    await closedLoop(8, 2_000, () => delivery(parties, pick(subjects)));
    for (const callers of CALLERS) {
      const ms = (seconds * 1000) / CALLERS.length;
      const round = await closedLoop(callers, ms, () => delivery(parties, pick(subjects)));
      rows.push(row('request to a copy that is read', callers, round));
    }
    rows.push(row(`${LARGE.toLocaleString('en')} records delivered`, 1, await once(() => whole(parties, large))));
    rows.push(
      row('revocation to copies gone', 1, await each(subjects.slice(0, WITHDRAWN), (one) => withdrawal(parties, one))),
    );
    rows.push(row(`evaluation with ${CONSENTS} consents`, 1, evaluations()));
    console.log(table(rows));
  } finally {
    parties.close();
  }
}

const pick = <T>(all: readonly T[]): T => all[Math.floor(Math.random() * all.length)]!;
const ms = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0));
const row = (name: string, callers: number, round: Round): string[] => {
  if (round.firstError !== undefined) console.error(`${name}: ${round.firstError}`);
  const [half, most] = [0.5, 0.99].map((share) => ms(quantile(round.latenciesMs, share)));
  return [name, String(callers), perSecond(round).toFixed(1), half!, most!, String(round.errors)];
};

/** One after the other. */
async function each<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<Round> {
  const round: Round = { operations: 0, errors: 0, elapsedMs: 0, latenciesMs: [] };
  for (const one of all) {
    const started = performance.now();
    await work(one);
    round.latenciesMs.push(performance.now() - started);
    round.operations += 1;
    round.elapsedMs += performance.now() - started;
  }
  return round;
}
const once = (work: () => Promise<void>): Promise<Round> => each([undefined], work);

const at = (parties: Parties, name: string): Party => parties.of(name, 'system');

async function subjectAt(parties: Parties): Promise<Subject> {
  const holder = at(parties, HOLDER);
  const identifier = { system: SYSTEM, value: randomUUID() };
  const create = async (body: { resourceType: string } & Record<string, unknown>): Promise<string> =>
    (await holder.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id;
  const id = await create({ resourceType: 'Patient', identifier: [identifier] });
  const observation = await create(newObservation(id));
  const patient = parties.of('patients', 'patient', `Patient/${id}`);
  await patient.find({ path: `/fhir/R4/Observation/${observation}` }, 'the record at the patients’ gateway');
  const consent = (await granted(patient, consentOf(id))).id;
  return { id, identifier, observation, consent };
}

const reference = (name: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value: name } });
const consentOf = (patient: string) => ({
  ...{ resourceType: 'Consent' as const, status: 'active', category: [{ text: 'privacy' }] },
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  patient: { reference: `Patient/${patient}` },
  organization: [reference(HOLDER)],
  policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
  provision: { type: 'permit', actor: [{ role: { text: 'recipient' }, reference: reference(REQUESTOR) }] },
});

async function largeSubject(parties: Parties): Promise<Subject> {
  const subject = await subjectAt(parties);
  for (let made = 1; made < LARGE; made += PER_BUNDLE) {
    const entry = Array.from({ length: Math.min(PER_BUNDLE, LARGE - made) }, () => ({
      resource: newObservation(subject.id),
      request: { method: 'POST', url: 'Observation' },
    }));
    const body = { resourceType: 'Bundle', type: 'transaction', entry };
    await at(parties, HOLDER).write({ method: 'POST', path: '/fhir/R4', body });
  }
  return subject;
}

async function asked(parties: Parties, { identifier }: Subject): Promise<string> {
  const body = { holder: HOLDER, patient: identifier, types: ['Observation'], purpose: 'TREAT' };
  return (await at(parties, REQUESTOR).write<Access>({ method: 'POST', path: '/access-requests', body }, [201])).body
    .id;
}

/** From the request until the state says granted and the copy can be read. */
async function delivery(parties: Parties, subject: Subject): Promise<void> {
  const requestor = at(parties, REQUESTOR);
  const path = `/access-requests/${await asked(parties, subject)}`;
  const { status } = await requestor.find<Access>(
    { path, headers: WAITING },
    'a decision',
    (one) => one.status !== 'requested',
  );
  if (status !== 'granted') throw new Error(`the request was ${status}`);
  await requestor.find<Resource>({ path: `/fhir/R4/Observation/${subject.observation}` }, 'the copy');
}

async function whole(parties: Parties, subject: Subject): Promise<void> {
  const path = `/access-requests/${await asked(parties, subject)}`;
  await at(parties, REQUESTOR).find<Access>({ path }, 'all of it', (one) => one.whole?.status === 'complete');
}

/** From the revocation's answer on, until the requestor reads nothing any more. */
async function withdrawal(parties: Parties, { id, consent, observation }: Subject): Promise<void> {
  const patient = parties.of('patients', 'patient', `Patient/${id}`);
  const path = `/fhir/R4/Consent/${consent}`;
  const { meta: _, ...body } = await patient.ask<Resource>({ path });
  await patient.write({ method: 'PUT', path, body: { ...body, status: 'inactive' } });
  const deadline = performance.now() + WITHIN_MS;
  while ((await at(parties, REQUESTOR).send({ path: `/fhir/R4/Observation/${observation}` })).status === 200)
    if (performance.now() > deadline) throw new Error('the copy is still there');
}

function evaluations(): Round {
  const latenciesMs = timeEvaluations(CONSENTS, EVALUATIONS);
  const elapsedMs = latenciesMs.reduce((sum, one) => sum + one, 0);
  return { operations: EVALUATIONS, errors: 0, elapsedMs, latenciesMs };
}
