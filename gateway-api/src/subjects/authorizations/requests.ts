/**
 * Requests for authorization from the gateway's side: gathers what each transaction shows of the read model. The chaincode
 * decides whether a request can be taken and what becomes of it.
 */
import {
  type AuthorizationDecision,
  type AuthorizationState,
  authorizationStateSchema,
} from '@telemed-ledger/chaincode/model/authorizations.ts';
import { targetOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { organisationNameOf } from '@telemed-ledger/chaincode/model/organisations.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { organisationByMsp, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { coverageOf, textOf } from '../claims/claims.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';

type Asking = Pick<Services, 'index' | 'ledger' | 'organisation' | 'consortium'>;

/** How a request stands. @throws {LedgerError} NOT_FOUND */
async function authorizationState(index: ReadModel, id: string): Promise<AuthorizationState> {
  const row = await index.state('authorization', id);
  if (row === undefined) throw new LedgerError('NOT_FOUND', 'there is no such request for authorization');
  return authorizationStateSchema.parse(JSON.parse(row.value));
}

/** Id of the request that a Claim amends (Claim.related); undefined for a first one. @throws {LedgerError} INVALID */
export async function amendedBy(index: ReadModel, claim: Resource): Promise<string | undefined> {
  const related = (claim['related'] ?? []) as { claim?: Reference }[];
  if (related.length === 0) return undefined;
  const id = /^Claim\/([^/]+)$/.exec(targetOf(related[0]?.claim) ?? '')?.[1];
  const row = id === undefined || related.length > 1 ? undefined : await index.state('authorization', id);
  if (row !== undefined) return id;
  throw new LedgerError('INVALID', 'names no request for authorization that is known here', 'Claim.related[0].claim');
}

export interface Request {
  /** As it was resolved, with its id: of an amendment that of what it amends. */
  claim: Resource;
  /** Of a first request, for its answer. */
  responseId: string;
  /** Whom it is for, by what the sender calls her. */
  patient: Resource;
}

/** Asks a payer, or receives at the payer. @throws {LedgerError} */
export const ask = (services: Asking, request: Request, sending: Sending): Promise<Outcome> =>
  upToDate(() => askOnce(services, request, sending));

async function askOnce(services: Asking, { claim, responseId, patient }: Request, sending: Sending): Promise<Outcome> {
  const { index, ledger, organisation, consortium } = services;
  const { id } = claim;
  const coverage = await coverageOf(claim, index);
  const before = await standingOf(services, id);
  const shown = {
    ...{ salt: newSalt(), claim, responseId, patient, coverage: coverage.value },
    ...(before === undefined ? {} : { before: before.shown }),
  };
  if (organisation.kind === 'payer') {
    const provider = before === undefined ? memberAsking(claim, services) : before.state.provider;
    return ledger.submit('ReceiveAuthorization', { id, ...(provider && { provider }) }, shown, sending);
  }
  const payer = organisationByMsp(consortium, coverage.author)?.name;
  if (payer === undefined) throw new LedgerError('INVALID', 'the coverage is of no payer here', 'Claim.insurance');
  return ledger.submit('RequestAuthorization', { id, payer }, shown, sending);
}

/** The provider of the consortium that a Claim is of; undefined where it is of somebody else. */
function memberAsking(claim: Resource, { consortium }: Asking): string | undefined {
  const name = organisationNameOf(claim['provider'] as Reference);
  return organisationByName(consortium, name ?? '')?.kind === 'provider' ? name : undefined;
}

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
