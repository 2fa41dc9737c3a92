/** The story's corrections and rights: what the hospital corrects reaches the clinic's copy, and what the patient has erased is gone everywhere. */
import { expectThat, type Party, type Resource } from './parties.ts';
import { known, type Narrator, type Story } from './step.ts';

interface Erasure {
  status: string;
  transactionId?: string;
}

type Result = Resource & { meta?: { versionId?: string }; note?: { text: string }[] };

const READERS = [
  ['hospital', 'practitioner'],
  ['clinic', 'practitioner'],
] as const;

/** The visit's other result: the one that no other step reads or changes. */
function otherResult({ locations, observationId }: Story): string {
  const results = [...locations.values()].filter((location) => location.startsWith('Observation/'));
  return known(
    results.find((location) => location !== `Observation/${observationId}`),
    'second Observation',
  );
}

export async function corrected(story: Story, narrator: Narrator): Promise<void> {
  const { parties } = story;
  const result = otherResult(story);
  const path = `/fhir/R4/${result}`;
  const clinic = parties.of('clinic', 'practitioner');
  await clinic.find({ path }, 'the delivered copy before its correction');
  const hospital = parties.of('hospital', 'system');
  const { meta, ...before } = await hospital.ask<Result>({ path });
  const text = 'Read anew: the cuff was too small for the arm.';
  const body = { ...before, status: 'corrected', note: [{ text }] };
  const headers = { 'if-match': `W/"${meta?.versionId}"` };
  const { transactionId } = await hospital.write<Result>({ method: 'PUT', path, body, headers });
  await narrator.wrote(`${result}, version 2: corrected`, 'hospital', transactionId);
  const isCorrected = (copy: Result): boolean => copy['status'] === 'corrected' && copy.note?.[0]?.text === text;
  await clinic.find<Result>({ path }, 'the correction in the clinic’s copy', isCorrected);
  narrator.fact('the clinic reads the corrected version, without asking again');
}

/** Nobody reads it any more, in any version. */
async function expectGone(party: Party, path: string): Promise<void> {
  const { organisation } = party;
  const statuses = [404, 410];
  for (const one of [path, `${path}/_history/1`, `${path}/_history/2`]) {
    const { status } = await party.send({ path: one });
    expectThat(statuses.includes(status), `nothing of it at the ${organisation}’s gateway`, `status ${status}`);
  }
}

export async function erased(story: Story, narrator: Narrator): Promise<void> {
  const { parties } = story;
  const result = otherResult(story);
  const path = `/fhir/R4/${result}`;
  const patient = parties.of('patients', 'patient', `Patient/${known(story.patientId, 'patient')}`);
  const asked = await patient.send({ method: 'POST', path: `${path}/$erase` });
  const place = String(asked.headers['location']);
  const isTaken = [200, 202].includes(asked.status) && place.includes('/erasures/');
  expectThat(isTaken, 'the erasure to be taken', `status ${asked.status}`);
  const standing = await patient.find<Erasure>(
    { path: place.slice(place.indexOf('/erasures/')) },
    'the record to be erased',
    ({ status }) => status === 'erased',
  );
  await narrator.wrote(`${result}: erased`, 'patients', known(standing.transactionId, 'transaction of the erasure'));
  for (const [organisation, role] of READERS) await expectGone(parties.of(organisation, role), path);
  await expectGone(patient, path);
  narrator.fact('neither the hospital nor the clinic nor her own gateway has any version of it');
}
