/** What a clinician has written of a visit and not finished yet, and the one transaction that finishes it. Pure. */
import type {
  Appointment,
  Bundle,
  BundleEntry,
  DetectedIssue,
  Encounter,
  MedicationRequest,
  Resource,
} from '@medplum/fhirtypes';
import { ORGANISATIONS } from '../parts/fhir-texts.ts';
import { observationsOf, type Vitals } from './vitals.ts';

export interface Order {
  kind: 'laboratory' | 'imaging' | 'referral';
  text: string;
  /** Name of a member, of a referral to one. */
  to: string;
}

export interface Prescription {
  order: MedicationRequest;
  /** What the checks found, each with the reason to go on. */
  alerts: { issue: DetectedIssue; reason: string }[];
}

export interface Draft {
  note: string;
  vitals: Vitals;
  orders: readonly Order[];
  prescriptions: readonly Prescription[];
}

export const EMPTY: Draft = { note: '', vitals: {}, orders: [], prescriptions: [] };

export interface Finishing {
  encounter: Encounter;
  appointment?: Appointment | undefined;
  draft: Draft;
  /** `Practitioner/ID` */
  me: string;
  /** ISO 8601 UTC. */
  now: string;
  /** What the note is called. */
  title: string;
  /** A UUID: what is sent again is the same. */
  key: string;
}

const SNOMED = 'http://snomed.info/sct';
const CATEGORIES: Record<Order['kind'], { code: string; display: string }> = {
  laboratory: { code: '108252007', display: 'Laboratory procedure' },
  imaging: { code: '363679005', display: 'Imaging' },
  referral: { code: '3457005', display: 'Patient referral' },
};

const created = (resource: Resource, fullUrl?: string): BundleEntry => ({
  ...(fullUrl === undefined ? {} : { fullUrl }),
  resource,
  request: { method: 'POST', url: resource.resourceType },
});

/** The same resource, as a next version of the one that was read. */
function updated(resource: Encounter | Appointment): BundleEntry {
  const { meta, text: _, ...rest } = resource;
  const url = `${resource.resourceType}/${resource.id}`;
  const ifMatch = meta?.versionId === undefined ? {} : { ifMatch: `W/"${meta.versionId}"` };
  return { resource: rest as Resource, request: { method: 'PUT', url, ...ifMatch } };
}

/** A name within the transaction, another for each place. */
const urlOf = (key: string, at: number): string => `urn:uuid:${key.slice(0, -4)}${at.toString(16).padStart(4, '0')}`;

/** All of it or nothing is recorded: the visit as finished, its note, measurements, orders, and prescriptions with what speaks against them. */
export function finishing({ encounter, appointment, draft, me, now, title, key }: Finishing): Bundle {
  const about = { subject: encounter.subject!, encounter: { reference: `Encounter/${encounter.id}` } };
  const { note, vitals, orders, prescriptions } = draft;
  const notes = note.trim() === '' ? [] : [created(noteOf({ note, title, now, me, about }))];
  const ordered = orders.map((one) => created(orderOf(one, { about, me, now })));
  const measured = observationsOf(vitals, { ...about, now, performer: me }).map((one) => created(one));
  const booked = appointment === undefined ? [] : [updated({ ...appointment, status: 'fulfilled' })];
  const entry = [
    updated({ ...encounter, status: 'finished' }),
    ...booked,
    ...notes,
    ...measured,
    ...ordered,
    ...prescriptions.flatMap((one, at) => prescribed(one, urlOf(key, at))),
  ];
  return { resourceType: 'Bundle', type: 'transaction', entry };
}

type About = Pick<MedicationRequest, 'subject' | 'encounter'>;

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (one) => ESCAPES[one] ?? one);

/** A progress note, in paragraphs as they were written. */
function noteOf({
  note,
  title,
  now,
  me,
  about,
}: {
  note: string;
  title: string;
  now: string;
  me: string;
  about: About;
}): Resource {
  const paragraphs = note
    .trim()
    .split(/\n+/)
    .map((one) => `<p>${escaped(one)}</p>`);
  const div = `<div xmlns="http://www.w3.org/1999/xhtml">${paragraphs.join('')}</div>`;
  return {
    ...{ resourceType: 'Composition', status: 'final', date: now, title, author: [{ reference: me }] },
    type: { coding: [{ system: 'http://loinc.org', code: '11506-3', display: 'Progress note' }] },
    ...about,
    section: [{ title, text: { status: 'additional', div } }],
  } as Resource;
}

function orderOf({ kind, text, to }: Order, { about, me, now }: { about: About; me: string; now: string }): Resource {
  const performer = kind === 'referral' && to !== '';
  return {
    ...{ resourceType: 'ServiceRequest', status: 'active', intent: 'order', authoredOn: now, code: { text } },
    category: [{ coding: [{ system: SNOMED, ...CATEGORIES[kind] }] }],
    ...{ ...about, requester: { reference: me } },
    ...(performer
      ? { performer: [{ type: 'Organization', identifier: { system: ORGANISATIONS, value: to }, display: to }] }
      : {}),
  } as Resource;
}

/** The order, and beside it what was found and why it is given all the same. */
function prescribed({ order, alerts }: Prescription, url: string): BundleEntry[] {
  const issues = alerts.map(({ issue: { id: _, meta: __, implicated = [], ...issue }, reason }) =>
    created({
      ...{ ...issue, status: 'final', implicated: [{ reference: url }, ...implicated] },
      mitigation: [{ action: { text: reason.trim() } }],
    }),
  );
  return [created(order, url), ...issues];
}
