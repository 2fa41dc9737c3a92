/**
 * Chaincode events, past tense; at most one per transaction (a second replaces the first). Payloads are the
 * public state that the transaction wrote: ids and states, never content.
 */
export const events = {
  ConsentGranted: 'ConsentGranted',
  ConsentAmended: 'ConsentAmended',
  ConsentRevoked: 'ConsentRevoked',
  AccessRequested: 'AccessRequested',
  AccessDecided: 'AccessDecided',
  CopiesPurged: 'CopiesPurged',
  RecordErased: 'RecordErased',
  ContentPurged: 'ContentPurged',
  CorrectionAsked: 'CorrectionAsked',
  CorrectionAnswered: 'CorrectionAnswered',
  RecordRestricted: 'RecordRestricted',
  AccessReported: 'AccessReported',
  ReviewOpened: 'ReviewOpened',
  ReviewClosed: 'ReviewClosed',
  AuthorizationRequested: 'AuthorizationRequested',
  AuthorizationDecided: 'AuthorizationDecided',
  ClaimSubmitted: 'ClaimSubmitted',
  ClaimAdjudicated: 'ClaimAdjudicated',
  ClaimWithdrawn: 'ClaimWithdrawn',
  ClaimAppealed: 'ClaimAppealed',
  PaymentInstructed: 'PaymentInstructed',
  PaymentReported: 'PaymentReported',
  PaymentRemitted: 'PaymentRemitted',
  KeyCodeIssued: 'KeyCodeIssued',
  KeyCodeCancelled: 'KeyCodeCancelled',
  PatientKeyEnrolled: 'PatientKeyEnrolled',
  PatientKeyChanged: 'PatientKeyChanged',
  PatientLinked: 'PatientLinked',
  LicenceSet: 'LicenceSet',
  RulesSet: 'RulesSet',
  CheckpointCosigned: 'CheckpointCosigned',
} as const;
export type EventName = keyof typeof events;
