/** Answers to orders: of another provider's only by whom that refers to, for its patient, while it stands. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import type { Resource } from '../model/fhir.ts';
import type { AnswerShown } from '../model/referrals.ts';
import { ExamplePatient, identifier } from './example-patient.fixture.ts';
import { evidenceFrom, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';

const CLINIC = { identifier: { system: 'https://telemed-ledger.example/organisations', value: 'clinic' } };

describe('the answer to a referral', () => {
  let example: ExamplePatient;
  let hers: string;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
    [, hers] = await example.recordAt('clinic', { resourceType: 'Patient', identifier: [identifier] });
  });

  const order = (change: object = {}) => ({
    ...{ resourceType: 'ServiceRequest', status: 'active', intent: 'order', performer: [CLINIC] },
    ...{ subject: { reference: `Patient/${example.patientId}` }, ...change },
  });
  const refer = (change: object = {}) => example.record(order(change));

  interface Answer {
    id?: string;
    version?: number;
    type?: string;
    from?: string;
    resource?: object;
    along?: Resource[];
    shown?: Partial<AnswerShown> | null;
  }
  function answer(named: string, { id = randomUUID(), version = 1, from = 'clinic', shown, ...more }: Answer = {}) {
    const report = {
      ...{ resourceType: more.type ?? 'DiagnosticReport', id, status: 'final' },
      ...{ subject: { reference: `Patient/${hers}` }, basedOn: [{ reference: `ServiceRequest/${named}` }] },
      ...more.resource,
    };
    const drafts = [report as Resource, ...(more.along ?? [])].map((one) =>
      recordDraft(one, one.id === id ? version : 1),
    );
    const request = recording([sheetOf(drafts)], from);
    if (shown === null) return example.ledger.submit('RecordVersions', request);
    const shows: AnswerShown = {
      id,
      orders: [{ provider: 'hospital', record: example.evidence(named) }],
      patients: { ordered: example.evidence(example.patientId), answered: example.evidenceAt('clinic', hers) },
      ...shown,
    };
    return example.ledger.submit('RecordVersions', { ...request, private: { ...request.private!, answers: [shows] } });
  }
  async function refused(reason: string, named: string, how: Answer = {}): Promise<void> {
    const before = [...example.ledger.private.keys()];
    expect(await failureOf(answer(named, how))).to.contain(reason);
    expect([...example.ledger.private.keys()]).to.deep.equal(before);
  }

  for (const type of ['DiagnosticReport', 'Encounter'])
    it(`is recorded as ${type} by whom it refers to, and by nobody else`, async () => {
      const status = type === 'Encounter' ? { resource: { status: 'finished' } } : {};
      await answer(await refer(), { type, ...status });
      for (const performer of [[], [{ ...CLINIC, identifier: { ...CLINIC.identifier, value: 'hospital' } }], undefined])
        await refused('not-referred', await refer({ performer }), { type, ...status });
      await refused('does not show the order', await refer(), { type, ...status, shown: null });
      await refused('does not show the order', await refer(), { type, ...status, shown: { orders: [] } });
    });

  it('follows an order that is active and in its time', async () => {
    for (const status of ['draft', 'on-hold', 'revoked', 'completed', 'entered-in-error', 'unknown'])
      await refused('referral-not-active', await refer({ status }));
    for (const intent of ['proposal', 'plan', 'directive', 'option'])
      await refused('no-order', await refer({ intent }));
    await refused('no-order', await refer({ doNotPerform: true }));
    const day = example.ledger.time.slice(0, 10);
    await refused('referral-expired', await refer({ occurrencePeriod: { end: '2020-01-01' } }));
    await refused('referral-expired', await refer({ occurrenceDateTime: '2020-01-01' }));
    await answer(await refer({ occurrencePeriod: { start: '2020-01-01', end: day } }));
  });

  it('is about the patient of the order', async () => {
    const [, other] = await example.recordAt('clinic', { resourceType: 'Patient' });
    const resource = { subject: { reference: `Patient/${other}` } };
    const patients = { ordered: example.evidence(example.patientId), answered: example.evidenceAt('clinic', other) };
    await refused('other-patient', await refer(), { resource, shown: { patients } });
    await refused('other-patient', await refer(), { shown: { patients: undefined } });
    await refused('are not the Patients', await refer(), { resource });
  });

  it('follows the order as it is now', async () => {
    const id = await refer();
    const old = { provider: 'hospital', record: example.evidence(id) };
    await example.record(order({ status: 'revoked' }), 2, id);
    await refused('not the current version', id, { shown: { orders: [old] } });
    const now = { provider: 'hospital', record: example.evidence(id, 2) };
    await refused('referral-not-active', id, { shown: { orders: [now] } });
  });

  it('is corrected once the order is over, and answers no other one then', async () => {
    const named = await refer();
    const id = randomUUID();
    await answer(named, { id });
    await example.record(order({ status: 'completed' }), 2, named);
    const previous = evidenceFrom(example.ledger, 'clinic', id, 1);
    const shown = { orders: [], patients: undefined, previous };
    await refused('does not show the order', await refer(), { id, version: 2, shown });
    await refused('does not show the order', named, { id, version: 2, shown: { orders: [] } });
    await answer(named, { id, version: 2, shown });
  });

  it('to an order of its own provider needs the order alone, and none that is recorded along with it', async () => {
    const resource = { subject: { reference: `Patient/${example.patientId}` } };
    const own = await refer({ performer: undefined, status: 'completed' });
    await answer(own, { from: 'hospital', resource, shown: { patients: undefined } });
    await refused('does not show the order', own, { from: 'hospital', resource, shown: null });
    const along = { ...order(), id: randomUUID() } as Resource;
    await answer(along.id, { from: 'hospital', resource, along: [along], shown: null });
  });
});
