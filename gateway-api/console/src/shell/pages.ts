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
  /** It is reached from another page and stands in no menu. */
  isInner?: boolean;
  load(): Promise<ComponentType>;
}

const PATIENT = ['patient'];

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
  { path: 'home', title: 'home', roles: PATIENT, load: async () => (await import('../patient/home.tsx')).Home },
  {
    ...{ path: 'requests', title: 'requests', roles: PATIENT },
    load: async () => (await import('../patient/requests.tsx')).Requests,
  },
  {
    ...{ path: 'appointments', title: 'appointments', roles: PATIENT },
    load: async () => (await import('../patient/appointments.tsx')).Appointments,
  },
  {
    ...{ path: 'appointments/book', title: 'bookOne', roles: PATIENT, isInner: true },
    load: async () => (await import('../patient/booking.tsx')).Booking,
  },
  {
    ...{ path: 'medication', title: 'medicationToday', roles: PATIENT },
    load: async () => (await import('../patient/medicines.tsx')).MyMedicines,
  },
  {
    ...{ path: 'forms', title: 'forms', roles: PATIENT },
    load: async () => (await import('../patient/forms.tsx')).MyForms,
  },
  { path: 'log', title: 'log', roles: PATIENT, load: async () => (await import('../patient/log.tsx')).Log },
  {
    ...{ path: 'consents', title: 'consents', roles: PATIENT },
    load: async () => (await import('../patient/consents.tsx')).Consents,
  },
  {
    ...{ path: 'consents/new', title: 'newConsent', roles: PATIENT, isInner: true },
    load: async () => (await import('../patient/new-consent.tsx')).NewConsent,
  },
  { path: 'health', title: 'health', roles: PATIENT, load: async () => (await import('../patient/health.tsx')).Health },
  { path: 'bills', title: 'bills', roles: PATIENT, load: async () => (await import('../patient/bills.tsx')).Bills },
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

/** The pages of whoever is signed in, or of everybody. */
export const pagesOf = (session: Session | undefined): Page[] =>
  PAGES.filter(({ roles }) => roles === undefined || (session !== undefined && roles.includes(session.role)));
