/**
 * How a request for authorization stands, as a FHIR R4 ClaimResponse in the shape of Da Vinci PAS: each line with the review action,
 * and the payer's clock beside it. X12's codes are carried as codes; their descriptions are X12's.
 */
import type { AuthorizationDecision, AuthorizationState, DecisionReason } from '../model/authorizations.ts';
import type { Resource } from '../model/fhir.ts';
import { reviewActionOf } from '../model/review-actions.ts';
import type { Asked, DecidedItem } from './authorizations.ts';
import { concept, editConcept, organisationReference } from './fhir-terms.ts';

const PAS = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition';
const CLOCK = 'https://telemed-ledger.example/fhir/StructureDefinition/authorization-clock';

export interface AuthorizationFacts {
  responseId: string;
  claim: Resource;
  asked: Asked;
  state: AuthorizationState;
  /** Of what is decided, or was. */
  items: readonly DecidedItem[];
  decision?: AuthorizationDecision | undefined;
}

const OUTCOMES: Record<AuthorizationState['status'], string> = {
  ...{ pended: 'queued', approved: 'complete', partial: 'partial', denied: 'complete', cancelled: 'complete' },
};

/** Which number the payer gave: one that is made follows from the request. */
const numberOf = ({ state, decision }: AuthorizationFacts): string =>
  decision?.number ?? `PA-${state.id.slice(0, 8)}-${state.step}`;

const isAuthorized = ({ state: { status } }: AuthorizationFacts): boolean =>
  status === 'approved' || status === 'partial';

function clockOf({ urgency, receivedAt, dueAt, decidedAt, isLate, provider }: AuthorizationState): object {
  return {
    url: CLOCK,
    extension: [
      { url: 'urgency', valueCode: urgency },
      { url: 'received', valueDateTime: receivedAt },
      { url: 'due', valueDateTime: dueAt },
      ...(decidedAt === undefined ? [] : [{ url: 'decided', valueDateTime: decidedAt }]),
      ...(isLate === true ? [{ url: 'late', valueBoolean: true }] : []),
      { url: 'receivedBy', valueCode: provider === undefined ? 'payer' : 'member' },
    ],
  };
}

function reasonConcept({ system, code, text }: DecisionReason): object {
  const coding = code === undefined ? [] : [{ ...(system === undefined ? {} : { system }), code }];
  return { ...(coding.length === 0 ? {} : { coding }), ...(text === undefined ? {} : { text }) };
}

function reviewAction(facts: AuthorizationFacts, { outcome, reason }: DecidedItem): object {
  const reasons =
    reason !== undefined
      ? [reasonConcept(reason)]
      : outcome === 'deny' && facts.state.reason !== undefined
        ? [editConcept(facts.state.reason)]
        : [];
  const isNumbered = outcome === 'approve' || outcome === 'modify';
  return reviewActionOf(outcome, [
    ...(isNumbered && facts.claim['use'] === 'preauthorization'
      ? [{ url: 'number', valueString: numberOf(facts) }]
      : []),
    ...reasons.map((valueCodeableConcept) => ({ url: 'reasonCode', valueCodeableConcept })),
  ]);
}

function itemOf(facts: AuthorizationFacts, item: DecidedItem): object {
  const { element } = facts.asked.items.find(({ sequence }) => sequence === item.sequence)!;
  const traces = ((element['extension'] ?? []) as { url?: string }[]).filter(
    ({ url }) => url === `${PAS}/extension-itemTraceNumber`,
  );
  const period = facts.decision?.period;
  const isOpen = item.outcome === 'deny' || item.outcome === 'pend';
  const extension = [
    ...traces,
    ...(isOpen || facts.state.decidedAt === undefined
      ? []
      : [{ url: `${PAS}/extension-itemPreAuthIssueDate`, valueDate: facts.state.decidedAt.slice(0, 10) }]),
    ...(isOpen || period === undefined ? [] : [{ url: `${PAS}/extension-itemPreAuthPeriod`, valuePeriod: period }]),
    ...(item.quantity === undefined
      ? []
      : [
          {
            url: `${PAS}/extension-itemAuthorizedDetail`,
            extension: [{ url: 'quantity', valueQuantity: { value: item.quantity } }],
          },
        ]),
  ];
  return {
    ...(extension.length === 0 ? {} : { extension }),
    itemSequence: item.sequence,
    adjudication: [{ extension: [reviewAction(facts, item)], category: concept('adjudication', 'submitted') }],
  };
}

const DISPOSITIONS: Record<AuthorizationState['status'], string> = {
  pended: 'received; it will be decided by the time that is due',
  ...{ approved: 'authorized', partial: 'authorized in part', denied: 'not authorized', cancelled: 'cancelled' },
};

/** The ClaimResponse of a request as it stands. */
export function authorizationResponseOf(facts: AuthorizationFacts): Resource {
  const { claim, state, items, decision, asked } = facts;
  const { identifier } = claim;
  const isNumbered = isAuthorized(facts) && claim['use'] === 'preauthorization';
  return {
    resourceType: 'ClaimResponse',
    id: facts.responseId,
    extension: [clockOf(state)],
    ...(identifier === undefined ? {} : { identifier }),
    status: state.status === 'cancelled' ? 'cancelled' : 'active',
    type: claim['type'],
    use: claim['use'],
    patient: claim['patient'],
    created: state.updatedAt,
    insurer: organisationReference(state.payer),
    requestor: requestorOf(facts),
    request: { reference: `Claim/${state.id}` },
    outcome: OUTCOMES[state.status],
    disposition: decision?.reason?.text ?? DISPOSITIONS[state.status],
    ...(isNumbered ? { preAuthRef: numberOf(facts) } : {}),
    ...(isNumbered && decision?.period !== undefined ? { preAuthPeriod: decision.period } : {}),
    insurance: [{ sequence: 1, focal: true, coverage: { reference: asked.coverage } }],
    ...(items.length === 0 ? {} : { item: items.map((item) => itemOf(facts, item)) }),
  };
}

/** A reference into what the Claim contains means nothing outside it. */
function requestorOf({ claim, state: { provider } }: AuthorizationFacts): object {
  if (provider !== undefined) return organisationReference(provider);
  const named = claim['provider'] as { reference?: string; identifier?: object; display?: string };
  const inside = ((claim['contained'] ?? []) as Record<string, unknown>[]).find(
    ({ id }) => named.reference === `#${String(id)}`,
  );
  if (inside === undefined) return named;
  const [identifier] = (inside['identifier'] ?? []) as object[];
  const name = inside['name'];
  return {
    ...(identifier === undefined ? {} : { identifier }),
    display: typeof name === 'string' ? name : (named.display ?? String(inside['resourceType'])),
  };
}
