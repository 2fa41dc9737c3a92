/**
 * What a caller may see of its organisation's read model: a pure decision on the role. The chaincode alone decides
 * consent between organisations; which kind of organisation writes which type is in fhir/types.ts.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Caller } from './caller.ts';

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
