/** What a payer writes by FHIR: each type by its own transaction. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { onlyOne, type Write } from '../records/records.ts';
import { registerCoverage } from './coverages.ts';
import { registerPlan } from './plans.ts';
import { loadConceptMap } from './tables.ts';

const BY_TYPE: Record<string, Write> = {
  Coverage: registerCoverage,
  InsurancePlan: registerPlan,
  ConceptMap: (services, drafts, sending) => loadConceptMap(services, onlyOne(drafts), sending),
};

export const writeTerms: Write = (services, drafts, sending, caller) => {
  const { resourceType } = onlyOne(drafts).resource;
  const write = BY_TYPE[resourceType];
  if (write === undefined) throw new LedgerError('FORBIDDEN', 'a payer writes nothing of this type', 'resourceType');
  return write(services, drafts, sending, caller);
};
