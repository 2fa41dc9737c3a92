/**
 * Claims from submission to adjudication: gathers what each transaction needs from the read model. The chaincode decides
 * whether a claim is payable; what follows is in subjects/payments.
 */
import { randomUUID } from 'node:crypto';
import { type Bill, readBill } from '@telemed-ledger/chaincode/model/bill.ts';
import { correctionOf } from '@telemed-ledger/chaincode/model/claim-corrections.ts';
import { evidenceOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import { licenceNumbersOf } from '@telemed-ledger/chaincode/model/claim-practitioners.ts';
import type { ClaimRecord, HumanDecision } from '@telemed-ledger/chaincode/model/claims.ts';
import { priorResponsesOf } from '@telemed-ledger/chaincode/model/coordination.ts';
import { addDays } from '@telemed-ledger/chaincode/model/days.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { type Contracting, parsePrivateKey, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { Anchored, ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { VersionRow } from '../../index/read/stored.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { activitiesShown } from './activities.ts';
import { besideShown } from './beside.ts';
import { billedText } from './billed.ts';
import { demandNamed } from './built-upon.ts';
import { showingLists } from './lists-shown.ts';
import { benefitsShown, turnOf } from './plans.ts';
import { pricesShown } from './prices.ts';
import { tablesShown } from './tables-shown.ts';
import { daysOf as patientsDaysOf, sendDecision, sendSubmission } from './together.ts';

/** The contract takes no more. */
const MAX_EVIDENCE = 200;

/** Submits a Claim (hl7.org/fhir/R4/claim.html) under a new id. @throws {LedgerError} */
export const submit = (services: Services, claim: Resource, id: string, sending: Sending): Promise<Outcome> =>
  services.claimGroups.submitting.hold(patientsDaysOf(claim), () =>
    upToDate(() => submitOnce(services, claim, id, sending)),
  );

async function submitOnce(services: Services, claim: Resource, id: string, sending: Sending): Promise<Outcome> {
  const { organisation, consortium, index } = services;
  const coverage = await coverageOf(claim, index);
  const payer = organisationByMsp(consortium, coverage.author)?.name;
  if (payer === undefined) throw new LedgerError('INVALID', 'the coverage is of no payer here', 'Claim.insurance');
  const resource = { ...claim, id };
  const { evidence, records } = await evidenceFor(resource, collections.care(organisation.name), index);
  const own = collections.billing(organisation.name);
  const terms = await termsOf(index, own, { payer, provider: organisation.name }, coverage.value, {
    claim: resource,
    records,
  });
  const correction = correctionOf(resource);
  const replaced = correction === undefined ? {} : { replaced: await replacedBy(index, own, correction.claim) };
  if (correction !== undefined)
    await demandNamed(index, { claim: resource, replaced: correction.claim }, (state) => standingOf(index, own, state));
  const shown = {
    claim: { id, salt: newSalt(), resource },
    ...terms,
    ...replaced,
    ...(await priorShown(index, own, resource)),
  };
  const submission = { ...shown, evidence, responseId: randomUUID() };
  return showingLists(index, own, (lists) =>
    sendSubmission(services, { input: { id, payer }, shown: { ...submission, ...lists } }, sending),
  );
}

/** What other payers decided of the same services, as the claim names it. @throws {LedgerError} INVALID where that is not here */
async function priorShown(index: ReadModel, own: string, claim: Resource) {
  const shown = await Promise.all(
    priorResponsesOf(claim).map(async (responseId) => {
      const row = await index.newestRow('ClaimResponse', responseId);
      const { kind, segments } = parsePrivateKey(row?.key ?? '');
      const [id] = segments;
      if (kind !== 'response' || id === undefined)
        throw new LedgerError('INVALID', 'names no decision that is here', 'Claim.insurance.claimResponse');
      const state = await claimState(index, id);
      const { response = '', ...standing } = await standingOf(index, own, state);
      const first = await textOf(index, own, privateKeys.claimState(id, 1));
      return { ...standing, response, first, ...(await screenedAs(index, own, id)) };
    }),
  );
  return shown.length === 0 ? {} : { prior: shown };
}

/** A claim of this provider's as it stands, for one that replaces it. @throws {LedgerError} INVALID where it is none of its own */
async function replacedBy(index: ReadModel, own: string, id: string): Promise<Standing & Held> {
  const row = await index.state('claim', id);
  if (row === undefined) throw new LedgerError('INVALID', 'names no claim of this provider’s', 'Claim.related');
  return heldOf(index, own, JSON.parse(row.value) as ClaimState);
}

/** The anchored texts. */
interface Standing {
  claim: string;
  state: string;
  response?: string;
}

interface Held {
  coverage: string;
  screening?: ShownValue;
}

/** A value of a series, as endorsers are shown it. */
export interface ShownValue {
  generation: number;
  text: string;
}

/** The newest value of a series; undefined where there is none. @throws {LedgerError} NOT_FOUND, {Failure} 503 while it is on its way */
export async function newestOf(
  index: ReadModel,
  collection: string,
  series: (generation: number) => string,
): Promise<ShownValue | undefined> {
  const generation = await index.evidence.newest(collection, series(0).slice(0, -1));
  return generation === 0 ? undefined : { generation, text: await textOf(index, collection, series(generation)) };
}

/** What a claim holds across providers and payers by now, where it was screened. */
export async function screenedAs(
  index: ReadModel,
  collection: string,
  claimId: string,
): Promise<{ screening?: ShownValue }> {
  const screening = await newestOf(index, collection, (generation) => privateKeys.screening(claimId, generation));
  return screening === undefined ? {} : { screening };
}

/** A claim as it is billed by now, or what remains of it. @throws {LedgerError} NOT_FOUND, {Failure} 503 while it is on its way */
export const billedOf = async (index: ReadModel, collection: string, state: ClaimState): Promise<string> =>
  (await billedText(index, collection, state)) ?? textOf(index, collection, keysOfClaim(state).claim);

/** A claim as it stands, as endorsers are shown it: the decision as well, where there is one here. */
export async function standingOf(index: ReadModel, own: string, state: ClaimState): Promise<Standing> {
  const keys = keysOfClaim(state);
  const response = await index.evidence.text(own, keys.response);
  return {
    claim: await billedOf(index, own, state),
    state: await textOf(index, own, privateKeys.claimState(state.id, state.step)),
    ...(response === undefined ? {} : { response }),
  };
}

/** The same of one that holds services, with the coverage that it was judged by. */
export async function heldOf(index: ReadModel, own: string, state: ClaimState): Promise<Standing & Held> {
  const shown = await standingOf(index, own, state);
  const { coverage } = parseExact(shown.claim) as ClaimRecord;
  const judgedBy = await textOf(index, own, privateKeys.coverage(coverage.id, coverage.version));
  return {
    ...shown,
    coverage: judgedBy,
    ...(await screenedAs(index, own, state.id)),
    ...(await tookOf(index, own, state)),
  };
}

/** The decision that says what a claim took of plan years, where it took something. */
async function tookOf(index: ReadModel, own: string, { id, taken }: ClaimState): Promise<{ took?: string }> {
  return taken === undefined ? {} : { took: await textOf(index, own, privateKeys.response(id, taken)) };
}

/** The Coverage that the focal (or only) insurance names, as the payer showed it to this provider. */
export async function coverageOf(claim: Resource, index: ReadModel): Promise<VersionRow> {
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

interface Shown {
  evidence: RecordEvidence[];
  /** The resources of the evidence by `Type/id`. */
  records: Map<string, { resource: Resource }>;
}

/** The newest versions of the records that a claim rests on, with their paths; what is not here is ignored. */
export async function evidenceFor(claim: Resource, care: string, index: ReadModel): Promise<Shown> {
  const records: Shown['records'] = new Map();
  const evidence: RecordEvidence[] = [];
  const seen = new Set<string>();
  const pending = evidenceOf(claim);
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const [type = '', id = ''] = next.split('/');
    const row = await index.newestRow(type, id);
    if (row === undefined || row.collection !== care) continue;
    if (evidence.length >= MAX_EVIDENCE) throw new LedgerError('INVALID', 'rests on too many records', 'Claim.item');
    const { resource } = index.stored(row);
    evidence.push(await index.evidence.ofRecord(row));
    records.set(next, { resource });
    pending.push(...evidenceOf(resource));
  }
  return { evidence, records };
}

/** What a claim is judged by: a claim, and the records that it rests on by `Type/id`. */
interface Judged {
  claim: Resource;
  records: ReadonlyMap<string, { resource: Resource }>;
}

/** What the payer holds that a claim is judged by, from this organisation's billing collection, and the register. */
async function termsOf(index: ReadModel, own: string, between: Contracting, coverage: string, judged: Judged) {
  const tables = await tablesShown(index, own, between.payer);
  const fingerprintKey = await index.evidence.text(own, privateKeys.fingerprintKey(between));
  const bill = readBill(judged.claim);
  const numbers = licenceNumbersOf({ bill, evidence: judged.records });
  return {
    coverage,
    ...(await pricesShown(index, own, between, daysOf(bill))),
    ...(fingerprintKey === undefined ? {} : { fingerprintKey }),
    ...(tables === undefined ? {} : { tables }),
    ...(await index.register.bucketsOf(numbers)),
  };
}

/** The days that a claim's services may be on: of instants also the days beside, which they are in another offset. */
function daysOf({ items }: Bill): string[] {
  const days = items.flatMap(({ first, times }) =>
    (times === undefined ? [0] : [-1, 0, 1]).map((by) => addDays(first, by)),
  );
  return [...new Set(days)];
}

/**
 * Claims of one member of a plan, and of a family, are decided one after the other: each goes on from what was used before it. What another gateway of
 * this payer decides meanwhile is found by the ledger, and gathered again. @throws {Failure} 429 where too many wait
 */
export async function inTurn<T>(
  { index, decisions, organisation }: Services,
  id: string,
  decide: () => Promise<T>,
): Promise<T> {
  const claim = await billedOf(index, collections.billing(organisation.name), await claimState(index, id));
  const { coverage } = parseExact(claim) as ClaimRecord;
  const row = await index.newestRow('Coverage', coverage.id);
  const turn = row && turnOf(index.stored(row).resource);
  return turn === undefined ? decide() : decisions.run(turn, decide);
}

/** Decides a claim by what is here, and by what a person decides within that. @throws {LedgerError} */
export async function adjudicateOnce(
  services: Services,
  id: string,
  decision: HumanDecision | undefined,
  sending: Sending,
): Promise<Outcome> {
  const { index, organisation } = services;
  const standing = await claimState(index, id);
  const { provider } = standing;
  const own = collections.billing(organisation.name);
  const { claim, state } = await standingOf(index, own, standing);
  const record = parseExact(claim) as ClaimRecord;
  const { coverage, resource, evidence } = record;
  const newest = await index.newestRow('Coverage', coverage.id);
  if (newest === undefined) throw new LedgerError('NOT_FOUND', 'the coverage of this claim is not here');
  const records = new Map(
    evidence.map(({ text }) => {
      const shown = parseExact(text) as Anchored;
      return [`${shown.resource.resourceType}/${shown.id}`, shown] as const;
    }),
  );
  const terms = await termsOf(index, own, { payer: organisation.name, provider }, newest.value, {
    claim: resource,
    records,
  });
  const { took } = await tookOf(index, own, standing);
  const days = daysOf(readBill(resource));
  const member = { payer: organisation.name, provider, coverage: index.stored(newest).resource, claim: resource };
  const ofPlan = await benefitsShown(index, { ...member, days, took });
  const benefits = { ...ofPlan.shown, ...(took === undefined ? {} : { took }) };
  const before = { ...(await decidedBefore(index, own, standing)), ...(await screenedAs(index, own, id)) };
  const beside = await besideShown(index, {
    ...{ state: standing, record, tables: terms.tables?.text },
    standingOf: (other) => standingOf(index, own, other),
  });
  const shown = { claim, state, ...terms, ...benefits, ...before, ...beside };
  const asked = decision === undefined ? {} : { decision };
  const toDecide = { id, provider, bill: readBill(resource), evidence: records, tables: terms.tables?.text };
  const { beyond, ...others } = await activitiesShown(index, own, toDecide);
  const made = { responseId: randomUUID(), salt: newSalt(), ...shown, ...asked, ...others };
  const isBeyond = beyond === true || ofPlan.beyond;
  const input = { id, provider, ...(isBeyond ? { beyond: true as const } : {}) };
  return showingLists(index, own, (lists) => sendDecision(services, { input, shown: { ...made, ...lists } }, sending));
}

/** The payer's rules of deciding, what another person has signed, and what an appeal is against. */
async function decidedBefore(index: ReadModel, own: string, { id, payer, step, signers, appealOf }: ClaimState) {
  return {
    ...(await rulesShown(index, own, payer)),
    ...(signers === undefined ? {} : { signed: await textOf(index, own, privateKeys.claimDecision(id, step)) }),
    ...(appealOf === undefined ? {} : { response: await textOf(index, own, privateKeys.response(id, appealOf)) }),
  };
}

/** The payer's newest rules of deciding, where it has set any. */
export async function rulesShown(
  index: ReadModel,
  own: string,
  payer: string,
): Promise<{ rules?: { generation: number; text: string } }> {
  const generation = await index.evidence.newest(own, privateKeys.claimRules(payer, 0).slice(0, -1));
  if (generation === 0) return {};
  return { rules: { generation, text: await textOf(index, own, privateKeys.claimRules(payer, generation)) } };
}

/** How a claim stands. @throws {LedgerError} NOT_FOUND */
export async function claimState(index: ReadModel, id: string): Promise<ClaimState> {
  const row = await index.state('claim', id);
  if (row === undefined) throw new LedgerError('NOT_FOUND', 'there is no such claim');
  return JSON.parse(row.value) as ClaimState;
}

/** The exact text of a value of a claim. @throws {LedgerError} NOT_FOUND, {Failure} 503 while it is on its way */
export async function textOf(index: ReadModel, collection: string, key: string): Promise<string> {
  const text = await index.evidence.text(collection, key);
  if (text !== undefined) return text;
  await index.undelivered.demandValue(key);
  throw new LedgerError('NOT_FOUND', `the read model holds no ${key.split('/')[0]} of this claim yet`);
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
