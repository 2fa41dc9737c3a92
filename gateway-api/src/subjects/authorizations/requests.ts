/**
 * Requests for authorization from the gateway's side: gathers what each transaction shows of the read model. The chaincode
 * decides whether a request can be taken and what becomes of it.
 */
import { randomUUID } from 'node:crypto';
import {
  type AuthorizationDecision,
  type AuthorizationState,
  authorizationStateSchema,
  MOST_HELD_HOURS,
} from '@telemed-ledger/chaincode/model/authorizations.ts';
import { targetOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { organisationNameOf } from '@telemed-ledger/chaincode/model/organisations.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { custodianOf, organisationByMsp, organisationByName } from '@telemed-ledger/consortium/members.ts';
import { unavailable } from '../../http/failures.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { coverageOf, textOf } from '../claims/claims.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import type { Request } from './asked.ts';

/** The ledger's time and this gateway's may differ by as much. */
const AT_ONCE_MS = 60_000;
/** A minute less than what the chaincode takes, for the same reason. */
const MOST_HELD_MS = MOST_HELD_HOURS * 3_600_000 - AT_ONCE_MS;

type Asking = Pick<Services, 'index' | 'ledger' | 'organisation' | 'consortium'>;

/** How a request stands. @throws {LedgerError} NOT_FOUND */
async function authorizationState(index: ReadModel, id: string): Promise<AuthorizationState> {
  const row = await index.state('authorization', id);
  if (row === undefined) throw new LedgerError('NOT_FOUND', 'there is no such request for authorization');
  return authorizationStateSchema.parse(JSON.parse(row.value));
}

/**
 * Id of the request that a Claim amends (Claim.related); undefined for a first one.
 * @throws {LedgerError} INVALID. @throws {Failure} 503 where what it amends is kept until the ledger takes it
 */
export async function amendedBy(
  { index, keptRequests }: Pick<Services, 'index' | 'keptRequests'>,
  claim: Resource,
): Promise<string | undefined> {
  const related = (claim['related'] ?? []) as { claim?: Reference }[];
  if (related.length === 0) return undefined;
  const id = /^Claim\/([^/]+)$/.exec(targetOf(related[0]?.claim) ?? '')?.[1];
  const row = id === undefined || related.length > 1 ? undefined : await index.state('authorization', id);
  if (row !== undefined) return id;
  if (id !== undefined && (await keptRequests.isPending(id)))
    throw unavailable('What this amends is not on the ledger yet. Nothing of this was taken: send it again.', 5);
  throw new LedgerError('INVALID', 'names no request for authorization that is known here', 'Claim.related[0].claim');
}

/** Name of the member that is to endorse a request beside this one. @throws {LedgerError} INVALID */
export async function endorserOf(services: Asking, { claim }: Pick<Request, 'claim'>): Promise<string> {
  const { index, organisation, consortium } = services;
  if (organisation.kind !== 'payer') return payerOf(await coverageOf(claim, index), services);
  const before = await standingOf(services, claim.id);
  return (before === undefined ? memberAsking(claim, services) : before.state.provider) ?? custodianOf(consortium).name;
}

function payerOf({ author }: { author: string }, { consortium }: Asking): string {
  const payer = organisationByMsp(consortium, author)?.name;
  if (payer !== undefined) return payer;
  throw new LedgerError('INVALID', 'the coverage is of no payer here', 'Claim.insurance');
}

/** By what each step of a request is told from others, from the last on; empty where there is none. */
export async function saltsOf({ index, organisation }: Asking, id: string): Promise<string[]> {
  const row = await index.state('authorization', id);
  if (row === undefined) return [];
  const { step } = authorizationStateSchema.parse(JSON.parse(row.value));
  const own = collections.billing(organisation.name);
  const steps = Array.from({ length: step }, (_, before) => step - before);
  const texts = await Promise.all(steps.map((one) => textOf(index, own, privateKeys.authorizationState(id, one))));
  return texts.map((text) => authorizationStateSchema.parse(JSON.parse(text)).salt);
}

/** Asks a payer, or receives at the payer. @throws {LedgerError} */
export const ask = (services: Asking, request: Request, sending: Sending): Promise<Outcome> =>
  upToDate(() => askOnce(services, request, sending));

async function askOnce(services: Asking, request: Request, sending: Sending): Promise<Outcome> {
  const { index, ledger, organisation } = services;
  const { claim, responseId, patient, salt } = request;
  const { id } = claim;
  const coverage = await coverageOf(claim, index);
  const before = await standingOf(services, id);
  const shown = {
    ...{ salt, claim, responseId, patient, coverage: coverage.value },
    ...(before === undefined ? {} : { before: before.shown }),
  };
  if (organisation.kind === 'payer') {
    const provider = before === undefined ? memberAsking(claim, services) : before.state.provider;
    const received = { ...shown, ...receivedBefore(request) };
    return ledger.submit('ReceiveAuthorization', { id, ...(provider && { provider }) }, received, sending);
  }
  return ledger.submit('RequestAuthorization', { id, payer: payerOf(coverage, services) }, shown, sending);
}

/** Of what was kept a while: the payer's clock runs from when it came. */
function receivedBefore({ cameAt }: Request): { receivedAt?: string } {
  const heldMs = Date.now() - Date.parse(cameAt);
  if (heldMs < AT_ONCE_MS) return {};
  return { receivedAt: heldMs < MOST_HELD_MS ? cameAt : new Date(Date.now() - MOST_HELD_MS).toISOString() };
}

/** The provider of the consortium that a Claim is of; undefined where it is of somebody else. */
function memberAsking(claim: Resource, { consortium }: Asking): string | undefined {
  const name = organisationNameOf(claim['provider'] as Reference);
  return organisationByName(consortium, name ?? '')?.kind === 'provider' ? name : undefined;
}

/** Id of the ClaimResponse of a request: that which there is, where it amends one. */
export const responseIdOf = async (services: Asking, amended: string | undefined): Promise<string> =>
  amended === undefined ? randomUUID() : (await resourcesOf(services, amended)).response.id;

/** How a request stands, with the texts that show it; undefined where there is none. */
export async function standingOf({ index, organisation }: Asking, id: string) {
  if ((await index.state('authorization', id)) === undefined) return undefined;
  const state = await authorizationState(index, id);
  const own = collections.billing(organisation.name);
  const shown = {
    state: await textOf(index, own, privateKeys.authorizationState(id, state.step)),
    record: await textOf(index, own, privateKeys.authorization(id, state.step)),
  };
  return { state, shown };
}

/** Decides a request. @throws {LedgerError} */
export const decide = (
  services: Asking,
  id: string,
  decision: AuthorizationDecision,
  sending: Sending,
): Promise<Outcome> =>
  upToDate(async () => {
    const { state } = { state: await authorizationState(services.index, id) };
    const standing = await standingOf(services, id);
    const { provider } = state;
    const shown = { salt: newSalt(), ...standing!.shown, decision };
    return services.ledger.submit('DecideAuthorization', { id, ...(provider && { provider }) }, shown, sending);
  });

/** The Claim and the ClaimResponse of a request, as its newest step left them. @throws {LedgerError} NOT_FOUND */
export async function resourcesOf(
  { index, organisation }: Pick<Services, 'index' | 'organisation'>,
  id: string,
): Promise<{ claim: Resource; response: Resource }> {
  const { step, payer } = await authorizationState(index, id);
  // A custodian holds the payer's.
  const owner = organisation.kind === 'custodian' ? payer : organisation.name;
  const text = await textOf(index, collections.billing(owner), privateKeys.authorization(id, step));
  const [claim, response] = (parseExact(text) as { resources: [Resource, Resource] }).resources;
  return { claim, response };
}
