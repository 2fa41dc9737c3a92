/** A caretaker's key: named in a delegation that the patient has signed, it gives consents in his name, and nothing beyond that. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { CARETAKER_ACT_SYSTEM, DELEGATION, DELEGATION_SCOPES } from '../model/consent-codes.ts';
import { ROLE_CODES } from '../model/related-persons.ts';
import type { Draft } from '../model/values.ts';
import { type Bound, caretakerKey, type ExampleKey, KeyedPatient, newKey, signed } from './example-keys.fixture.ts';
import { ExamplePatient, patients, toOrganisation } from './example-patient.fixture.ts';

const DAUGHTER = 'RelatedPerson/daughter';
const PERMIT = { type: 'permit', actor: toOrganisation('clinic') };

describe("a caretaker's key", function () {
  this.timeout(20_000);
  let example: ExamplePatient;
  let keyed: KeyedPatient;
  let key: ExampleKey;
  let hers: ExampleKey;
  before(async () => {
    hers = await newKey();
  });
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
    keyed = new KeyedPatient(example);
  });
  const later = (hours: number): string => new Date(Date.parse(example.ledger.time) + hours * 3_600_000).toISOString();

  /** A delegation to the daughter, not signed yet. */
  async function delegation({
    acts = ['answer'],
    name = DAUGHTER,
    by = [hers],
    period,
  }: {
    acts?: string[];
    name?: string;
    by?: ExampleKey[];
    period?: object;
  } = {}): Promise<Draft> {
    const draft = example.consent({
      type: 'permit',
      ...(period === undefined ? {} : { period }),
      actor: [
        {
          role: { text: 'daughter' },
          reference: { reference: name },
          extension: await Promise.all(by.map(caretakerKey)),
        },
      ],
      action: [{ coding: acts.map((code) => ({ system: CARETAKER_ACT_SYSTEM, code })) }],
    });
    const scope = { coding: [{ system: DELEGATION_SCOPES, code: DELEGATION }] };
    return { ...draft, resource: { ...draft.resource, scope } };
  }
  const delegated = async (change: Parameters<typeof delegation>[0] = {}): Promise<string> => {
    const draft = await delegation(change);
    await example.grant(await signed(draft, key, example.ledger.time));
    return draft.id;
  };
  const named = (draft: Draft, performer: unknown = [{ reference: DAUGHTER }]): Draft => ({
    ...draft,
    resource: { ...draft.resource, performer },
  });
  const given = (draft: Draft, id: string, bound: Bound = {}, by = hers): Promise<Draft> =>
    signed(named(draft), by, example.ledger.time, { who: DAUGHTER, delegation: id, ...bound });
  const grant = (consent: Draft, id: string, change: object = {}) =>
    example.grant(consent, {
      private: {
        ...{ consent, patient: example.evidence(example.patientId), directory: 0 },
        delegation: { id, version: 1 },
      },
      ...change,
    });
  const clinicIs = async (): Promise<string> => {
    const observation = await example.observation();
    return (await example.settle(await example.ask(), [observation])).status;
  };

  it('gives and changes in his own name, as is decided by, also after the delegation has ended; then no more', async () => {
    key = await keyed.enrolled();
    const id = await delegated();
    const consent = await given(example.consent(PERMIT), id);
    await grant(consent, id);
    expect(example.ledger.read('care_hospital', `consent/${consent.id}/1`)).to.deep.include({
      delegation: { id, version: 1 },
    });
    expect(await clinicIs()).to.equal('granted');
    const second = { ...example.consent({ type: 'deny' }, consent.id), version: 2 };
    const amended = await given(second, id);
    const input = { id: consent.id, provider: 'hospital' };
    const hidden = { consent: amended, directory: 0, delegation: { id, version: 1 } };
    await example.ledger.submit('AmendConsent', { ...patients, input, private: hidden });
    expect(await clinicIs()).to.equal('refused');
    const third = await given(example.consent(PERMIT), id);
    await example.revoke(consent.id, { input: { ...input, version: 2 } });
    await grant(third, id);
    await example.revoke(id);
    expect(await clinicIs()).to.equal('granted');
    expect(await failureOf(grant(await given(example.consent(PERMIT), id), id))).to.match(/signed by a caretaker/);
  });

  const attempts: [string, () => Promise<unknown>, RegExp][] = [
    [
      'without a delegation that is shown',
      async () => example.grant(await given(example.consent(PERMIT), await delegated())),
      /signed by a caretaker/,
    ],
    [
      'by another delegation than he signs for',
      async () => grant(await given(example.consent(PERMIT), randomUUID()), await delegated()),
      /signed by a caretaker/,
    ],
    [
      'by one that does not let him answer',
      async () => {
        const id = await delegated({ acts: ['read', 'revoke'] });
        return grant(await given(example.consent(PERMIT), id), id);
      },
      /signed by a caretaker/,
    ],
    [
      'by one that is over',
      async () => {
        const id = await delegated({ period: { end: '2026-03-02' } });
        example.ledger.time = later(48);
        return grant(await given(example.consent(PERMIT), id), id);
      },
      /signed by a caretaker/,
    ],
    [
      'by one that names somebody else',
      async () => {
        const id = await delegated({ name: 'RelatedPerson/son' });
        return grant(await given(example.consent(PERMIT), id), id);
      },
      /signed by a caretaker/,
    ],
    [
      'by one that names no key of his, or two',
      async () => {
        for (const by of [[], [hers, await newKey()]]) {
          const id = await delegated({ by });
          expect(await failureOf(grant(await given(example.consent(PERMIT), id), id))).to.match(
            /signed by a caretaker/,
          );
        }
        throw new Error('signed by a caretaker');
      },
      /signed by a caretaker/,
    ],
    [
      'by one that has another version now',
      async () => {
        const draft = await delegation();
        await example.grant(await signed(draft, key, example.ledger.time));
        const next = { ...(await delegation({ acts: ['read'] })), version: 2, id: draft.id };
        const consent = await signed(
          { ...next, resource: { ...next.resource, id: draft.id } },
          key,
          example.ledger.time,
        );
        const input = { id: draft.id, provider: 'hospital' };
        await example.ledger.submit('AmendConsent', { ...patients, input, private: { consent, directory: 0 } });
        return grant(await given(example.consent(PERMIT), draft.id), draft.id);
      },
      /signed by a caretaker/,
    ],
    [
      'with another key',
      async () => {
        const id = await delegated();
        return grant(await given(example.consent(PERMIT), id, {}, await newKey()), id);
      },
      /not signed by the key/,
    ],
    [
      'with another key in the name of his',
      async () => {
        const id = await delegated();
        return grant(await given(example.consent(PERMIT), id, { kid: hers.thumbprint }, await newKey()), id);
      },
      /does not fit/,
    ],
    [
      'in the name of another',
      async () => {
        const id = await delegated();
        const draft = named(example.consent(PERMIT), [{ reference: 'RelatedPerson/son' }]);
        return grant(await signed(draft, hers, example.ledger.time, { who: DAUGHTER, delegation: id }), id);
      },
      /signed for another/,
    ],
    [
      'in the patient’s name',
      async () => {
        const id = await delegated();
        const who = `Patient/${example.patientId}`;
        return grant(await given(example.consent(PERMIT), id, { who }), id);
      },
      /signed for another/,
    ],
    [
      'to make himself, or others, more of a caretaker',
      async () => {
        const id = await delegated();
        return grant(await given(await delegation({ acts: ['read', 'answer', 'bills'] }), id), id);
      },
      /signed by a caretaker/,
    ],
  ];
  for (const [what, attempt, refusal] of attempts)
    it(`gives nothing ${what}`, async () => {
      key = await keyed.enrolled();
      expect(await failureOf(attempt())).to.match(refusal);
    });

  it('gives nothing by a delegation that the custodian gave in trust before she had a key', async () => {
    const patient = { reference: `Patient/${example.patientId}` };
    const daughter = await example.record({
      ...{ resourceType: 'RelatedPerson', patient },
      relationship: [{ coding: [{ system: ROLE_CODES, code: 'HPOWATT' }] }],
    });
    const draft = await delegation({ name: `RelatedPerson/${daughter}` });
    const evidence = [example.patientId, daughter].map((id) => example.evidence(id));
    const shown = { consent: draft, patient: evidence[0]!, directory: 0, caretakers: evidence.slice(1) };
    await example.grant(draft, { private: shown });
    example.ledger.time = later(1);
    key = await keyed.enrolled();
    expect(await failureOf(grant(await given(example.consent(PERMIT), draft.id), draft.id))).to.match(
      /signed by a caretaker/,
    );
  });

  it('gives nothing that permits where changed chaincode let it through', async () => {
    key = await keyed.enrolled();
    const id = await delegated({ acts: ['read'] });
    const consent = await given(example.consent(PERMIT), id);
    const own = await signed(example.consent(PERMIT, consent.id), key, example.ledger.time);
    await example.grant(own);
    const name = `care_hospital consent/${consent.id}/1`;
    const anchored = JSON.parse(example.ledger.private.get(name)!);
    for (const by of [{}, { delegation: { id, version: 1 } }, { delegation: { id: randomUUID(), version: 1 } }]) {
      example.ledger.private.set(name, canonicalJson({ ...anchored, ...by, resource: consent.resource }));
      expect(await clinicIs()).to.equal('refused');
    }
  });
});
