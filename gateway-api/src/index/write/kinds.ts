/**
 * What lies where: the collections in which a key of each kind counts, and what resources its value holds. Organisations
 * that endorse together can write what they like; what lies elsewhere, or holds anything else, is not believed.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parsePrivateKey } from '@telemed-ledger/chaincode/model/keys.ts';
import { type ActorReference, organisationNameOf } from '@telemed-ledger/chaincode/model/organisations.ts';
import { payerOf } from '@telemed-ledger/chaincode/model/payment-details.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByMsp } from '@telemed-ledger/consortium/members.ts';

type Value = Readonly<Record<string, unknown>>;

export interface Kind {
  /** How the names of the collections begin that may hold it. */
  places: readonly string[];
  /** The types of the resources in its value, in their order. */
  holds?: readonly string[];
  /** The member of its value that repeats the first segment of its key. */
  names?: string;
  /** Of what is about claims: name of the payer whose its value, or its key by its segments, says that it is. */
  payer?: (value: Value, consortium: Consortium, segments: readonly string[]) => string | undefined;
  /** It lies with its holder alone: another value, which the payer holds, says its hash. */
  alone?: true;
  /** Only the owner of the collection signs it. */
  ofOwner?: true;
  /** Only the organisation signs it that this member of its value names. */
  ofNamed?: string;
}

const CARE = [collections.care('')];
const INBOX = [collections.inbox('')];
const BILLING = [collections.billing('')];
const MARKS = [collections.marks];
const REGISTERS = [collections.registers];

const textIn = (value: Value, member: string): string | undefined => {
  const text = value[member];
  return typeof text === 'string' ? text : undefined;
};
const firstOf = ({ resource, resources }: Value): Value =>
  ((resources as Value[] | undefined)?.[0] ?? resource) as Value;

const statedPayer = (value: Value) => textIn(value, 'payer');
const payerInKey: Kind['payer'] = (_value, _consortium, [payer]) => payer;
const payerNamedAt = (element: string) => (value: Value) =>
  organisationNameOf(firstOf(value)[element] as ActorReference | undefined);

const KINDS = new Map<string, Kind>(
  Object.entries({
    sheet: { places: CARE },
    content: { places: CARE },
    version: { places: CARE },
    directory: { places: CARE },
    booking: { places: CARE },
    alert: { places: CARE },
    consent: { places: CARE, holds: ['Consent'], names: 'id' },
    'key-code': { places: CARE, names: 'id' },
    'key-change': { places: CARE, names: 'id' },
    link: { places: CARE, names: 'patient' },
    access: { places: [...CARE, ...INBOX], names: 'id' },
    request: { places: INBOX, names: 'id', ofOwner: true },
    copies: { places: INBOX, names: 'accessId' },
    account: { places: CARE, names: 'id' },
    review: { places: [collections.reviews], names: 'id' },
    revoked: { places: MARKS },
    withdrawn: { places: MARKS },
    erased: { places: MARKS },
    log: { places: MARKS },
    reads: { places: INBOX, ofOwner: true },
    erasure: { places: CARE },
    correction: { places: CARE, names: 'id' },
    restricted: { places: MARKS },
    visit: { places: MARKS },
    'patient-keys': { places: [...CARE, ...MARKS] },
    dispensed: { places: MARKS },
    coverage: {
      ...{ places: BILLING, holds: ['Coverage'], names: 'id' },
      payer: (value, consortium) => organisationByMsp(consortium, textIn(value, 'author') ?? '')?.name,
    },
    activity: { places: BILLING, names: 'claimId' },
    'claim-tables': { places: BILLING, payer: payerInKey },
    'concept-map': {
      ...{ places: BILLING, holds: ['ConceptMap'], names: 'id' },
      payer: (value, consortium) => organisationByMsp(consortium, textIn(value, 'author') ?? '')?.name,
    },
    'fee-schedule': { places: BILLING, payer: payerInKey },
    plan: {
      ...{ places: BILLING, holds: ['InsurancePlan'], names: 'id' },
      payer: (value, consortium) => organisationByMsp(consortium, textIn(value, 'author') ?? '')?.name,
    },
    'family-key': { places: BILLING, payer: payerInKey },
    'plan-name': { places: BILLING, payer: payerInKey },
    accumulator: { places: BILLING, names: 'coverage' },
    'accumulator-return': { places: BILLING, names: 'coverage' },
    'price-book': { places: BILLING, payer: payerInKey },
    'fingerprint-key': { places: BILLING, payer: payerInKey },
    fingerprint: { places: BILLING },
    'fingerprint-freed': { places: BILLING },
    'service-bucket': { places: [...BILLING, collections.payers] },
    'service-list': { places: [...BILLING, collections.payers], payer: statedPayer },
    'service-freed': { places: BILLING },
    'screening-key': { places: [collections.payers] },
    token: { places: BILLING },
    'token-freed': { places: BILLING },
    screening: { places: BILLING, names: 'claimId', payer: statedPayer },
    claim: { places: BILLING, holds: ['Claim'], names: 'id', payer: statedPayer },
    'claim-remains': { places: BILLING, holds: ['Claim'], names: 'id', payer: statedPayer },
    'claim-state': { places: BILLING, names: 'id', payer: statedPayer },
    authorization: { places: BILLING, holds: ['Claim', 'ClaimResponse'], names: 'id', payer: statedPayer },
    'authorization-state': { places: BILLING, names: 'id', payer: statedPayer },
    'authorization-number': { places: BILLING, payer: payerInKey },
    response: { places: BILLING, holds: ['ClaimResponse'], names: 'claimId', payer: payerNamedAt('insurer') },
    'claim-task': { places: BILLING, holds: ['Task'], names: 'claimId', payer: statedPayer },
    'claim-decision': { places: BILLING, names: 'claimId', payer: statedPayer },
    offset: {
      ...{ places: BILLING, holds: ['PaymentReconciliation'], names: 'claimId' },
      payer: payerNamedAt('paymentIssuer'),
    },
    debt: { places: BILLING, names: 'claimId', payer: statedPayer },
    'claim-rules': { places: BILLING, payer: payerInKey },
    payment: {
      places: BILLING,
      holds: ['PaymentReconciliation'],
      names: 'claimId',
      payer: payerNamedAt('paymentIssuer'),
    },
    settlement: { places: BILLING, holds: ['PaymentNotice'], names: 'claimId', payer: payerNamedAt('recipient') },
    remittance: {
      ...{ places: BILLING, holds: ['PaymentReconciliation', 'PaymentNotice'], names: 'claimId' },
      payer: payerNamedAt('paymentIssuer'),
    },
    order: { places: BILLING, names: 'id', payer: statedPayer },
    reconciliation: {
      ...{ places: BILLING, holds: ['PaymentReconciliation'], names: 'paymentId' },
      payer: (value) => payerOf(firstOf(value) as Resource),
    },
    reopened: { places: BILLING, names: 'paymentId', payer: statedPayer },
    notice: { places: BILLING, holds: ['PaymentNotice'], names: 'paymentId', payer: payerNamedAt('recipient') },
    remitted: {
      ...{ places: BILLING, holds: ['PaymentReconciliation'], names: 'paymentId' },
      payer: payerNamedAt('paymentIssuer'),
    },
    'remitted-notice': {
      ...{ places: BILLING, holds: ['PaymentNotice'], names: 'paymentId' },
      payer: payerNamedAt('recipient'),
    },
    transfer: { places: BILLING },
    'bank-account': { places: BILLING, names: 'id', payer: statedPayer },
    'account-number': { places: BILLING, names: 'id', alone: true },
    'payment-terms': { places: BILLING, payer: payerInKey },
    register: { places: REGISTERS },
    rules: { places: REGISTERS },
    bucket: { places: REGISTERS },
    lots: { places: REGISTERS },
    controlled: { places: REGISTERS },
    signature: { places: MARKS },
    'controlled-prescription': { places: [collections.reviews], names: 'id' },
    'lot-bucket': { places: REGISTERS },
    recall: { places: REGISTERS, names: 'id', ofNamed: 'by' },
    'recall-report': { places: [...CARE, collections.reviews], names: 'id', ofNamed: 'reporter' },
  } satisfies Record<string, Kind>),
);

/** Undefined for a key of no kind that this gateway knows: its value holds nothing that is shown. */
export const kindOf = (key: string): Kind | undefined => KINDS.get(parsePrivateKey(key).kind);

export const isPlaced = ({ places }: Kind, collection: string): boolean =>
  places.some((place) => collection.startsWith(place));
