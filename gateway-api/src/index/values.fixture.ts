/** Private values beside records, as the chaincode writes them: consents, marks, accesses, deliveries and claims. */
import { randomUUID } from 'node:crypto';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Review, ReviewOutcome } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { beginningOf, type ErasedMark, type Erasure, erasureHandle } from '@telemed-ledger/chaincode/model/erasures.ts';
import { patientIdOf } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { auditPaths, leafHash } from '@telemed-ledger/chaincode/model/merkle.ts';
import { type Content, type Copies, leavesOf, type RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import {
  ACCESS_STEPS,
  type AccessState,
  type Anchored,
  type ClaimState,
} from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { FixtureTransaction, FixtureWrite } from '../ledger/block.fixture.ts';
import { anchored, newSalt, type RecordFixture, wideConsortium } from './index.fixture.ts';

export const LATER = '2126-01-01T00:00:00.000Z';

const write = (collection: string, key: string, value: object): FixtureWrite => ({
  ...{ collection, key },
  value: canonicalJson(value),
});

/** A version of a consent, as its custodian grants or amends it. */
export function consentWrite(fields: RecordFixture, provider = 'hospital'): FixtureWrite & { id: string } {
  const { id, version, text } = anchored('Consent', { author: 'PatientsMSP', status: 'active', ...fields });
  return { collection: collections.care(provider), key: privateKeys.consent(id, version), value: text, id };
}

/** A mark that revokes a consent, or with a version withdraws that one. */
export const markWrite = (id: string, version?: number, at = '2026-03-02T10:00:00.000Z'): FixtureWrite =>
  write(collections.marks, version === undefined ? privateKeys.revoked(id) : privateKeys.withdrawn(id, version), {
    schema: 1,
    at,
    salt: newSalt(),
  });

export function accessState(fields: Partial<AccessState> = {}): AccessState {
  return {
    ...{ schema: 1, id: randomUUID(), requestor: 'clinic', holder: 'hospital', custodian: 'patients' },
    ...{ purpose: 'TREAT', status: 'requested', requestedAt: '2026-03-01T10:00:00.000Z', salt: newSalt() },
    ...fields,
  };
}

/** The steps of an access that a transaction writes: in its requestor's inbox and, from the decision on, with its holder. */
export function accessWrites(state: AccessState): FixtureWrite[] {
  const step = ACCESS_STEPS[state.status];
  const places = [collections.inbox(state.requestor), ...(step === 1 ? [] : [collections.care(state.holder)])];
  return places.map((collection) => write(collection, privateKeys.access(state.id, step), state));
}

const mspIdOf = (name: string): string =>
  wideConsortium.organisations.find((organisation) => organisation.name === name)?.mspId ?? name;

/** A step of an access as a transaction of whom it comes from. */
export const accessStep = (state: AccessState): FixtureTransaction => ({
  creator: mspIdOf(state.status === 'requested' ? state.requestor : state.custodian),
  privateWrites: accessWrites(state),
});

/** A request, and an access to it as it stands, as transactions of whom they come from. */
export const requestedAccess = (state: AccessState, mrn: string): FixtureTransaction[] => [
  { creator: mspIdOf(state.requestor), privateWrites: [requestWrite(state.id, mrn, state.requestor)] },
  accessStep(state),
];

/** What a requestor asks for; the identifier's system is `urn:example:mrn`. */
export const requestWrite = (id: string, mrn: string, requestor = 'clinic', more: object = {}): FixtureWrite =>
  write(collections.inbox(requestor), privateKeys.request(id), {
    ...{ id, salt: newSalt(), holder: 'hospital', types: [], purpose: 'TREAT', ...more },
    patient: { system: 'urn:example:mrn', value: mrn },
  });

/** A review of an emergency as its custodian opens it. */
export const reviewWrite = (id: string, fields: Partial<Review> = {}): FixtureWrite =>
  write(collections.reviews, privateKeys.review(id, 1), {
    ...{ schema: 1, id, licence: '1234567893', requestor: 'clinic', holder: 'hospital', purpose: 'BTG' },
    ...{ reason: 'Unconscious', openedAt: '2026-03-02T10:00:00.000Z', salt: newSalt(), ...fields },
  });

/** What a regulator made of it. */
export const reviewOutcomeWrite = (id: string, fields: Partial<ReviewOutcome> = {}): FixtureWrite =>
  write(collections.reviews, privateKeys.review(id, 2), {
    ...{ schema: 1, id, outcome: 'justified', text: 'c2VhbGVk', closedAt: '2026-03-03T10:00:00.000Z' },
    ...{ salt: newSalt(), ...fields },
  });

/** A record of a sheet as it is shown to others, from the private writes that put it there. */
export function evidenceFrom(writes: readonly FixtureWrite[], id: string, version = 1): RecordEvidence {
  const valueAt = (key: string) => writes.find((one) => one.key === key)?.value;
  for (const { key, value } of writes) {
    const [kind, sheet = ''] = key.split('/');
    if (kind !== 'content' || value === undefined) continue;
    const content = JSON.parse(value) as Content;
    for (const [index, text] of content.leaves.entries()) {
      const leaf = typeof text === 'string' ? (JSON.parse(text) as Anchored) : undefined;
      if (leaf?.id !== id || leaf.version !== version) continue;
      const path = auditPaths(leavesOf(content))[index]!;
      const tree = valueAt(privateKeys.sheet(sheet))!;
      const place = valueAt(privateKeys.version(id, version));
      return { id, version, text: text as string, sheet, index, path, tree, ...(place !== undefined && { place }) };
    }
  }
  throw new Error('there is no such record version');
}

/** A delivery in the requestor's inbox. */
export function copiesWrite(
  records: readonly RecordEvidence[],
  {
    access = randomUUID(),
    requestor = 'clinic',
    ...fields
  }: { access?: string; requestor?: string } & Partial<Copies> = {},
): FixtureWrite {
  const copies: Copies = {
    ...{ schema: 1, accessId: access, holder: 'hospital', deliveredAt: '2026-03-02T10:00:00.000Z', expiresAt: LATER },
    ...{ salt: newSalt(), records: [...records], ...fields },
  };
  return write(collections.inbox(requestor), privateKeys.copies(access), copies);
}

/** A transaction of the custodian's that delivers: with the step that grants each access, which its holder has too. */
export const delivery = (...privateWrites: FixtureWrite[]): FixtureTransaction => ({
  ...{ creator: 'PatientsMSP', endorsers: ['PatientsMSP', 'HospitalMSP'] },
  privateWrites: [...privateWrites, ...privateWrites.flatMap((one) => grantOf(one))],
});

/** The step that a delivery comes with; none of what is no delivery. */
export function grantOf({ collection, key, value }: FixtureWrite, more: Partial<AccessState> = {}): FixtureWrite[] {
  if (!key.startsWith('copies/') || value === undefined) return [];
  const { accessId: id, holder, deliveredAt: decidedAt, expiresAt } = JSON.parse(value) as Copies;
  const requestor = collection.slice(collections.inbox('').length);
  return accessWrites(accessState({ id, requestor, holder, status: 'granted', decidedAt, expiresAt, ...more }));
}

/** The step at which a claim that is paid without more ado comes to stand in a status. */
const USUAL_STEP_TO: Partial<Record<ClaimState['status'], number>> = {
  ...{ submitted: 1, denied: 2, 'patient-responsibility': 2, partial: 2, approved: 2 },
  ...{ instructed: 3, settled: 4, remitted: 5 },
};
export function claimState(fields: Partial<ClaimState> = {}): ClaimState {
  const { status = 'submitted' } = fields;
  return {
    ...{ schema: 1, step: USUAL_STEP_TO[status] ?? 1, id: randomUUID(), provider: 'hospital', payer: 'payer', status },
    ...{ submittedAt: '2026-03-01T10:00:00.000Z', updatedAt: '2026-03-01T10:00:00.000Z', salt: newSalt() },
    ...fields,
  };
}

/** A value of a claim in its payer's collection and the copies of it. */
export const billingWrites = (key: string, value: object, ...copies: string[]): FixtureWrite[] =>
  ['payer', ...copies].map((name) => write(collections.billing(name), key, value));

/** A step of a claim with its copies for those whom it concerns. */
export const claimStateWrites = (state: ClaimState, ...copies: string[]): FixtureWrite[] =>
  billingWrites(privateKeys.claimState(state.id, state.step), state, ...copies);

/** A Claim as it is submitted. */
export const claimWrites = (id: string, fields: object, ...copies: string[]): FixtureWrite[] =>
  billingWrites(
    privateKeys.claim(id),
    {
      ...{ schema: 1, id, salt: newSalt(), submittedAt: '2026-03-01T10:00:00.000Z', provider: 'hospital' },
      ...{ payer: 'payer', coverage: { id: randomUUID(), version: 1 }, evidence: [], edits: [] },
      resource: { resourceType: 'Claim', id, ...fields },
    },
    ...copies,
  );

/** A mark that a record of a provider's is erased. */
export const erasedMark = (record: string, provider = 'hospital'): FixtureWrite =>
  write(collections.marks, privateKeys.erased(erasureHandle(provider, record)), {
    ...{ schema: 1, at: '2026-03-03T10:00:00.000Z', begins: beginningOf(record), salt: newSalt() },
  } satisfies ErasedMark);

/**
 * What PurgeContent writes: the content of the sheet that these writes put there, without the texts of some records. Of its
 * next generations, what was written the last time is given.
 */
export function purgeWrites(written: readonly FixtureWrite[], records: readonly string[]): FixtureWrite[] {
  const content = written.find(({ key, value }) => key.startsWith('content/') && value !== undefined)!;
  const { collection } = content;
  const provider = collection.slice(collections.care('').length);
  const [, sheet = '', generation = ''] = content.key.split('/');
  const tree = written.find(({ key }) => key === privateKeys.sheet(sheet))?.value;
  const before = JSON.parse(content.value!) as Content;
  const gone: FixtureWrite[] = [{ collection, key: content.key, purge: true }];
  const leaves = before.leaves.map((text, index) => {
    const leaf = typeof text === 'string' ? (JSON.parse(text) as Anchored) : undefined;
    if (typeof text !== 'string' || leaf === undefined || !records.includes(leaf.id)) return text;
    const { id: record, version, resource } = leaf;
    const hash = leafHash(text);
    const patient = patientIdOf(resource);
    const note: Erasure = {
      ...{ schema: 1, record, type: resource.resourceType, version, sheet, index, leaf: hash },
      ...{ ...(patient === undefined ? {} : { patient }), askedBy: 'patient', purgedAt: '2026-03-04T10:00:00.000Z' },
      salt: newSalt(),
    };
    gone.push(write(collection, privateKeys.erasure(erasureHandle(provider, record), sheet), note));
    const place = privateKeys.version(record, version);
    if (written.some(({ key }) => key === place)) gone.push({ collection, key: place, purge: true });
    return { hash };
  });
  const next = privateKeys.content(sheet, Number(generation) + 1);
  return [write(collection, next, { schema: 1, leaves, tree: before.tree ?? tree } satisfies Content), ...gone];
}

/** A transaction by which holder and custodian purge. */
export const purging = (...privateWrites: FixtureWrite[]): FixtureTransaction => ({
  ...{ creator: 'PatientsMSP', endorsers: ['PatientsMSP', 'HospitalMSP'], privateWrites },
});
