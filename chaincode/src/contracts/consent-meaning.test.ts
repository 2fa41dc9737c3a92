/** That a consent has one meaning when it is given, whom its actors mean, and what older ones are read as. */

import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { CONSENT_REFUSALS } from '../model/consent-refusals.ts';
import { privateKeys } from '../model/keys.ts';
import { referenceTo } from '../model/organisations.ts';
import { TABLES } from '../rules/decision-tables/tables.fixture.ts';
import { ExamplePatient, type PlacedRecord, patients, toOrganisation } from './example-patient.fixture.ts';

const NPI = 'http://hl7.org/fhir/sid/us-npi';
const recipient = (reference: object) => [{ role: { coding: [{ code: 'PRCP' }] }, reference }];

describe('the meaning of a consent', () => {
  let example: ExamplePatient;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
  });

  /** A consent of the patient's with this content beside what every one has. */
  const given = (content: object) => {
    const draft = example.consent({});
    const { provision: _, ...resource } = draft.resource;
    return { ...draft, resource: { ...resource, ...content, id: draft.id } };
  };

  for (const { given: all = [] } of TABLES)
    for (const { what, consent, refused } of all.filter(({ refused: rules }) => rules.length > 0))
      it(`is refused by every endorser for ${what}, with its place and how to write it`, async () => {
        const before = example.ledger.private.size;
        const failure = await failureOf(example.grant(given(consent)));
        expect(failure).to.match(/INVALID at <private\.consent\.resource\.[a-zA-Z.[\]0-9]+>: /);
        expect(refused.map((rule) => CONSENT_REFUSALS[rule]).some((text) => failure.includes(text))).to.equal(true);
        expect(example.ledger.private.size).to.equal(before);
      });

  it('is asked for again when it is amended', async () => {
    const draft = example.consent({ type: 'permit' });
    await example.grant(draft);
    const resource = { ...draft.resource, provision: { purpose: [{ code: 'TREAT' }] } };
    const amended = example.ledger.submit('AmendConsent', {
      ...patients,
      input: { id: draft.id, provider: 'hospital' },
      private: { consent: { ...draft, version: 2, resource } },
    });
    expect(await failureOf(amended)).to.match(/INVALID at <private.consent.resource.provision>: .*permit.*deny/);
  });

  it('is told by the custodian alone, with every doubt, and nothing is written', async () => {
    const { resource } = given({
      provision: { purpose: [{ code: 'NO' }], actor: recipient({ reference: 'Organization/f001' }) },
    });
    const input = { provider: 'hospital' };
    const reply = await example.ledger.evaluate('CheckConsent', { ...patients, input, private: { resource } });
    expect(reply).to.deep.equal({
      doubts: [
        { rule: 'root-without-type', expression: 'Consent.provision' },
        { rule: 'unknown-purpose', expression: 'Consent.provision.purpose[0]' },
        { rule: 'unknown-organisation', expression: 'Consent.provision.actor[0].reference' },
      ],
      actors: {},
    });
  });

  describe('for a practitioner', () => {
    const id = randomUUID();
    let doctor: PlacedRecord;
    let role: PlacedRecord;
    beforeEach(async () => {
      doctor = await example.recordAt(
        'clinic',
        { resourceType: 'Practitioner', identifier: [{ system: NPI, value: '1' }] },
        id,
      );
      role = await example.recordAt('clinic', {
        resourceType: 'PractitionerRole',
        practitioner: { reference: `Practitioner/${id}` },
      });
    });
    const person = { organisation: 'clinic', practitioner: `Practitioner/${id}` };

    const ways: [string, () => object, string?][] = [
      ['by reference', () => ({ reference: `Practitioner/${id}` })],
      ['by NPI', () => ({ identifier: { system: NPI, value: '1' } })],
      ['by his role', () => ({ reference: `PractitionerRole/${role[1]}` })],
      ['in full', () => ({ reference: referenceTo('clinic', `Practitioner/${id}`) }), 'nothing'],
    ];
    for (const [how, reference, kept] of ways)
      it(`named ${how} permits him, and nobody who comes by the same name later`, async () => {
        const observation = await example.observation();
        const { id: consentId } = await example.permit({ type: 'permit', actor: recipient(reference()) }, [
          doctor,
          role,
        ]);
        const { actors } = example.ledger.read('care_hospital', `consent/${consentId}/1`) as { actors?: object };
        if (kept === 'nothing') expect(actors).to.equal(undefined);
        else expect(Object.values(actors ?? {})).to.deep.equal([[person]]);
        const outcome = async (caller: object) => {
          const asked = await example.ask({}, caller);
          return (await example.settle(asked, [observation])).status;
        };
        const asHim = { role: 'practitioner', fhirUser: `Practitioner/${id}` };
        expect(await outcome(asHim)).to.equal('granted');
        expect(
          await outcome({ role: 'system', fhirUser: `Practitioner/${id}` }),
          'a system that acts for him',
        ).to.equal('granted');
        const namesake = randomUUID();
        await example.recordAt(
          'clinic',
          { resourceType: 'Practitioner', identifier: [{ system: NPI, value: '1' }] },
          namesake,
        );
        for (const caller of [
          { role: 'practitioner', fhirUser: `Practitioner/${namesake}` },
          { role: 'practitioner' },
          { role: 'system' },
        ])
          expect(await outcome(caller)).to.equal('refused');
      });

    it('who is nobody known is refused, as is one whose record is shown of another', async () => {
      const actor = recipient({ reference: `Practitioner/${randomUUID()}` });
      const refusal = /INVALID at <private.consent.resource.provision.actor\[0\].reference>: No organisation/;
      expect(await failureOf(example.permit({ type: 'deny', actor }, [doctor, role]))).to.match(refusal);
      const npi = recipient({ identifier: { system: NPI, value: '2' } });
      expect(await failureOf(example.permit({ type: 'deny', actor: npi }, [doctor]))).to.match(refusal);
    });

    it('takes the governed provider’s own where others have the same id', async () => {
      // As they could be recorded before an id began at one provider alone.
      const key = `care_clinic ${privateKeys.version(id, 1)}`;
      const theirs = example.ledger.private.get(key)!;
      example.ledger.private.delete(key);
      const own = await example.recordAt('hospital', { resourceType: 'Practitioner' }, id);
      example.ledger.private.set(key, theirs);
      const { id: consentId } = await example.permit(
        { type: 'permit', actor: recipient({ reference: `Practitioner/${id}` }) },
        [doctor, own],
      );
      const { actors } = example.ledger.read('care_hospital', `consent/${consentId}/1`) as { actors?: object };
      expect(actors).to.deep.equal({ [`Practitioner/${id}`]: [{ ...person, organisation: 'hospital' }] });
    });

    it('who is left out by NPI is told by his own record, and nobody else is kept out with him', async () => {
      const nurse = await example.recordAt('clinic', {
        resourceType: 'Practitioner',
        identifier: [{ system: NPI, value: '2' }],
      });
      const denial = { type: 'deny', actor: recipient({ identifier: { system: NPI, value: '2' } }) };
      await example.permit({ type: 'permit', provision: [denial] }, [nurse]);
      const observation = await example.observation();
      const outcome = async ([provider, who]: PlacedRecord, isShown: boolean) => {
        const asked = await example.ask({}, { role: 'practitioner', fhirUser: `Practitioner/${who}` });
        const shown = isShown ? { practitioner: example.evidenceAt(provider, who) } : {};
        return (await example.settle(asked, [observation], shown)).status;
      };
      expect(await outcome(nurse, true)).to.equal('refused');
      expect(await outcome(doctor, true)).to.equal('granted');
      expect(await outcome(doctor, false), 'who may be the one').to.equal('refused');
      const asked = await example.ask({}, { role: 'practitioner', fhirUser: `Practitioner/${id}` });
      const another = { practitioner: example.evidenceAt(...nurse) };
      expect(await failureOf(example.decide(asked, [observation], another))).to.match(
        /INVALID at <private.practitioner>/,
      );
    });
  });

  it('is known of what relates to a record that is shown beside it, and denied where none is', async () => {
    const [kept, other] = [await example.observation(), await example.observation()];
    const subject = { reference: `Patient/${example.patientId}` };
    const plan = await example.record({
      resourceType: 'CarePlan',
      subject,
      activity: [{ reference: { reference: `Observation/${kept}` } }],
    });
    const data = [{ meaning: 'related', reference: { reference: `CarePlan/${plan}` } }];
    await example.permit({ type: 'permit', provision: [{ type: 'deny', data }] });
    const decided = async (context: object) => {
      const asked = await example.ask();
      await example.settle(asked, [kept, other], context);
      const copies = example.text(`copies/${asked}`);
      return copies === '' ? [] : JSON.parse(copies).records.map(({ id }: { id: string }) => id);
    };
    expect(await decided({ context: [example.evidence(plan)] })).to.deep.equal([other]);
    expect(await decided({})).to.deep.equal([]);
  });

  it('ends copies when a denial begins that is in force already', async () => {
    const observation = await example.observation();
    await example.permit({ type: 'permit', actor: toOrganisation('clinic') });
    await example.permit({ type: 'deny', period: { start: '2026-03-05T10:00:00Z' } });
    await example.permit({ type: 'deny', actor: toOrganisation('payer'), period: { start: '2026-03-02' } });
    const asked = await example.ask();
    await example.decide(asked, [observation]);
    expect(example.accessState(asked)).to.include({ status: 'granted', expiresAt: '2026-03-05T10:00:00.000Z' });
  });

  it('of one that lies on the ledger from before permits nothing, and its denials hold', async () => {
    const observation = await example.observation();
    const outcome = async () => example.settle(await example.ask(), [observation]);
    /** As chaincode before this one took it. */
    const older = async (provision: object) => {
      const { id } = await example.permit({ type: 'permit' });
      const key = `care_hospital consent/${id}/1`;
      const value = JSON.parse(example.ledger.private.get(key)!);
      value.resource.provision = provision;
      example.ledger.private.set(key, canonicalJson(value));
    };
    await older({ actor: toOrganisation('clinic') });
    expect(await outcome()).to.include({ status: 'refused', reason: 'consent-absent' });
    await example.permit({ type: 'permit', actor: toOrganisation('clinic') });
    expect(await outcome()).to.include({ status: 'granted' });
    await older({ type: 'permit', provision: [{ type: 'permit' }, { type: 'deny', purpose: [{ code: 'TREAT' }] }] });
    expect(await outcome()).to.include({ status: 'refused', reason: 'consent-denied' });
  });
});
