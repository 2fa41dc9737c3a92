/** A made-up plan, for tests: a deductible of 100.00, 20 % of what follows, at most 300.00 a year; visits at a copay, and so on. */
import { type Changeable, exampleIds } from './example-claim.fixture.ts';

const OURS = 'https://telemed-ledger.example/fhir/StructureDefinition';
const CPT = 'http://www.ama-assn.org/go/cpt';
const coded = (code: string): { coding: { code: string }[] } => ({ coding: [{ code }] });
const usd = (value: number): object => ({ value, code: 'USD', system: 'urn:iso:std:iso:4217' });

const benefit = (
  name: string,
  codes: readonly string[],
  more: object = {},
  extensions: readonly object[] = [],
): object => ({
  type: coded(name),
  extension: [
    ...codes.map((code) => ({ url: `${OURS}/plan-service`, valueCoding: { system: CPT, code } })),
    ...extensions,
  ],
  ...more,
});
const cost = (type: string, value: object, applicability?: string): object => ({
  ...{ type: coded(type), value },
  ...(applicability === undefined ? {} : { applicability: coded(applicability) }),
});
const percent = (value: number): object => ({ value, unit: '%' });

export const EXAMPLE_PLAN_NAME = 'SILVER-2026';

/** Its services by code: V visit, T therapy, X excluded, W with a waiting period, A with an authorization, and any other. */
export const examplePlan = (): Changeable =>
  structuredClone({
    resourceType: 'InsurancePlan',
    id: exampleIds.other,
    identifier: [{ system: 'https://payer.example/plans', value: EXAMPLE_PLAN_NAME }],
    status: 'active',
    period: { start: '2026-01-01', end: '2026-12-31' },
    network: [{ identifier: { system: 'https://telemed-ledger.example/organisations', value: 'hospital' } }],
    coverage: [
      {
        type: coded('medical'),
        benefit: [
          benefit('visits', ['V']),
          benefit('therapy', ['T'], {
            limit: [
              { value: { value: 3, unit: 'visits' }, code: coded('annual') },
              { value: usd(500), code: coded('annual') },
            ],
          }),
          benefit('excluded', ['X'], {}, [{ url: `${OURS}/plan-excluded`, valueBoolean: true }]),
          benefit('waiting', ['W'], { limit: [{ value: { value: 90, unit: 'd' }, code: coded('waiting-period') }] }),
          benefit('authorized', ['A'], {}, [{ url: `${OURS}/plan-preauthorization`, valueBoolean: true }]),
          benefit('other', []),
        ],
      },
    ],
    plan: [
      {
        generalCost: [
          { type: coded('deductible'), cost: { value: 100, currency: 'USD' } },
          { type: coded('out-of-pocket-maximum'), cost: { value: 300, currency: 'USD' } },
        ],
        specificCost: [
          {
            category: coded('visits'),
            benefit: [
              {
                type: coded('visits'),
                cost: [
                  cost('copay', usd(25), 'in-network'),
                  cost('deductible', usd(0), 'in-network'),
                  cost('coinsurance', percent(50), 'out-of-network'),
                ],
              },
            ],
          },
          {
            category: coded('other'),
            benefit: [{ type: coded('other'), cost: [cost('coinsurance', percent(20), 'in-network')] }],
          },
        ],
      },
    ],
  }) as unknown as Changeable;
