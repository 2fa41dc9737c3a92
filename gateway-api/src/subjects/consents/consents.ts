/**
 * Consents at the custodian: which provider's data a consent governs, and which transaction a write of it is. The
 * chaincode alone decides what a consent permits.
 */

import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { patientIdOf, type Reference, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { organisationNameOf } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { organisationByName, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { onlyOne, type Write } from '../records/records.ts';

/** Statuses that end a consent. */
const ENDED = new Set(['inactive', 'rejected', 'entered-in-error']);

type ConsentChange = { grant: string } | { amend: string } | { revoke: true };

/** Grants, amends or revokes. @throws {LedgerError} FORBIDDEN for another patient's, CONFLICT for a stale version */
export const writeConsent: Write = async ({ index, ledger, consortium }, drafts, sending, caller) => {
  const consent = onlyOne(drafts);
  const { id, version } = consent;
  const resource = consent.resource as Resource;
  checkPatient(resource, caller);
  const newest = await index.newest('Consent', id);
  if (version !== (newest?.version ?? 0) + 1) throw new LedgerError('CONFLICT', 'this is not the next version');
  const change = await consentChange(resource, version, index, consortium);
  if ('revoke' in change) return ledger.submit('RevokeConsent', { id }, undefined, sending);
  const name = 'grant' in change ? 'GrantConsent' : 'AmendConsent';
  const provider = 'grant' in change ? change.grant : change.amend;
  return ledger.submit(name, { id, provider }, { consent }, sending);
};

function checkPatient(resource: Resource, caller: Caller): void {
  const own = compartmentOf(caller);
  if (own !== undefined && patientIdOf(resource) !== own) {
    throw new LedgerError('FORBIDDEN', 'a patient acts on consents of their own only', 'Consent.patient');
  }
}

/** The provider that Consent.organization names, if it does. @throws {LedgerError} INVALID */
function statedProvider(resource: Resource, consortium: Consortium): string | undefined {
  const references = [resource['organization'] ?? []].flat() as Reference[];
  if (references.length === 0) return undefined;
  const name = references.map(organisationNameOf).find((one) => one !== undefined);
  if (organisationByName(consortium, name ?? '')?.kind !== 'provider') {
    throw new LedgerError('INVALID', 'names no provider of the consortium', 'Consent.organization');
  }
  return name;
}

/** The provider whose data a consent governs: the one it names, else the one whose Patient it is of. */
async function governedProvider(resource: Resource, index: ReadModel, consortium: Consortium): Promise<string> {
  const patient = patientIdOf(resource);
  if (patient === undefined) throw new LedgerError('INVALID', 'a consent names its Patient', 'Consent.patient');
  const row = await index.newestRow('Patient', patient);
  const holder = organisationsOfKind(consortium, 'provider').find(({ mspId }) => mspId === row?.author)?.name;
  if (holder === undefined) {
    throw new LedgerError('INVALID', 'no provider has recorded the Patient this names', 'Consent.patient');
  }
  const stated = statedProvider(resource, consortium);
  if (stated !== undefined && stated !== holder) {
    throw new LedgerError(
      'INVALID',
      'the Patient is not of the provider this consent names',
      'Consent.organization[0]',
    );
  }
  return holder;
}

/** Which change of the ledger the next version of a consent is. */
async function consentChange(
  resource: Resource,
  version: number,
  index: ReadModel,
  consortium: Consortium,
): Promise<ConsentChange> {
  const ended = ENDED.has(String(resource['status']));
  if (version > 1 && ended) return { revoke: true };
  if (ended) throw new LedgerError('INVALID', 'a new consent is active', 'Consent.status');
  const provider = await governedProvider(resource, index, consortium);
  return version === 1 ? { grant: provider } : { amend: provider };
}
