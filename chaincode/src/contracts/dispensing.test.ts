import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger, type Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import type { DispenseShown } from '../model/dispensing.ts';
import type { Resource } from '../model/fhir.ts';
import type { RecordDraft } from '../model/sheets.ts';
import { bucketEvidence, licensing } from './example-register.fixture.ts';
import { evidenceFrom, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import { Records } from './records.ts';
import { Registry } from './registry.ts';

const NUMBER = '1234567893';
const PRESCRIBER = 'Practitioner/d1';
const AMOXICILLIN = { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '308182' }] };
const hex = (): string => randomBytes(32).toString('hex');
const quantity = (value: number, unit = 'TAB') => ({ value, system: 'http://unitsofmeasure.org', code: unit });

describe('what is dispensed', () => {
  let ledger: MemoryLedger;
  let prescription: string;
  let handle: string;

  beforeEach(async () => {
    ledger = new MemoryLedger(exampleConsortium, [new Records(exampleConsortium), new Registry(exampleConsortium)]);
    await licensed('active');
    handle = hex();
    prescription = await prescribe();
  });

  const licensed = (status: 'active' | 'suspended' | 'excluded') =>
    ledger.submit(
      'SetLicence',
      licensing(ledger, {
        ...{ number: NUMBER, status, start: '2020-01-01', end: '2030-01-01' },
        practitioners: [{ organisation: 'hospital', practitioner: PRESCRIBER }],
      }),
    );
  const requestOf = (id: string, change: object = {}): Resource => ({
    ...{ resourceType: 'MedicationRequest', id, status: 'active', intent: 'order' },
    ...{ subject: { reference: 'Patient/p1' }, requester: { reference: PRESCRIBER }, authoredOn: '2026-03-01' },
    medicationCodeableConcept: AMOXICILLIN,
    dispenseRequest: { quantity: quantity(20), numberOfRepeatsAllowed: 1, validityPeriod: { start: '2026-03-01' } },
    ...change,
  });
  async function prescribe(
    change: object = {},
    { version = 1, id = randomUUID() }: { version?: number; id?: string } = {},
  ): Promise<string> {
    const draft = { ...recordDraft(requestOf(id, change), version), handle };
    await ledger.submit('RecordVersions', recording([sheetOf([draft])]));
    return id;
  }
  const dispenseOf = (id: string, change: object = {}): Resource => ({
    ...{ resourceType: 'MedicationDispense', id, status: 'completed', subject: { reference: 'Patient/p1' } },
    ...{ medicationCodeableConcept: AMOXICILLIN, quantity: quantity(20), whenHandedOver: '2026-03-01T11:00:00Z' },
    authorizingPrescription: [{ reference: `MedicationRequest/${prescription}` }],
    ...change,
  });
  const newest = (): number => {
    for (let version = 9; version > 1; version -= 1)
      if (ledger.private.has(`care_hospital version/${prescription}/${version}`)) return version;
    return 1;
  };
  function licence() {
    const { register, buckets } = bucketEvidence(ledger, [NUMBER]);
    return { number: NUMBER, register, bucket: buckets[0]! };
  }
  const shownFor = (id: string, more: Partial<DispenseShown> = {}): DispenseShown => ({
    ...{ id, known: 0, salt: hex(), licence: licence() },
    prescription: { provider: 'hospital', record: evidenceFrom(ledger, 'hospital', prescription, newest()) },
    ...more,
  });
  interface Change {
    resource?: object;
    draft?: Partial<RecordDraft>;
    shown?: Partial<DispenseShown>;
    from?: string;
    id?: string;
  }
  function dispensing(change: Change = {}): Request<'RecordVersions'> {
    const { id = randomUUID(), from = 'clinic' } = change;
    const version = change.draft?.version ?? 1;
    const draft = { ...recordDraft(dispenseOf(id, change.resource), version), handle, ...change.draft };
    const previous = version === 1 ? {} : { previous: evidenceFrom(ledger, from, id, version - 1) };
    const request = recording([sheetOf([draft])], from);
    return {
      ...request,
      private: { ...request.private!, dispenses: [shownFor(id, { ...previous, ...change.shown })] },
    };
  }
  const dispense = (change?: Change) => ledger.submit('RecordVersions', dispensing(change));
  const marks = () => [...ledger.private].filter(([name]) => name.startsWith('marks dispensed/'));
  const refused = async (reason: RegExp, change?: Change): Promise<void> => {
    const before = ledger.private.size;
    expect(await failureOf(dispense(change))).to.match(reason);
    expect(ledger.private.size).to.equal(before);
  };

  it('is no more than was authorised, by whomever and in however many parts', async () => {
    await dispense({ resource: { quantity: quantity(15) } });
    await dispense({ resource: { quantity: quantity(15) }, from: 'hospital' });
    await refused(/CONFLICT.*over-quantity/, { resource: { quantity: quantity(11) } });
    await dispense({ resource: { quantity: quantity(9.5) } });
    await dispense({ resource: { quantity: quantity(0.5) } });
    for (const from of ['clinic', 'hospital'])
      await refused(/over-quantity/, { resource: { quantity: quantity(0.1) }, from });
    expect(marks()).to.have.length(4);
  });

  it('is counted together where one transaction records several of one prescription', async () => {
    const ids: string[] = [randomUUID(), randomUUID(), randomUUID()];
    const requests = ids.map((id) => dispensing({ id, resource: { quantity: quantity(15) } }));
    const together = (some: typeof requests): Request<'RecordVersions'> => ({
      ...some[0]!,
      private: {
        sheets: some.flatMap((one) => one.private!.sheets),
        dispenses: some.flatMap((one) => one.private!.dispenses ?? []),
      },
    });
    expect(await failureOf(ledger.submit('RecordVersions', together(requests)))).to.match(/sheets\[2\].*over-quantity/);
    await ledger.submit('RecordVersions', together(requests.slice(0, 2)));
    expect(marks()).to.have.length(1);
    await refused(/over-quantity/, { resource: { quantity: quantity(10.01) } });
  });

  it('says to nobody without the prescription of whom, what or how much it is', async () => {
    await dispense();
    await dispense({ resource: { quantity: quantity(1) } });
    const lengths = new Set(marks().map(([, value]) => value.length));
    expect(lengths.size).to.equal(1);
    for (const [name, value] of marks()) {
      for (const told of [prescription, handle, 'Patient/p1', '"308182"'])
        expect(`${name} ${value}`).to.not.include(told);
      expect(Object.keys(JSON.parse(value)).sort()).to.deep.equal(['salt', 'schema', 'sealed']);
    }
  });

  const cases: Record<string, Change> = {
    'other-patient': { resource: { subject: { reference: 'Patient/p2' } } },
    'quantity-not-stated': { resource: { quantity: undefined } },
    'other-unit': { resource: { quantity: quantity(1, 'mg') } },
    'other-medication': { resource: { medicationCodeableConcept: { coding: [{ code: '308182' }] } } },
    'handed-over-at': { resource: { whenHandedOver: '2026-03-01T13:00:00Z' } },
    'prescriber-not-licensed': { shown: { licence: undefined } },
  };
  for (const [reason, change] of Object.entries(cases))
    it(`is refused as ${reason}`, () => refused(new RegExp(`CONFLICT.*${reason}`), change));

  const prescriptions: Record<string, object> = {
    'no-order': { intent: 'proposal' },
    'prescription-not-active': { status: 'on-hold' },
    'before-validity': { dispenseRequest: { quantity: quantity(20), validityPeriod: { start: '2026-03-02' } } },
    'prescription-expired': { dispenseRequest: { quantity: quantity(20), validityPeriod: { end: '2026-02-28' } } },
    'quantity-not-stated': { dispenseRequest: { quantity: { value: 0 } } },
    'prescriber-not-licensed': { requester: { reference: 'Practitioner/d2' } },
    'handed-over-at': { authoredOn: '2026-03-02' },
  };
  for (const [reason, change] of Object.entries(prescriptions))
    it(`is refused as ${reason} by its prescription`, async () => {
      prescription = await prescribe(change);
      await refused(new RegExp(`CONFLICT.*${reason}`));
    });

  for (const status of ['on-hold', 'cancelled', 'completed', 'entered-in-error', 'stopped', 'draft', 'unknown'])
    it(`is refused once the prescription is ${status}, also by what it was before`, async () => {
      const early = evidenceFrom(ledger, 'hospital', prescription);
      await prescribe({ status }, { version: 2, id: prescription });
      await refused(/prescription-not-active/);
      await refused(/CONFLICT at <private.dispenses\[0\].prescription>: is not the current version/, {
        shown: { prescription: { provider: 'hospital', record: early } },
      });
      await prescribe({ status: 'active' }, { version: 3, id: prescription });
      await dispense();
    });

  for (const status of ['suspended', 'excluded'] as const)
    it(`is refused where who prescribed is ${status}`, async () => {
      await licensed(status);
      await refused(/prescriber-not-licensed/);
    });

  it('goes by another medication only where the prescription allows it and the dispense says so', async () => {
    const other = { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '723' }] };
    const substituted = { medicationCodeableConcept: other, substitution: { wasSubstituted: true } };
    await refused(/other-medication/, { resource: substituted });
    prescription = await prescribe({ substitution: { allowedBoolean: true } });
    await refused(/other-medication/, { resource: { ...substituted, substitution: undefined } });
    await dispense({ resource: substituted });
  });

  it('is counted by the dispense where the prescription states no quantity', async () => {
    prescription = await prescribe({ dispenseRequest: { numberOfRepeatsAllowed: 1 } });
    const id: string = randomUUID();
    await dispense({ id, resource: { quantity: undefined } });
    await dispense({ resource: { quantity: quantity(500) }, from: 'hospital' });
    await refused(/over-quantity/, { resource: { quantity: undefined } });
    const without = { prescription: undefined, licence: undefined };
    await dispense({ id, draft: { version: 2 }, shown: without });
    await refused(/over-quantity/, {});
    await dispense({ id, draft: { version: 3 }, resource: { status: 'cancelled' }, shown: without });
    await dispense({});
    await prescribe({}, { version: 2, id: prescription });
    await refused(/other-unit/, {});
  });

  it('is corrected by whoever dispensed it, and what is given back can be handed out', async () => {
    const id: string = randomUUID();
    await dispense({ id, resource: { quantity: quantity(40) } });
    await refused(/over-quantity/, { resource: { quantity: quantity(1) } });
    await refused(/over-quantity/, { id, draft: { version: 2 }, resource: { quantity: quantity(41) } });
    // Less is recorded without the prescription, which may be shown to it no more.
    const without = { prescription: undefined, licence: undefined };
    await dispense({ id, draft: { version: 2 }, resource: { quantity: quantity(30) }, shown: without });
    await dispense({ resource: { quantity: quantity(10) } });
    await refused(/over-quantity/, { resource: { quantity: quantity(1) } });
    await dispense({ id, draft: { version: 3 }, resource: { status: 'entered-in-error' }, shown: without });
    await dispense({ resource: { quantity: quantity(30) } });
    await refused(/over-quantity/, { resource: { quantity: quantity(1) } });
    await refused(/over-quantity/, { id, draft: { version: 4 }, resource: { status: 'completed' } });
  });

  it('is given back where it is deleted, and taken anew where it is brought back', async () => {
    const id: string = randomUUID();
    await dispense({ id, resource: { quantity: quantity(40) } });
    const tombstone = canonicalJson({ resourceType: 'MedicationDispense', id, subject: { reference: 'Patient/p1' } });
    await dispense({ id, draft: { version: 2, deleted: true, resource: tombstone } });
    await dispense({ resource: { quantity: quantity(30) } });
    await refused(/over-quantity/, { id, draft: { version: 3 }, resource: { quantity: quantity(11) } });
    await dispense({ id, draft: { version: 3 }, resource: { quantity: quantity(10) } });
  });

  it('keeps its patient, its prescription, its unit and its count', async () => {
    const id: string = randomUUID();
    await dispense({ id });
    const next = { id, draft: { version: 2 } };
    const elsewhere = { authorizingPrescription: [{ reference: `MedicationRequest/${await prescribe()}` }] };
    await refused(/keeps its patient and its prescription/, { ...next, resource: elsewhere });
    await refused(/keeps its patient/, { ...next, resource: { subject: { reference: 'Patient/p2' } } });
    await refused(/other-unit/, { ...next, resource: { quantity: quantity(1, 'mg') } });
    await refused(/keeps its prescription/, { id, draft: { version: 2, handle: hex() } });
    await refused(/does not show the version before/, { ...next, shown: { previous: undefined } });
  });

  it('is counted under the prescription that it names, and under no other', async () => {
    const first = prescription;
    const [own, other] = [handle, hex()];
    handle = other;
    const second = await prescribe();
    prescription = first;
    handle = own;
    await refused(/is another prescription than it is counted by/, { draft: { handle: other } });
    const record = evidenceFrom(ledger, 'hospital', second);
    await refused(/not the prescription that is named/, { shown: { prescription: { provider: 'hospital', record } } });
    await refused(/does not show what it is dispensed by/, { draft: { handle: undefined } });
    await refused(/does not show the prescription/, { shown: { prescription: undefined } });
    const several = [first, second].map((id) => ({ reference: `MedicationRequest/${id}` }));
    await refused(/by one prescription/, { resource: { authorizingPrescription: several } });
    for (const reference of [
      'MedicationRequest/a/b',
      '#p',
      'Observation/1',
      'https://elsewhere.example/MedicationRequest/1',
    ])
      await refused(/names no prescription/, { resource: { authorizingPrescription: [{ reference }] } });
  });

  it('is of the same person under a Patient of its own, where both bear one identifier', async () => {
    const patient = async (from: string, id: string, value: string): Promise<void> => {
      const resource = { resourceType: 'Patient', id, identifier: [{ system: 'urn:health-id', value }] };
      await ledger.submit('RecordVersions', recording([sheetOf([recordDraft(resource)])], from));
    };
    await patient('hospital', 'p1', '1');
    await patient('clinic', 'p9', '1');
    await patient('clinic', 'p8', '2');
    const of = (id: string): Change => ({
      resource: { subject: { reference: `Patient/${id}` } },
      shown: {
        patients: {
          prescribed: evidenceFrom(ledger, 'hospital', 'p1'),
          dispensed: evidenceFrom(ledger, 'clinic', id),
        },
      },
    });
    await refused(/other-patient/, of('p8'));
    await refused(/are not the Patients/, { ...of('p9'), resource: { subject: { reference: 'Patient/p8' } } });
    await dispense(of('p9'));
  });

  it('is taken over with a prescription that is over, in one transaction', async () => {
    const id: string = randomUUID();
    const over = { status: 'completed', authoredOn: '2026-01-01', dispenseRequest: { quantity: quantity(20) } };
    const along = { ...recordDraft(requestOf(id, over)), handle };
    prescription = id;
    const one = (value: number): Request<'RecordVersions'> => {
      const of: string = randomUUID();
      const resource = dispenseOf(of, { quantity: quantity(value), whenHandedOver: '2026-01-02' });
      const draft = { ...recordDraft(resource), handle };
      const dispenses = [{ id: of, known: 0, salt: hex(), licence: licence() }];
      return { ...recording([sheetOf([along, draft])]), private: { sheets: [sheetOf([along, draft])], dispenses } };
    };
    expect(await failureOf(ledger.submit('RecordVersions', one(21)))).to.match(/over-quantity/);
    await ledger.submit('RecordVersions', one(20));
  });

  it('takes nothing while it is prepared, and nothing where it is of no prescription', async () => {
    const id: string = randomUUID();
    const bare = async (resource: Resource): Promise<void> => {
      await ledger.submit('RecordVersions', recording([sheetOf([recordDraft(resource)])], 'clinic'));
    };
    await bare(dispenseOf(id, { status: 'preparation' }));
    await bare(dispenseOf(randomUUID(), { authorizingPrescription: undefined }));
    expect(marks()).to.have.length(0);
    await dispense({ id, draft: { version: 2 } });
    expect(marks()).to.have.length(1);
  });

  it('is shown for nothing else', async () => {
    const request = dispensing();
    const more = { ...request.private!, dispenses: [...request.private!.dispenses!, shownFor(randomUUID())] };
    expect(await failureOf(ledger.submit('RecordVersions', { ...request, private: more }))).to.match(
      /private.dispenses\[1\].*of no dispense/,
    );
    const observation = { ...recordDraft({ resourceType: 'Observation', id: 'o1' }), handle };
    expect(await failureOf(ledger.submit('RecordVersions', recording([sheetOf([observation])])))).to.match(
      /is of prescriptions and their dispenses/,
    );
  });
});
