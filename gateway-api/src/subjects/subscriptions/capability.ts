/** What the CapabilityStatement says of Subscriptions: the ledger has none of them, so FHIR's own room does not know them. */
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { SUBSCRIBING } from './subscription.ts';

/** `rest.resource`. */
export const subscriptionCapability = ({ kind }: Pick<Organisation, 'kind'>): object[] =>
  SUBSCRIBING.includes(kind)
    ? [
        {
          type: 'Subscription',
          interaction: ['create', 'read', 'update', 'search-type'].map((code) => ({ code })),
          versioning: 'versioned',
          documentation:
            'criteria AuditEvent, of a patient AuditEvent?patient=<id> and ExplanationOfBenefit (what becomes of claims for her), ClaimResponse of a provider or payer (what becomes of its claims and requests for authorization), or a search of records, such as Observation?code=…; channel rest-hook without payload, to hosts that this gateway may call.',
        },
      ]
    : [];
