/**
 * What the private values of an access, a consent, a claim, a payment or an account say together: the newest step counts, of those that lie with
 * whom they concern, were signed by whose step it is, and belong to the series that was begun first.
 */

import { type Account, accountSchema, MAX_ACCOUNT_STEPS } from '@telemed-ledger/chaincode/model/accounts.ts';
import {
  type AuthorizationState,
  authorizationStateSchema,
  MAX_AUTHORIZATION_STEPS,
} from '@telemed-ledger/chaincode/model/authorizations.ts';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { MAX_CLAIM_STEPS, takersOf } from '@telemed-ledger/chaincode/model/claim-steps.ts';
import { continuationOf } from '@telemed-ledger/chaincode/model/deliveries.ts';
import { REVIEW_STEPS } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { parsePrivateKey, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import {
  debtorOf,
  MAX_PAYMENT_STEPS,
  type PaymentState,
  paymentStateSchema,
} from '@telemed-ledger/chaincode/model/payments.ts';
import { renewalOf } from '@telemed-ledger/chaincode/model/renewals.ts';
import {
  ACCESS_STEPS,
  type AccessState,
  accessStateSchema,
  type ClaimState,
  claimStateSchema,
  markSchema,
} from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import {
  type Consortium,
  custodianOf,
  type Organisation,
  organisationByMsp,
} from '@telemed-ledger/consortium/members.ts';
import type { AccessConsentsTable, IndexTables, StatesTable } from '../schema.ts';
import { objectIn } from './json.ts';
import type { Standing } from './resources.ts';

export type Value = IndexTables['private_values'];

/** What a step is the state of. */
export interface Subject {
  kind: 'access' | 'authorization' | 'bank-account' | 'claim' | 'consent' | 'payment' | 'review';
  id: string;
}

export type Untimed = Omit<StatesTable, 'time'>;
export type Rest = Omit<AccessConsentsTable, 'ended'>;

export const nameOf = ({ kind, id }: { kind: string; id: string }): string => `${kind}/${id}`;

/** What a key says something of; undefined for a key that is no step of anything. */
export function subjectOf(key: string): Subject | undefined {
  const { kind, segments } = parsePrivateKey(key);
  const [id] = segments;
  if (id === undefined) return undefined;
  if (kind === 'access') return { kind, id };
  if (kind === 'claim-state') return { kind: 'claim', id };
  if (kind === 'order') return { kind: 'payment', id };
  if (kind === 'authorization-state') return { kind: 'authorization', id };
  if (kind === 'bank-account') return { kind, id };
  if (kind === 'review') return { kind, id };
  return ['consent', 'revoked', 'withdrawn'].includes(kind) ? { kind: 'consent', id } : undefined;
}

const stepsTo = (last: number): number[] => Array.from({ length: last }, (_, step) => step + 1);
const ACCESS = stepsTo(Math.max(...Object.values(ACCESS_STEPS)));
const AUTHORIZATION = stepsTo(MAX_AUTHORIZATION_STEPS);
const CLAIM = stepsTo(MAX_CLAIM_STEPS);
const PAYMENT = stepsTo(MAX_PAYMENT_STEPS);
const ACCOUNT = stepsTo(MAX_ACCOUNT_STEPS);

/** The keys of the steps of an access, a claim, a payment or a review. */
export function stepKeys({ kind, id }: Subject): string[] {
  if (kind === 'authorization') return AUTHORIZATION.map((step) => privateKeys.authorizationState(id, step));
  if (kind === 'review') return Object.values(REVIEW_STEPS).map((step) => privateKeys.review(id, step));
  if (kind === 'bank-account') return ACCOUNT.map((step) => privateKeys.bankAccount(id, step));
  if (kind === 'payment') return PAYMENT.map((step) => privateKeys.order(id, step));
  return kind === 'access'
    ? ACCESS.map((step) => privateKeys.access(id, step))
    : CLAIM.map((step) => privateKeys.claimState(id, step));
}

/** The accesses that may go on from one: what may be shown of it still, and the part behind it. */
export const laterOf = (id: string): string[] => [renewalOf(id), continuationOf(id)];

/** The keys that say what became of an access which goes on. */
export const laterKeys = (id: string): string[] =>
  laterOf(id).map((later) => privateKeys.access(later, ACCESS_STEPS.granted));

/** The access that a value goes on from. */
export function goesOnFrom({ key, value }: Pick<Value, 'key' | 'value'>): Subject | undefined {
  const { kind } = parsePrivateKey(key);
  const { renews, continues } = (kind === 'access' ? objectIn(value) : undefined) ?? {};
  const id = [renews, continues].find((one) => typeof one === 'string');
  return typeof id === 'string' ? { kind: 'access', id } : undefined;
}

/** A value as a step. */
interface Step {
  step: number;
  state: AccessState | AuthorizationState | ClaimState | PaymentState | Account;
  /** The organisations between whom the series runs. */
  series: string;
  row: Value;
}

/** Whose read model it is, and who signed which transaction (MSP id). */
export interface View {
  member: Organisation;
  consortium: Consortium;
  signerOf: (transactionId: string) => string | undefined;
}

/**
 * The state that the newest step says; undefined where no value is one.
 * @param later values under the keys that say what became of an access which goes on
 */
export function stateOf(
  subject: Subject,
  values: readonly Value[],
  view: View,
  later: readonly Value[] = [],
): Untimed | undefined {
  const all = values.flatMap((row) => stepIn(subject, row, view) ?? []);
  const [begun] = all.toSorted((a, b) => a.row.sequence - b.row.sequence);
  const steps = all.filter(({ series }) => series === begun?.series);
  const [newest] = steps.toSorted((a, b) => b.step - a.step || a.row.sequence - b.row.sequence);
  if (begun === undefined || newest === undefined) return undefined;
  const { state, row } = newest;
  const { name, mspId } = view.member;
  const own = Object.values(state).some((one) => one === name || one === mspId) ? 1 : 0;
  const { requestedAt, decidedAt } = state as Partial<AccessState>;
  const isDated = subject.kind === 'payment' || subject.kind === 'bank-account';
  const updatedAt = isDated ? (state as PaymentState | Account).updatedAt : null;
  return {
    ...subject,
    sequence: begun.row.sequence,
    own,
    status: state.status,
    last_updated: decidedAt ?? requestedAt ?? updatedAt,
    ends_at: own === 1 && subject.kind === 'access' ? dueAt(state as AccessState, steps, later, view) : null,
    about: subject.kind === 'access' ? patientOf(steps) : null,
    value: row.value,
    transaction_id: row.transaction_id,
    block: row.block,
  };
}

/**
 * When something is to be done about an access: its custodian has to tell the holder of a step that was taken without it, to
 * deliver what comes behind it, and anew what may be shown still; the copies of a granted one go when it ends.
 */
function dueAt(state: AccessState, steps: readonly Step[], later: readonly Value[], view: View): string | null {
  const { id, status, expiresAt, custodian, goesOn, purgedAt, decidedAt, through } = state;
  const ends = status === 'granted' ? expiresAt : undefined;
  if (custodian !== view.member.name) return firstOf([ends]);
  const isThere = (one: string) => later.some((row) => stepIn({ kind: 'access', id: one }, row, view) !== undefined);
  const further = through === undefined || isThere(continuationOf(id)) ? undefined : decidedAt;
  const again = goesOn !== true || isThere(renewalOf(id)) ? undefined : purgedAt;
  return firstOf([ends, untoldAt(state, steps), further, again]);
}

/** Whom it was decided on; of a refusal the holder's copy alone says so. */
function patientOf(steps: readonly Step[]): string | null {
  const states = steps.map(({ state }) => state as AccessState);
  return states.map(({ patient, because }) => patient ?? because?.patient).find((one) => one !== undefined) ?? null;
}

const firstOf = (times: readonly (string | undefined)[]): string | null =>
  times.filter((time) => time !== undefined).sort()[0] ?? null;

/** When the first of the steps was taken that the requestor's inbox has and the holder's collection has not. */
function untoldAt({ requestor, holder }: AccessState, steps: readonly Step[]): string | undefined {
  const [inbox, care] = [collections.inbox(requestor), collections.care(holder)];
  const told = new Set(steps.filter(({ row }) => row.collection === care).map(({ step }) => step));
  const untold = steps.filter(({ row, step }) => row.collection === inbox && step > 1 && !told.has(step));
  return untold.flatMap(({ state }) => takenAt(state as AccessState) ?? []).sort()[0];
}

const takenAt = ({ decidedAt, purgedAt }: AccessState): string | undefined => purgedAt ?? decidedAt;

/** A value as the step that its key names; undefined where it is none. */
function stepIn({ kind, id }: Subject, row: Value, view: View): Step | undefined {
  const step = Number(row.key.split('/')[2]);
  const found = STEPS[kind]?.(row, view);
  if (found === undefined || found.state.id !== id || found.step !== step) return undefined;
  const { places, signers, ...one } = found;
  const signed = organisationByMsp(view.consortium, view.signerOf(row.transaction_id) ?? '')?.name;
  return places.includes(row.collection) && signers.some((one) => one === signed) ? { ...one, row } : undefined;
}

interface Read extends Omit<Step, 'row'> {
  /** Collections that it may lie in. */
  places: string[];
  /** Names of the organisations that may take this step. */
  signers: readonly string[];
}

const STEPS: Partial<Record<Subject['kind'], (row: Value, view: View) => Read | undefined>> = {
  ...{ access: accessStep, authorization: authorizationStep, 'bank-account': accountStep },
  ...{ claim: claimStep, payment: paymentStep },
};

function accessStep({ value }: Value): Read | undefined {
  const { data: state } = accessStateSchema.safeParse(objectIn(value));
  if (state === undefined) return undefined;
  const { requestor, holder, custodian, status } = state;
  return {
    ...{ step: ACCESS_STEPS[status], state, series: [requestor, holder, custodian].join() },
    places: [collections.inbox(requestor), collections.care(holder)],
    signers: [status === 'requested' ? requestor : custodian],
  };
}

function claimStep({ value }: Value, { consortium }: View): Read | undefined {
  const { data: state } = claimStateSchema.safeParse(objectIn(value));
  if (state === undefined) return undefined;
  const { provider, payer, bank, step, status } = state;
  return {
    ...{ step, state, series: [provider, payer].join() },
    places: [provider, payer, ...(bank === undefined ? [] : [bank])].map(collections.billing),
    signers: takersOf(status, step).flatMap((party) =>
      party === 'patient' ? custodianOf(consortium).name : (state[party] ?? []),
    ),
  };
}

function paymentStep({ value }: Value): Read | undefined {
  const { data: state } = paymentStateSchema.safeParse(objectIn(value));
  if (state === undefined) return undefined;
  const { payer, bank, debtor, step } = state;
  const parties = [payer, bank, ...(debtor === undefined ? [] : [debtor])];
  return {
    ...{ step, state, series: parties.join() },
    places: parties.map(collections.billing),
    signers: [step === 1 ? debtorOf(state) : bank],
  };
}

/** What a member asks it signs; what a payer received elsewhere, and what it decides, the payer does. */
function authorizationStep({ value }: Value): Read | undefined {
  const { data: state } = authorizationStateSchema.safeParse(objectIn(value));
  if (state === undefined) return undefined;
  const { provider, payer, step, status } = state;
  const parties = [payer, ...(provider === undefined ? [] : [provider])];
  return {
    step,
    state,
    series: [provider, payer].join(),
    places: parties.map(collections.billing),
    signers: status === 'approved' || status === 'partial' ? [payer] : parties,
  };
}

function accountStep({ value }: Value): Read | undefined {
  const { data: state } = accountSchema.safeParse(objectIn(value));
  if (state === undefined) return undefined;
  const { owner, payer, bank, step } = state;
  return {
    ...{ step, state, series: [owner, payer, bank].join() },
    places: [owner, payer, bank].map(collections.billing),
    signers: [step === 1 ? owner : bank],
  };
}

export type ConsentVersion = Standing;

/** The newest, and of several the one that came first. */
export const newestOf = (rows: readonly ConsentVersion[]): ConsentVersion =>
  rows.reduce((one, other) =>
    other.version > one.version || (other.version === one.version && other.sequence < one.sequence) ? other : one,
  );

/** A consent as its newest version and the marks, by key, say. */
export function consentState(
  newest: ConsentVersion,
  versions: readonly ConsentVersion[],
  marks: ReadonlyMap<string, Value>,
): Untimed {
  const { id, version, collection } = newest;
  const revoked = marks.get(privateKeys.revoked(id));
  const mark = revoked ?? marks.get(privateKeys.withdrawn(id, version));
  const status = mark === undefined ? 'active' : revoked === undefined ? 'withdrawn' : 'revoked';
  const updatedAt = (mark && markedAt(mark)) ?? newest.last_updated;
  const provider = collection.slice(collections.care('').length);
  return {
    ...{ kind: 'consent', id, own: 1, status, last_updated: null, ends_at: null, about: null },
    sequence: Math.min(...versions.map(({ sequence }) => sequence)),
    value: canonicalJson({ id, provider, status, version, updatedAt }),
    transaction_id: (mark ?? newest).transaction_id,
    block: (mark ?? newest).block,
  };
}

/** That a mark stands there revokes, whatever it says. */
const markedAt = ({ value }: Value): string | undefined => markSchema.safeParse(objectIn(value)).data?.at;

/** The consents that an access rests on, each once. */
const consentsOf = ({
  consent,
  furtherConsents = [],
}: Pick<AccessState, 'consent' | 'furtherConsents'>): { id: string; version: number }[] => [
  ...new Map([consent, ...furtherConsents].flatMap((one) => (one === undefined ? [] : [[one.id, one]]))).values(),
];

export function restsOf({ id, value }: Pick<StatesTable, 'id' | 'value'>): Rest[] {
  const { data: state } = accessStateSchema.safeParse(objectIn(value));
  return state === undefined
    ? []
    : consentsOf(state).map(({ id: consent, version }) => ({ access: id, consent, version }));
}
