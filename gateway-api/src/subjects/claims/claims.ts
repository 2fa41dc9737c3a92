/**
 * Claims from submission to adjudication: gathers what each transaction needs from the read model. The chaincode decides
 * whether a claim is payable; what follows is in subjects/payments.
 */
import { randomUUID } from 'node:crypto';
import { evidenceOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { ClaimState, Evidence } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { VersionRow } from '../../index/read/stored.ts';
import type { Submitted } from '../../ledger/client.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';

/** The contract takes no more. */
const MAX_EVIDENCE = 200;

/** Submits a Claim (hl7.org/fhir/R4/claim.html) under a new id. @throws {LedgerError} */
export async function submit(
  { organisation, consortium, index, ledger }: Services,
  claim: Resource,
  id: string,
  sending: Sending,
): Promise<Submitted<ClaimState>> {
  const coverage = await coverageOf(claim, index);
  const payer = organisationByMsp(consortium, coverage.author)?.name;
  if (payer === undefined) throw new LedgerError('INVALID', 'the coverage is of no payer here', 'Claim.insurance');
  const resource = { ...claim, id };
  return ledger.submit(
    'SubmitClaim',
    { id, payer },
    {
      claim: { id, salt: newSalt(), resource },
      coverage: { id: coverage.id, version: coverage.version },
      evidence: await evidenceFor(resource, collections.care(organisation.name), index),
    },
    sending,
  );
}

/** The Coverage that the focal (or only) insurance names, as the payer showed it to this provider. */
async function coverageOf(claim: Resource, index: ReadModel): Promise<VersionRow> {
  const insurances = (claim['insurance'] ?? []) as { focal?: boolean; coverage?: Reference }[];
  const position = Math.max(
    insurances.findIndex(({ focal }) => focal === true),
    0,
  );
  const id = /^Coverage\/([^/]+)$/.exec(insurances[position]?.coverage?.reference ?? '')?.[1];
  const row = id === undefined ? undefined : await index.newestRow('Coverage', id);
  if (row !== undefined) return row;
  const expression = `Claim.insurance[${position}].coverage`;
  throw new LedgerError('INVALID', 'names no Coverage that a payer has registered here', expression);
}

/** The newest versions of the records that a claim rests on, as they were anchored; what is not here is ignored. */
async function evidenceFor(claim: Resource, care: string, index: ReadModel): Promise<Evidence[]> {
  const seen = new Set<string>();
  const evidence: Evidence[] = [];
  const pending = evidenceOf(claim);
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const [type = '', id = ''] = next.split('/');
    const row = await index.newestRow(type, id);
    if (row === undefined || row.collection !== care) continue;
    if (evidence.length >= MAX_EVIDENCE) throw new LedgerError('INVALID', 'rests on too many records', 'Claim.item');
    evidence.push({ key: row.key, value: row.value });
    pending.push(...evidenceOf(index.stored(row).resource));
  }
  return evidence;
}

export async function adjudicate(
  { index, ledger }: Services,
  id: string,
  sending: Sending,
): Promise<Submitted<ClaimState>> {
  const { provider } = await claimState(index, id);
  const answer = { responseId: randomUUID(), salt: newSalt() };
  return ledger.submit('AdjudicateClaim', { id, provider }, answer, sending);
}

/** The public state of a claim. @throws {LedgerError} NOT_FOUND */
export async function claimState(index: ReadModel, id: string): Promise<ClaimState> {
  const row = await index.state('claim', id);
  if (row === undefined) throw new LedgerError('NOT_FOUND', 'there is no such claim');
  return JSON.parse(row.value) as ClaimState;
}

/** The resource of a type that a transaction made in a private value, when this organisation holds it. */
export async function resourceAt(
  index: ReadModel,
  type: string,
  collection: string,
  key: string,
): Promise<Resource | undefined> {
  const row = await index.rowAt(collection, key, type);
  return row === undefined ? undefined : index.stored(row).resource;
}
