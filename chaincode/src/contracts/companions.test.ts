/** What goes with a delivery on the ledger: with its first transaction, its later parts, what is delivered anew, in an emergency. */
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { continuationOf } from '../model/deliveries.ts';
import { renewalOf } from '../model/renewals.ts';
import { copiesSchema } from '../model/sheets.ts';
import type { PrivateOf } from '../model/transactions.ts';
import { ExamplePatient, newSalt, patients, toOrganisation } from './example-patient.fixture.ts';

const RESTRICTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };
const forClinic = { type: 'permit', actor: toOrganisation('clinic') };
const INPUT = { holder: 'hospital' };

/** A record that a role performed, of a practitioner of a house; and another record that refers to nothing. */
class Story extends ExamplePatient {
  house = '';
  doctor = '';
  role = '';
  first = '';
  second = '';
  id = '';

  async begin(doctor: object = {}): Promise<void> {
    await this.arrive();
    this.house = await this.record({ resourceType: 'Organization', name: 'House' });
    this.doctor = await this.record({ resourceType: 'Practitioner', ...doctor });
    this.role = await this.record({
      ...{ resourceType: 'PractitionerRole', practitioner: { reference: `Practitioner/${this.doctor}` } },
      organization: { reference: `Organization/${this.house}` },
    });
    const performer = [{ reference: `PractitionerRole/${this.role}` }];
    this.first = await this.about({ performer });
    this.second = await this.about({});
  }

  about(change: object): Promise<string> {
    return this.record({ resourceType: 'Observation', subject: { reference: `Patient/${this.patientId}` }, ...change });
  }

  companions(...ids: string[]) {
    return ids.map((id) => this.evidence(id, this.ledger.private.has(`care_hospital version/${id}/2`) ? 2 : 1));
  }

  all() {
    return this.companions(this.role, this.doctor, this.house);
  }

  async deliver(records: string[], companions = this.all()): Promise<string> {
    this.id = await this.ask();
    await this.decide(this.id, records, { companions });
    return this.id;
  }

  copied(id: string = this.id): string[] {
    return copiesSchema.parse(JSON.parse(this.text(`copies/${id}`))).records.map((record) => record.id);
  }

  shownAt(step: number, records: string[], companions = this.all()): PrivateOf<'ReviewDelivery'> {
    return {
      ...{
        requestor: 'clinic',
        request: this.text(`request/${this.id}`),
        state: this.text(`access/${this.id}/${step}`),
      },
      ...{ directory: 0, consents: [], patient: this.evidence(this.patientId), companions },
      records: records.map((record) => this.evidence(record)),
    };
  }

  review(records: string[], companions = this.all()) {
    const hidden = this.shownAt(2, records, companions);
    return this.ledger.evaluate('ReviewDelivery', { ...patients, input: { id: this.id, ...INPUT }, private: hidden });
  }
}

describe('Companions of a delivery', () => {
  let story: Story;
  beforeEach(async () => {
    story = new Story();
    await story.begin();
    await story.permit(forClinic);
  });

  it('are delivered with it, and counted in its step', async () => {
    await story.deliver([story.first, story.second]);
    const { role, doctor, house, first, second } = story;
    expect(story.copied()).to.deep.equal([first, second, role, doctor, house]);
    expect(story.accessState(story.id)).to.include({ delivered: 2, companions: 3 });
  });

  it('are none of what only a record that is not permitted refers to', async () => {
    await story.permit({
      ...{ type: 'deny' },
      data: [{ meaning: 'instance', reference: { reference: `Observation/${story.first}` } }],
    });
    await story.deliver([story.first, story.second]);
    expect(story.copied()).to.deep.equal([story.second]);
    expect(story.accessState(story.id)).to.not.have.property('companions');
  });

  it('are nothing that the custodian shows beside them', async () => {
    const stranger = await story.record({ resourceType: 'Practitioner', name: [{ text: 'another' }] });
    const device = await story.record({ resourceType: 'Device', patient: { reference: `Patient/${story.patientId}` } });
    const performer = [{ reference: `Device/${device}` }];
    const third = await story.about({ performer });
    await story.deliver([story.second, third], story.companions(stranger, story.doctor, device, story.first));
    expect(story.copied()).to.deep.equal([story.second, third]);
  });

  it('are held to the holder’s sheets, each once', async () => {
    const id = await story.ask();
    const [one] = story.companions(story.role);
    const failure = (companions: object[]) => failureOf(story.decide(id, [story.first], { companions }));
    expect(await failure([one!, one!])).to.match(/INVALID at <private.companions>: a record is shown twice/);
    const forged = { ...one!, text: one!.text.replace('PractitionerRole', 'PractitionerRule') };
    expect(await failure([forged])).to.match(/INVALID at <private.companions\[0\]>/);
    await story.record({ resourceType: 'PractitionerRole' }, 2, story.role);
    expect(await failure([one!])).to.match(/CONFLICT at <private.companions\[0\]>/);
  });

  it('are foreseen by the custodian’s peer', async () => {
    const id = await story.ask();
    const shown = { ...story.shown(id, [story.first]), companions: story.companions(story.doctor, story.role) };
    const input = { id, ...INPUT };
    const found = await story.ledger.evaluate('EvaluateAccess', { ...patients, input, private: shown });
    expect(found.companions).to.deep.equal([0, 1]);
    const without = { ...shown, companions: story.companions(story.doctor) };
    const apart = await story.ledger.evaluate('EvaluateAccess', { ...patients, input, private: without });
    expect(apart.companions, 'what leads to it is not shown').to.equal(undefined);
  });

  describe('that are labelled', () => {
    beforeEach(async () => {
      story = new Story();
      await story.begin({ meta: { security: [RESTRICTED] } });
    });

    it('stay where no consent permits them', async () => {
      await story.permit({ ...forClinic, securityLabel: [{ ...RESTRICTED, code: 'N' }] });
      await story.deliver([story.first]);
      expect(story.copied()).to.deep.equal([story.first, story.role, story.house]);
    });

    it('go where one does, for as long as it does', async () => {
      await story.permit({ ...forClinic, securityLabel: [{ ...RESTRICTED, code: 'N' }] });
      const until = { end: '2026-03-10' };
      const consent = await story.permit({ ...forClinic, securityLabel: [RESTRICTED], period: until });
      await story.deliver([story.first]);
      expect(story.copied()).to.include(story.doctor);
      const state = story.accessState(story.id);
      expect(state.expiresAt).to.equal('2026-03-11T00:00:00.000Z');
      expect([state.consent, ...(state.furtherConsents ?? [])]).to.deep.include({ id: consent.id, version: 1 });
    });
  });

  describe('when they change', () => {
    beforeEach(() => story.deliver([story.first, story.second]));
    const both = () => [story.first, story.second];

    it('are as they were delivered where nothing did', async () => {
      expect(await story.review(both())).to.deep.equal({ goesOn: true });
    });

    it('make the delivery one that is to be delivered anew, corrected', async () => {
      await story.record({ resourceType: 'Practitioner', name: [{ text: 'corrected' }] }, 2, story.doctor);
      expect(await story.review(both())).to.deep.equal({ withdraw: 'record-changed', goesOn: true });
      const purge = { state: story.text(`access/${story.id}/2`), salt: newSalt(), withdraw: 'record-changed' as const };
      const input = { id: story.id, requestor: 'clinic', ...INPUT };
      await story.ledger.submit('PurgeCopies', { ...patients, input, private: { ...purge, goesOn: true } });
      const again = { ...story.shownAt(3, both()), previous: story.id, salt: newSalt() };
      const id = renewalOf(story.id);
      await story.ledger.submit('DeliverAgain', { ...patients, input: { id, ...INPUT }, private: again });
      expect(story.copied(id)).to.include(story.doctor);
      expect(story.accessState(id)).to.include({ delivered: 2, companions: 3 });
      expect(story.text(`copies/${id}`)).to.include('corrected');
    });

    const GONE: [string, () => Promise<unknown>][] = [
      [
        'is labelled, and such are denied,',
        async () => {
          await story.permit({ type: 'deny', securityLabel: [RESTRICTED] });
          await story.record({ resourceType: 'Practitioner', meta: { security: [RESTRICTED] } }, 2, story.doctor);
        },
      ],
      [
        'leads to a patient now',
        () =>
          story.record(
            { resourceType: 'Organization', extension: [{ valueReference: { reference: 'Patient/p' } }] },
            2,
            story.house,
          ),
      ],
      [
        'is named by a denial',
        () =>
          story.permit({
            type: 'deny',
            data: [{ meaning: 'instance', reference: { reference: `Practitioner/${story.doctor}` } }],
          }),
      ],
      [
        'goes with nothing any more',
        () =>
          story.permit({
            type: 'deny',
            data: [{ meaning: 'instance', reference: { reference: `Observation/${story.first}` } }],
          }),
      ],
    ];
    for (const [what, change] of GONE)
      it(`are withdrawn where one ${what}`, async () => {
        await change();
        expect(await story.review(both())).to.deep.equal({ withdraw: 'no-longer-permitted', goesOn: true });
      });

    it('are withdrawn where one is there no more', async () => {
      const found = await story.review(both(), story.companions(story.role, story.house));
      expect(found).to.deep.equal({ withdraw: 'record-changed', goesOn: true });
    });
  });

  it('come with a later part too', async () => {
    story.id = await story.ask();
    const { id } = story;
    const through = { group: 4, at: '2026-03-01T12:00:00.000Z', id: story.second };
    await story.decide(id, [story.second], { through });
    const next = continuationOf(id);
    const shown = { ...story.shownAt(2, [story.first]), previous: id, salt: newSalt() };
    await story.ledger.submit('DeliverFurther', { ...patients, input: { id: next, ...INPUT }, private: shown });
    expect(story.copied(next)).to.deep.equal([story.first, story.role, story.doctor, story.house]);
    expect(story.accessState(next)).to.include({ part: 2, delivered: 1, companions: 3 });
  });
});
