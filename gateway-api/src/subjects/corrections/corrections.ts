/** Corrections as this organisation knows them, from what its ledger holds of them, and as Tasks (hl7.org/fhir/R4/task.html). */
import {
  CORRECTION_STEPS,
  type CorrectionAnswered,
  type CorrectionAsked,
  correctionAnsweredSchema,
  correctionAskedSchema,
} from '@telemed-ledger/chaincode/model/corrections.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, type Organisation, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Evidence } from '../../index/read/evidence.ts';

export interface Correction {
  asked: CorrectionAsked;
  answered?: CorrectionAnswered;
  /** Of its last step. */
  transactionId: string;
}

export interface CorrectionsRead {
  consortium: Consortium;
  index: { evidence: Pick<Evidence, 'values'> };
  organisation: Pick<Organisation, 'name' | 'kind'>;
}

/** The providers whose corrections this organisation holds. */
function holdersOf({ consortium, organisation }: CorrectionsRead): string[] {
  if (organisation.kind === 'provider') return [organisation.name];
  return organisation.kind === 'custodian' ? organisationsOfKind(consortium, 'provider').map(({ name }) => name) : [];
}

const isStep = (key: string, step: number): boolean => key.endsWith(`/${step}`);

/** Newest first; of one patient where she is named. What is not in its form is left out. */
export async function correctionsOf(patient: string | undefined, services: CorrectionsRead): Promise<Correction[]> {
  const found: { correction: Correction; at: string }[] = [];
  for (const holder of holdersOf(services)) {
    const values = await services.index.evidence.values(collections.care(holder), 'correction');
    const answers = new Map(
      values
        .filter(({ key }) => isStep(key, CORRECTION_STEPS.answered))
        .map((row) => [row.key, { row, parsed: correctionAnsweredSchema.safeParse(JSON.parse(row.value)) }]),
    );
    for (const { key, value, transaction_id } of values) {
      const { data: asked } = correctionAskedSchema.safeParse(JSON.parse(value));
      const isMeant = asked?.provider === holder && (patient === undefined || asked.patient === patient);
      if (asked === undefined || !isMeant || !isStep(key, CORRECTION_STEPS.asked)) continue;
      const answer = answers.get(privateKeys.correction(asked.id, CORRECTION_STEPS.answered));
      const answered = answer?.parsed.data;
      const transactionId = answered === undefined ? transaction_id : answer!.row.transaction_id;
      found.push({ correction: { asked, ...(answered && { answered }), transactionId }, at: asked.at });
    }
  }
  return found.sort((one, other) => (one.at < other.at ? 1 : -1)).map(({ correction }) => correction);
}

export async function correctionOf(id: string, services: CorrectionsRead): Promise<Correction | undefined> {
  return (await correctionsOf(undefined, services)).find(({ asked }) => asked.id === id);
}

/** hl7.org/fhir/uv/patient-corrections */
const REQUEST = {
  coding: [
    {
      system: 'http://hl7.org/fhir/uv/patient-corrections/CodeSystem/PatientCorrectionTaskTypes',
      code: 'medRecCxReq',
    },
  ],
  text: 'Correction of a record',
};
const STATUS = { accepted: 'completed', refused: 'rejected' } as const;

export function taskOf({ asked, answered }: Correction): object {
  const { id, type, record, version, patient, words, provider, at } = asked;
  const versionAt = (number: number) => ({ reference: `${type}/${record}/_history/${number}` });
  const person = { reference: `Patient/${patient}` };
  return {
    ...{ resourceType: 'Task', id },
    meta: { versionId: answered === undefined ? '1' : '2', lastUpdated: answered?.at ?? at },
    ...{ status: answered === undefined ? 'requested' : STATUS[answered.outcome], intent: 'proposal', code: REQUEST },
    ...(answered?.reason === undefined ? {} : { statusReason: { text: answered.reason } }),
    ...{ description: words, focus: versionAt(version), for: person },
    ...{ authoredOn: at, lastModified: answered?.at ?? at, requester: person },
    owner: { identifier: { system: ORGANISATION_SYSTEM, value: provider }, display: provider },
    ...(answered?.version === undefined
      ? {}
      : { output: [{ type: { text: 'corrected version' }, valueReference: versionAt(answered.version) }] }),
  };
}
