/**
 * That every kind of entry of her log, as the product makes it, follows the pattern of IHE's that it says it follows, and says so where
 * there is one. A kind of entry, or a way of reading, that is added without a row here does not compile.
 */
import { DELEGATION, DELEGATION_SCOPES } from '@telemed-ledger/chaincode/model/consent-codes.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { LogRow } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import type { AccessRequest, AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { expect } from 'chai';
import type { StoredResource } from '../../fhir/repository.ts';
import { validateResource } from '../../fhir/validation/validation.ts';
import type { ErasuresTable, Interaction } from '../../index/schema.ts';
import { auditEvent, type Disclosure } from '../access/disclosure.ts';
import { eventOf } from '../erasures/events.ts';
import { faultsOf } from './balp.fixture.ts';
import { type Actor, consentEvent } from './consents.ts';
import { correctionEvent } from './corrections.ts';
import { keyEvent } from './keys.ts';
import { purgeEvent } from './purge-event.ts';
import { readEvent } from './read-event.ts';
import { foundRestriction } from './restrictions.ts';
import { kindOf } from './sentences.ts';
import { KINDS, type Kind } from './wording.ts';

const AT = '2026-03-01T10:00:00.000Z';
const LATER = '2026-03-02T10:00:00.000Z';
const SALT = 'ab'.repeat(32);
const custodian = 'patients';
const ORGANISATIONS: Organisation[] = [
  { name: 'hospital', mspId: 'HospitalMSP', kind: 'provider' },
  { name: 'clinic', mspId: 'ClinicMSP', kind: 'provider' },
  { name: custodian, mspId: 'PatientsMSP', kind: 'custodian' },
];
const stored = (resource: Resource): StoredResource => ({
  ...{ resource, version: 1, lastUpdated: AT, author: 'hospital', transactionId: 't', patient: 'p1' },
});

/** The ways in which an access can stand. */
function accesses(status: AccessState['status'], state: Partial<AccessState> = {}, more: Partial<Disclosure> = {}) {
  const whole: AccessState = {
    ...{ schema: 1, id: 'a1', requestor: 'clinic', holder: 'hospital', custodian, purpose: 'TREAT' },
    ...{ status, requestedAt: AT, salt: SALT },
    ...(status === 'requested' ? {} : { decidedAt: LATER }),
    ...(status === 'refused' ? { reason: 'not-permitted' } : {}),
    ...(status === 'granted' || status === 'purged'
      ? { consent: { id: 'c1', version: 1 }, expiresAt: LATER, delivered: 3 }
      : {}),
    ...(status === 'purged' ? { purgedAt: LATER } : {}),
    ...state,
  };
  const request = {
    ...{ schema: 1, id: 'a1', salt: SALT, holder: 'hospital', purpose: whole.purpose, types: ['Observation'] },
    patient: { system: 'urn:example', value: 'x' },
  } as unknown as AccessRequest;
  const by = { ...request, practitioner: 'Practitioner/d1' };
  const decided = { endorsers: ['PatientsMSP', 'RegulatorMSP'], holderToldAt: LATER };
  const because = { reason: 'consent-denied', salt: SALT, consent: { id: 'c2', version: 3 } };
  const known: Partial<Disclosure>[] = [
    { request },
    { request: by, patient: 'p1', decided },
    { request: { ...by, reason: 'Unconscious' }, patient: 'p1', pending: 'report', decided },
    ...(status === 'refused' ? [{ request, patient: 'p1', because }] : []),
    ...(status === 'requested' ? [{ request: by, pending: 'patient' as const }] : []),
  ];
  return known.map((one): { event: Resource; state: AccessState } => {
    const disclosure: Disclosure = { state: whole, transactionId: 't', block: 7, ...one, ...more };
    return { event: auditEvent(disclosure, 1, AT), state: whole };
  });
}

const eventsOf = (...given: Parameters<typeof accesses>): Resource[] => accesses(...given).map(({ event }) => event);

/** What the log of reads makes of one, by who read. */
function reads(interaction: Interaction, change: Partial<LogRow> = {}): Resource[] {
  const rows: Partial<LogRow>[] = [
    { role: 'practitioner', fhir_user: 'Practitioner/d1', subject: 'd1' },
    { role: 'system', fhir_user: null, subject: 'system' },
    { role: 'caretaker', fhir_user: 'RelatedPerson/r1', subject: 'r1' },
    { role: 'patient', fhir_user: 'Patient/p1', subject: 'p1', access: 'a1' },
  ];
  return rows.map((row) => {
    const whole = {
      ...{ sequence: 1, at: AT, outcome: 'shown', interaction, patient: 'p1', access: null, type: 'Observation' },
      ...{ records: '["o1"]', ...row, ...change },
    } as LogRow;
    const terms = whole.access === null ? {} : { purpose: 'TREAT', consent: 'c1/2', until: LATER };
    return readEvent({ organisation: 'clinic', read: whole, terms, name: 'Ada Example' }).resource;
  });
}

async function consents(status: string, version: number, isDelegation: boolean): Promise<Resource[]> {
  const scope = isDelegation ? { coding: [{ system: DELEGATION_SCOPES, code: DELEGATION }] } : { text: 'privacy' };
  const found = { ...stored({ resourceType: 'Consent', id: 'c1', status, scope }), version };
  const options = { index: {} as never, custodian };
  const made = ACTORS.map((actor) => consentEvent(found, { ...options, actorOf: async () => actor }));
  return (await Promise.all(made)).map(({ resource }) => resource);
}

/** Who did it, where that is known. */
const ACTORS: (Actor | undefined)[] = [
  undefined,
  { role: 'patient', fhir_user: 'Patient/p1', subject: 'p1' },
  { role: 'caretaker', fhir_user: 'RelatedPerson/r1', subject: 'r1' },
  { role: 'system', fhir_user: null, subject: 'system' },
];

async function restrictions(n: number): Promise<Resource[]> {
  const mark = {
    ...{ type: 'Observation', record: 'o1', provider: 'hospital', patient: 'p1', n, at: AT, transactionId: 't' },
  };
  const index = { restrictions: { about: async () => [mark] } } as never;
  const made = ACTORS.map((actor) => foundRestriction(`o1.${n}`, { index, custodian, actorOf: async () => actor }));
  return (await Promise.all(made)).map((one) => one!.resource);
}

function corrections(outcome?: 'accepted' | 'refused'): Resource[] {
  const asked = {
    ...{ schema: 1, id: 'k1', provider: 'hospital', patient: 'p1', type: 'Observation', record: 'o1' },
    ...{ askedBy: 'patient', words: 'x', at: AT, salt: SALT },
  } as never;
  const answered = outcome && ({ schema: 1, id: 'k1', outcome, at: LATER, salt: SALT } as const);
  const found = { asked, ...(answered && { answered }), transactionId: 't' };
  return [correctionEvent(found, outcome === undefined ? 'asked' : 'answered').resource];
}

function keys(code: Kind): Resource[] {
  const bytes = Buffer.alloc(32, 7).toString('base64url');
  const key = { x: bytes, y: bytes, how: 'enrolled', via: 'v1', addedAt: AT, from: AT } as const;
  const act = { at: AT, id: `key.p1.0.${code}`, code, patient: 'p1', provider: 'hospital' };
  const by = { who: { display: 'hospital' } };
  const isOfCode = code.endsWith('-code');
  return [keyEvent(isOfCode ? { ...act, by } : { ...act, key }, { custodian }).resource];
}

function erasures(status: ErasuresTable['status']): Resource[] {
  const purged =
    status === 'purged' ? { purged_at: LATER, purged_by: 'PatientsMSP' } : { purged_at: null, purged_by: null };
  return ['patient', 'system'].map((asked_by) => {
    const erasure: ErasuresTable = {
      ...{ id: 'e1', collection: 'care_hospital', record: 'o1', type: 'Observation', patient: 'p1', status },
      ...{ sequence: 1, transaction_id: 't', block: 7, marked_at: AT, author: 'PatientsMSP', asked_by, ...purged },
    };
    return eventOf(erasure, { channel: 'c', chaincode: 'c', organisations: ORGANISATIONS }).resource;
  });
}

const overview = { toldBy: { id: 'c1', version: 1 }, counts: { Observation: 3 } };

/** Every kind, by what makes it. */
const MAKERS: Record<Kind, () => Resource[] | Promise<Resource[]>> = {
  asked: () => eventsOf('requested'),
  delivered: () => eventsOf('granted'),
  emergency: () => [...eventsOf('granted', { purpose: 'BTG' }), ...eventsOf('granted', { purpose: 'ETREAT' })],
  refused: () => eventsOf('refused'),
  told: () => eventsOf('granted', overview),
  purged: () => accesses('purged').map(({ event, state }) => purgeEvent(stored(event), state).resource),
  erased: () => erasures('purged'),
  erasing: () => erasures('pending'),
  grant: () => consents('active', 1, false),
  amend: () => consents('active', 2, false),
  revoke: () => consents('inactive', 2, false),
  'grant-delegation': () => consents('active', 1, true),
  'amend-delegation': () => consents('active', 2, true),
  'revoke-delegation': () => consents('inactive', 2, true),
  'enrol-key': () => keys('enrol-key'),
  'recover-key': () => keys('recover-key'),
  'rotate-key': () => keys('rotate-key'),
  'end-key': () => keys('end-key'),
  'cancel-key': () => keys('cancel-key'),
  'issue-code': () => keys('issue-code'),
  'cancel-code': () => keys('cancel-code'),
  'correction-asked': () => corrections(),
  'correction-accepted': () => corrections('accepted'),
  'correction-refused': () => corrections('refused'),
  restrict: () => restrictions(1),
  'lift-restriction': () => restrictions(2),
  link: () => reads('link', { type: 'Patient' }),
  unlink: () => reads('unlink', { type: 'Patient' }),
  confirm: () => reads('confirm', { type: 'Encounter' }),
  dispute: () => reads('dispute', { type: 'Encounter' }),
  appeal: () => reads('appeal', { type: 'Claim' }),
  record: () => reads('record', { type: 'Observation' }),
  share: () => reads('share', { type: 'Bundle' }),
  unshare: () => reads('unshare', { type: 'Bundle' }),
  read: () => [...reads('read'), ...reads('vread'), ...reads('history')],
  search: () => [
    ...reads('search'),
    ...reads('search', { records: '["o1","o2"]' }),
    ...reads('search', { records: '[]' }),
  ],
  refusal: () => [...reads('read', { outcome: 'refused' }), ...reads('search', { outcome: 'refused', records: '[]' })],
  log: () => [...reads('log', { type: 'Read' }), ...reads('search', { type: 'AuditEvent' })],
  look: () => [...reads('access', { type: 'AccessRequest' }), ...reads('evaluate', { type: 'Consent' })],
  answer: () => reads('refuse', { type: 'AccessRequest' }),
};

/** As what each way of reading stands in her log; undefined: it has an entry of its own. */
const ENTRY_OF: Record<Interaction, Kind | undefined> = {
  ...{ read: 'read', vread: 'read', history: 'read', search: 'search', log: 'log', link: 'link', unlink: 'unlink' },
  ...{ directory: 'look', evaluate: 'look', access: 'look', events: 'look', review: 'look', erasure: 'look' },
  ...{ refuse: 'answer', confirm: 'confirm', dispute: 'dispute', appeal: 'appeal' },
  ...{ record: 'record', share: 'share', unshare: 'unshare' },
  ...{ grant: undefined, amend: undefined, revoke: undefined, restrict: undefined, 'lift-restriction': undefined },
};

describe('The patterns of IHE', () => {
  const expectToFollow = (events: readonly Resource[], kind: Kind): void => {
    expect(events, kind).to.not.deep.equal([]);
    for (const event of events) {
      expect(kindOf(event as never), JSON.stringify(event)).to.equal(kind);
      expect(faultsOf(event, kind), JSON.stringify(event)).to.deep.equal([]);
      expect(validateResource(event).issues, JSON.stringify(event)).to.deep.equal([]);
    }
  };

  for (const kind of KINDS)
    it(`are followed by every entry of the kind ${kind}`, async () => expectToFollow(await MAKERS[kind](), kind));

  for (const [interaction, kind] of Object.entries(ENTRY_OF))
    if (kind !== undefined)
      it(`are followed by what reading by ${interaction} writes, and not where it is refused`, () => {
        expectToFollow(reads(interaction as Interaction), kind);
        const refused = reads(interaction as Interaction, { outcome: 'refused' });
        for (const event of refused) expect(faultsOf(event, kindOf(event as never))).to.deep.equal([]);
      });

  it('are told apart: an event that lacks what its pattern demands is found', async () => {
    for (const kind of KINDS)
      for (const event of await MAKERS[kind]()) {
        if ((event['meta'] as { profile?: string[] }).profile === undefined) continue;
        const { agent: _, ...rest } = event;
        expect(faultsOf({ ...rest, agent: [] } as never, kind), kind).to.not.deep.equal([]);
        expect(faultsOf({ ...event, entity: [] } as never, kind), kind).to.not.deep.equal([]);
        expect(faultsOf({ ...event, meta: {} } as never, kind), kind).to.not.deep.equal([]);
      }
  });
});
