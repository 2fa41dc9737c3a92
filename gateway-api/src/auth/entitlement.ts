/**
 * What a caller may see of its organisation's read model and send to the ledger: pure decisions on kind and role. The
 * chaincode decides the second again, and it alone decides
 * consent between organisations; which kind of organisation writes which type is in fhir/types.ts.
 */
import type { CaretakerAct } from '@telemed-ledger/chaincode/model/consent-codes.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { type Transaction, type TransactionName, transactions } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Kind, Role } from '@telemed-ledger/consortium/members.ts';
import { type ActsFor, type Caller, ownPatient } from './caller.ts';

/** Everything of the organisation, one patient's compartment, or no content at all. */
export type Sight = { all: true } | { patient: string } | { none: string };

/** What of the organisation's content a caller sees. */
export function sightOf(caller: Caller): Sight {
  switch (caller.role) {
    case 'system':
    case 'practitioner':
    case 'adjudicator':
    case 'settlement':
      return { all: true };
    case 'patient': {
      const patient = ownPatient(caller);
      return patient === undefined ? { none: 'this token names no patient' } : { patient };
    }
    case 'caretaker':
      return caller.actsFor === undefined ? { none: 'no delegation names this caretaker' } : caller.actsFor;
    case 'auditor':
    case 'operator':
      return { none: `the role ${caller.role} sees no health data` };
  }
}

/**
 * The compartment to read in, undefined for everything. @throws {LedgerError} FORBIDDEN
 * @param acts what this is, of what is delegated: a caretaker may do it where he may do any of these
 */
export function compartmentOf(caller: Caller, ...acts: readonly CaretakerAct[]): string | undefined {
  const sight = sightOf(caller);
  if (caller.actsFor !== undefined) demandAct(caller.actsFor, acts);
  if ('none' in sight) throw new LedgerError('FORBIDDEN', sight.none);
  return 'patient' in sight ? sight.patient : undefined;
}

/** The same with what is linked with it: all of one person's. @throws {LedgerError} FORBIDDEN */
export function compartmentsOf(caller: Caller, ...acts: readonly CaretakerAct[]): readonly string[] | undefined {
  const own = compartmentOf(caller, ...acts);
  return own === undefined ? undefined : [own, ...(caller.linked ?? [])];
}

function demandAct({ acts: delegated }: ActsFor, acts: readonly CaretakerAct[]): void {
  if (acts.some((act) => delegated.includes(act))) return;
  const lacks = acts.length === 0 ? 'no caretaker may do this' : `this is not delegated: it takes ${acts.join(' or ')}`;
  throw new LedgerError('FORBIDDEN', lacks);
}

/** Resources about money; everything else is read as a record. */
const BILLS =
  /^(?:Account|ChargeItem|Claim|ClaimResponse|Coverage|CoverageEligibility\w+|ExplanationOfBenefit|Invoice|Payment\w+)$/;
/** What booking an appointment takes to be seen. */
const BOOKING = /^(?:Appointment|Schedule|Slot)$/;
/** What of what is delegated reading a type is. */
export function readingOf(type: string): readonly CaretakerAct[] {
  if (BILLS.test(type)) return ['bills'];
  if (BOOKING.test(type)) return ['read', 'book'];
  return type === 'Consent' ? ['read', 'answer', 'revoke'] : ['read'];
}

/** Whether the ledger takes one of these transactions of callers of this kind and role, or of their gateway for them. */
export function mayCall(kind: Kind, role: Role, names: readonly TransactionName[]): boolean {
  return names.some((name) => {
    const {
      callers,
      roles,
      onBehalfOf = [],
    } = transactions[name] as Pick<Transaction, 'callers' | 'roles' | 'onBehalfOf'>;
    const isRole = roles.length === 0 || roles.includes(role) || onBehalfOf.includes(role);
    return (callers.length === 0 || callers.includes(kind)) && isRole;
  });
}

/**
 * For a request that may become one of these transactions, before anything of its body is read.
 * @throws {LedgerError} FORBIDDEN where the caller may send none of them
 */
export function demandCaller(kind: Kind, { role }: Caller, ...names: readonly TransactionName[]): void {
  if (!mayCall(kind, role, names)) throw new LedgerError('FORBIDDEN', `the role ${role} at a ${kind} may not do this`);
}

/** Who acts for a member as such: its peer holds every block. */
const OF_A_MEMBER: readonly Role[] = ['system', 'operator', 'auditor'];

/**
 * Whether a caller is given what stands in a block: it names who sent a transaction, and shows the hashes of all its keys.
 * @param isOwn a patient asks for the block of what she may read: it is about her
 * @throws {LedgerError} FORBIDDEN
 */
export function demandBlocks({ role }: Caller, isOwn: boolean): void {
  if (OF_A_MEMBER.includes(role) || (isOwn && role === 'patient')) return;
  const own = isOwn ? ', and for the patient' : '';
  throw new LedgerError('FORBIDDEN', `full evidence is for the roles ${OF_A_MEMBER.join(', ')}${own}`);
}
