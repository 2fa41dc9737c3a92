/** The story's middle: who may see the results, and who saw that they were asked for. */
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { reasonOf } from '../load/sender.ts';
import { expectThat, type Party, type Resource } from './parties.ts';
import { known, type Narrator, type Story } from './step.ts';

type Shown = AccessState & { transactionId: string };

/** The clinic asks, and waits for the custodian's decision. */
async function ask({ parties, visit, accessIds }: Story, narrator: Narrator): Promise<Shown> {
  const clinic = parties.of('clinic', 'practitioner');
  const body = { holder: 'hospital', patient: visit.mrn, types: ['Observation', 'DiagnosticReport'], purpose: 'TREAT' };
  const asked = await clinic.write<Shown>({ method: 'POST', path: '/access-requests', body }, [201]);
  accessIds.push(asked.body.id);
  await narrator.wrote(`access request ${asked.body.id}`, 'clinic', asked.transactionId);
  const decided = await clinic.find<Shown>(
    { path: `/access-requests/${asked.body.id}` },
    'a decision about the request',
    ({ status }) => status !== 'requested',
  );
  await narrator.wrote(`decision: ${decided.status}`, 'clinic', decided.transactionId);
  return decided;
}

export async function accessRefused(story: Story, narrator: Narrator): Promise<void> {
  const decided = await ask(story, narrator);
  const came = { status: decided.status, reason: decided.reason };
  expectThat(came.status === 'refused' && came.reason === 'not-permitted', 'a refusal that does not say why', came);
  const clinic = story.parties.of('clinic', 'practitioner');
  const answer = await clinic.send({ path: `/fhir/R4/Observation/${story.observationId}` });
  expectThat(answer.status === 404, 'the clinic to have no such Observation', `status ${answer.status}`);
  narrator.fact(
    'reason: not-permitted, as of a patient whom nobody knows. The clinic holds nothing of this patient: 404',
  );
}

export async function consentGranted({ parties, patientId, visit }: Story, narrator: Narrator): Promise<void> {
  const patient = parties.of('patients', 'patient', `Patient/${patientId}`);
  const consent = {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: `Patient/${patientId}` },
    dateTime: visit.day,
    organization: [{ identifier: { system: ORGANISATION_SYSTEM, value: 'hospital' } }],
    policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
    provision: {
      type: 'permit',
      actor: [
        {
          role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'PRCP' }] },
          reference: { identifier: { system: ORGANISATION_SYSTEM, value: 'clinic' } },
        },
      ],
      purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }],
      class: ['Observation', 'DiagnosticReport'].map((code) => ({
        system: 'http://hl7.org/fhir/resource-types',
        code,
      })),
    },
  };
  const { id, transactionId } = await granted(patient, consent);
  await narrator.wrote(`Consent/${id}: the clinic may read results, for treatment`, 'patients', transactionId);
}

interface Wish {
  status: string;
  /** `Consent/<id>` */
  consent: string;
  transactionId: string;
}

/** Where the hospital cannot endorse at once, the patient's wish is kept, and done when it can. */
export async function granted(patient: Party, consent: object): Promise<{ id: string; transactionId: string }> {
  const answer = await patient.send({ method: 'POST', path: '/fhir/R4/Consent', body: consent });
  if (answer.status !== 202) {
    const transactionId = answer.headers['x-transaction-id'];
    const came = `${answer.status}${reasonOf(answer.body)}`;
    expectThat(answer.status === 201 && typeof transactionId === 'string', 'the consent to be recorded', came);
    return { id: (answer.body as Resource).id, transactionId };
  }
  const path = /\/wishes\/[^/?]+$/.exec(String(answer.headers['location']))?.[0] ?? '';
  const wish = await patient.find<Wish>({ path }, 'the wish to be done', ({ status }) => status === 'done');
  return { id: wish.consent.slice('Consent/'.length), transactionId: wish.transactionId };
}

export async function accessAllowed(story: Story, narrator: Narrator): Promise<void> {
  const decided = await ask(story, narrator);
  expectThat(decided.status === 'granted', 'the request to be granted', {
    status: decided.status,
    reason: decided.reason,
  });
  const clinic = story.parties.of('clinic', 'practitioner');
  const path = `/fhir/R4/Observation/${story.observationId}`;
  const copy = await clinic.find<Resource & { meta?: { source?: string } }>({ path }, 'the delivered copy');
  const original = await story.parties.of('hospital', 'practitioner').ask<Resource>({ path });
  const withoutMeta = ({ meta: _meta, ...content }: Resource) => JSON.stringify(content);
  expectThat(
    withoutMeta(copy) === withoutMeta(original),
    'the copy to be what the hospital recorded',
    'something else',
  );
  narrator.fact(`the clinic reads Observation/${copy.id}, delivered from ${copy.meta?.source}`);
}

interface AuditEvent {
  resourceType: string;
  id: string;
  outcome: string;
  outcomeDesc?: string;
}

const isAuditEvent = ({ resourceType }: AuditEvent): boolean => resourceType === 'AuditEvent';

export async function accessLog(story: Story, narrator: Narrator): Promise<void> {
  const patientId = known(story.patientId, 'patient');
  const patient = story.parties.of('patients', 'patient', `Patient/${patientId}`);
  const path = `/fhir/R4/AuditEvent?patient=${patientId}&type=110106,110113`;
  const log = await patient.ask<{ entry?: { resource: AuditEvent }[] }>({ path });
  // A page may also say that something has not arrived there yet.
  const events = (log.entry ?? []).map(({ resource }) => resource).filter(isAuditEvent);
  const [refused, granted] = story.accessIds.map((id) => events.find((event) => event.id === id));
  const came = events.map(({ outcome, outcomeDesc }) => ({ outcome, outcomeDesc }));
  expectThat(events.length === 2, 'two entries', came);
  expectThat(refused?.outcome === '4' && refused.outcomeDesc === 'consent-absent', 'the refusal in the log', came);
  expectThat(granted?.outcome === '0', 'the delivery in the log', came);
  narrator.fact(`AuditEvent/${refused.id}: the clinic asked, refused: she reads why (consent-absent)`);
  narrator.fact(`AuditEvent/${granted.id}: the clinic asked, delivered`);
}
