/** A consultation at a distance, from its booking to the pill taken, and the recall of that pill. */
import { randomInt, randomUUID } from 'node:crypto';
import { CONSENT_CATEGORIES, TELEHEALTH } from '@telemed-ledger/chaincode/model/live-visits.ts';
import { GTIN_SYSTEM, SCAN_SYSTEM } from '@telemed-ledger/chaincode/model/lots.ts';
import { granted } from './access.ts';
import { expectThat, type Party, type Resource } from './parties.ts';
import { known, type Narrator, type Story } from './step.ts';

const HOUR_MS = 3_600_000;
const MEDICINE = { coding: [{ system: 'urn:example:medicines', code: 'sample-tablet', display: 'sample tablet' }] };

interface People {
  hospital: Party;
  patient: Party;
  her: { reference: string };
  doctor: { reference: string };
}

function peopleOf({ parties, patientId, locations }: Story): People {
  const her = `Patient/${known(patientId, 'patient')}`;
  const doctor = [...locations.values()].find((one) => one.startsWith('Practitioner/'));
  return {
    hospital: parties.of('hospital', 'system'),
    patient: parties.of('patients', 'patient', her),
    her: { reference: her },
    doctor: { reference: known(doctor, 'practitioner') },
  };
}

const create = (who: Party, body: Record<string, unknown> & { resourceType: string }) =>
  who.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body });

export async function booked(story: Story, narrator: Narrator): Promise<void> {
  const { hospital, patient, her, doctor } = peopleOf(story);
  // At an hour of its own: the story may be told many times a day.
  const start = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS + randomInt(24, 24 * 300) * HOUR_MS + randomInt(40) * 60_000;
  const time = { start: new Date(start).toISOString(), end: new Date(start + 15 * 60_000).toISOString() };
  const schedule = await create(hospital, { resourceType: 'Schedule', actor: [doctor] });
  const slot = await create(hospital, {
    ...{ resourceType: 'Slot', status: 'free', schedule: { reference: `Schedule/${schedule.body.id}` }, ...time },
  });
  await patient.find({ path: `/fhir/R4/Slot/${slot.body.id}` }, "the slot at the patients' gateway");
  const appointment = {
    ...{ resourceType: 'Appointment', status: 'booked', ...time, slot: [{ reference: `Slot/${slot.body.id}` }] },
    participant: [her, doctor].map((actor) => ({ actor, status: 'accepted' })),
  };
  const { transactionId } = await create(patient, appointment);
  await narrator.wrote('the appointment', 'patients', transactionId);
  const again = await patient.send({ method: 'POST', path: '/fhir/R4/Appointment', body: appointment });
  expectThat(again.status === 409, 'the slot to be taken', `status ${again.status}`);
  narrator.fact('a second booking of the same slot is refused');
  await granted(patient, {
    ...{ resourceType: 'Consent', status: 'active', patient: her, provision: { type: 'permit' } },
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'treatment' }] },
    category: [{ coding: [{ system: CONSENT_CATEGORIES, code: TELEHEALTH }] }],
    policy: [{ uri: 'https://telemed-ledger.example/policies/telehealth' }],
  });
  narrator.fact('she agrees to be seen at a distance');
}

export async function consulted(story: Story, narrator: Narrator): Promise<void> {
  const { hospital, her, doctor } = peopleOf(story);
  const visit = {
    ...{ resourceType: 'Encounter', class: { code: 'VR' }, subject: her, participant: [{ individual: doctor }] },
  };
  const waiting = await create(hospital, { ...visit, status: 'arrived' });
  const { id } = waiting.body;
  const begun = await hospital.write({
    ...{ method: 'PUT', path: `/fhir/R4/Encounter/${id}`, body: { ...visit, id, status: 'in-progress' } },
  });
  await narrator.wrote('she waits, and is seen', 'hospital', begun.transactionId);
  const prescription = {
    ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', medicationCodeableConcept: MEDICINE },
    ...{ subject: her, requester: doctor, encounter: { reference: `Encounter/${id}` } },
    ...{ authoredOn: new Date().toISOString(), dispenseRequest: { quantity: { value: 10, unit: 'tablet' } } },
  };
  const { period } = begun.body;
  const entry = [
    {
      resource: { ...visit, id, status: 'finished', period },
      request: { method: 'PUT', url: `Encounter/${id}` },
    },
    { resource: prescription, request: { method: 'POST', url: 'MedicationRequest' } },
  ];
  const finished = await hospital.write<{ entry: { response: { location: string } }[] }>({
    ...{ method: 'POST', path: '/fhir/R4', body: { resourceType: 'Bundle', type: 'transaction', entry } },
  });
  await narrator.wrote(
    'the visit is finished with its prescription, in one transaction',
    'hospital',
    finished.transactionId,
  );
  story.prescriptionId =
    /MedicationRequest\/([A-Za-z0-9.-]+)/.exec(finished.body.entry[1]!.response.location)?.[1] ?? '';
}

/** A product and a lot of this telling's own. */
function packageOf(story: Story): { code: string; lot: string } {
  story.package ??= { code: gtin(randomInt(1_000_000_000)), lot: `L${randomUUID().slice(0, 6)}`.toUpperCase() };
  return story.package;
}

/** With its check digit (GS1 General Specifications, 7.9). */
function gtin(number: number): string {
  const digits = `095${String(number).padStart(10, '0')}`;
  const sum = [...digits].reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 3 : 1), 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

const dispenseOf = ({ her }: People, { code, lot }: { code: string; lot: string }, prescriptionId: string) => ({
  ...{ resourceType: 'MedicationDispense', status: 'completed', subject: her, quantity: { value: 5, unit: 'tablet' } },
  authorizingPrescription: [{ reference: `MedicationRequest/${prescriptionId}` }],
  contained: [
    {
      ...{ resourceType: 'Medication', id: 'package', code: MEDICINE },
      identifier: [{ system: SCAN_SYSTEM, value: `(01)${code}(17)700500(10)${lot}` }],
    },
  ],
  medicationReference: { reference: '#package' },
});

export async function taken(story: Story, narrator: Narrator): Promise<void> {
  const people = peopleOf(story);
  const { hospital, patient, her } = people;
  const dispense = dispenseOf(people, packageOf(story), known(story.prescriptionId, 'prescription'));
  const { transactionId } = await create(hospital, dispense);
  await narrator.wrote('five tablets, lot and expiry read from the package', 'hospital', transactionId);
  const said = await create(patient, {
    ...{ resourceType: 'MedicationStatement', status: 'active', medicationCodeableConcept: MEDICINE, subject: her },
    ...{ informationSource: her, effectiveDateTime: new Date().toISOString() },
  });
  await narrator.wrote('she says that she takes them', 'patients', said.transactionId);
}

interface Followed {
  holders: { provider: string; differs: boolean; counted?: { patients: number; reached: number } }[];
}

export async function recalled(story: Story, narrator: Narrator): Promise<void> {
  const people = peopleOf(story);
  const { hospital, patient, her } = people;
  const { code, lot } = packageOf(story);
  const regulator = story.parties.of('regulator', 'system');
  const path = `/recalls/${randomUUID()}`;
  const recall = { product: { system: GTIN_SYSTEM, code }, lots: [lot], reason: 'Wrong strength.', status: 'active' };
  const { transactionId } = await regulator.write({ method: 'PUT', path, body: recall });
  await narrator.wrote(`the recall of lot ${lot}`, 'regulator', transactionId);
  const isReached = ({ holders }: Followed): boolean =>
    holders.some(({ provider, differs, counted }) => provider === 'hospital' && !differs && counted?.reached === 1);
  await regulator.find<Followed>({ path }, 'the patient to be reached', isReached);
  const told = await patient.find<{ entry?: { resource: Resource }[] }>(
    { path: `/fhir/R4/Communication?subject=${her.reference}&category=alert` },
    'the message to the patient',
    ({ entry = [] }) => entry.length > 0,
  );
  expectThat(JSON.stringify(told).includes('Wrong strength.'), 'a message that says why', 'another');
  narrator.fact('the patient is told; the regulator sees that one patient was found and one reached, and not who');
  const dispense = dispenseOf(people, packageOf(story), known(story.prescriptionId, 'prescription'));
  const refused = await hospital.send({ method: 'POST', path: '/fhir/R4/MedicationDispense', body: dispense });
  const isRefused = refused.status === 409 && JSON.stringify(refused.body).includes('lot-recalled');
  expectThat(isRefused, 'a recalled lot to be refused', `status ${refused.status}`);
  narrator.fact('nobody hands out that lot any more: lot-recalled');
}
