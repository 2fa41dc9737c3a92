/**
 * What a token's scopes leave of what its role may do (hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html): they narrow,
 * and never add. A token without the claim `scope` is narrowed by nothing.
 */
import { InsufficientScope } from '../http/failures.ts';
import { type Caller, ownPatient } from './caller.ts';
import type { Act, Grant } from './grants.ts';

/** What an interaction does, with which type; `*`: with any, seen through nobody's query. */
export interface Demand {
  type: string;
  acts: readonly Act[];
}

/** The Patient whom `patient/` scopes are about: the one of the launch, or the one who calls. */
const contextOf = (caller: Caller): string | undefined =>
  caller.scopes?.patient ?? ownPatient(caller) ?? caller.actsFor?.patient;

/** What is left of a type. */
export interface Left {
  /** Id of the only Patient whose data it is; undefined: whatever the role sees. */
  patient?: string;
  /** Searches of which one must match; undefined: everything. */
  queries?: readonly { query: string; patient?: string }[];
}

const refusal = ({ type, acts }: Demand): InsufficientScope => {
  const what = type === '*' ? 'resources of every type' : type;
  return new InsufficientScope(`the scopes of this token do not permit this: it takes .${acts.join('')} of ${what}`);
};

/**
 * What the scopes of a caller leave of what he does with a type. A wider scope takes in a narrower one.
 * @throws {LedgerError} FORBIDDEN where they leave nothing
 */
export function leftOf(caller: Caller, demand: Demand): Left {
  if (caller.scopes === undefined) return {};
  const patient = contextOf(caller);
  const { type, acts } = demand;
  const usable = caller.scopes.grants.filter(
    (grant) => (grant.type === '*' || grant.type === type) && (grant.level !== 'patient' || patient !== undefined),
  );
  // What one scope begins another may end: read of one, search of the other.
  const of = (act: Act) => usable.filter((grant) => grant.acts.includes(act));
  if (acts.length === 0 || acts.some((act) => of(act).length === 0)) throw refusal(demand);
  const left = acts.map((act) => leftBy(of(act), patient));
  return left.reduce((one, other) => narrower(one, other, demand));
}

function leftBy(grants: readonly Grant[], patient: string | undefined): Left {
  const wide = grants.filter(({ level }) => level !== 'patient');
  if (wide.some(({ query }) => query === undefined)) return {};
  const own = grants.filter(({ level }) => level === 'patient');
  const about = patient === undefined ? {} : { patient };
  if (wide.length === 0 && own.some(({ query }) => query === undefined)) return about;
  const queries = [
    ...wide.map(({ query = '' }) => ({ query })),
    ...own.map(({ query = '' }) => ({ query, ...(wide.length === 0 ? {} : about) })),
  ];
  return wide.length === 0 ? { ...about, queries } : { queries };
}

/** Both must hold; two that are narrowed by different searches leave what neither says. */
function narrower(one: Left, other: Left, demand: Demand): Left {
  const patient = one.patient ?? other.patient;
  const same = JSON.stringify(one.queries) === JSON.stringify(other.queries);
  if (one.queries !== undefined && other.queries !== undefined && !same) throw refusal(demand);
  const queries = one.queries ?? other.queries;
  return { ...(patient === undefined ? {} : { patient }), ...(queries === undefined ? {} : { queries }) };
}

/**
 * For what reaches further than one type, or shows more than its records: the scopes must leave all of it. Those of the level
 * `patient` do so for her who sees nothing else anyway.
 * @throws {LedgerError} FORBIDDEN
 */
export function demandScope(caller: Caller, demand: Demand): void {
  const { patient, queries } = leftOf(caller, demand);
  const own = ownPatient(caller) ?? caller.actsFor?.patient;
  if (queries !== undefined || (patient !== undefined && patient !== own)) throw refusal(demand);
}

/** Whether `demandScope` would let it be. */
export function isLeft(caller: Caller, demand: Demand): boolean {
  try {
    demandScope(caller, demand);
    return true;
  } catch {
    return false;
  }
}

/** Before anything is known but the type. @throws {LedgerError} FORBIDDEN where the scopes leave none of these */
export function demandAnyAct(caller: Caller, type: string, acts: readonly Act[]): void {
  const isAny = caller.scopes?.grants.some(
    (grant) => (grant.type === '*' || grant.type === type) && acts.some((act) => grant.acts.includes(act)),
  );
  if (isAny === false) throw refusal({ type, acts });
}
