/** The coverages that a payer registers with the providers that may bill it (hl7.org/fhir/R4/coverage.html). */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { onlyOne, type Write } from '../records/records.ts';

const COVERAGE_PROVIDER = 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider';

export const registerCoverage: Write = async ({ ledger }, drafts, sending) => {
  const coverage = onlyOne(drafts);
  const providers = providersOf(coverage.resource as Resource);
  return ledger.submit('RegisterCoverage', { providers }, { coverage }, sending);
};

/** The providers that may see it. @throws {LedgerError} INVALID where it names none */
function providersOf(coverage: Resource): string[] {
  const extensions = (coverage['extension'] ?? []) as { url?: string; valueString?: string }[];
  const providers = extensions
    .filter(({ url }) => url === COVERAGE_PROVIDER)
    .map(({ valueString }) => valueString ?? '');
  if (providers.length === 0) {
    const text = `name the providers that may see it by ${COVERAGE_PROVIDER}`;
    throw new LedgerError('INVALID', text, 'Coverage.extension');
  }
  return [...new Set(providers)];
}
