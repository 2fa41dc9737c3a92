/**
 * `Encounter/[id]/$join` at the gateways of the provider and of the patient's custodian: the link to the video call, for those who take part in
 * the visit alone, while it is open. It is answered, and kept nowhere.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { isLive, participantsOf } from '@telemed-ledger/chaincode/model/live-visits.ts';
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../../auth/caller.ts';
import { compartmentsOf } from '../../auth/entitlement.ts';
import { refuse } from '../../fhir/outcomes.ts';
import { Records } from '../records/records.ts';
import { definitionOf, type SubjectOperation } from '../services.ts';

/** As whom the caller takes part; undefined where he does not. */
function partOf(caller: Caller, visit: Resource): string | undefined {
  const { role, fhirUser = '' } = caller;
  const patient = patientIdOf(visit);
  if (role === 'patient')
    return compartmentsOf(caller)?.includes(patient ?? '') === true ? `Patient/${patient}` : undefined;
  const isOne = (role === 'practitioner' || role === 'caretaker') && participantsOf(visit).includes(fhirUser);
  return isOne ? fhirUser : undefined;
}

const joinAt = (kind: Kind): SubjectOperation => ({
  ...{ kind, type: 'Encounter', name: 'join', level: 'instance', isQuestion: true },
  scope: { type: 'Encounter', acts: ['r'] },
  summary: 'The link to the video call of a visit, for a minute or two, for those who take part in it.',
  definition: definitionOf('join-visit'),
  async handle({ caller, id = '' }, services) {
    const found = await new Records(services, {}).standing(caller, 'Encounter', id);
    if (found === undefined || found.deleted === true)
      return refuse(404, 'not-found', 'This server has no such resource.');
    const { resource: visit, access } = found;
    const who = partOf(caller, visit);
    if (who === undefined || access !== undefined)
      throw new LedgerError(
        'FORBIDDEN',
        'not-participant: only those who take part in a visit join it',
        'Encounter.participant',
      );
    if (!isLive(visit) || visit['status'] === 'planned')
      throw new LedgerError('CONFLICT', 'not-open: nobody waits and nothing is under way', 'Encounter.status');
    const { author: provider } = found;
    const joined = await services.joinLinks.to({ provider, id, who });
    if (joined === undefined) return refuse(404, 'not-supported', 'This gateway has no video calls of that provider.');
    const parameter = [
      { name: 'link', valueUrl: joined.link },
      { name: 'until', valueInstant: new Date(joined.until).toISOString() },
    ];
    return {
      status: 200,
      resource: { resourceType: 'Parameters', parameter },
      headers: { 'Cache-Control': 'no-store' },
    };
  },
});

export const joinVisit: readonly SubjectOperation[] = (['provider', 'custodian'] as const).map(joinAt);
