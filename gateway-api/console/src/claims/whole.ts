/** A claim with what was decided and found of it, as FHIR has it at its payer and its provider. */
import type { Claim, ClaimResponse, Parameters } from '@medplum/fhirtypes';
import { ask, fhirPath, search } from '../api.ts';
import { type Finding, findingsIn } from './findings.ts';

export interface Whole {
  claim: Claim;
  response: ClaimResponse | undefined;
  findings: Finding[];
}

/** Each decision is a response of its own. */
const newestOf = (responses: readonly ClaimResponse[]): ClaimResponse | undefined =>
  [...responses].sort((one, other) => timeOf(one) - timeOf(other)).at(-1);
const timeOf = ({ meta }: ClaimResponse): number => Date.parse(meta?.lastUpdated ?? '') || 0;

/** @throws {Problem} */
export async function wholeClaim(id: string, signal: AbortSignal): Promise<Whole> {
  const [claim, responses, findings] = await Promise.all([
    ask<Claim>({ path: fhirPath(`Claim/${id}`), signal }),
    search<ClaimResponse>(`ClaimResponse?request=Claim/${id}`, signal),
    ask<Parameters>({ path: fhirPath(`Claim/${id}/$findings`), signal }),
  ]);
  return {
    claim: claim.body,
    response: newestOf(responses.found),
    findings: findingsIn(findings.body.parameter ?? []),
  };
}
