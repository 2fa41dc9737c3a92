/** One access as an AuditEvent (hl7.org/fhir/R4/auditevent.html), with what whoever reads it may know of it. */
import type { Account } from '@telemed-ledger/chaincode/model/deliveries.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM, referenceTo } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { AccessRequest, AccessState, Because } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Decided } from '../../index/read/access-steps.ts';
import { BALP, consentEntity, DCM, noConsentEntity, patientEntity } from '../log/balp.ts';
import type { Reviewed } from '../reviews/reviews.ts';
import type { Whole } from './whole.ts';

/** One access as this organisation knows it. */
export interface Disclosure {
  state: AccessState;
  transactionId: string;
  /** Of that transaction. */
  block: number;
  /** What was asked, where this organisation holds the requestor's inbox. */
  request?: AccessRequest;
  /** Id of the holder's Patient, where this organisation knows it. */
  patient?: string;
  /** Values of its last steps that have not arrived at this organisation; absent where none is missing. */
  undelivered?: number;
  /** What is still to be done about it; absent where nothing is. */
  pending?: 'decision' | 'patient' | 'refusal' | 'purge' | 'renewal' | 'part' | 'report';
  /** What a refusal rests on; absent for who asked. */
  because?: Because;
  /** Id of the access that goes on from it. */
  renewedBy?: string;
  /** Id of the access that carries the part behind it. */
  continuedBy?: string;
  /** Of what was asked for: how it stands in all its parts. */
  whole?: Whole;
  /** What of it was delivered and what was not; absent for who asked. */
  account?: Account;
  /** Of an emergency, where this organisation holds the reviews. */
  review?: Reviewed;
  /** Who endorsed the decision, and when a holder who did not was told of it; absent before. */
  decided?: Decided;
}

const organisation = (name: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value: name }, display: name });
/** Whom an organisation certified: a relative reference would mean somebody of whoever reads it. */
const person = (certifiedBy: string, fhirUser: string) =>
  fhirUser.startsWith('Practitioner/')
    ? { reference: referenceTo(certifiedBy, fhirUser) }
    : { identifier: { system: referenceTo(certifiedBy, 'people'), value: fhirUser } };
/** That it was shown, and that it was decided on by consents (profiles.ihe.net/ITI/BALP). */
const DISCLOSE = {
  system: 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle',
  code: 'disclose',
  display: 'Disclose Record Lifecycle Event',
};
const AUTHORIZED = {
  system: 'https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType',
  code: 'AuthZ-Consent',
  display: 'Authorization Decision using Roles and Consent',
};
const DISCLOSURE_PROFILE = `${BALP}.PrivacyDisclosure.Source`;
const DECISION_PROFILE = `${BALP}.AuthZconsent`;
const concept = (system: string, code: string) => ({ coding: [{ system, code }] });
const ORGANISATION = concept('http://terminology.hl7.org/CodeSystem/v3-RoleClass', 'PROV');
const AUTHORIZER = concept('http://terminology.hl7.org/CodeSystem/extra-security-role-type', 'authserver');
const RECIPIENT = concept('http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'IRCP');

/** Who endorsed the decision, and when the holder was told of one that it did not endorse. */
function decisionOf({ decided, pending }: Disclosure): Record<string, unknown>[] {
  if (decided === undefined) return [];
  const { endorsers, holderToldAt } = decided;
  const told = pending === 'report' ? 'pending' : holderToldAt;
  const endorsed = endorsers.map((endorser): Fact => ['endorser', endorser]);
  return [factsOf('decision', [...endorsed, ['holder-told', told]])];
}

/** How an emergency is reviewed. */
function reviewIn({ review }: Disclosure): Record<string, unknown>[] {
  if (review === undefined) return [];
  const { status, licence, closedAt, text } = review;
  return [
    factsOf('review', [
      ['outcome', status],
      ['licence', licence],
      ['closed', closedAt],
      ['text', text],
    ]),
  ];
}

/** From which delivery it goes on, and what goes on from it. */
function renewalIn({ state, renewedBy }: Disclosure): Record<string, unknown>[] {
  if (state.renews === undefined && renewedBy === undefined) return [];
  return [
    factsOf('renewal', [
      ['renews', state.renews],
      ['renewed-by', renewedBy],
    ]),
  ];
}

/** How much was delivered, in which part, and to whom it may be said what was not. */
function deliveryIn({ state, continuedBy, account, whole }: Disclosure): Record<string, unknown>[] {
  const { delivered, companions, part, continues, unreadable, restricted } = state;
  if (delivered === undefined && account === undefined) return [];
  const number = (value: number | undefined) => (value === undefined ? undefined : String(value));
  const withheld = Object.entries(account?.withheld ?? {}).map(([why, count]): Fact => ['withheld', `${count} ${why}`]);
  return [
    factsOf('delivery', [
      ['delivered', number(delivered)],
      ['companions', number(companions)],
      ['part', number(part)],
      ['continues', continues],
      ['continued-by', continuedBy],
      ['whole', whole?.status],
      ['restricted', restricted],
      ['unreadable', unreadable === true ? 'true' : undefined],
      ...withheld,
    ]),
  ];
}

/** How many records of each type were told, where that was all that was asked. */
function countsIn({ state: { counts } }: Disclosure): Record<string, unknown>[] {
  return counts === undefined
    ? []
    : [
        factsOf(
          'counts',
          Object.entries(counts).map(([type, count]): Fact => [type, String(count)]),
        ),
      ];
}

type Fact = [type: string, value: string | undefined];

const factsOf = (name: string, facts: readonly Fact[]): Record<string, unknown> => ({
  name,
  detail: facts.flatMap(([type, valueString]) => (valueString === undefined ? [] : [{ type, valueString }])),
});

/** An end of the line, by its role in DICOM. */
const end = (role: '110152' | '110153', name: string) => ({
  ...{ type: { coding: [DCM[role]] }, who: organisation(name) },
  network: { address: `${ORGANISATION_SYSTEM}/${name}`, type: '5' },
});

/** Who takes part in a disclosure, or is told how much there is. */
const endsOf = ({ state, request }: Disclosure): Record<string, unknown>[] => [
  { ...end('110152', state.requestor), requestor: true },
  ...(request?.practitioner === undefined
    ? []
    : [{ type: RECIPIENT, who: person(state.requestor, request.practitioner), requestor: false }]),
  { ...end('110153', state.holder), requestor: false },
];

/** Who asked to be let see what, who decides, and whose it is. */
function partiesOf({ state, request }: Disclosure): Record<string, unknown>[] {
  const { requestor, custodian, holder } = state;
  const { who, network } = end('110152', requestor);
  const user = request?.practitioner === undefined ? who : person(requestor, request.practitioner);
  return [
    { type: { coding: [DCM['110150']] }, who, network, requestor: false },
    { type: RECIPIENT, who: user, requestor: true },
    { type: ORGANISATION, who, requestor: false },
    { type: AUTHORIZER, who: organisation(custodian), requestor: false },
    { ...end('110153', holder), requestor: false },
  ];
}

/** Whom it is about: her record, where it is known here; else what she was asked for by. */
function aboutOf({ patient, request }: Disclosure): Record<string, unknown>[] {
  if (patient !== undefined) return [patientEntity(patient)];
  const { type, role } = patientEntity('');
  return request === undefined ? [] : [{ what: { type: 'Patient', identifier: request.patient }, type, role }];
}

/** What is known of an access beside whom it is about: each an entity with details. */
const factsIn = (disclosure: Disclosure): Record<string, unknown>[] => [
  ...countsIn(disclosure),
  ...decisionOf(disclosure),
  ...reviewIn(disclosure),
  ...renewalIn(disclosure),
  ...deliveryIn(disclosure),
];

/** A decision has no entities but the patient and consents: what else is known of it are details of the consent. */
function decidedOn(disclosure: Disclosure, consent: Record<string, unknown>): Record<string, unknown>[] {
  const detail = factsIn(disclosure).flatMap((facts) => facts['detail'] as object[]);
  return [...aboutOf(disclosure), { ...consent, ...(detail.length === 0 ? {} : { detail }) }];
}

/**
 * An access as an AuditEvent by IHE's Basic Audit Log Patterns: what was delivered as a disclosure at its source, anything else as a
 * decision on consents. Until it is decided nothing is permitted: its outcome is none of success.
 * @param version how many steps it has taken
 * @param lastUpdated instant
 */
export function auditEvent(disclosure: Disclosure, version: number, lastUpdated: string): Resource {
  const { state, request, patient, undelivered, pending, because } = disclosure;
  const isShown = state.status === 'granted' || state.status === 'purged';
  const told = pending === 'purge' ? 'purge-pending' : (because?.reason ?? state.reason);
  const consent = because?.consent ?? state.consent ?? state.toldBy;
  const described = undelivered !== undefined ? 'delivery-incomplete' : (told ?? (isShown ? undefined : 'not-decided'));
  const coding = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: state.purpose }];
  const purpose = { coding, ...(request?.reason === undefined ? {} : { text: request.reason }) };
  const consented = consent && consentEntity(`${consent.id}/${consent.version}`);
  // Asking who holds what takes nothing away.
  const isOverview = request?.overview === true || state.toldBy !== undefined;
  const isDisclosed = isShown && !isOverview;
  const entity = isShown
    ? [...aboutOf(disclosure), ...(consented === undefined ? [] : [consented]), ...factsIn(disclosure)]
    : decidedOn(disclosure, consented ?? noConsentEntity);
  const profile = isDisclosed ? DISCLOSURE_PROFILE : DECISION_PROFILE;
  const hasProfile = (isDisclosed || !isShown) && (patient !== undefined || request !== undefined);
  return {
    resourceType: 'AuditEvent',
    id: state.id,
    meta: { versionId: String(version), lastUpdated, ...(hasProfile ? { profile: [profile] } : {}) },
    type: DCM[isShown ? (isOverview ? '110112' : '110106') : '110113'],
    subtype: [
      { system: 'https://telemed-ledger.example/fhir/CodeSystem/access-status', code: state.status },
      ...(isDisclosed ? [DISCLOSE] : [AUTHORIZED]),
    ],
    action: isShown ? 'R' : 'E',
    recorded: lastUpdated,
    outcome: isShown && undelivered === undefined ? '0' : '4',
    ...(described === undefined ? {} : { outcomeDesc: described }),
    purposeOfEvent: [purpose],
    agent: isShown ? endsOf(disclosure) : partiesOf(disclosure),
    source: { observer: organisation(isShown ? state.holder : state.custodian) },
    entity,
  };
}
