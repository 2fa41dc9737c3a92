/** Who acts for a patient without a key of her own: nobody whom the custodian alone has named. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { CARETAKER_ACT_SYSTEM, CARETAKER_ACTS, DELEGATION, DELEGATION_SCOPES } from '../model/consent-codes.ts';
import { DELEGATEE, ROLE_CODES } from '../model/related-persons.ts';
import type { RecordEvidence } from '../model/sheets.ts';
import type { Draft } from '../model/values.ts';
import { KeyedPatient, signed } from './example-keys.fixture.ts';
import { ExamplePatient, patients } from './example-patient.fixture.ts';

const UNRECORDED = /INVALID at <private.consent.resource.provision.actor\[(\d)\].reference>: A patient without a key/;

describe('a delegation', () => {
  let example: ExamplePatient;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
  });

  const related = (change: object = {}): Promise<string> =>
    example.record({
      ...{ resourceType: 'RelatedPerson', patient: { reference: `Patient/${example.patientId}` } },
      relationship: [{ coding: [{ system: ROLE_CODES, code: DELEGATEE }] }],
      ...change,
    });
  const delegation = (...caretakers: string[]): Draft => letting(['answer'], ...caretakers);
  const letting = (acts: readonly string[], ...caretakers: string[]): Draft => {
    const draft = example.consent({
      type: 'permit',
      actor: caretakers.map((reference) => ({ role: { text: 'caretaker' }, reference: { reference } })),
      action: acts.map((code) => ({ coding: [{ system: CARETAKER_ACT_SYSTEM, code }] })),
    });
    const scope = { coding: [{ system: DELEGATION_SCOPES, code: DELEGATION }] };
    return { ...draft, resource: { ...draft.resource, scope } };
  };
  const grant = (consent: Draft, caretakers?: RecordEvidence[]) =>
    example.grant(consent, {
      private: { ...{ consent, patient: example.evidence(example.patientId), directory: 0 }, caretakers },
    });
  const refusedAt = async (consent: Draft, caretakers?: RecordEvidence[]): Promise<string | undefined> =>
    UNRECORDED.exec((await failureOf(grant(consent, caretakers))) ?? '')?.[1];

  it('is taken where the provider has recorded each of those to whom it goes as hers', async () => {
    const [daughter, son] = [await related(), await related({ active: true })];
    const both = delegation(`RelatedPerson/${daughter}`, `RelatedPerson/${son}`);
    const shown = [daughter, son].map((id) => example.evidence(id));
    expect((await grant(both, shown)).reply.status).to.equal('active');
    expect(
      await refusedAt(delegation(`RelatedPerson/${daughter}`, `RelatedPerson/${son}`), shown.slice(0, 1)),
    ).to.equal('1');
  });

  it('goes to one who is recorded for another patient and, under the same identifier, for her', async () => {
    const [other, mother] = [
      await example.record({ resourceType: 'Patient' }),
      { system: 'urn:example:id', value: '1' },
    ];
    const patient = { reference: `Patient/${other}` };
    const named = await related({ patient, identifier: [mother] });
    const given = async (...identifier: object[]) => {
      const evidence = [named, await related({ identifier })].map((id) => example.evidence(id));
      return { consent: delegation(`RelatedPerson/${named}`), evidence };
    };
    for (const others of [
      [],
      [{ ...mother, value: '2' }],
      [{ ...mother, system: 'urn:example:else' }],
      [{ value: '1' }],
    ]) {
      const { consent, evidence } = await given(...others);
      expect(await refusedAt(consent, evidence), JSON.stringify(others)).to.equal('0');
    }
    const { consent, evidence } = await given(mother);
    expect((await grant(consent, evidence)).reply.status).to.equal('active');
  });

  const attempts: [string, () => Promise<{ to: string; shown: RecordEvidence[] | undefined }>][] = [
    [
      'nobody has recorded, whom the custodian made up',
      async () => ({ to: `RelatedPerson/${randomUUID()}`, shown: undefined }),
    ],
    ['is recorded, and not shown to be', async () => ({ to: `RelatedPerson/${await related()}`, shown: [] })],
    [
      'is recorded as another patient’s',
      async () => {
        const other = await example.record({ resourceType: 'Patient' });
        const id = await related({ patient: { reference: `Patient/${other}` } });
        return { to: `RelatedPerson/${id}`, shown: [example.evidence(id)] };
      },
    ],
    [
      'is recorded as hers no more',
      async () => {
        const id = await related({ active: false });
        return { to: `RelatedPerson/${id}`, shown: [example.evidence(id)] };
      },
    ],
    ...['C', 'DAU', 'NOK'].map((code): (typeof attempts)[number] => [
      `is recorded as ${code}, which says nothing of acting for her`,
      async () => {
        const id = await related({ relationship: [{ coding: [{ system: ROLE_CODES, code }] }] });
        return { to: `RelatedPerson/${id}`, shown: [example.evidence(id)] };
      },
    ]),
    [
      'is recorded without a relationship, or with the code of another system',
      async () => {
        const id = await related({ relationship: [{ text: 'acts for her', coding: [{ code: DELEGATEE }] }] });
        return { to: `RelatedPerson/${id}`, shown: [example.evidence(id)] };
      },
    ],
    [
      'is another than the one who is shown',
      async () => ({ to: `RelatedPerson/${randomUUID()}`, shown: [example.evidence(await related())] }),
    ],
    [
      'has the id of a record of another type',
      async () => {
        const id = await example.record({
          resourceType: 'Basic',
          patient: { reference: `Patient/${example.patientId}` },
        });
        return { to: `RelatedPerson/${id}`, shown: [example.evidence(id)] };
      },
    ],
    [
      'is a person of whom no provider says that she is hers',
      async () => ({ to: `Person/${randomUUID()}`, shown: [example.evidence(await related())] }),
    ],
  ];
  for (const [whom, attempt] of attempts)
    it(`is refused by every endorser to one who ${whom}`, async () => {
      const { to, shown } = await attempt();
      expect(await refusedAt(delegation(to), shown)).to.equal('0');
      const own = await related();
      const first = delegation(`RelatedPerson/${own}`);
      await grant(first, [example.evidence(own)]);
      const second = { ...delegation(to), id: first.id, version: 2 };
      const consent = { ...second, resource: { ...second.resource, id: first.id } };
      const input = { id: first.id, provider: 'hospital' };
      const amended = example.ledger.submit('AmendConsent', {
        ...{ ...patients, input },
        private: { consent, directory: 0, caretakers: shown },
      });
      expect(await failureOf(amended)).to.match(UNRECORDED);
    });

  it('is not taken on a record that was corrected since, or that is another provider’s', async () => {
    const id = await related();
    await example.record({ resourceType: 'RelatedPerson', patient: { reference: 'Patient/x' } }, 2, id);
    expect(await failureOf(grant(delegation(`RelatedPerson/${id}`), [example.evidence(id)]))).to.match(
      /CONFLICT at <private.caretakers\[0\]>/,
    );
    const patient = { reference: `Patient/${example.patientId}` };
    const [, elsewhere] = await example.recordAt('clinic', { resourceType: 'RelatedPerson', patient });
    const shown = [example.evidenceAt('clinic', elsewhere)];
    expect(await failureOf(grant(delegation(`RelatedPerson/${elsewhere}`), shown))).to.match(
      /NOT_FOUND at <private.caretakers\[0\].tree>/,
    );
  });

  const concept = (system: string, ...codes: string[]) => ({ coding: codes.map((code) => ({ system, code })) });
  const acting = (...codes: string[]) => concept(CARETAKER_ACT_SYSTEM, ...codes);
  const role = (code: string) => concept(ROLE_CODES, code);
  const ALL: readonly string[] = CARETAKER_ACTS;
  /** By what a provider records: the acts that the custodian can send. */
  const recorded: [string, object[], readonly string[]][] = [
    ['a delegatee, of whom nothing more is said', [role(DELEGATEE)], ['read', 'answer']],
    ...ALL.map((act): (typeof recorded)[number] => [`a delegatee to ${act}`, [role(DELEGATEE), acting(act)], [act]]),
    ['a delegatee to do everything', [role(DELEGATEE), acting(...ALL)], ALL],
    ['a delegatee to do what nobody knows', [role(DELEGATEE), acting('fly')], []],
    ['a mother', [role('MTH')], ALL],
    ['an attorney for her bills', [role('SPOWATT'), acting('bills')], ['bills']],
    ['a daughter whose acts are named, and who is no delegatee', [role('DAUC'), acting(...ALL)], []],
    ['a delegatee by acts of another system', [role(DELEGATEE), concept('urn:x', ...ALL)], ['read', 'answer']],
  ];
  for (const [whom, relationship, may] of recorded)
    it(`lets ${whom} do ${may.join(', ') || 'nothing'}: every act by itself and beside others, given and amended`, async () => {
      const id = await related({ relationship });
      const shown = [example.evidence(id)];
      const to = `RelatedPerson/${id}`;
      const sent = (acts: readonly string[]) =>
        grant(letting(acts, to), shown).then(
          () => 'taken',
          (error: Error) => error.message,
        );
      const beyond = (at: number) =>
        new RegExp(`INVALID at <private.consent.resource.provision.action\\[${at}\\]>: For a patient without a key`);
      for (const act of ALL) {
        const answer = await sent([act]);
        if (may.includes(act)) expect(answer, act).to.equal('taken');
        else expect(answer, act).to.match(may.length === 0 ? UNRECORDED : beyond(0));
      }
      if (may.length === 0) return;
      expect(await sent(may)).to.equal('taken');
      const first = letting(may, to);
      await grant(first, shown);
      for (const act of ALL.filter((one) => !may.includes(one))) {
        expect(await sent([...may, act]), act).to.match(beyond(may.length));
        const wider = { ...letting([...may, act], to), id: first.id, version: 2 };
        const amended = example.ledger.submit('AmendConsent', {
          ...{ ...patients, input: { id: first.id, provider: 'hospital' } },
          private: {
            consent: { ...wider, resource: { ...wider.resource, id: first.id } },
            ...{ directory: 0, caretakers: shown },
          },
        });
        expect(await failureOf(amended), act).to.match(beyond(may.length));
      }
    });

  it('lets several do what each of them may', async () => {
    const [one, other] = [
      await related({ relationship: [role(DELEGATEE), acting('read', 'book')] }),
      await related({ relationship: [role(DELEGATEE), acting('read')] }),
    ];
    const shown = [one, other].map((id) => example.evidence(id));
    const both = [`RelatedPerson/${one}`, `RelatedPerson/${other}`];
    expect((await grant(letting(['read'], ...both), shown)).reply.status).to.equal('active');
    expect(await failureOf(grant(letting(['read', 'book'], ...both), shown))).to.match(/action\[1\]>: For a patient/);
  });

  it('by her own key lets anybody do everything', async () => {
    const key = await new KeyedPatient(example).enrolled();
    const draft = letting(ALL, `Person/${randomUUID()}`);
    expect((await grant(await signed(draft, key, example.ledger.time))).reply.status).to.equal('active');
  });

  it('by her own key goes to whom she says, and her provider need not know him', async () => {
    const key = await new KeyedPatient(example).enrolled();
    const draft = delegation(`Person/${randomUUID()}`);
    expect((await grant(await signed(draft, key, example.ledger.time))).reply.status).to.equal('active');
  });

  it('is doubted before anything is kept, as it is when it is endorsed', async () => {
    const [id, other] = [await related(), randomUUID()];
    const asked = async (...shown: RecordEvidence[]) =>
      (
        await example.ledger.evaluate('CheckConsent', {
          ...{ ...patients, input: { provider: 'hospital' } },
          private: {
            resource: delegation(`RelatedPerson/${id}`, `RelatedPerson/${other}`).resource,
            signing: { version: 1, directory: 0, caretakers: shown },
          },
        })
      ).doubts;
    const doubt = (at: number) => ({
      rule: 'delegation-unrecorded',
      expression: `Consent.provision.actor[${at}].reference`,
    });
    expect(await asked()).to.deep.equal([doubt(0), doubt(1)]);
    expect(await asked(example.evidence(id))).to.deep.equal([doubt(1)]);
  });
});
