/**
 * What a caller may see of its organisation's read model, and may write: pure decisions on role and kind. Consent
 * between organisations is not decided here but in the chaincode.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { unrecordableType } from '@telemed-ledger/chaincode/model/record-types.ts';
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../fhir/repository.ts';

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
      const patient = /^Patient\/(.+)$/.exec(caller.fhirUser ?? '')?.[1];
      return patient === undefined ? { none: 'this token names no patient' } : { patient };
    }
    case 'caretaker':
      return { none: 'caretakers cannot read yet: no delegation from a patient is recorded' };
    case 'auditor':
    case 'operator':
      return { none: `the role ${caller.role} sees no health data` };
  }
}

/** The compartment to read in, undefined for everything. @throws {LedgerError} FORBIDDEN */
export function compartmentOf(caller: Caller): string | undefined {
  const sight = sightOf(caller);
  if ('none' in sight) throw new LedgerError('FORBIDDEN', sight.none);
  return 'patient' in sight ? sight.patient : undefined;
}

/** Why a resource of this type cannot be written at an organisation of this kind; undefined where it can. */
export function unwritable(kind: Kind, type: string): string | undefined {
  if (kind === 'provider') return unrecordableType(type);
  if (kind === 'custodian') return type === 'Consent' ? undefined : 'only consents are written at the custodian';
  if (kind === 'payer') return type === 'Coverage' ? undefined : 'only coverages are written at a payer';
  return `an organisation of kind ${kind} records no resources`;
}
