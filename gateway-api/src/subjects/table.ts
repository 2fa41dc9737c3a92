/**
 * Everything this gateway does beside FHIR's own interactions: a new route, operation or duty is its file and one line
 * here. The wiring, the documentation and the CapabilityStatement read these lists.
 */
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import type { Duty } from '../duties/duties.ts';
import type { Route } from '../http/routes.ts';
import { beginLaunch, listClients, registerClient, removeClient } from '../oauth/routes.ts';
import { network, networkTransactions } from '../operations/network-routes.ts';
import { alive, lastVerification, metrics, ready, verify } from '../operations/routes.ts';
import { accounting } from './access/accounting.ts';
import {
  decideAccess,
  deliverAgain,
  deliverFurther,
  purgeCopies,
  reportAccess,
  reviewDeliveries,
} from './access/duties.ts';
import { askHoldings } from './access/holdings.ts';
import { accessRequest, accessRequests, deliveredReads, requestAccess } from './access/routes.ts';
import { accessEvents, refuseAccess } from './access/waiting.ts';
import { asynchronous } from './asynchronous/routes.ts';
import { sendReceivedRequests, sendRequests } from './authorizations/duties.ts';
import { listAuthorizations, priorAuthorizationMetrics } from './authorizations/metrics-routes.ts';
import { decideAuthorization, inquireAuthorizations, receiveAuthorization } from './authorizations/operations.ts';
import { purgeAuthorizations } from './authorizations/request-ends.ts';
import { bulkExport } from './bulk/routes.ts';
import { claimBasis } from './claims/basis.ts';
import { decideByChangedRecords, showChangedRecords } from './claims/changed-records.ts';
import { correctClaim } from './claims/correction-operations.ts';
import { debts } from './claims/debts.ts';
import { listClaims } from './claims/desk.ts';
import { assignClaim, claimDesk, noteClaim } from './claims/desk-routes.ts';
import { checkEligibility } from './claims/eligibility.ts';
import { purgeEvidence } from './claims/evidence-ends.ts';
import { askClaimEvidence, claimEvidence } from './claims/evidence-shown.ts';
import { claimFindings } from './claims/findings.ts';
import { adjudicateClaim, submitClaim } from './claims/operations.ts';
import { appealAsPatient } from './claims/patient-appeals.ts';
import { planUsage } from './claims/plan-routes.ts';
import { getClaimRules, setClaimRules } from './claims/rules.ts';
import { screenClaims } from './claims/screenings.ts';
import { getClaimTables, loadClaimTables } from './claims/tables.ts';
import { writeTerms } from './claims/terms.ts';
import { delegations } from './consents/delegation-routes.ts';
import { sendWishes } from './consents/duties.ts';
import { evaluateConsents } from './consents/evaluate.ts';
import { wish, wishes } from './consents/routes.ts';
import { cipherText } from './contents/routes.ts';
import { signPrescription } from './controlled/operations.ts';
import { controlledPrescriptions, getControlled, setControlled } from './controlled/routes.ts';
import { correctRecord } from './corrections/operations.ts';
import { correctionProofs, listRestrictions } from './corrections/proof-routes.ts';
import { answerCorrection, correction, corrections } from './corrections/routes.ts';
import { members } from './directory/routes.ts';
import { purgeContents, purgeErasedCopies, sendPatientsErasures, sendProvidersErasures } from './erasures/duties.ts';
import { eraseRecord } from './erasures/operations.ts';
import { purgeRefused, purgeRefusedTries } from './erasures/refused.ts';
import { erasure } from './erasures/routes.ts';
import { exportRecord } from './exports/routes.ts';
import { cardKeys, issueHealthCards } from './health-cards/operations.ts';
import { makeHealthLink } from './health-links/operations.ts';
import { endHealthLink, healthLinkFile, healthLinkManifest, healthLinks } from './health-links/routes.ts';
import { matchPatient } from './links/match.ts';
import { endLink, linkPatients, listLinks, takeLinkCode } from './links/routes.ts';
import { accessLog } from './log/routes.ts';
import { checkMedication } from './medication/checks.ts';
import { medicines } from './medication/medicines.ts';
import { oversight } from './oversight/routes.ts';
import { cancelKeyCode, keyCodes } from './patient-keys/code-routes.ts';
import { changePatientKey, enrolPatientKey, issueKeyCode } from './patient-keys/operations.ts';
import { patientKeys } from './patient-keys/routes.ts';
import { getAccount, listAccounts, registerAccount, sayOfAccount } from './payments/accounts.ts';
import { instructPayment, remitPayment } from './payments/duties.ts';
import { downloadInitiation, downloadPayment, uploadReports } from './payments/iso20022/routes.ts';
import { instructPayments, reportPayment, retryPayment } from './payments/operations.ts';
import { compareReconciliation, reconciliation } from './payments/reconciliation-routes.ts';
import { payBack, reopenDebts } from './payments/repayments.ts';
import { getPaymentTerms, setPaymentTerms } from './payments/terms.ts';
import { anchorNow, logAnchorProof, logAnchors, logProofs } from './reads/anchor-routes.ts';
import { anchorLogs, purgeOverReads } from './reads/duties.ts';
import { reads } from './reads/routes.ts';
import { countRecalls, followRecalls } from './recalls/duties.ts';
import { publishLots, publishRecall, recall, recalls } from './recalls/routes.ts';
import { signTree } from './receipts/duties.ts';
import { orderers } from './receipts/orderer-routes.ts';
import { proofs, witnesses } from './receipts/proof-routes.ts';
import { receipt } from './receipts/routes.ts';
import { ledgerTree } from './receipts/tree-routes.ts';
import { recordVersions } from './records/groups.ts';
import { writeAtCustodian } from './records/patients-own.ts';
import type { Writer } from './records/records.ts';
import { importExclusions } from './registers/exclusions.ts';
import { getFeeSchedule, loadFeeSchedule } from './registers/fee-schedules.ts';
import { importLicences } from './registers/licence-list.ts';
import { getLicence, licenceHistory, licences, setLicence } from './registers/licences.ts';
import { importPrices } from './registers/price-list.ts';
import { getRules, setRules } from './registers/rules.ts';
import { closeReview, review, reviews } from './reviews/routes.ts';
import type { SubjectOperation } from './services.ts';
import { tellSubscribers } from './subscriptions/duties.ts';
import { createSubscription, listSubscriptions, readSubscription, updateSubscription } from './subscriptions/routes.ts';
import { subscriptionEvents, subscriptionStatus } from './subscriptions/status-routes.ts';
import { forms } from './visits/forms.ts';
import { joinVisit } from './visits/join.ts';
import { confirmVisit } from './visits/operations.ts';
import { remindPatients } from './visits/reminders.ts';
import { askByX12 } from './x12/authorization-routes.ts';
import { eligibility } from './x12/eligibility-routes.ts';
import { inquiryByX12 } from './x12/inquiry-routes.ts';
import { remittances } from './x12/remittance-routes.ts';
import { importClaims } from './x12/routes.ts';
import { claimStatus } from './x12/status-routes.ts';

export const ROUTES: readonly Route[] = [
  alive,
  ready,
  registerClient,
  listClients,
  removeClient,
  beginLaunch,
  requestAccess,
  askHoldings,
  accessRequests,
  accessEvents,
  accessRequest,
  refuseAccess,
  deliveredReads,
  reads,
  accessLog,
  logAnchors,
  anchorNow,
  logProofs,
  logAnchorProof,
  accounting,
  takeLinkCode,
  linkPatients,
  listLinks,
  endLink,
  createSubscription,
  listSubscriptions,
  readSubscription,
  updateSubscription,
  subscriptionStatus,
  subscriptionEvents,
  wishes,
  wish,
  delegations,
  patientKeys,
  keyCodes,
  cancelKeyCode,
  erasure,
  receipt,
  ledgerTree,
  orderers,
  exportRecord,
  ...bulkExport,
  ...asynchronous,
  cipherText,
  corrections,
  correction,
  answerCorrection,
  cardKeys,
  healthLinks,
  endHealthLink,
  healthLinkManifest,
  healthLinkFile,
  ...proofs,
  listRestrictions,
  ...correctionProofs,
  witnesses,
  reviews,
  review,
  closeReview,
  oversight,
  setLicence,
  licences,
  getLicence,
  licenceHistory,
  importExclusions,
  importLicences,
  getRules,
  setRules,
  setControlled,
  getControlled,
  controlledPrescriptions,
  members,
  medicines,
  forms,
  publishLots,
  publishRecall,
  recalls,
  recall,
  loadFeeSchedule,
  importPrices,
  getFeeSchedule,
  planUsage,
  listAuthorizations,
  listClaims,
  assignClaim,
  noteClaim,
  claimDesk,
  claimEvidence,
  askClaimEvidence,
  priorAuthorizationMetrics,
  loadClaimTables,
  getClaimTables,
  importClaims,
  askByX12,
  ...inquiryByX12,
  ...remittances,
  ...claimStatus,
  ...eligibility,
  getClaimRules,
  setClaimRules,
  debts,
  claimBasis,
  registerAccount,
  listAccounts,
  getAccount,
  sayOfAccount,
  setPaymentTerms,
  getPaymentTerms,
  downloadInitiation,
  downloadPayment,
  uploadReports,
  reconciliation,
  compareReconciliation,
  verify,
  lastVerification,
  network,
  networkTransactions,
  metrics,
];

export const OPERATIONS: readonly SubjectOperation[] = [
  evaluateConsents,
  ...matchPatient,
  submitClaim,
  ...correctClaim,
  appealAsPatient,
  ...claimFindings,
  adjudicateClaim,
  instructPayments,
  ...reportPayment,
  retryPayment,
  payBack,
  receiveAuthorization,
  ...inquireAuthorizations,
  decideAuthorization,
  ...checkEligibility,
  ...issueHealthCards,
  makeHealthLink,
  ...eraseRecord,
  ...correctRecord,
  confirmVisit,
  signPrescription,
  ...joinVisit,
  ...checkMedication,
  issueKeyCode,
  enrolPatientKey,
  changePatientKey,
];

export const DUTIES: readonly Duty[] = [
  decideAccess,
  purgeCopies,
  reviewDeliveries,
  deliverAgain,
  deliverFurther,
  reportAccess,
  sendWishes,
  sendRequests,
  sendReceivedRequests,
  sendPatientsErasures,
  sendProvidersErasures,
  purgeContents,
  purgeErasedCopies,
  ...purgeRefused,
  purgeRefusedTries,
  screenClaims,
  showChangedRecords,
  decideByChangedRecords,
  purgeEvidence,
  purgeAuthorizations,
  instructPayment,
  remitPayment,
  reopenDebts,
  remindPatients,
  followRecalls,
  countRecalls,
  ...tellSubscribers,
  ...signTree,
  ...anchorLogs,
  ...purgeOverReads,
];

/** What a create or update of a FHIR resource is on the ledger, by the kind of organisation. */
export const WRITERS: Partial<Record<Kind, Writer>> = {
  provider: { write: recordVersions, transactions: ['RecordVersions'] },
  custodian: {
    write: writeAtCustodian,
    transactions: ['GrantConsent', 'AmendConsent', 'RevokeConsent', 'RecordByPatient'],
  },
  payer: { write: writeTerms, transactions: ['RegisterCoverage', 'RegisterPlan', 'LoadClaimTables'] },
};
