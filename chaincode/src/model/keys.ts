/**
 * The keys of the private collections; the ledger keeps no public state. Every key is made here, and so is every guess at
 * what a key means: the projector reads private writes back with `parsePrivateKey`.
 */
/** The steps of a claim that is decided and paid without more ado; what they write has no number in its key. */
export const USUAL_STEPS = { claim: 1, response: 2, instruction: 3, settlement: 4, remittance: 5 } as const;
const byStep = (key: string, step: number, usual: number): string => (step === usual ? key : `${key}/${step}`);

export const privateKeys = {
  /** care_<Provider>: the root over the records of one transaction. */
  sheet: (id: string): string => `sheet/${id}`,
  /** care_<Provider>: their texts; each erasure makes the next generation. */
  content: (sheet: string, generation: number): string => `content/${sheet}/${generation}`,
  /** care_<Provider>: on which sheet a record's version stands, where its id does not say so. */
  version: (record: string, version: number): string => `version/${record}/${version}`,
  /** care_<Provider>: the appointments that take a slot, or a person on a day, one value after the other; see model/bookings.ts. */
  booking: (name: string, n: number): string => `booking/${name}/${n}`,
  /** care_<Provider>: what stands against medicines for a patient, one value after the other; see model/medication-alerts.ts. */
  alert: (name: string, n: number): string => `alert/${name}/${n}`,
  /** care_<Provider>: one version of a consent. */
  consent: (id: string, version: number): string => `consent/${id}/${version}`,
  /** care_<Provider>: the consents of the patients of a bucket, one generation after the other. */
  directory: (bucket: string, generation: number): string => `directory/${bucket}/${generation}`,
  /** care_<Provider>: a code for a patient's own key, 1 issued, 2 used; what else she signed about her keys. */
  keyCode: (id: string, step: number): string => `key-code/${id}/${step}`,
  keyChange: (id: string): string => `key-change/${id}`,
  /** care_<Provider>: of which person a Patient is, one generation after the other. */
  link: (patient: string, generation: number): string => `link/${patient}/${generation}`,
  /** marks: a consent, or one version of it, is in force no more. */
  revoked: (consentId: string): string => `revoked/${consentId}`,
  withdrawn: (consentId: string, version: number): string => `withdrawn/${consentId}/${version}`,
  /** marks: a record is erased; see model/erasures.ts. */
  erased: (handle: string): string => `erased/${handle}`,
  /** care_<Provider>: 1 what a patient asks to be corrected, 2 the holder's answer. */
  correction: (id: string, step: number): string => `correction/${id}/${step}`,
  /** marks: a record is restricted where the newest number is odd; see model/corrections.ts. */
  restricted: (handle: string, n: number): string => `restricted/${handle}/${n}`,
  /** marks: what a patient says of a visit; see model/visits.ts. */
  visit: (handle: string, word: string): string => `visit/${handle}/${word}`,
  /** marks and care_<Provider>: a patient's keys, one state after the other; see model/key-marks.ts. */
  keyMark: (name: string, n: number): string => `patient-keys/${name}/${n}`,
  /** marks: what was handed out of a prescription, one dispense after the other; see model/dispensing.ts. */
  dispensed: (name: string, n: number): string => `dispensed/${name}/${n}`,
  /** marks: how far an organisation's log of reads had come; see model/log-anchors.ts. */
  log: (organisation: string, n: number): string => `log/${organisation}/${n}`,
  /** inbox_<Org>: the rows of that log between two anchors. */
  reads: (organisation: string, n: number): string => `reads/${organisation}/${n}`,
  /** care_<Provider>: that a version of an erased record is gone from its sheet. */
  erasure: (handle: string, sheet: string): string => `erasure/${handle}/${sheet}`,
  /** inbox_<Requestor>, and the decision in care_<Holder>: the steps of an access, 1 requested, 2 decided, 3 purged. */
  access: (id: string, step: number): string => `access/${id}/${step}`,
  /** care_<Holder>: what of an access was delivered and what was not; see model/deliveries.ts. */
  account: (accessId: string): string => `account/${accessId}`,
  /** inbox_<Requestor>: what was asked. */
  request: (accessId: string): string => `request/${accessId}`,
  /** reviews: an emergency, 1 that it is to be reviewed, 2 what the regulator made of it. */
  review: (accessId: string, step: number): string => `review/${accessId}/${step}`,
  /** inbox_<Requestor>: the delivered copies of one access, together. */
  copies: (accessId: string): string => `copies/${accessId}`,
  /** billing_<Payer>, and a copy with each provider it is shown to. */
  coverage: (id: string, version: number): string => `coverage/${id}/${version}`,
  /** billing_<Payer>, and a copy with each provider it is shown to: one version of a plan. */
  plan: (id: string, version: number): string => `plan/${id}/${version}`,
  /** billing_<Payer>: the secret by which accounts of families are named. */
  familyKey: (payer: string): string => `family-key/${payer}`,
  /** billing_<Payer>: the plan that coverages mean by a name, of which the hash is taken. */
  planName: (payer: string, hash: string): string => `plan-name/${payer}/${hash}`,
  /** billing_<Payer>: what is used of a plan year or an authorization, one entry after the other, and what is given back of that. */
  accumulator: (holder: string, year: string, n: number): string => `accumulator/${holder}/${year}/${n}`,
  accumulatorReturn: (holder: string, year: string, n: number): string => `accumulator-return/${holder}/${year}/${n}`,
  /** billing_<Payer>, copied to the provider: its prices, one generation after the other. */
  feeSchedule: ({ payer, provider }: Contracting, generation: number): string =>
    `fee-schedule/${payer}/${provider}/${generation}`,
  /** billing_<Payer>, copied to the provider: on which days which of them is in force. */
  priceBook: ({ payer, provider }: Contracting, n: number): string => `price-book/${payer}/${provider}/${n}`,
  /** billing_<Payer>, copied to every provider: what claims are held against, one generation after the other. */
  claimTables: (payer: string, generation: number): string => `claim-tables/${payer}/${generation}`,
  conceptMap: (id: string, version: number): string => `concept-map/${id}/${version}`,
  /** billing_<Payer>, copied to the provider: the secret that their fingerprints are keyed with. */
  fingerprintKey: ({ payer, provider }: Contracting): string => `fingerprint-key/${payer}/${provider}`,
  /** billing_<Payer>: the claims that hold a service, one after the other; each freed where the claim was denied after all. */
  fingerprint: (hash: string, place: number): string => `fingerprint/${hash}/${place}`,
  fingerprintFreed: (hash: string, place: number): string => `fingerprint-freed/${hash}/${place}`,
  /** billing_<Payer>: as claims held a service before there were several places. */
  fingerprintAlone: (hash: string): string => `fingerprint/${hash}`,
  /** billing_<Payer>, and payers: that the claim of a list holds something in this bucket, one after the other (service-lists.ts). */
  serviceBucket: (bucket: string, place: number): string => `service-bucket/${bucket}/${place}`,
  /** billing_<Payer>, copied to the provider, and payers: what a claim holds, by the id that its bucket's values have. */
  serviceList: (id: string): string => `service-list/${id}`,
  /** billing_<Payer>: that a line of a list, or with 0 all of it, is held no more. */
  serviceFreed: (listId: string, line: number): string => `service-freed/${listId}/${line}`,
  /** payers: the secret that services are told by across providers and payers, one generation after the other. */
  screeningKey: (generation: number): string => `screening-key/${generation}`,
  /** billing_<Payer>: as fingerprints, across providers and payers. */
  token: (hash: string, place: number): string => `token/${hash}/${place}`,
  tokenFreed: (hash: string, place: number): string => `token-freed/${hash}/${place}`,
  /** billing_<Payer>, copied to the provider: what of that a claim holds, one generation after the other. */
  screening: (claimId: string, generation: number): string => `screening/${claimId}/${generation}`,
  /** billing_<Payer>, copied to the provider: the claim as it was submitted, or as a later step left it. */
  claim: (id: string, step: number = USUAL_STEPS.claim): string => byStep(`claim/${id}`, step, USUAL_STEPS.claim),
  /** billing_<Payer>, copied to the provider: the claim without its evidence, in place of all that the key above held. */
  claimRemains: (id: string): string => `claim-remains/${id}`,
  /** billing_<Payer>: what a provider's people did for a claim; see model/activities.ts. */
  activity: (claimId: string): string => `activity/${claimId}`,
  /** billing_<Payer>, copied to whom the step concerns: the steps of a claim (claim-steps.ts), from 1 on. */
  claimState: (id: string, step: number): string => `claim-state/${id}/${step}`,
  /** billing_<Payer>, copied to the provider: what was decided by that step, and what was remitted. */
  response: (claimId: string, step: number = USUAL_STEPS.response): string =>
    byStep(`response/${claimId}`, step, USUAL_STEPS.response),
  remittance: (claimId: string, step: number = USUAL_STEPS.remittance): string =>
    byStep(`remittance/${claimId}`, step, USUAL_STEPS.remittance),
  /** billing_<Payer>, copied to the bank: 1 instructed, 2 settled where these are the third and fourth step; always their steps less two. */
  payment: (claimId: string, number: number): string => `payment/${claimId}/${number}`,
  /** billing_<Payer>, copied to the provider: what one asked of the other by that step, as a Task. */
  claimTask: (claimId: string, step: number): string => `claim-task/${claimId}/${step}`,
  /** billing_<Payer> alone: who at the payer decided by that step, how and why. */
  claimDecision: (claimId: string, step: number): string => `claim-decision/${claimId}/${step}`,
  /** billing_<Payer>, copied to the provider: what a provider owes back since that step; 1 all of it, then what was left each time. */
  debt: (claimId: string, step: number, number: number): string => `debt/${claimId}/${step}/${number}`,
  /** billing_<Payer>, copied to the provider: what was taken from its debts by that step of a claim. */
  offset: (claimId: string, step: number): string => `offset/${claimId}/${step}`,
  /** billing_<Payer>: what a payer has settled about deciding claims, one generation after the other. */
  claimRules: (payer: string, generation: number): string => `claim-rules/${payer}/${generation}`,
  settlement: (claimId: string, step: number = USUAL_STEPS.settlement): string =>
    byStep(`settlement/${claimId}`, step, USUAL_STEPS.settlement),
  /** billing_<Payer>, copied to the bank, and to a provider that pays back: how a payment stands, and the PaymentReconciliation of that step (payments.ts). */
  order: (paymentId: string, step: number): string => `order/${paymentId}/${step}`,
  reconciliation: (paymentId: string, step: number): string => `reconciliation/${paymentId}/${step}`,
  /** billing_<Payer>, copied as these: the bank's notice that it has paid. */
  notice: (paymentId: string): string => `notice/${paymentId}`,
  /** billing_<Payer>, copied to the provider: what it is told of a payment, and the notice. */
  remitted: (paymentId: string, provider: string, step: number): string => `remitted/${paymentId}/${provider}/${step}`,
  remittedNotice: (paymentId: string, provider: string): string => `remitted-notice/${paymentId}/${provider}`,
  /** billing_<Payer>, copied to the provider: what that payment was to pay back is owed again. */
  reopened: (paymentId: string): string => `reopened/${paymentId}`,
  /** billing_<Bank> and billing_<Payer>: that a reference of a transfer is taken, by its hash. */
  transfer: (hash: string): string => `transfer/${hash}`,
  /** billing_<Payer>, copied to the provider: a request for authorization as each step left it, and how it stands. */
  authorization: (id: string, step: number): string => `authorization/${id}/${step}`,
  authorizationState: (id: string, step: number): string => `authorization-state/${id}/${step}`,
  /** billing_<Payer>: the request that a number of an authorization means, of which the hash is taken. */
  authorizationNumber: (payer: string, hash: string): string => `authorization-number/${payer}/${hash}`,
  /** billing_<Payer>, copied to its owner and its bank: an account; billing_<Bank> alone: its number (accounts.ts). */
  bankAccount: (id: string, step: number): string => `bank-account/${id}/${step}`,
  accountNumber: (id: string): string => `account-number/${id}`,
  /** billing_<Payer>, copied to provider and bank: how a provider's claims are paid, one generation after the other. */
  paymentTerms: ({ payer, provider }: Contracting, generation: number): string =>
    `payment-terms/${payer}/${provider}/${generation}`,
  /** registers: the root over all licences, one generation after the other, and the buckets as a generation left them. */
  register: (generation: number): string => `register/${generation}`,
  bucket: (index: number, generation: number): string => `bucket/${index}/${generation}`,
  /** registers: the root over what is published of lots, one generation after the other, and the buckets as a generation left them. */
  lots: (generation: number): string => `lots/${generation}`,
  lotBucket: (index: number, generation: number): string => `lot-bucket/${index}/${generation}`,
  /** registers: which substances are controlled, one generation after the other. */
  controlled: (generation: number): string => `controlled/${generation}`,
  /** marks: that somebody has signed a prescription; see model/controlled.ts. */
  signature: (name: string, signatory: string): string => `signature/${name}/${signatory}`,
  /** reviews: what the regulators see of a prescription of what is controlled. */
  controlledPrescription: (id: string): string => `controlled-prescription/${id}`,
  /** registers: one version of a recall. */
  recall: (id: string, version: number): string => `recall/${id}/${version}`,
  /** reviews, and care_<Provider> what the provider reports: what was found of a recall, one report after the other. */
  recallReport: ({ id, provider, reporter }: Reporting, n: number): string =>
    `recall-report/${id}/${provider}/${reporter}/${n}`,
  /** registers: what the consortium's law leaves open, one generation after the other. */
  rules: (generation: number): string => `rules/${generation}`,
};

/** A payer and a provider between whom prices and fingerprints are: a provider holds those of every payer. */
export interface Contracting {
  payer: string;
  provider: string;
}

/** Of which recall who says what was found at which provider. */
export interface Reporting {
  id: string;
  provider: string;
  reporter: string;
}

export interface PrivateKey {
  /** The first segment, as it stands there: `claim-state`, not claimState. */
  kind: string;
  /** The segments after the kind. */
  segments: string[];
}

export function parsePrivateKey(key: string): PrivateKey {
  const [kind = '', ...segments] = key.split('/');
  return { kind, segments };
}
