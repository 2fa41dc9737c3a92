/** That what was delivered was taken back and deleted everywhere, as an event of its own with its time. */
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { StoredResource } from '../../fhir/repository.ts';

/** Behind the id of the access. */
export const PURGED = '.purged';

/** hl7.org/fhir/R4/valueset-audit-event-type.html */
const DESTROY = {
  system: 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle',
  code: 'destroy',
  display: 'Destroy/Delete Record Lifecycle Event',
};

/** @param event the access as it stands */
export function purgeEvent(event: StoredResource, { id, purgedAt = '' }: AccessState): StoredResource {
  const { resource } = event;
  const lastUpdated = purgedAt;
  return {
    ...event,
    ...{ version: 1, lastUpdated },
    resource: {
      ...resource,
      id: `${id}${PURGED}`,
      meta: { versionId: '1', lastUpdated },
      ...{ type: DESTROY, action: 'D', recorded: purgedAt, outcome: '0', outcomeDesc: 'purged' },
      subtype: [{ system: 'https://telemed-ledger.example/fhir/CodeSystem/access-status', code: 'purged' }],
    },
  };
}
