/** The story's emergency: a physician breaks the glass, the patient sees it at once, and the regulator reviews it. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { expectThat, type Resource } from './parties.ts';
import { known, type Narrator, type Story } from './step.ts';

type Shown = AccessState & { transactionId: string; endorsers?: string[] };
interface Review {
  status: string;
  delivered: boolean;
  reason: string;
  licence: string;
  ofPractitioner: { open: number };
}
interface Logged {
  purposeOfEvent: { text?: string }[];
  entity?: { name?: string; detail?: { type: string; valueString: string }[] }[];
}

const YEAR_MS = 365 * 86_400_000;
const REASON = 'Brought in unconscious. There is nobody who could be asked.';

/** A physician of the clinic, whose licence names her; as `Practitioner/<id>`. */
async function physicianLicensed({ parties, visit }: Story): Promise<{ physician: string; licence: string }> {
  const physician = `Practitioner/${randomUUID()}`;
  const licence = randomBytes(5).toString('hex').toUpperCase();
  const date = (time: number) => new Date(time).toISOString().slice(0, 10);
  const day = Date.parse(visit.day);
  const body = {
    ...{ status: 'active', start: date(day - YEAR_MS), end: date(day + YEAR_MS) },
    practitioners: [{ organisation: 'clinic', practitioner: physician }],
  };
  await parties.of('regulator', 'system').write({ method: 'PUT', path: `/licences/${licence}`, body });
  return { physician, licence };
}

export async function glassBroken(story: Story, narrator: Narrator): Promise<void> {
  const { parties, visit } = story;
  const { physician, licence } = await physicianLicensed(story);
  const clinic = parties.of('clinic', 'practitioner', physician);
  const body = { holder: 'hospital', patient: visit.mrn, types: ['Condition'], purpose: 'BTG', reason: REASON };
  const asked = await clinic.write<Shown>({ method: 'POST', path: '/access-requests', body }, [201]);
  story.emergencyId = asked.body.id;
  await narrator.wrote(
    `emergency ${asked.body.id}, by the physician with licence ${licence}`,
    'clinic',
    asked.transactionId,
  );
  const decided = await clinic.find<Shown>(
    { path: `/access-requests/${asked.body.id}` },
    'a decision about the emergency',
    ({ status }) => status !== 'requested',
  );
  const { status, reason } = decided;
  expectThat(status === 'granted', 'the emergency to be granted without a consent', { status, reason });
  await narrator.wrote(`decision: ${status}, until ${decided.expiresAt}`, 'clinic', decided.transactionId);
  const patientId = known(story.patientId, 'patient');
  await clinic.find<Resource>({ path: `/fhir/R4/Patient/${patientId}` }, 'the patient’s record at the clinic');
  const patient = parties.of('patients', 'patient', `Patient/${patientId}`);
  const entry = await patient.ask<Logged>({ path: `/fhir/R4/AuditEvent/${asked.body.id}` });
  expectThat(entry.purposeOfEvent[0]?.text === REASON, 'the reason in the patient’s log', entry.purposeOfEvent);
  narrator.fact('the patient reads in her log who asked, why, and that it is to be reviewed');
}

export async function glassReviewed(story: Story, narrator: Narrator): Promise<void> {
  const { parties } = story;
  const id = known(story.emergencyId, 'emergency');
  const auditor = parties.of('regulator', 'auditor');
  const isReady = ({ delivered }: Review) => delivered;
  const review = await auditor.find<Review>({ path: `/reviews/${id}` }, 'the review of the emergency', isReady);
  expectThat(review.status === 'open' && review.reason === REASON, 'an open review with its reason', review.status);
  narrator.fact(`open: licence ${review.licence}, ${review.ofPractitioner.open} of them to be reviewed`);
  const body = { outcome: 'justified', text: 'The ambulance’s protocol bears it out.' };
  const { transactionId } = await auditor.write({ method: 'PUT', path: `/reviews/${id}/outcome`, body });
  await narrator.wrote('reviewed: justified', 'regulator', transactionId);
  const patient = parties.of('patients', 'patient', `Patient/${known(story.patientId, 'patient')}`);
  const isTold = ({ entity = [] }: Logged): boolean =>
    entity.some(
      ({ name, detail = [] }) => name === 'review' && detail.some(({ valueString }) => valueString === body.text),
    );
  await patient.find<Logged>({ path: `/fhir/R4/AuditEvent/${id}` }, 'the outcome in the patient’s log', isTold);
  narrator.fact('the patient reads the outcome in her log');
}
