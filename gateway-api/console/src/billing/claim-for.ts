/** A claim for a visit, of what a person at the provider has chosen. */
import type { Claim, Encounter } from '@medplum/fhirtypes';
import { ORGANISATIONS } from '../parts/fhir-texts.ts';

const CPT = 'http://www.ama-assn.org/go/cpt';
const CLAIM_TYPES = 'http://terminology.hl7.org/CodeSystem/claim-type';

export interface Draft {
  coverage: string;
  code: string;
  amount: string;
}

/** A professional claim for one service at a visit. @param provider name of the member that bills */
export function claimFor(visit: Encounter, draft: Draft, provider: string, today: string): Claim {
  const { coverage, code, amount } = draft;
  const day = (visit.period?.start ?? today).slice(0, 10);
  return {
    ...{ resourceType: 'Claim', status: 'active', use: 'claim', created: today },
    type: { coding: [{ system: CLAIM_TYPES, code: 'professional' }] },
    priority: { coding: [{ code: 'normal' }] },
    patient: visit.subject as NonNullable<Claim['patient']>,
    provider: { identifier: { system: ORGANISATIONS, value: provider } },
    insurance: [{ sequence: 1, focal: true, coverage: { reference: coverage } }],
    item: [
      {
        ...{ sequence: 1, productOrService: { coding: [{ system: CPT, code }] }, servicedDate: day },
        encounter: [{ reference: `Encounter/${visit.id}` }],
        net: { value: Number(amount) as never, currency: 'USD' },
      },
    ],
  } as Claim;
}
