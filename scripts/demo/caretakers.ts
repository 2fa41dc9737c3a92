/** The story's caretaker: the patient lets somebody act for her, who refuses a request that waits for an answer. */
import {
  CARETAKER_ACT_SYSTEM,
  type CaretakerAct,
  DELEGATION,
  DELEGATION_SCOPES,
} from '@telemed-ledger/chaincode/model/consent-codes.ts';
import { DELEGATEE, ROLE_CODES } from '@telemed-ledger/chaincode/model/related-persons.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { granted } from './access.ts';
import { expectThat, type Resource } from './parties.ts';
import { known, type Narrator, type Story } from './step.ts';

type Shown = AccessState & { transactionId: string; because?: { reason: string } };

const DAY_MS = 86_400_000;
/** As a provider records whoever a patient has told it that he acts for her, and in what. */
export const toAct = (...acts: readonly CaretakerAct[]): object[] => [
  {
    coding: [{ system: ROLE_CODES, code: DELEGATEE }, ...acts.map((code) => ({ system: CARETAKER_ACT_SYSTEM, code }))],
  },
];
const ahead = (ms: number): string => new Date(Date.now() + ms).toISOString();

/** A patient's consent that a RelatedPerson acts for her, until a time. @param caretaker `RelatedPerson/<id>` */
export const delegationTo = (
  caretaker: string,
  patientId: string,
  acts: readonly CaretakerAct[],
  end: string,
): object => ({
  ...{ resourceType: 'Consent', status: 'active', category: [{ text: 'delegation' }] },
  scope: { coding: [{ system: DELEGATION_SCOPES, code: DELEGATION }] },
  patient: { reference: `Patient/${patientId}` },
  policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
  provision: {
    ...{ type: 'permit', period: { end } },
    actor: [{ role: { text: 'caretaker' }, reference: { reference: caretaker } }],
    action: [{ coding: acts.map((code) => ({ system: CARETAKER_ACT_SYSTEM, code })) }],
  },
});

/** The hospital records her daughter, and the patient lets her read and answer for a month. */
export async function delegated(story: Story, narrator: Narrator): Promise<void> {
  const { parties } = story;
  const patientId = known(story.patientId, 'patient');
  const subject = { reference: `Patient/${patientId}` };
  const relationship = [{ coding: [{ system: ROLE_CODES, code: 'DAUC' }] }, ...toAct('read', 'answer')];
  const body = { resourceType: 'RelatedPerson', patient: subject, relationship };
  const hospital = parties.of('hospital', 'system');
  const recorded = await hospital.write<Resource>({ method: 'POST', path: '/fhir/R4/RelatedPerson', body });
  const caretaker = `RelatedPerson/${recorded.body.id}`;
  story.caretaker = caretaker;
  const patient = parties.of('patients', 'patient', `Patient/${patientId}`);
  await patient.find({ path: `/fhir/R4/${caretaker}` }, 'the daughter’s record at the patients’ gateway');
  const until = ahead(30 * DAY_MS);
  const { id, transactionId } = await granted(patient, delegationTo(caretaker, patientId, ['read', 'answer'], until));
  await narrator.wrote(`Consent/${id}: her daughter may read and answer until ${until}`, 'patients', transactionId);
}

/** The clinic asks and waits; the daughter says no. */
export async function answered(story: Story, narrator: Narrator): Promise<void> {
  const { parties, visit } = story;
  const clinic = parties.of('clinic', 'practitioner');
  const asking = { holder: 'hospital', patient: visit.mrn, types: ['Condition'], purpose: 'TREAT' };
  const body = { ...asking, waitUntil: ahead(DAY_MS) };
  const asked = await clinic.write<Shown>({ method: 'POST', path: '/access-requests', body }, [201]);
  const { id } = asked.body;
  await narrator.wrote(`access request ${id}, which waits for a day`, 'clinic', asked.transactionId);
  const caretaker = parties.of('patients', 'caretaker', known(story.caretaker, 'caretaker'));
  const path = '/access-requests?status=requested';
  const has = ({ accessRequests }: { accessRequests: Shown[] }): boolean => accessRequests.some((one) => one.id === id);
  await caretaker.find<{ accessRequests: Shown[] }>({ path }, 'the request among what waits', has);
  const answer = await caretaker.send({ method: 'POST', path: `/access-requests/${id}/refusal`, body: {} });
  expectThat(answer.status === 202, 'her answer to be kept', `status ${answer.status}`);
  const isRefused = ({ status }: Shown): boolean => status === 'refused';
  const refused = await clinic.find<Shown>({ path: `/access-requests/${id}` }, 'the refusal at the clinic', isRefused);
  await narrator.wrote('decision: refused', 'clinic', refused.transactionId);
  const patient = parties.of('patients', 'patient', `Patient/${known(story.patientId, 'patient')}`);
  const told = await patient.find<Shown>({ path: `/access-requests/${id}` }, 'the refusal at the patients’', isRefused);
  expectThat(told.because?.reason === 'caretaker-refused', 'the patient to read who said no', told.because);
  narrator.fact('the patient reads that her caretaker said no; the clinic reads not-permitted');
}
