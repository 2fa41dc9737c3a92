/** The story's beginning: a licensed practitioner and a recorded visit. */
import { expectThat, type Resource } from './parties.ts';
import { known, type Narrator, type Story } from './step.ts';

const YEAR_MS = 365 * 86_400_000;

const NPI = 'http://hl7.org/fhir/sid/us-npi';

export async function licensed(story: Story, narrator: Narrator): Promise<void> {
  const { parties, visit } = story;
  const day = Date.parse(visit.day);
  const date = (time: number) => new Date(time).toISOString().slice(0, 10);
  const practitioners = [{ organisation: 'hospital', practitioner: await practitionerOf(story) }];
  const licence = { status: 'active', start: date(day - YEAR_MS), end: date(day + YEAR_MS), practitioners };
  const regulator = parties.of('regulator', 'system');
  const path = `/licences/${visit.npi}`;
  const { transactionId } = await regulator.write({ method: 'PUT', path, body: licence });
  await narrator.wrote(`licence ${visit.npi}, active until ${licence.end}`, 'regulator', transactionId);
  await parties
    .of('hospital', 'practitioner')
    .find<{ end: string }>({ path }, 'the licence at the hospital', ({ end }) => end === licence.end);
  narrator.fact('every member can read it');
}

/** The hospital's own record of who saw the patient, as `Practitioner/<id>`: the one that the visit finds by the number. */
async function practitionerOf({ parties, visit }: Story): Promise<string> {
  const body = visit.bundle.entry.find(({ resource }) => resource?.resourceType === 'Practitioner')?.resource;
  const headers = { 'If-None-Exist': `identifier=${NPI}|${visit.npi}` };
  const hospital = parties.of('hospital', 'system');
  const answer = await hospital.send({ method: 'POST', path: '/fhir/R4/Practitioner', body, headers });
  expectThat([200, 201].includes(answer.status), 'a Practitioner to be there', `status ${answer.status}`);
  return `Practitioner/${(answer.body as Resource).id}`;
}

interface BundleResponse {
  entry: { response: { status: string; location: string } }[];
}

export async function visitRecorded(story: Story, narrator: Narrator): Promise<void> {
  const { parties, visit } = story;
  const hospital = parties.of('hospital', 'system');
  const { body, transactionId } = await hospital.write<BundleResponse>({
    method: 'POST',
    path: '/fhir/R4',
    body: visit.bundle,
  });
  body.entry.forEach(({ response }, index) => {
    const entry = visit.bundle.entry[index];
    const type = entry?.resource?.resourceType ?? '';
    const location = /[A-Z][A-Za-z]+\/[A-Za-z0-9.-]+/.exec(response.location)?.[0] ?? '';
    expectThat(
      /^20[01]/.test(response.status) && location.startsWith(`${type}/`),
      `a ${type} to be recorded`,
      response,
    );
    story.locations.set(entry?.fullUrl ?? '', location);
  });
  const created = body.entry.filter(({ response }) => response.status.startsWith('201')).length;
  await narrator.wrote(`${created} resources in one transaction`, 'hospital', transactionId);
  story.patientId = idOf(story, 'Patient');
  story.observationId = idOf(story, 'Observation');
  const { patientId, observationId } = story;
  const patient = parties.of('patients', 'patient', `Patient/${patientId}`);
  const there = await patient.find(
    { path: `/fhir/R4/Observation/${observationId}` },
    "the result at the patient's end",
  );
  const here = await hospital.ask({ path: `/fhir/R4/Observation/${observationId}` });
  expectThat(sameContent(there, here), 'both ends to hold the same result', 'different ones');
  narrator.fact(`the patient reads the same result from the patients' own gateway: Observation/${observationId}`);
}

const sameContent = (one: Resource, other: Resource): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Id of the first resource of a type that the visit recorded. */
function idOf({ locations }: Story, type: string): string {
  const found = [...locations.values()].find((location) => location.startsWith(`${type}/`));
  return known(found?.split('/')[1], type);
}
