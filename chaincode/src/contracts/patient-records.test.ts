/** What a patient records: both that hold it keep it hers, and apart from what the provider recorded. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, type Request } from '../ledger/memory-ledger.fixture.ts';
import { CARETAKER_ACT_SYSTEM, DELEGATION, DELEGATION_SCOPES } from '../model/consent-codes.ts';
import type { Resource } from '../model/fhir.ts';
import { markedBy } from '../model/patient-records.ts';
import { DELEGATEE, ROLE_CODES } from '../model/related-persons.ts';
import type { RecordDraft, SheetDraft } from '../model/sheets.ts';
import { type PrivateOf, transactions } from '../model/transactions.ts';
import { ExamplePatient, newSalt, patients } from './example-patient.fixture.ts';
import { createdSheet, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';

type Sent = Partial<Request<'RecordByPatient'>>;
type Shown = Partial<PrivateOf<'RecordByPatient'>>;

describe('what a patient records', () => {
  let example: ExamplePatient;
  let author: string;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
    author = `Patient/${example.patientId}`;
  });

  const her = () => ({ reference: `Patient/${example.patientId}` });
  const by = () => ({ reference: author });
  const CONTENTS: Record<string, () => object> = {
    Appointment: () => ({ status: 'proposed', participant: [{ actor: her(), status: 'accepted' }] }),
    Communication: () => ({ subject: her(), sender: by(), recipient: [{ reference: 'Practitioner/d' }] }),
    Device: () => ({ patient: her(), serialNumber: 'A-1' }),
    DocumentReference: () => ({ subject: her(), author: [by()] }),
    MedicationStatement: () => ({ subject: her(), informationSource: by() }),
    Observation: () => ({ subject: her(), performer: [by()] }),
    QuestionnaireResponse: () => ({ subject: her(), author: by() }),
  };
  const of = (resourceType: string, change: object = {}) =>
    markedBy({ resourceType, ...CONTENTS[resourceType]?.(), ...change }, author);
  const request = (sheets: SheetDraft[], shown: Shown = {}, sent: Sent = {}): Request<'RecordByPatient'> => ({
    ...{ ...patients, input: { provider: 'hospital' } },
    private: { sheets, patient: example.evidence(example.patientId), ...shown },
    ...sent,
  });
  const write = (sheets: SheetDraft[], shown?: Shown, sent?: Sent) =>
    example.ledger.submit('RecordByPatient', request(sheets, shown, sent));
  const written = async (resource: { resourceType: string }, shown?: Shown): Promise<string> => {
    const sheet = createdSheet([resource]);
    await write([sheet], shown);
    return sheet.records[0]!.id;
  };
  const refused = async (reason: RegExp, sheets: SheetDraft[], shown?: Shown, sent?: Sent): Promise<void> => {
    const before = [...example.ledger.private.entries()];
    expect(await failureOf(write(sheets, shown, sent))).to.match(reason);
    expect([...example.ledger.private.entries()]).to.deep.equal(before);
  };
  const next = (id: string, content: object, version = 2, draft: Partial<RecordDraft> = {}): SheetDraft => {
    const { sheet, index } = example.evidence(id, version - 1);
    const origin = version === 2 ? { origin: { sheet, index } } : {};
    return sheetOf([{ ...recordDraft({ ...content, id } as Resource, version, origin), ...draft }]);
  };

  it('is every type of hers, endorsed by the provider and her custodian, and by nobody in their place', async () => {
    for (const type of Object.keys(CONTENTS)) await written(of(type));
    const { must, oneOf } = transactions.RecordByPatient.endorsers(exampleConsortium, 'patients', {
      provider: 'hospital',
    });
    expect([must, oneOf]).to.deep.equal([['patients', 'hospital'], []]);
    const leaf = example.evidence(await written(of('Observation')));
    expect(JSON.parse(leaf.text).author).to.equal('PatientsMSP');
    expect(JSON.parse(leaf.tree).author).to.equal('PatientsMSP');
  });

  it('is nothing of another type, of another patient, or of nobody', async () => {
    for (const type of [
      'MedicationRequest',
      'AllergyIntolerance',
      'Condition',
      'Patient',
      'Encounter',
      'RelatedPerson',
    ])
      await refused(/FORBIDDEN.*not-by-patients/, [createdSheet([{ ...of(type), subject: her() } as never])]);
    const other = { reference: `Patient/${await example.record({ resourceType: 'Patient' })}` };
    await refused(/other-patient/, [createdSheet([of('Observation', { subject: other })])]);
    await refused(/other-patient/, [createdSheet([of('Observation', { subject: undefined })])]);
    const both = [her(), other].map((actor) => ({ actor, status: 'accepted' }));
    await refused(/other-patient/, [createdSheet([of('Appointment', { participant: both })])]);
    const observed = await example.observation();
    await refused(/INVALID.*is no Patient/, [createdSheet([of('Observation')])], {
      patient: example.evidence(observed),
    });
  });

  it('bears her name alone, and says that she reported it', async () => {
    const doctor = { reference: 'Practitioner/d' };
    for (const [type, change] of [
      ['Observation', { performer: [doctor] }],
      ['Observation', { performer: [by(), doctor] }],
      ['Observation', { performer: undefined }],
      ['MedicationStatement', { informationSource: doctor }],
      ['Communication', { sender: doctor }],
      ['DocumentReference', { author: [{ display: 'Dr. Who' }] }],
      ['QuestionnaireResponse', { author: doctor }],
    ] as const)
      await refused(/not-in-own-name/, [createdSheet([of(type, change)])]);
    for (const meta of [
      undefined,
      { tag: [] },
      markedBy({ resourceType: 'Observation' }, 'RelatedPerson/r')['meta' as never],
    ])
      await refused(/not-marked/, [createdSheet([{ ...of('Observation'), meta } as never])]);
    await refused(/no-recipient/, [createdSheet([of('Communication', { recipient: [] })])]);
  });

  it('follows what she recorded, and nothing of the provider’s; nor does the provider’s follow hers', async () => {
    const id = await written(of('Observation'));
    const changed = of('Observation', { note: [{ text: 'again' }] });
    await refused(/does not show the version before/, [next(id, changed)]);
    await write([next(id, changed)], { previous: [example.evidence(id)] });
    const taken = recording([next(id, changed, 3)]);
    expect(await failureOf(example.ledger.submit('RecordVersions', taken))).to.match(/FORBIDDEN.*another organisation/);
    const first = await written(of('Observation'));
    expect(await failureOf(example.ledger.submit('RecordVersions', recording([next(first, changed)])))).to.match(
      /FORBIDDEN/,
    );
    await write([next(id, changed, 3)], { previous: [example.evidence(id, 2)] });

    const theirs = await example.observation();
    const over = sheetOf([recordDraft({ ...of('Observation'), id: theirs } as Resource, 2)]);
    await refused(/FORBIDDEN.*another organisation/, [over], { previous: [example.evidence(theirs)] });
    await refused(/INVALID.*chooses no ids/, [
      sheetOf([recordDraft({ ...of('Observation'), id: randomUUID() } as Resource)]),
    ]);
  });

  it('stays with its patient, though one custodian sends for all', async () => {
    const id = await written(of('Observation'));
    const other = await example.record({ resourceType: 'Patient' });
    author = `Patient/${other}`;
    const hers = { patient: example.evidence(other), previous: [example.evidence(id)] };
    await refused(/other-patient/, [next(id, of('Observation', { subject: { reference: author } }))], hers);
    await refused(/other-patient/, [next(id, of('Observation'))], hers);
  });

  it('comes from her own device, with what identifies it', async () => {
    const device = await written(of('Device'));
    const reading = (reference: string) => createdSheet([of('Observation', { device: { reference } })]);
    await write([reading(`Device/${device}`)], { beside: [example.evidence(device)] });
    await refused(/device-not-shown/, [reading(`Device/${device}`)]);
    const other = await example.record({ resourceType: 'Device', serialNumber: 'B' });
    await refused(/device-not-shown/, [reading(`Device/${other}`)], { beside: [example.evidence(other)] });
    const nameless = await example.record({ resourceType: 'Device', patient: her() });
    await refused(/device-without-identity/, [reading(`Device/${nameless}`)], { beside: [example.evidence(nameless)] });
    await refused(/device-without-identity/, [createdSheet([of('Device', { serialNumber: undefined })])]);
  });

  it('is recorded by a caretaker in his own name, as far as a delegation in force goes', async () => {
    const related = await example.record({
      ...{ resourceType: 'RelatedPerson', patient: her() },
      relationship: [
        { coding: [{ system: ROLE_CODES, code: DELEGATEE }] },
        { coding: [{ system: CARETAKER_ACT_SYSTEM, code: 'record' }] },
      ],
    });
    author = `RelatedPerson/${related}`;
    const draft = example.consent({
      type: 'permit',
      actor: [{ role: { text: 'caretaker' }, reference: { reference: author } }],
      action: [{ coding: [{ system: CARETAKER_ACT_SYSTEM, code: 'record' }] }],
    });
    const scope = { coding: [{ system: DELEGATION_SCOPES, code: DELEGATION }] };
    const consent = { ...draft, resource: { ...draft.resource, scope } };
    const caretakers = [example.evidence(related)];
    await example.grant(consent, {
      private: { ...{ consent, patient: example.evidence(example.patientId), directory: 0 }, caretakers },
    });
    const caretaker = { user: author, delegation: { id: consent.id, version: 1 } };
    await written(of('Observation'), { caretaker });
    await refused(/not-delegated: it takes medication/, [createdSheet([of('MedicationStatement')])], { caretaker });
    await refused(/not-delegated: it takes book/, [createdSheet([of('Appointment')])], { caretaker });
    await refused(/not-in-own-name/, [createdSheet([of('Observation')])]);
    await refused(/not-in-own-name/, [createdSheet([of('Observation', { performer: [her()] })])], { caretaker });
    const stranger = { ...caretaker, user: 'RelatedPerson/stranger' };
    await refused(/not-delegated: no delegation/, [createdSheet([of('Observation')])], { caretaker: stranger });
    const other = await example.record({ resourceType: 'Patient' });
    const hers = { caretaker, patient: example.evidence(other) };
    await refused(
      /not-delegated/,
      [createdSheet([of('Observation', { subject: { reference: `Patient/${other}` } })])],
      hers,
    );
    await example.revoke(consent.id);
    await refused(/not-delegated: no delegation/, [createdSheet([of('Observation')])], { caretaker });
  });

  it('is sent by her custodian alone, to a provider that has recorded her', async () => {
    const sheets = [createdSheet([of('Observation')])];
    await refused(/FORBIDDEN/, sheets, {}, { from: 'hospital' });
    await refused(/FORBIDDEN/, sheets, {}, { from: 'clinic' });
    await refused(/FORBIDDEN/, sheets, {}, { role: 'patient' });
    await refused(
      /NOT_FOUND|INVALID/,
      sheets,
      {},
      { input: { provider: 'clinic' }, endorsers: ['patients', 'clinic'] },
    );
    await refused(/INVALID/, sheets, {}, { input: { provider: 'payer' }, endorsers: ['patients', 'hospital'] });
  });

  describe('an appointment', () => {
    const at = { start: '2099-03-02T09:00:00Z', end: '2099-03-02T09:30:00Z' };
    const doctor = { reference: 'Practitioner/d' };
    let slot: string;
    let schedule: string;
    beforeEach(async () => {
      schedule = await example.record({ resourceType: 'Schedule', actor: [doctor] });
      slot = await example.record({
        ...{ resourceType: 'Slot', status: 'free', schedule: { reference: `Schedule/${schedule}` } },
        ...{ start: '2099-03-02T10:00:00+01:00', end: at.end },
      });
    });
    const booked = (change: object = {}) =>
      of('Appointment', {
        ...{ status: 'booked', ...at, slot: [{ reference: `Slot/${slot}` }] },
        participant: [her(), doctor].map((actor) => ({ actor, status: 'accepted' })),
        ...change,
      });
    const booking = (id: string, previous?: object) => ({
      bookings: [{ id, known: [], salt: newSalt(), ...previous }],
    });
    const offered = () => ({ beside: [slot, schedule].map((id) => example.evidence(id)) });
    const book = async (change: object = {}, shown: Shown = offered()): Promise<string> => {
      const sheet = createdSheet([booked(change)]);
      await write([sheet], { ...shown, ...booking(sheet.records[0]!.id) });
      return sheet.records[0]!.id;
    };
    const change = (id: string, content: object, version = 2, shown: Shown = offered()) =>
      write([next(id, content, version)], {
        ...shown,
        ...booking(id, { previous: example.evidence(id, version - 1) }),
      });

    it('is of a free slot, at its time and with its practitioner, once', async () => {
      for (const [wrong, reason] of [
        [{ slot: undefined }, /slot-not-named/],
        [{ slot: [{ reference: `Slot/${randomUUID()}` }] }, /slot-not-free/],
        [{ end: '2099-03-02T11:00:00Z' }, /other-time/],
        [{ participant: [{ actor: her() }] }, /other-practitioner/],
        [
          { participant: [her(), doctor, { reference: 'Practitioner/e' }].map((actor) => ({ actor })) },
          /other-practitioner/,
        ],
        [{ status: 'fulfilled' }, /not-hers-to-say/],
        [{ status: 'arrived' }, /not-hers-to-say/],
        [{ status: 'noshow' }, /not-hers-to-say/],
        [{ status: 'cancelled' }, /not-hers-to-say/],
      ] as const)
        expect(await failureOf(book(wrong)), String(reason)).to.match(reason);
      expect(await failureOf(book({}, { beside: [example.evidence(slot)] }))).to.match(/slot-not-free/);
      expect(await failureOf(book({}, {}))).to.match(/slot-not-free/);
      await book();
      expect(await failureOf(book())).to.match(/CONFLICT.*slot-taken/);
    });

    it('is of no slot of the past', async () => {
      const past = { start: '2020-03-02T09:00:00Z', end: '2020-03-02T09:30:00Z' };
      slot = await example.record({
        ...{ resourceType: 'Slot', status: 'free', schedule: { reference: `Schedule/${schedule}` }, ...past },
      });
      expect(await failureOf(book(past))).to.match(/slot-of-the-past/);
    });

    it('is moved and cancelled by her, whoever made it, and she says that she is there', async () => {
      const mine = await book();
      await change(mine, booked({ status: 'arrived' }));
      await change(mine, booked({ status: 'cancelled' }), 3);
      const again = await book();
      expect(await failureOf(change(again, booked({ description: 'more' })))).to.match(/not-hers-to-say/);
      const moved = { start: '2099-03-02T11:00:00Z', end: '2099-03-02T11:20:00Z' };
      expect(await failureOf(change(again, booked(moved)))).to.match(/other-time/);
    });

    it('is the provider’s to go on with, and the provider’s is hers to cancel', async () => {
      const mine = await book();
      const arrived = recording([next(mine, booked({ status: 'arrived' }))]);
      const shown = { id: mine, known: [], salt: newSalt(), previous: example.evidence(mine) };
      await example.ledger.submit('RecordVersions', {
        ...arrived,
        private: { ...arrived.private!, bookings: [shown] },
      });
      const id = randomUUID();
      const time = { start: '2099-03-03T09:00:00Z', end: '2099-03-03T09:30:00Z', slot: undefined };
      const { meta: _, ...theirs } = booked(time) as Resource;
      const made = recording([sheetOf([recordDraft({ ...theirs, id } as Resource)])]);
      await example.ledger.submit('RecordVersions', {
        ...made,
        private: { ...made.private!, bookings: [{ id, known: [], salt: newSalt() }] },
      });
      const cancelled = sheetOf([recordDraft({ ...booked({ ...time, status: 'cancelled' }), id } as Resource, 2)]);
      await write([cancelled], booking(id, { previous: example.evidence(id) }));
    });
  });
});
