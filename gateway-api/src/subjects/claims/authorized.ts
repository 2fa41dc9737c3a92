/**
 * Which authorizations a claim is held against: those that it names by the payer's numbers, or else those of its coverage that may be for
 * what it bills. Whether they are is for the endorsers; what is left out here is what cannot be.
 */

import {
  MAX_AUTHORIZATIONS,
  type ShownAuthorization,
} from '@telemed-ledger/chaincode/model/authorization-transactions.ts';
import {
  type AuthorizationState,
  authorizationNumberSchema,
  authorizationStateSchema,
  membersNamed,
  nameOfNumber,
} from '@telemed-ledger/chaincode/model/authorizations.ts';
import { type Bill, type BillPart, readBill } from '@telemed-ledger/chaincode/model/bill.ts';
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { textAt } from './tables-shown.ts';

/** Requests for one coverage that are looked through. */
const MOST = 500;
const SERVICE_TYPES = 'https://codesystem.x12.org/005010/1365';
const RANGE = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-productOrServiceCodeEnd';
/** The most steps of one that are shown with what was decided by them. */
const MAX_RECORDS = 24;

interface Claimed {
  payer: string;
  provider: string;
  coverage: Resource;
  claim: Resource;
}

/** Authorizations as endorsers are shown them, the ids of these, and whether others than the provider asked for one. */
interface Shown {
  authorizations: ShownAuthorization[];
  ids: string[];
  beyond: boolean;
}

/** @throws {Failure} 503 while a part of one is on its way */
export async function authorizationsShown(index: ReadModel, claimed: Claimed): Promise<Shown> {
  const bill = readBill(claimed.claim);
  const requests = await requestsFor(index, claimed.coverage.id);
  const ids =
    bill.authorizations === undefined
      ? await matching(index, requests, claimed, bill)
      : await named(index, requests, claimed, bill.authorizations);
  const all = await Promise.all(ids.map((id) => shownOf(index, claimed.payer, id)));
  const counts = ({ state, shown }: (typeof all)[number]): boolean =>
    shown.records.length > 0 || state.purgedAt !== undefined;
  const found = all.filter(counts).slice(-MAX_AUTHORIZATIONS);
  return {
    authorizations: found.map(({ shown }) => shown),
    ids: found.map(({ state }) => state.id),
    beyond: found.some(({ state }) => state.provider !== claimed.provider),
  };
}

interface Request {
  id: string;
  /** The newest answer to it. */
  response: Resource;
}

/** Requests on a coverage, oldest first: what was authorized first is used up first. */
async function requestsFor(index: ReadModel, coverage: string): Promise<Request[]> {
  const uses = [{ value: 'preauthorization' }, { value: 'predetermination' }];
  const { matches } = await index.search({
    type: 'ClaimResponse',
    values: [
      { parameter: 'coverage', anyOf: [{ value: `Coverage/${coverage}` }] },
      { parameter: 'use', anyOf: uses },
    ],
    count: MOST,
  });
  return matches.toSorted(oldestFirst).flatMap(({ resource }) => {
    const [, id] = /^Claim\/(.+)$/.exec((resource['request'] as { reference: string }).reference) ?? [];
    return id === undefined ? [] : [{ id, response: resource }];
  });
}

const oldestFirst = (a: StoredResource, b: StoredResource): number => a.lastUpdated.localeCompare(b.lastUpdated);

/** By the payer's numbers, as many as count. Those that were given before the ledger kept them apart are told by the newest answers. */
async function named(
  index: ReadModel,
  requests: readonly Request[],
  { payer, coverage }: Claimed,
  numbers: readonly string[],
): Promise<string[]> {
  const own = collections.billing(payer);
  const found = new Set<string>();
  for (const number of numbers) {
    const key = privateKeys.authorizationNumber(payer, nameOfNumber(coverage.id, number));
    if (await index.evidence.isWritten(own, key)) {
      const text = await textAt(index, own, key);
      found.add(authorizationNumberSchema.parse(JSON.parse(text)).authorization);
    } else for (const { id, response } of requests) if (response['preAuthRef'] === number) found.add(id);
  }
  return [...found];
}

const partsIn = (part: BillPart): BillPart[] => [part, ...part.parts.flatMap(partsIn)];

/** Those that may be for what is billed, by whoever bills it. */
async function matching(
  index: ReadModel,
  requests: readonly Request[],
  { provider }: Claimed,
  { items }: Bill,
): Promise<string[]> {
  const codes = new Set(items.flatMap(partsIn).flatMap((part) => part.codes.map(({ code }) => code.toUpperCase())));
  const found: string[] = [];
  for (const { id } of requests) {
    const asked = await index.newest('Claim', id);
    if (asked === undefined || !mayBeFor(asked.resource, codes)) continue;
    const state = await stateOf(index, id);
    const members = state === undefined ? new Set() : membersNamed(asked.resource, state.provider);
    if (state !== undefined && (members.size === 0 || members.has(provider))) found.push(id);
  }
  return found;
}

/** By the codes that it asks for; what asks for a range or for a kind of services may be for any. */
const mayBeFor = (claim: Resource, codes: ReadonlySet<string>): boolean =>
  objectsOf(claim['item']).some((item) => {
    const { coding } = (item['productOrService'] ?? {}) as { coding?: unknown };
    const isWide = objectsOf(item['extension']).some(({ url }) => url === RANGE);
    return (
      isWide ||
      objectsOf(coding).some(({ system, code }) => system === SERVICE_TYPES || codes.has(String(code).toUpperCase()))
    );
  });

async function stateOf(index: ReadModel, id: string): Promise<AuthorizationState | undefined> {
  const row = await index.state('authorization', id);
  return row === undefined ? undefined : authorizationStateSchema.parse(JSON.parse(row.value));
}

/** A request with all its states, and what was decided. @throws {Failure} 503 while a part of it is on its way */
async function shownOf(index: ReadModel, payer: string, id: string) {
  const own = collections.billing(payer);
  const steps = await index.evidence.newest(own, privateKeys.authorizationState(id, 0).slice(0, -1));
  const numbers = Array.from({ length: steps }, (_, place) => place + 1);
  const states = await Promise.all(numbers.map((step) => textAt(index, own, privateKeys.authorizationState(id, step))));
  const all = states.map((text) => authorizationStateSchema.parse(JSON.parse(text)));
  const isPurged = all.at(-1)?.purgedAt !== undefined;
  const decided = all
    .filter(({ status }) => !isPurged && status !== 'pended' && status !== 'cancelled')
    .slice(-MAX_RECORDS);
  const records = await Promise.all(
    decided.map(async ({ step }) => ({ step, text: await textAt(index, own, privateKeys.authorization(id, step)) })),
  );
  return { state: all.at(-1)!, shown: { states, records } };
}
