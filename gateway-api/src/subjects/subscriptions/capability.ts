/** What the CapabilityStatement says of Subscriptions: the ledger has none of them, so FHIR's own room does not know them. */
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { OPERATIONS_OF_SUBSCRIPTIONS, TOPICS } from './status-routes.ts';
import { SUBSCRIBING } from './subscription.ts';

/** `rest.resource`. */
export const subscriptionCapability = ({ kind }: Pick<Organisation, 'kind'>): object[] =>
  SUBSCRIBING.includes(kind)
    ? [
        {
          ...(kind === 'custodian' ? {} : { extension: TOPICS }),
          type: 'Subscription',
          operation: OPERATIONS_OF_SUBSCRIPTIONS,
          interaction: ['create', 'read', 'update', 'search-type'].map((code) => ({ code })),
          versioning: 'versioned',
          documentation:
            'criteria AuditEvent, of a patient AuditEvent?patient=<id> and ExplanationOfBenefit (what becomes of claims for her), ClaimResponse of a provider or payer (what becomes of its claims and requests for authorization), or a search of records, such as Observation?code=…; channel rest-hook, to hosts that this gateway may call, without payload or, of records, with each as an update. Of records the topic may be the criteria, with a filter.',
        },
      ]
    : [];
