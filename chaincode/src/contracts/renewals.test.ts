import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { continuationOf } from '../model/deliveries.ts';
import { renewalOf } from '../model/renewals.ts';
import { type Copies, copiesSchema, type RecordEvidence } from '../model/sheets.ts';
import type { OutputOf, PrivateOf } from '../model/transactions.ts';
import { ExamplePatient, newSalt, patients, toOrganisation } from './example-patient.fixture.ts';
import { bucketEvidence, licensing } from './example-register.fixture.ts';

const forClinic = { type: 'permit', actor: toOrganisation('clinic') };
const TOMORROW = '2026-03-02T12:00:00.000Z';
const LATEST = '2026-03-31T12:00:00.000Z';
const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const INPUT = { holder: 'hospital' };

/** A delivery of two observations to the clinic, and what becomes of it. */
class Delivered extends ExamplePatient {
  consentId = '';
  first = '';
  second = '';
  id = '';

  async deliver(provision: object = forClinic): Promise<void> {
    await this.arrive();
    [this.first, this.second] = [await this.observation(), await this.observation()];
    this.consentId = (await this.permit(provision)).id;
    this.id = await this.ask();
    await this.decide(this.id, [this.first, this.second]);
    expect(this.accessState(this.id)).to.include({ status: 'granted', expiresAt: LATEST });
  }

  /** The next version of the first observation. */
  async correct(change: object): Promise<void> {
    const subject = { reference: `Patient/${this.patientId}` };
    await this.record({ resourceType: 'Observation', subject, ...change }, 2, this.first);
  }

  /** What the custodian shows of the records, as they stand, about a step of an access. */
  shownAt(id: string, step: number, records: RecordEvidence[] = this.both()): PrivateOf<'ReviewDelivery'> {
    return {
      ...{ requestor: 'clinic', request: this.text(`request/${this.id}`), state: this.text(`access/${id}/${step}`) },
      ...{ directory: 0, consents: [], patient: this.evidence(this.patientId), records },
    };
  }

  both(): RecordEvidence[] {
    const isCorrected = this.ledger.private.has(`care_hospital version/${this.first}/2`);
    return [this.evidence(this.first, isCorrected ? 2 : 1), this.evidence(this.second)];
  }

  review(change: object = {}, id: string = this.id): Promise<OutputOf<'ReviewDelivery'>> {
    const hidden = { ...this.shownAt(id, 2), ...change };
    return this.ledger.evaluate('ReviewDelivery', { ...patients, input: { id, ...INPUT }, private: hidden });
  }

  withdraw(id: string = this.id, change: object = { withdraw: 'record-changed', goesOn: true }) {
    const input = { id, requestor: 'clinic', ...INPUT };
    const hidden = { state: this.text(`access/${id}/2`), salt: newSalt(), ...change };
    return this.ledger.submit('PurgeCopies', { ...patients, input, private: hidden });
  }

  again(previous: string = this.id, change: object = {}, caller: object = {}) {
    const hidden = { ...this.shownAt(previous, 3), previous, salt: 'ab'.repeat(32), ...change };
    const input = { id: renewalOf(previous), ...INPUT };
    return this.ledger.submit('DeliverAgain', { ...patients, input, private: hidden, ...caller });
  }

  copies(id: string): Copies {
    return copiesSchema.parse(JSON.parse(this.text(`copies/${id}`)));
  }

  denyFirst(period?: object) {
    const data = [{ meaning: 'instance', reference: { reference: `Observation/${this.first}` } }];
    return this.permit({ type: 'deny', data, ...(period === undefined ? {} : { period }) });
  }
}

describe('the renewals contract', () => {
  let one: Delivered;
  beforeEach(async () => {
    one = new Delivered();
    await one.deliver();
  });

  describe('a review', () => {
    const CHANGES: [string, () => Promise<unknown>, OutputOf<'ReviewDelivery'>][] = [
      ['nothing changed', async () => undefined, { goesOn: true }],
      ['one record is denied', () => one.denyFirst(), { withdraw: 'no-longer-permitted', goesOn: true }],
      ['all are denied', () => one.permit({ type: 'deny' }), { withdraw: 'no-longer-permitted', goesOn: false }],
      ['others are denied it', () => one.permit({ type: 'deny', actor: toOrganisation('payer') }), { goesOn: true }],
      [
        'a denial begins tomorrow',
        () => one.denyFirst({ start: '2026-03-02' }),
        { withdraw: 'ends-sooner', goesOn: true },
      ],
      ['a denial is over', () => one.denyFirst({ end: '2026-02-28' }), { goesOn: true }],
      ['a denial begins when the copies are gone', () => one.denyFirst({ start: '2026-05-01' }), { goesOn: true }],
      [
        'a consent that can be read in two ways is given to another',
        () => one.permit({ type: 'permit', actor: toOrganisation('payer') }),
        { goesOn: true },
      ],
      [
        'the only permission is revoked',
        () => one.revoke(one.consentId),
        { withdraw: 'no-longer-permitted', goesOn: false },
      ],
      ['a record is corrected', () => one.correct({ valueString: 'b' }), { withdraw: 'record-changed', goesOn: true }],
      [
        'a record was never true',
        () => one.correct({ status: 'entered-in-error' }),
        { withdraw: 'record-changed', goesOn: true },
      ],
      [
        'a record turns out to be another patient’s',
        async () => {
          const other = await one.record({ resourceType: 'Patient' });
          await one.correct({ subject: { reference: `Patient/${other}` } });
          return { records: [one.evidence(one.second)] };
        },
        { withdraw: 'record-changed', goesOn: true },
      ],
      [
        'the patient bears the identifier no more',
        async () => ({ patient: undefined }),
        { withdraw: 'record-changed', goesOn: false },
      ],
    ];
    for (const [what, change, expected] of CHANGES)
      it(`says what is to be done when ${what}`, async () => {
        const shown = (await change()) as object | undefined;
        const isShown = shown !== undefined && ('records' in shown || 'patient' in shown);
        expect(await one.review(isShown ? shown : {})).to.deep.equal(expected);
      });

    it('goes by the label that a record has now', async () => {
      const raised = new Delivered();
      const restricted = [{ system: CONFIDENTIALITY, code: 'R' }];
      await raised.deliver({ ...forClinic, provision: [{ type: 'deny', securityLabel: restricted }] });
      expect(await raised.review()).to.deep.equal({ goesOn: true });
      await raised.correct({ meta: { security: restricted } });
      expect(await raised.review()).to.deep.equal({ withdraw: 'no-longer-permitted', goesOn: true });
    });

    it('goes by the moment', async () => {
      const bounded = new Delivered();
      await bounded.deliver();
      await bounded.denyFirst({ start: '2026-03-02' });
      bounded.ledger.time = TOMORROW;
      expect(await bounded.review()).to.deep.equal({ withdraw: 'no-longer-permitted', goesOn: true });
      bounded.ledger.time = LATEST;
      expect(await bounded.review()).to.deep.equal({ withdraw: 'no-longer-permitted', goesOn: false });
    });

    it('is refused what is not as it stands, and what is not delivered', async () => {
      const stale = [one.evidence(one.first), one.evidence(one.second)];
      await one.correct({ valueString: 'b' });
      expect(await failureOf(one.review({ records: stale }))).to.match(/CONFLICT at <private.records\[0\]>/);
      const request = canonicalJson({ ...JSON.parse(one.text(`request/${one.id}`)), types: [] });
      expect(await failureOf(one.review({ request }))).to.match(/INVALID at <private.request>/);
      await one.withdraw();
      expect(await failureOf(one.review())).to.match(/NOT_FOUND at <id>: no such copies/);
    });
  });

  describe('a withdrawal', () => {
    it('is the custodian’s word, with any second organisation', async () => {
      const { writes } = await one.withdraw();
      const state = one.accessState(one.id);
      expect(state).to.include({ status: 'purged', reason: 'record-changed', goesOn: true });
      expect(writes.purged).to.deep.equal([`inbox_clinic copies/${one.id}`]);
    });

    it('names an end of a consent before it', async () => {
      await one.revoke(one.consentId);
      await one.withdraw();
      expect(one.accessState(one.id)).to.include({ reason: 'consent-revoked' });
    });

    it('knows no other reason', async () => {
      expect(await failureOf(one.withdraw(one.id, { withdraw: 'because' }))).to.match(/INVALID/);
      expect(await failureOf(one.withdraw(one.id, { goesOn: true }))).to.match(/CONFLICT/);
    });
  });

  describe('what is delivered again', () => {
    it('is what may be shown still, for no longer than before', async () => {
      await one.denyFirst();
      await one.withdraw();
      const time = TOMORROW;
      const { writes } = await one.again(one.id, {}, { time });
      const id = renewalOf(one.id);
      const state = one.accessState(id);
      expect(state).to.deep.equal({
        ...{ schema: 1, id, requestor: 'clinic', holder: 'hospital', custodian: 'patients', purpose: 'TREAT' },
        ...{ status: 'granted', requestedAt: '2026-03-01T12:00:00.000Z', decidedAt: time, expiresAt: LATEST },
        ...{ renews: one.id, root: one.id, lastsUntil: LATEST, consent: { id: one.consentId, version: 1 } },
        ...{ audience: { role: 'system' }, salt: sha256Hex(`decided/${'ab'.repeat(32)}`), delivered: 1 },
        patient: one.patientId,
      });
      expect(one.copies(id).records.map((record) => record.id)).to.deep.equal([one.second]);
      expect(one.copies(id)).to.include({ deliveredAt: time, expiresAt: LATEST, purpose: 'TREAT' });
      expect(writes.private).to.have.all.keys(
        ...[`inbox_clinic copies/${id}`, `inbox_clinic access/${id}/2`, `care_hospital access/${id}/2`],
      );
      expect(writes.event).to.deep.equal({ name: 'AccessDecided', payload: canonicalJson({ id }) });
      expect(await failureOf(one.again())).to.match(/CONFLICT/);
    });

    it('is the correction', async () => {
      await one.correct({ status: 'cancelled' });
      await one.withdraw();
      await one.again();
      const [first] = one.copies(renewalOf(one.id)).records;
      expect(first).to.deep.include({ id: one.first, version: 2 });
    });

    it('goes on as often as something changes, from one to the next', async () => {
      await one.denyFirst({ start: '2026-03-02' });
      await one.withdraw(one.id, { withdraw: 'ends-sooner', goesOn: true });
      await one.again();
      const second = renewalOf(one.id);
      expect(one.accessState(second)).to.include({ status: 'granted', lastsUntil: LATEST });
      expect(one.accessState(second).expiresAt).to.equal('2026-03-02T00:00:00.000Z');
      one.ledger.time = TOMORROW;
      await one.withdraw(second, { goesOn: true });
      expect(one.accessState(second)).to.include({ reason: 'copies-expired', goesOn: true });
      await one.again(second);
      const third = renewalOf(second);
      expect(one.accessState(third)).to.include({ renews: second, root: one.id, expiresAt: LATEST, status: 'granted' });
      expect(one.copies(third).records.map((record) => record.id)).to.deep.equal([one.second]);
    });

    it('is nothing where nothing may be shown any more, and that is recorded', async () => {
      await one.withdraw();
      await one.permit({ type: 'deny' });
      const { writes } = await one.again();
      const id = renewalOf(one.id);
      expect(one.accessState(id)).to.include({ status: 'refused', reason: 'not-permitted', renews: one.id });
      expect(one.accessState(id)).to.not.have.any.keys('because', 'consent');
      expect(one.came(id)).to.include({ status: 'refused', reason: 'consent-denied' });
      expect(writes.private).to.have.all.keys(`inbox_clinic access/${id}/2`, `care_hospital access/${id}/2`);
    });

    it('is nothing once its time is over', async () => {
      await one.withdraw();
      await one.again(one.id, {}, { time: LATEST });
      expect(one.accessState(renewalOf(one.id))).to.include({ status: 'refused', reason: 'not-permitted' });
      expect(one.came(renewalOf(one.id))).to.include({ reason: 'copies-expired' });
    });

    it('rests on what was asked, and on nothing that is not withdrawn or does not go on', async () => {
      expect(await failureOf(one.again())).to.match(/INVALID at <private.state>|NOT_FOUND at <private.state>/);
      const held = one.text(`access/${one.id}/2`);
      expect(await failureOf(one.again(one.id, { state: held }))).to.match(/NOT_FOUND at <private.state>/);
      await one.revoke(one.consentId);
      await one.withdraw(one.id, {});
      expect(await failureOf(one.again())).to.match(/CONFLICT at <private.previous>/);
    });

    it('has one id, which follows from the one before', async () => {
      await one.withdraw();
      const input = { id: randomUUID(), ...INPUT };
      expect(await failureOf(one.again(one.id, {}, { input }))).to.match(/INVALID at <id>/);
      const other = await one.ask({ types: ['Condition'] });
      const request = one.text(`request/${other}`);
      expect(await failureOf(one.again(one.id, { request }))).to.match(/INVALID at <private.request>/);
    });

    it('is the custodian’s to have delivered, with the holder', async () => {
      await one.withdraw();
      expect(await failureOf(one.again(one.id, {}, { from: 'clinic' }))).to.match(/FORBIDDEN/);
      expect(await failureOf(one.again(one.id, {}, { role: 'patient' }))).to.match(/FORBIDDEN/);
    });

    it('is of the other provider’s consents where one of two is revoked', async () => {
      const two = new Delivered();
      const only = (index: string) => ({
        ...forClinic,
        data: [{ meaning: 'instance', reference: { reference: index } }],
      });
      await two.arrive();
      [two.first, two.second] = [await two.observation(), await two.observation()];
      const [first] = [
        await two.permit(only(`Observation/${two.first}`)),
        await two.permit(only(`Observation/${two.second}`)),
      ];
      two.id = await two.ask();
      await two.decide(two.id, [two.first, two.second]);
      await two.revoke(first.id);
      expect(await two.review()).to.deep.equal({ withdraw: 'no-longer-permitted', goesOn: true });
      await two.withdraw();
      await two.again();
      expect(two.accessState(two.id)).to.include({ reason: 'consent-revoked' });
      expect(two.copies(renewalOf(two.id)).records.map(({ id }) => id)).to.deep.equal([two.second]);
    });
  });

  describe('what was shown in an emergency', () => {
    const DOCTOR = 'Practitioner/d1';
    const NUMBER = '1234567893';
    const purpose = (code: string) => [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code }];

    /** Breaks the glass for both observations. */
    async function broken(): Promise<Delivered> {
      const glass = new Delivered();
      await glass.arrive();
      [glass.first, glass.second] = [await glass.observation(), await glass.observation()];
      const term = { number: NUMBER, status: 'active', start: '2020-01-01', end: '2030-01-01' } as const;
      const practitioners = [{ organisation: 'clinic', practitioner: DOCTOR }];
      await glass.ledger.submit('SetLicence', licensing(glass.ledger, { ...term, practitioners }));
      const caller = { role: 'practitioner', fhirUser: DOCTOR };
      glass.id = await glass.ask({ purpose: 'BTG', reason: 'Unconscious' }, caller);
      const { register, buckets } = bucketEvidence(glass.ledger, [NUMBER]);
      const licence = { number: NUMBER, register, bucket: buckets[0]! };
      const asked = { request: glass.text(`request/${glass.id}`), state: glass.text(`access/${glass.id}/1`), licence };
      const input = { id: glass.id, requestor: 'clinic', ...INPUT };
      await glass.ledger.submit('OpenReview', { ...patients, input, private: { ...asked, salt: newSalt() } });
      const review = glass.ledger.private.get(`reviews review/${glass.id}/1`)!;
      const shown = { patient: glass.evidence(glass.patientId), records: glass.both(), salt: newSalt() };
      await glass.ledger.submit('BreakGlass', { ...patients, input, private: { ...asked, review, ...shown } });
      return glass;
    }

    it('stays without a consent, until the day is over', async () => {
      const glass = await broken();
      expect(await glass.review()).to.deep.equal({ goesOn: true });
    });

    it('goes with a denial that names breaking the glass, and at the moment at which it begins', async () => {
      const glass = await broken();
      await glass.permit({ type: 'deny', purpose: purpose('TREAT') });
      expect(await glass.review()).to.deep.equal({ goesOn: true });
      const denial = { type: 'deny', purpose: purpose('BTG') };
      await glass.permit({ ...denial, period: { start: '2026-03-02' } });
      expect(await glass.review()).to.deep.equal({ withdraw: 'ends-sooner', goesOn: true });
      await glass.permit(denial);
      expect(await glass.review()).to.deep.equal({ withdraw: 'no-longer-permitted', goesOn: false });
    });

    it('is delivered again as it was corrected, with the Patient, for the rest of the day', async () => {
      const glass = await broken();
      await glass.correct({ valueString: 'b' });
      expect(await glass.review()).to.deep.equal({ withdraw: 'record-changed', goesOn: true });
      await glass.withdraw();
      await glass.again(glass.id, {}, { time: '2026-03-01T13:00:00.000Z' });
      const copies = glass.copies(renewalOf(glass.id));
      expect(copies.expiresAt).to.equal(TOMORROW);
      expect(copies.records.map(({ id, version }) => [id, version])).to.deep.equal([
        ...[
          [glass.patientId, 1],
          [glass.first, 2],
        ],
        [glass.second, 1],
      ]);
    });
  });

  describe('what follows a part', () => {
    let third: string;
    beforeEach(async () => {
      one = new Delivered();
      await one.arrive();
      [one.first, one.second, third] = [await one.observation(), await one.observation(), await one.observation()];
      one.consentId = (await one.permit(forClinic)).id;
      one.id = await one.ask();
      await one.decide(one.id, [one.first], { through: placeAt(one.first), withheld: { 'consent-denied': 2 } });
    });
    const placeAt = (id: string) => ({ group: 4, at: '2026-03-01T12:00:00.000Z', id });
    const further = (previous: string, records: string[], change: object = {}) => {
      const shown = one.shownAt(
        previous,
        2,
        records.map((id) => one.evidence(id)),
      );
      const input = { id: continuationOf(previous), ...INPUT };
      const hidden = { ...shown, previous, salt: 'cd'.repeat(32), ...change };
      return one.ledger.submit('DeliverFurther', { ...patients, input, private: hidden });
    };

    it('is said by the part before, and what is not delivered to the holder alone', async () => {
      expect(one.accessState(one.id)).to.deep.include({ delivered: 1, through: placeAt(one.first) });
      const account = JSON.parse(one.ledger.private.get(`care_hospital account/${one.id}`)!);
      expect(account).to.deep.include({ delivered: 1, withheld: { 'consent-denied': 2 }, requestor: 'clinic' });
      expect([...one.ledger.private.keys()].filter((key) => key.startsWith('inbox_clinic account/'))).to.deep.equal([]);
    });

    it('is an access of its own, for no longer, and goes on from there', async () => {
      const until = { through: placeAt(one.second) };
      await further(one.id, [one.second], until);
      const id = continuationOf(one.id);
      expect(one.accessState(id)).to.deep.include({
        ...{ status: 'granted', continues: one.id, root: one.id, part: 2, delivered: 1, lastsUntil: LATEST },
        ...{ stretch: { after: placeAt(one.first) }, ...until },
      });
      expect(one.copies(id).records.map((record) => record.id)).to.deep.equal([one.second]);
      await further(id, [third]);
      const last = one.accessState(continuationOf(id));
      expect(last).to.deep.include({ part: 3, continues: id, root: one.id, stretch: { after: placeAt(one.second) } });
      expect(last).not.to.have.property('through');
    });

    it('comes once, and only where the part before says that there is more', async () => {
      await further(one.id, [one.second]);
      expect(await failureOf(further(one.id, [third]))).to.match(/CONFLICT at <id>/);
      const id = continuationOf(one.id);
      expect(await failureOf(further(id, [third]))).to.match(/CONFLICT at <private.previous>: is the last part/);
    });

    it('ends with none of the records that are not shown', async () => {
      const elsewhere = { through: placeAt(third) };
      expect(await failureOf(further(one.id, [one.second], elsewhere))).to.match(/INVALID at <private.through>/);
    });

    it('comes also where the part before was withdrawn meanwhile', async () => {
      await one.withdraw();
      await further(one.id, [one.second]);
      expect(one.accessState(continuationOf(one.id))).to.include({ status: 'granted' });
    });

    it('is recorded as refused where nothing is permitted any more', async () => {
      await one.permit({ type: 'deny' });
      await further(one.id, [one.second], { withheld: { 'consent-denied': 2 } });
      const state = one.accessState(continuationOf(one.id));
      expect(state).to.include({ status: 'refused', reason: 'not-permitted', part: 2 });
      expect(state).not.to.have.any.keys('consent', 'delivered', 'because');
      expect(one.text(`copies/${state.id}`)).to.equal('');
    });

    it('is delivered anew as the same stretch, and not what comes behind it', async () => {
      await further(one.id, [one.second], { through: placeAt(one.second) });
      const id = continuationOf(one.id);
      await one.withdraw(id);
      const shown = one.shownAt(id, 3, [one.evidence(one.second)]);
      await one.again(id, shown);
      expect(one.accessState(renewalOf(id))).to.deep.include({
        ...{ part: 2, renews: id, root: one.id },
        stretch: { after: placeAt(one.first), upTo: placeAt(one.second) },
      });
    });

    it('is foreseen record by record', async () => {
      await one.denyFirst();
      const shown = one.shownAt(
        one.id,
        2,
        [one.first, one.second].map((id) => one.evidence(id)),
      );
      const input = { id: one.id, ...INPUT };
      const hidden = { ...shown, going: 'further' as const };
      const { outcome, reasons } = await one.ledger.evaluate('EvaluateAgain', { ...patients, input, private: hidden });
      expect({ outcome, reasons }).to.deep.equal({ outcome: 'permit', reasons: ['consent-denied', 'consent-permits'] });
    });
  });
});
