/** What a patient asked to be corrected, and what its holder answered, as events of her log. Never her words, nor the holder's. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import { type Correction, type CorrectionsRead, correctionOf, correctionsOf } from '../corrections/corrections.ts';
import { dataEntity, patientEntity } from './balp.ts';
import type { Happening, Source } from './timeline.ts';

/** Behind it stand the id of the correction and its step. */
export const CORRECTION = 'correction.';

const TYPE = {
  system: 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle',
  code: 'amend',
  display: 'Amend (Update) Record Lifecycle Event',
};
const STEPS = ['asked', 'answered'] as const;
type Step = (typeof STEPS)[number];

const timeOf = ({ asked, answered }: Correction, step: Step): string | undefined =>
  step === 'asked' ? asked.at : answered?.at;

export function correctionsIn(patients: readonly string[] | undefined, options: CorrectionsRead): Source {
  return async function* (behind) {
    const found = await Promise.all((patients ?? [undefined]).map((patient) => correctionsOf(patient, options)));
    const all = found.flat().flatMap((one) =>
      STEPS.flatMap((step): Happening[] => {
        const at = timeOf(one, step);
        if (at === undefined) return [];
        return [{ at, position: [at, `${one.asked.id}.${step}`], read: async () => correctionEvent(one, step) }];
      }),
    );
    const key = ({ position }: Happening) => (position as string[]).join(' ');
    all.sort((one, other) => (key(one) < key(other) ? 1 : -1));
    const from = behind === undefined ? undefined : (behind as string[]).join(' ');
    for (const one of all) if (from === undefined || key(one) < from) yield one;
  };
}

/** By what stands behind CORRECTION. */
export async function foundCorrection(named: string, options: CorrectionsRead): Promise<StoredResource | undefined> {
  const [id = '', name] = named.split('.');
  const step = STEPS.find((one) => one === name);
  const found = step === undefined ? undefined : await correctionOf(id, options);
  return found !== undefined && step !== undefined && timeOf(found, step) !== undefined
    ? correctionEvent(found, step)
    : undefined;
}

/** A step of a correction as an event. */
export function correctionEvent(found: Correction, step: Step): StoredResource {
  const { asked, answered, transactionId } = found;
  const { id, provider, patient, type, record, askedBy } = asked;
  const recorded = timeOf(found, step) ?? asked.at;
  const code = step === 'asked' ? 'correction-asked' : `correction-${answered?.outcome}`;
  const holder = { identifier: { system: ORGANISATION_SYSTEM, value: provider }, display: provider };
  const person = askedBy === 'patient' ? { reference: `Patient/${patient}` } : { display: askedBy };
  const resource: Resource = {
    resourceType: 'AuditEvent',
    id: `${CORRECTION}${id}.${step}`,
    meta: { versionId: '1', lastUpdated: recorded },
    type: TYPE,
    subtype: [{ system: 'https://telemed-ledger.example/fhir/CodeSystem/correction-step', code }],
    ...{ action: step === 'asked' ? 'E' : 'U', recorded, outcome: '0' },
    agent: [
      { who: person, requestor: step === 'asked' },
      { who: holder, requestor: step === 'answered' },
    ],
    source: { observer: holder },
    entity: [
      patientEntity(patient),
      { what: { reference: `${type}/${record}` }, type: dataEntity },
      { what: { reference: `Task/${id}` }, type: dataEntity },
    ],
  };
  return { resource, version: 1, lastUpdated: recorded, author: provider, transactionId, patient };
}
