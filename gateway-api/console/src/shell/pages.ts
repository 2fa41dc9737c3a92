/** Which pages there are, and for whom: a page is its row here. What a row loads comes when it is first shown. */
import type { ComponentType } from 'preact';
import { speakToStaff } from '../language.ts';
import type { Key } from '../messages/en.ts';
import type { Session } from '../sign-in.ts';

export interface Page {
  /** After `#/`. */
  path: string;
  title: Key;
  /** Roles that see it; everybody where it is left out. */
  roles?: readonly string[];
  /** What a caretaker who sees it too needs one of. */
  acts?: readonly string[];
  /** It is reached from another page and stands in no menu. */
  isInner?: boolean;
  load(): Promise<ComponentType>;
}

const PATIENT = ['patient'];
/** What is the patient's to do, a caretaker does as far as she lets him. */
const HERS = ['patient', 'caretaker'];

/** A page of a desk, with its messages. */
const desk =
  (load: () => Promise<ComponentType>): Page['load'] =>
  async () => {
    const [page] = await Promise.all([load(), speakToStaff()]);
    return page;
  };
const REGULATOR = ['auditor'];
const MONEY = ['settlement', 'adjudicator'];
/** The desks that work with claims, payments, licences and the network. */
const DESKS: readonly Page[] = [
  {
    ...{ path: 'claims', title: 'claims', roles: ['adjudicator'] },
    load: desk(async () => (await import('../claims/queue.tsx')).ClaimsDesk),
  },
  {
    ...{ path: 'authorizations', title: 'authorizations', roles: ['adjudicator'] },
    load: desk(async () => (await import('../authorizations/authorizations.tsx')).Authorizations),
  },
  {
    ...{ path: 'billing', title: 'billing', roles: ['practitioner'] },
    load: desk(async () => (await import('../billing/billing.tsx')).Billing),
  },
  {
    ...{ path: 'payments', title: 'payments', roles: MONEY },
    load: desk(async () => (await import('../bank/payments.tsx')).Payments),
  },
  {
    ...{ path: 'bank-files', title: 'bankFiles', roles: MONEY },
    load: desk(async () => (await import('../bank/files.tsx')).BankFiles),
  },
  {
    ...{ path: 'reconciliation', title: 'reconciliation', roles: MONEY },
    load: desk(async () => (await import('../bank/reconciliation.tsx')).Reconciliation),
  },
  {
    ...{ path: 'licences', title: 'licences', roles: REGULATOR },
    load: desk(async () => (await import('../regulator/licences.tsx')).Licences),
  },
  {
    ...{ path: 'reviews', title: 'reviews', roles: REGULATOR },
    load: desk(async () => (await import('../regulator/reviews.tsx')).Reviews),
  },
  {
    ...{ path: 'oversight', title: 'oversight', roles: REGULATOR },
    load: desk(async () => (await import('../regulator/oversight.tsx')).Oversight),
  },
  {
    ...{ path: 'recalls', title: 'recalls', roles: REGULATOR },
    load: desk(async () => (await import('../regulator/recalls.tsx')).Recalls),
  },
  {
    ...{ path: 'published', title: 'published', roles: REGULATOR },
    load: desk(async () => (await import('../regulator/published.tsx')).Published),
  },
  {
    ...{ path: 'operations', title: 'operations', roles: ['operator', 'auditor'] },
    load: desk(async () => (await import('../operator/operations.tsx')).Operations),
  },
];

const PAGES: readonly Page[] = [
  {
    ...{ path: 'acting', title: 'acting', roles: ['caretaker'] },
    load: async () => (await import('../patient/acting.tsx')).Acting,
  },
  { path: 'home', title: 'home', roles: PATIENT, load: async () => (await import('../patient/home.tsx')).Home },
  {
    ...{ path: 'requests', acts: ['answer'], title: 'requests', roles: HERS },
    load: async () => (await import('../patient/requests.tsx')).Requests,
  },
  {
    ...{ path: 'appointments', acts: ['book'], title: 'appointments', roles: HERS },
    load: async () => (await import('../patient/appointments.tsx')).Appointments,
  },
  {
    ...{ path: 'appointments/book', acts: ['book'], title: 'bookOne', roles: HERS, isInner: true },
    load: async () => (await import('../patient/booking.tsx')).Booking,
  },
  {
    ...{ path: 'medication', acts: ['read'], title: 'medicationToday', roles: HERS },
    load: async () => (await import('../patient/medicines.tsx')).MyMedicines,
  },
  {
    ...{ path: 'forms', acts: ['record'], title: 'forms', roles: HERS },
    load: async () => (await import('../patient/forms.tsx')).MyForms,
  },
  {
    path: 'log',
    title: 'log',
    acts: ['read'],
    roles: HERS,
    load: async () => (await import('../patient/log.tsx')).Log,
  },
  {
    ...{ path: 'consents', acts: ['read', 'answer', 'revoke'], title: 'consents', roles: HERS },
    load: async () => (await import('../patient/consents.tsx')).Consents,
  },
  {
    ...{ path: 'consents/new', acts: ['answer'], title: 'newConsent', roles: HERS, isInner: true },
    load: async () => (await import('../patient/new-consent.tsx')).NewConsent,
  },
  {
    path: 'health',
    title: 'health',
    acts: ['read'],
    roles: HERS,
    load: async () => (await import('../patient/health.tsx')).Health,
  },
  {
    path: 'bills',
    title: 'bills',
    acts: ['bills'],
    roles: HERS,
    load: async () => (await import('../patient/bills.tsx')).Bills,
  },
  {
    ...{ path: 'today', title: 'today', roles: ['practitioner'] },
    load: async () => (await import('../clinician/today.tsx')).Today,
  },
  {
    ...{ path: 'others', title: 'othersRecords', roles: ['practitioner'] },
    load: async () => (await import('../clinician/others.tsx')).Others,
  },
  ...DESKS,
  { path: 'verify', title: 'verify', load: async () => (await import('../verify/verify.tsx')).Verify },
  { path: 'network', title: 'network', load: async () => (await import('../network/network.tsx')).Network },
];

/** The pages of whoever is signed in, or of everybody; a caretaker's, as far as the patient lets him act for whom he does. */
export const pagesOf = (session: Session | undefined, acts: readonly string[] = []): Page[] =>
  PAGES.filter(
    ({ roles, acts: needed = [] }) =>
      roles === undefined ||
      (session !== undefined &&
        roles.includes(session.role) &&
        (session.role !== 'caretaker' || needed.length === 0 || needed.some((one) => acts.includes(one)))),
  );
