/**
 * What a provider sends about a claim of its own that it has submitted: takes it back, answers what was asked, or appeals. Gathers what
 * the transaction needs from the read model; the chaincode decides whether it may.
 */
import { randomUUID } from 'node:crypto';
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import type { ClaimRecord } from '@telemed-ledger/chaincode/model/claims.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { claimState, evidenceFor, heldOf, standingOf } from './claims.ts';

/** Takes a claim back: `cancel` before it is decided, `void` after. @throws {LedgerError} */
export const withdraw = (
  services: Services,
  asked: { id: string; kind: 'cancel' | 'void'; reason: string },
  sending: Sending,
): Promise<Outcome> => upToDate(() => withdrawOnce(services, asked, sending));

/** Takes one back as a Claim with frequency code 8 asks. @throws {LedgerError} */
export const voidClaim = (services: Services, id: string, sending: Sending): Promise<Outcome> =>
  withdraw(services, { id, kind: 'void', reason: 'voided by frequency code 8' }, sending);

async function withdrawOnce(
  { index, ledger, organisation: { name: provider } }: Services,
  { id, kind, reason }: { id: string; kind: 'cancel' | 'void'; reason: string },
  sending: Sending,
): Promise<Outcome> {
  const state = await claimState(index, id);
  const own = collections.billing(provider);
  const { payer } = state;
  const fingerprintKey = await index.evidence.text(own, privateKeys.fingerprintKey({ payer, provider }));
  const withdrawal = {
    ...{ kind, reason, taskId: randomUUID(), salt: newSalt(), ...(await heldOf(index, own, state)) },
    ...(fingerprintKey === undefined ? {} : { fingerprintKey }),
  };
  return ledger.submit('WithdrawClaim', { id, payer }, withdrawal, sending);
}

/** What is shown besides what was: records by `Type/id`, and the items that they are for. */
export interface Added {
  records: readonly string[];
  items: readonly number[];
}

/** Has a claim decided anew: `supplement` answers what was asked, `appeal` is against a decision. @throws {LedgerError} */
export const reopen = (
  services: Services,
  asked: { id: string; kind: 'supplement' | 'appeal'; reason: string; added: Added },
  sending: Sending,
): Promise<Outcome> => upToDate(() => reopenOnce(services, asked, sending));

async function reopenOnce(
  { index, ledger, organisation }: Services,
  { id, kind, reason, added }: { id: string; kind: 'supplement' | 'appeal'; reason: string; added: Added },
  sending: Sending,
): Promise<Outcome> {
  const state = await claimState(index, id);
  const own = collections.billing(organisation.name);
  const standing = await standingOf(index, own, state);
  const resource = withRecords((parseExact(standing.claim) as ClaimRecord).resource, added);
  const { evidence, records } = await evidenceFor(resource, collections.care(organisation.name), index);
  const absent = added.records.find((record) => !records.has(record));
  if (absent !== undefined)
    throw new LedgerError(
      'INVALID',
      'names no record of this provider’s that a claim rests on',
      'Parameters.parameter',
    );
  const asked = { kind, reason, taskId: randomUUID(), salt: newSalt(), ...standing, resource, evidence };
  return ledger.submit('ReopenClaim', { id, payer: state.payer }, asked, sending);
}

/** The claim with records as supporting information, of some of its items where these are named. */
function withRecords(claim: Resource, { records, items }: Added): Resource {
  if (records.length === 0) return claim;
  const before = objectsOf(claim['supportingInfo']);
  const last = Math.max(0, ...before.map(({ sequence }) => Number(sequence)));
  const more = records.map((reference, index) => ({
    sequence: last + index + 1,
    category: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claiminformationcategory', code: 'info' }] },
    valueReference: { reference },
  }));
  const sequences = more.map(({ sequence }) => sequence);
  const item = objectsOf(claim['item']).map((one) =>
    items.includes(Number(one['sequence']))
      ? { ...one, informationSequence: [...((one['informationSequence'] ?? []) as unknown[]), ...sequences] }
      : one,
  );
  return { ...claim, supportingInfo: [...before, ...more], item };
}
