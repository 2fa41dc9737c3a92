/** What becomes of claims that are not simply paid: replaced, asked about, denied and appealed; and what the patient is told of them. */
import { expectThat, type Party, type Resource } from './parties.ts';
import { known, type Narrator, type Story } from './step.ts';

const CPT = 'http://www.ama-assn.org/go/cpt';
const FREQUENCY = 'https://telemed-ledger.example/fhir/StructureDefinition/claim-frequency';
const RELATIONSHIPS = 'http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship';

interface ClaimResponse extends Resource {
  outcome: string;
  status?: string;
  disposition?: string;
  request: { reference: string };
}

interface Page<T> {
  entry?: { resource: T }[];
}

const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter });
const decides = (decision: string, reason: string) =>
  parameters({ name: 'decision', valueCode: decision }, { name: 'reason', valueString: reason });
const because = (reason: string) => parameters({ name: 'reason', valueString: reason });

const hospitalOf = ({ parties }: Story): Party => parties.of('hospital', 'system');
/** A person at the payer, by name. */
const clerkOf = ({ parties }: Story, name: string): Party => parties.of('payer', 'adjudicator', `Practitioner/${name}`);

/** A short visit of the same patient to the same practitioner, at an hour of that day. @returns `Encounter/<id>` */
async function visited(story: Story, hour: string): Promise<string> {
  const hospital = hospitalOf(story);
  const first = known(
    [...story.locations.values()].find((location) => location.startsWith('Encounter/')),
    'visit',
  );
  const { participant } = await hospital.ask<Resource & { participant: object }>({ path: `/fhir/R4/${first}` });
  const at = (minute: string): string => `${story.visit.day}T${hour}:${minute}:00-05:00`;
  const body = {
    ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'VR' }, participant },
    ...{ subject: { reference: `Patient/${known(story.patientId, 'patient')}` } },
    period: { start: at('00'), end: at('20') },
  };
  return `Encounter/${(await hospital.write({ method: 'POST', path: '/fhir/R4/Encounter', body })).body.id}`;
}

/** @param more of a Claim that corrects another one */
async function billed(story: Story, encounter: string, value: number, more: object = {}): Promise<ClaimResponse> {
  const claim = {
    ...{ resourceType: 'Claim', status: 'active', use: 'claim', created: story.visit.day },
    type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
    ...{ priority: { coding: [{ code: 'normal' }] }, patient: { reference: `Patient/${story.patientId}` } },
    provider: { identifier: { system: 'https://telemed-ledger.example/organisations', value: 'hospital' } },
    insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${story.coverageId}` } }],
    item: [
      {
        ...{ sequence: 1, productOrService: { coding: [{ system: CPT, code: '99213' }] } },
        ...{ servicedDate: story.visit.day, encounter: [{ reference: encounter }], net: { value, currency: 'USD' } },
      },
    ],
    ...more,
  };
  const sending = { method: 'POST', path: '/fhir/R4/Claim/$submit', body: claim } as const;
  const { body } = await hospitalOf(story).write<ClaimResponse>(sending);
  expectThat(body.outcome === 'queued', 'the claim to be taken', body.disposition ?? body.outcome);
  return body;
}

/** Takes a step of a claim, and expects what it comes to. */
async function stepped(
  party: Party,
  { request: { reference } }: ClaimResponse,
  { name, body, comesTo }: { name: string; body?: object; comesTo: string },
): Promise<{ response: ClaimResponse; transactionId: string }> {
  await party.find({ path: `/fhir/R4/${reference}` }, 'the claim');
  const path = `/fhir/R4/${reference}/$${name}`;
  const answer = await party.write<ClaimResponse>({ method: 'POST', path, ...(body === undefined ? {} : { body }) });
  const came = answer.body.disposition ?? answer.body.outcome;
  expectThat(came.startsWith(comesTo), `${name} to come to ${comesTo}`, came);
  return { response: answer.body, transactionId: answer.transactionId };
}

export async function replaced(story: Story, narrator: Narrator): Promise<void> {
  const encounter = await visited(story, '05');
  const wrong = await billed(story, encounter, 800);
  const prior = {
    extension: [{ url: FREQUENCY, valueCode: '7' }],
    related: [{ claim: wrong.request, relationship: { coding: [{ system: RELATIONSHIPS, code: 'prior' }] } }],
  };
  const right = await billed(story, encounter, 80, prior);
  const payer = story.parties.of('payer', 'adjudicator');
  const { transactionId } = await stepped(payer, right, { name: 'adjudicate', comesTo: 'approved' });
  await narrator.wrote(`${right.request.reference} in the place of ${wrong.request.reference}`, 'payer', transactionId);
  const path = `/fhir/R4/ClaimResponse?request=${wrong.request.reference}`;
  const isOver = ({ entry = [] }: Page<ClaimResponse>): boolean =>
    entry.every(({ resource }) => resource.status === 'cancelled');
  await hospitalOf(story).find<Page<ClaimResponse>>({ path }, 'the replaced claim to be over', isOver);
  narrator.fact('the first one can be neither decided nor paid any more; its service is the second one’s');
}

export async function asked(story: Story, narrator: Narrator): Promise<void> {
  const taken = await billed(story, await visited(story, '06'), 80);
  const clerk = clerkOf(story, 'clerk-a');
  const reason = 'Please say why this visit followed the last one so soon.';
  const pended = await stepped(clerk, taken, { name: 'adjudicate', body: decides('pend', reason), comesTo: 'pended' });
  await narrator.wrote('the question', 'payer', pended.transactionId);
  const hospital = hospitalOf(story);
  const path = `/fhir/R4/Task?focus=${taken.request.reference}`;
  const isAsked = (page: Page<Resource>): boolean => JSON.stringify(page).includes(reason);
  await hospital.find<Page<Resource>>({ path }, 'the question as a Task', isAsked);
  const body = because('A result came in that the patient had to be told of.');
  const answered = await stepped(hospital, taken, { name: 'submit-attachment', body, comesTo: '' });
  await narrator.wrote('the answer', 'hospital', answered.transactionId);
  await clerk.find<Page<Resource>>({ path: `/fhir/R4/ClaimResponse?request=${taken.request.reference}` }, 'it');
  await stepped(clerk, taken, { name: 'adjudicate', body: decides('approve', 'plausible'), comesTo: 'approved' });
  narrator.fact('the person who asked approves it, in her name and within what the rules allow');
}

export async function appealed(story: Story, narrator: Narrator): Promise<void> {
  const taken = await billed(story, await visited(story, '07'), 80);
  const first = { name: 'adjudicate', body: decides('deny', 'not necessary'), comesTo: 'denied' };
  const denied = await stepped(clerkOf(story, 'clerk-a'), taken, first);
  await narrator.wrote('the denial', 'payer', denied.transactionId);
  const hospital = hospitalOf(story);
  await hospital.find({ path: `/fhir/R4/ClaimResponse/${denied.response.id}` }, 'the denial at the hospital');
  await stepped(hospital, taken, { name: 'appeal', body: because('The result called for it.'), comesTo: '' });
  const path = `/fhir/R4/Task?focus=${taken.request.reference}`;
  const isThere = (page: Page<Resource>): boolean => JSON.stringify(page).includes('called for it');
  await clerkOf(story, 'clerk-b').find<Page<Resource>>({ path }, 'the appeal at the payer', isThere);
  const second = { name: 'adjudicate', body: decides('approve', 'called for'), comesTo: 'overturned' };
  const { transactionId } = await stepped(clerkOf(story, 'clerk-b'), taken, second);
  await narrator.wrote('the appeal, decided by another person', 'payer', transactionId);
}

interface Explanation extends Resource {
  claim?: { reference?: string };
  payment?: { amount?: { value: number } };
}

export async function explained(story: Story, narrator: Narrator): Promise<void> {
  const patientId = known(story.patientId, 'patient');
  const patient = story.parties.of('patients', 'patient', `Patient/${patientId}`);
  const claim = `Claim/${known(story.claimId, 'claim')}`;
  const path = `/fhir/R4/ExplanationOfBenefit?patient=Patient/${patientId}&_count=100`;
  const explanationOf = ({ entry = [] }: Page<Explanation>): Explanation | undefined =>
    entry.map(({ resource }) => resource).find((one) => one.claim?.reference === claim);
  const isPaid = (page: Page<Explanation>): boolean => explanationOf(page)?.payment?.amount !== undefined;
  const page = await patient.find<Page<Explanation>>({ path }, 'the explanation of what was paid', isPaid);
  const forged = { ...explanationOf(page), id: undefined, meta: undefined };
  const { status } = await hospitalOf(story).send({
    ...{ method: 'POST', path: '/fhir/R4/ExplanationOfBenefit', body: forged },
  });
  const after = await patient.ask<Page<Explanation>>({ path });
  expectThat(
    after.entry?.length === page.entry?.length,
    'what the hospital posts to be none of hers',
    `status ${status}`,
  );
  narrator.fact(
    `ExplanationOfBenefit/${explanationOf(page)?.id}: made of what the payer decided and paid, by nobody else`,
  );
}
