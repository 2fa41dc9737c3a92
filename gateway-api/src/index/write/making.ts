/** Identifies how rows are made of what the ledger holds: made otherwise, the read model is filled anew (seals.ts). */
import { extraction } from '../../fhir/search-parameters.ts';
import { judgement } from '../../fhir/validation/faults.ts';

export const making = (): string => JSON.stringify([extraction(), judgement()]);
