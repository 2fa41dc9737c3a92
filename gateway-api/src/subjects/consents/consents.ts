/**
 * Consents at the custodian: which provider's data a consent governs, and which transaction a write of it is. The
 * chaincode alone decides what a consent permits.
 */

import { bucketOf } from '@telemed-ledger/chaincode/model/directories.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { patientIdOf, type Reference, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { organisationNameOf } from '@telemed-ledger/chaincode/model/organisations.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { organisationByName, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { VersionRow } from '../../index/read/stored.ts';
import { newSalt } from '../../ledger/sender.ts';
import { onlyOne, type Write } from '../records/records.ts';

/** Statuses that end a consent. */
const ENDED = new Set(['inactive', 'rejected', 'entered-in-error']);

type ConsentChange = { grant: string; patient: VersionRow } | { amend: string } | { revoke: string };

/** Grants, amends or revokes. @throws {LedgerError} FORBIDDEN for another patient's, CONFLICT for a stale version */
export const writeConsent: Write = async ({ index, ledger, consortium }, drafts, sending, caller) => {
  const consent = onlyOne(drafts);
  const { id, version } = consent;
  const resource = consent.resource as Resource;
  checkPatient(resource, caller);
  const newest = await index.newest('Consent', id);
  if (version !== (newest?.version ?? 0) + 1) throw new LedgerError('CONFLICT', 'this is not the next version');
  const change = await consentChange(resource, version, index, consortium);
  // The custodian signs for patients: a certificate of their own would name them in every block.
  const asCustodian = { ...sending, as: AS_SYSTEM.as };
  if ('revoke' in change) {
    const { revoke: provider } = change;
    return ledger.submit('RevokeConsent', { id, provider, version: version - 1 }, { salt: newSalt() }, asCustodian);
  }
  if ('amend' in change) return ledger.submit('AmendConsent', { id, provider: change.amend }, { consent }, asCustodian);
  const { grant: provider, patient } = change;
  const directory = await knownDirectory(index, provider, patient.id);
  const shown = { consent, patient: await index.evidence.ofRecord(patient), directory };
  return ledger.submit('GrantConsent', { id, provider }, shown, asCustodian);
};

/** The newest generation of the directory that a patient's consents are entered in. */
export function knownDirectory(index: ReadModel, provider: string, patientId: string): Promise<number> {
  const series = privateKeys.directory(bucketOf(patientId), 0).slice(0, -1);
  return index.evidence.newest(collections.care(provider), series);
}

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

/** The provider whose data a consent governs, with its Patient record: the one it names, else the one whose Patient it is of. */
async function governedProvider(
  resource: Resource,
  index: ReadModel,
  consortium: Consortium,
): Promise<{ holder: string; row: VersionRow }> {
  const patient = patientIdOf(resource);
  if (patient === undefined) throw new LedgerError('INVALID', 'a consent names its Patient', 'Consent.patient');
  const row = await index.newestRow('Patient', patient);
  const holder = organisationsOfKind(consortium, 'provider').find(({ mspId }) => mspId === row?.author)?.name;
  if (row === undefined || holder === undefined) {
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
  return { holder, row };
}

/** Which change of the ledger the next version of a consent is. */
async function consentChange(
  resource: Resource,
  version: number,
  index: ReadModel,
  consortium: Consortium,
): Promise<ConsentChange> {
  const ended = ENDED.has(String(resource['status']));
  if (version > 1) {
    const provider = await recordedProvider(String(resource['id']), index, consortium);
    return ended ? { revoke: provider } : { amend: provider };
  }
  if (ended) throw new LedgerError('INVALID', 'a new consent is active', 'Consent.status');
  const { holder, row } = await governedProvider(resource, index, consortium);
  return { grant: holder, patient: row };
}

/** The provider in whose collection a consent stands. @throws {LedgerError} NOT_FOUND */
async function recordedProvider(id: string, index: ReadModel, consortium: Consortium): Promise<string> {
  const row = await index.newestRow('Consent', id);
  const providers = organisationsOfKind(consortium, 'provider').map(({ name }) => name);
  const provider = providers.find((name) => collections.care(name) === row?.collection);
  if (provider === undefined) throw new LedgerError('NOT_FOUND', 'there is no such consent', 'Consent.id');
  return provider;
}
