/** Patients' own keys: who can put one in, what one is needed for, and everything by which somebody else would do without it. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { CARETAKER_ACT_SYSTEM, DELEGATION, DELEGATION_SCOPES } from '../model/consent-codes.ts';
import { keyMarkName, ringIn } from '../model/key-marks.ts';
import { privateKeys } from '../model/keys.ts';
import type { Draft } from '../model/values.ts';
import {
  type Bound,
  type ExampleCode,
  type ExampleKey,
  enrolmentSignature,
  KeyedPatient,
  newCode,
  newKey,
  newSalt,
  signed,
  stated,
} from './example-keys.fixture.ts';
import { ExamplePatient, patients, toOrganisation } from './example-patient.fixture.ts';

const HOUR_MS = 3_600_000;
const PERMIT = { type: 'permit', actor: toOrganisation('clinic') };

describe("a patient's own key", function () {
  this.timeout(20_000);
  let example: ExamplePatient;
  let keyed: KeyedPatient;
  let code: ExampleCode;
  let key: ExampleKey;
  before(async () => {
    [code, key] = [await newCode(), await newKey()];
  });
  const cancel = (from: string) =>
    example.ledger.submit('CancelKeyCode', {
      ...{ from, role: 'system', endorsers: ['patients', 'hospital'] },
      ...{ input: { id: code.id, provider: 'hospital' }, private: { salt: newSalt() } },
    });
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
    keyed = new KeyedPatient(example);
  });
  const later = (hours: number): string => new Date(Date.parse(example.ledger.time) + hours * HOUR_MS).toISOString();
  const enrolled = async (): Promise<void> => {
    await keyed.issue(code);
    await keyed.enrol(code, key);
  };
  const signedAs = (draft: Draft, bound: Bound = {}, by = key) => signed(draft, by, example.ledger.time, bound);
  const amend = (draft: Draft, change: object = {}) =>
    example.ledger.submit('AmendConsent', {
      ...patients,
      input: { id: draft.id, provider: 'hospital' },
      private: { consent: draft, directory: 0 },
      ...change,
    });

  describe('is enrolled', () => {
    it('by a code of her provider and a request that the code’s key has signed; both hold it, and nobody else', async () => {
      const issue = await keyed.issue(code);
      expect(issue.reply.expiresAt).to.equal(later(24));
      expect(Object.keys(issue.writes.private)).to.deep.equal([`care_hospital key-code/${code.id}/1`]);
      const { writes } = await keyed.enrol(code, key);
      expect(writes.public).to.deep.equal({});
      const owner = { provider: 'hospital', patient: example.patientId };
      const mark = privateKeys.keyMark(keyMarkName(owner), 1);
      const names = Object.keys(writes.private).filter((name) => !name.startsWith('care_hospital '));
      expect(names).to.deep.equal([`marks ${mark}`]);
      const sealed = writes.private[`marks ${mark}`]!;
      expect(writes.private[`care_hospital ${mark}`]).to.equal(sealed);
      expect(ringIn(owner, JSON.parse(sealed))).to.deep.equal(keyed.ring());
      const [ring] = keyed.ring();
      for (const word of [ring!.x, ring!.y, example.patientId]) expect(mark + sealed).to.not.include(word);
      expect(() => ringIn({ ...owner, patient: 'another' }, JSON.parse(sealed))).to.throw();
      expect(ring).to.include({ how: 'enrolled', from: example.ledger.time });
      for (const shown of [issue.reply, issue.writes.event, writes.event]) {
        expect(JSON.stringify(shown)).to.not.include(code.publicKey);
        expect(JSON.stringify(shown)).to.not.include(ring!.x);
      }
    });

    const attempts: [string, () => Promise<unknown>, RegExp][] = [
      [
        'the custodian issues the code itself',
        () => keyed.issue(code, { from: 'patients', role: 'system' }),
        /FORBIDDEN: only a provider/,
      ],
      [
        'another provider issues the code',
        () => keyed.issue(code, { from: 'clinic' }),
        /NOT_FOUND at <private.patient.tree>/,
      ],
      ['a provider’s auditor issues the code', () => keyed.issue(code, { role: 'operator' }), /FORBIDDEN: the role/],
      [
        'its provider has taken the code back',
        async () => {
          await keyed.issue(code);
          await cancel('hospital');
          return keyed.enrol(code, key);
        },
        /CONFLICT at <id>: this is already written/,
      ],
      [
        'she has ended the code',
        async () => {
          await keyed.issue(code);
          await cancel('patients');
          return keyed.enrol(code, key);
        },
        /CONFLICT at <id>: this is already written/,
      ],
      [
        'another provider takes the code back',
        async () => {
          await keyed.issue(code);
          return cancel('clinic');
        },
        /FORBIDDEN at <provider>/,
      ],
      [
        'a code is taken back that is used',
        async () => {
          await keyed.issue(code);
          await keyed.enrol(code, key);
          return cancel('hospital');
        },
        /CONFLICT at <id>: this is already written/,
      ],
      ['a code is taken back that nobody has issued', () => cancel('hospital'), /NOT_FOUND at <id>/],
      ['nobody has issued the code', async () => keyed.enrol(await newCode(), key), /NOT_FOUND at <id>/],
      [
        'a provider passes it on without the custodian',
        async () => {
          await keyed.issue(code);
          return keyed.enrol(code, key, { from: 'hospital', endorsers: ['hospital', 'clinic'] });
        },
        /FORBIDDEN: only a custodian/,
      ],
      [
        'the custodian passes on a request of its own in the place of hers',
        async () => {
          await keyed.issue(code);
          const signature = await enrolmentSignature(code, key.request, { patient: example.patientId });
          return keyed.enrol(code, await newKey(), {}, { signature });
        },
        /INVALID at <private.signature>: this request is not signed with the code/,
      ],
      [
        'a request is signed with another code',
        async () => {
          await keyed.issue(code);
          return keyed.enrol({ ...(await newCode()), id: code.id }, key);
        },
        /INVALID at <private.signature>/,
      ],
      [
        'it was signed for another provider',
        async () => {
          await keyed.issue(code);
          const place = { patient: example.patientId, provider: 'clinic' };
          return keyed.enrol(code, key, {}, { signature: await enrolmentSignature(code, key.request, place) });
        },
        /INVALID at <private.signature>/,
      ],
      [
        'it is for another patient',
        async () => {
          await keyed.issue(code);
          const patient = randomUUID();
          const signature = await enrolmentSignature(code, key.request, { patient });
          return keyed.enrol(code, key, {}, { patient, signature });
        },
        /NOT_FOUND at <id>: there is no such code of this patient/,
      ],
      [
        'the code is over',
        async () => {
          await keyed.issue(code);
          return keyed.enrol(code, key, { time: later(24) });
        },
        /CONFLICT at <id>: the code is over/,
      ],
      [
        'the code was used',
        async () => {
          await enrolled();
          return keyed.enrol(code, await newKey(), { time: later(1) });
        },
        /CONFLICT at <id>: this is already written/,
      ],
      [
        'the key is on another curve',
        async () => {
          await keyed.issue(code);
          return keyed.enrol(code, await newKey('P-384'));
        },
        /INVALID at <private.request>: is no certificate signing request/,
      ],
      [
        'the request is not signed by its key',
        async () => {
          await keyed.issue(code);
          const bytes = Buffer.from(key.request, 'base64');
          bytes[bytes.length - 1]! ^= 1;
          return keyed.enrol(code, { ...key, request: bytes.toString('base64') });
        },
        /INVALID at <private.request>/,
      ],
      [
        'it is a key of hers already',
        async () => {
          await enrolled();
          const second = await newCode();
          await keyed.issue(second);
          return keyed.enrol(second, key);
        },
        /CONFLICT at <private>: this is a key of hers already/,
      ],
    ];
    for (const [what, attempt, refusal] of attempts)
      it(`not where ${what}`, async () => {
        expect(await failureOf(attempt())).to.match(refusal);
      });
  });

  describe('in force', () => {
    let consent: Draft;
    beforeEach(async () => {
      await enrolled();
      consent = example.consent(PERMIT);
    });
    const clinicIs = async (): Promise<string> => {
      const observation = await example.observation();
      return (await example.settle(await example.ask(), [observation])).status;
    };

    it('gives, changes and delegates by her signature; revoking takes none', async () => {
      const given = await signedAs(consent);
      expect((await example.grant(given)).reply.version).to.equal(1);
      expect(await clinicIs()).to.equal('granted');
      const second = { ...consent, version: 2, resource: example.consent({ type: 'deny' }, consent.id).resource };
      expect((await amend(await signedAs(second))).reply.version).to.equal(2);
      expect(await clinicIs()).to.equal('refused');
      await example.revoke(consent.id, { input: { id: consent.id, provider: 'hospital', version: 2 } });
    });

    const ways: [string, (draft: Draft) => Promise<Draft> | Draft, RegExp][] = [
      ['without a signature', (draft) => draft, /<private.consent.resource.extension>: This patient has a key/],
      ['signed by another key', async (draft) => signedAs(draft, {}, await newKey()), /not signed by the key/],
      [
        'signed by another key in the name of hers',
        async (draft) => signedAs(draft, { kid: key.thumbprint }, await newKey()),
        /valueSignature.data>: The signature does not fit/,
      ],
      [
        'altered by one character',
        async (draft) => {
          const made = await signedAs({ ...draft, resource: { ...draft.resource, dateTime: '2026-03-01' } });
          return { ...made, resource: { ...made.resource, dateTime: '2026-03-02' } };
        },
        /valueSignature.data>: The signature does not fit/,
      ],
      [
        'with another time than was signed',
        async (draft) => {
          const made = await signedAs(draft);
          const text = JSON.stringify(made.resource).replace('"when":"2026-03-01', '"when":"2026-02-28');
          return { ...made, resource: JSON.parse(text) };
        },
        /The signature does not fit/,
      ],
      [
        'signed for another consent',
        (draft) => signedAs(draft, { consent: randomUUID() }),
        /signed for another consent/,
      ],
      ['signed for another version', (draft) => signedAs(draft, { version: 2 }), /signed for another consent/],
      ['signed for another provider', (draft) => signedAs(draft, { provider: 'clinic' }), /signed for another consent/],
      [
        'signed in the name of another patient',
        (draft) => signedAs(draft, { who: `Patient/${randomUUID()}` }),
        /signed for another consent/,
      ],
      ['signed for something else', (draft) => signedAs(draft, { typ: 'telemed-key+jws' }), /A consent bears one/],
      [
        'signed eight days ago',
        (draft) => signedAs(draft, { when: later(-8 * 24) }),
        /valueSignature.when>: This was signed too long ago/,
      ],
      ['signed tomorrow', (draft) => signedAs(draft, { when: later(24) }), /This was signed too long ago/],
      ['signed twice', async (draft) => signedAs(await signedAs(draft)), /A consent bears one/],
      [
        'with a number that RFC 8785 writes otherwise',
        async (draft) =>
          signedAs({
            ...draft,
            resource: {
              ...draft.resource,
              extension: [
                { url: 'x', valueDecimal: (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('1.50') },
              ],
            },
          }),
        /A number in a signed consent/,
      ],
      [
        'of which the header says more',
        async (draft) => {
          const made = await signedAs(draft);
          const text = JSON.stringify(made.resource);
          const data = /"data":"([^"]+)"/.exec(text)![1]!;
          const [head = '', , tail = ''] = Buffer.from(data, 'base64').toString().split('.');
          const header = { ...JSON.parse(Buffer.from(head, 'base64url').toString()), crit: ['x'], x: 1 };
          const other = `${Buffer.from(JSON.stringify(header)).toString('base64url')}..${tail}`;
          return { ...made, resource: JSON.parse(text.replace(data, Buffer.from(other).toString('base64'))) };
        },
        /A consent bears one/,
      ],
    ];
    for (const [what, made, refusal] of ways)
      it(`lets nobody give a consent ${what}, at whichever endorser`, async () => {
        const before = example.ledger.private.size;
        const draft = await made(consent);
        for (const endorsers of [
          ['patients', 'hospital'],
          ['hospital', 'patients'],
        ])
          expect(await failureOf(example.grant(draft, { endorsers }))).to.match(refusal);
        expect(example.ledger.private.size).to.equal(before);
      });

    it('lets nobody change a consent without it, nor by what was signed for an earlier version', async () => {
      const given = await signedAs(consent);
      await example.grant(given);
      const second = { ...consent, version: 2 };
      expect(await failureOf(amend(second))).to.match(/This patient has a key/);
      expect(await failureOf(amend({ ...given, version: 2 }))).to.match(/signed for another consent/);
      await amend(
        await signedAs({ ...consent, version: 2, resource: { ...consent.resource, provision: { type: 'deny' } } }),
      );
      // What she signed as version 1 is not to come back as version 3.
      expect(await failureOf(amend({ ...given, version: 3 }))).to.match(/signed for another consent/);
    });

    it('lets nobody put a revoked consent in force again, under its id or another', async () => {
      const given = await signedAs(consent);
      await example.grant(given);
      await example.revoke(consent.id);
      expect(await clinicIs()).to.equal('refused');
      expect(await failureOf(example.grant(given))).to.match(/CONFLICT/);
      expect(await failureOf(amend(await signedAs({ ...consent, version: 2 })))).to.match(/the consent is revoked/);
      const id = randomUUID();
      const copy = { ...given, id, resource: { ...given.resource, id } };
      expect(await failureOf(example.grant(copy))).to.match(/signed for another consent/);
    });

    it('counts whatever time the custodian gives its transaction', async () => {
      const time = later(-0.2);
      expect(await failureOf(example.grant(consent, { time }))).to.match(/This patient has a key/);
    });

    it('is asked for where a delegation is given, and of caretakers and guardians alike', async () => {
      const delegation = {
        ...consent.resource,
        scope: { coding: [{ system: DELEGATION_SCOPES, code: DELEGATION }] },
        provision: {
          type: 'permit',
          actor: [{ role: { text: 'daughter' }, reference: { reference: 'RelatedPerson/1' } }],
          action: [{ coding: [{ system: CARETAKER_ACT_SYSTEM, code: 'answer' }] }],
        },
      };
      const caretakers = { ...consent.resource, performer: [{ reference: 'RelatedPerson/1' }] };
      for (const resource of [delegation, caretakers]) {
        const draft = { ...example.consent(PERMIT, randomUUID()), resource };
        const given = { ...draft, resource: { ...resource, id: draft.id } };
        expect(await failureOf(example.grant(given))).to.match(/This patient has a key/);
        expect((await example.grant(await signedAs(given))).reply.status).to.equal('active');
      }
    });

    it('is what a decision asks for: what changed chaincode has let through permits nothing, and denies', async () => {
      const plant = async (draft: Draft): Promise<void> => {
        const given = await signedAs(draft);
        await example.grant(given);
        const name = `care_hospital consent/${draft.id}/1`;
        const anchored = JSON.parse(example.ledger.private.get(name)!);
        example.ledger.private.set(name, canonicalJson({ ...anchored, resource: draft.resource }));
      };
      await plant(consent);
      expect(await clinicIs()).to.equal('refused');
      const denial = example.consent({ type: 'deny', actor: toOrganisation('clinic') });
      await example.grant(await signedAs(example.consent(PERMIT)));
      expect(await clinicIs()).to.equal('granted');
      await plant(denial);
      expect(await clinicIs()).to.equal('refused');
    });

    it('says to the custodian what is wrong before anything is kept', async () => {
      const input = { provider: 'hospital' };
      const asked = (resource: Draft['resource'], version = 1) =>
        example.ledger.evaluate('CheckConsent', {
          ...patients,
          input,
          private: { resource, signing: { version, directory: 0 } },
        });
      expect((await asked(consent.resource)).doubts).to.deep.equal([
        { rule: 'signature-missing', expression: 'Consent.extension' },
      ]);
      expect((await asked((await signedAs(consent)).resource)).doubts).to.deep.equal([]);
    });
  });

  describe('and what was given before', () => {
    it('in trust stays in force; a signature without a key is refused, as nobody could check it', async () => {
      const trusted = example.consent(PERMIT);
      await example.grant(trusted);
      expect(await failureOf(example.grant(await signedAs(example.consent(PERMIT))))).to.match(
        /No key of this patient/,
      );
      example.ledger.time = later(1);
      await enrolled();
      const observation = await example.observation();
      expect((await example.settle(await example.ask(), [observation])).status).to.equal('granted');
    });

    it('by a key that another has followed stays in force', async () => {
      await enrolled();
      await example.grant(await signedAs(example.consent(PERMIT)));
      example.ledger.time = later(1);
      const next = await newKey();
      const act = { act: 'rotate', patient: example.patientId, keys: 1, key: next.thumbprint } as const;
      await keyed.change(await stated(act, key, keyed.now), next.request);
      example.ledger.time = later(1);
      const observation = await example.observation();
      expect((await example.settle(await example.ask(), [observation])).status).to.equal('granted');
      expect(await failureOf(example.grant(await signedAs(example.consent(PERMIT))))).to.match(/not signed by the key/);
      await example.grant(await signedAs(example.consent(PERMIT), {}, next));
    });
  });

  describe('is changed', () => {
    beforeEach(enrolled);
    const mine = () => ({ patient: example.patientId, keys: 1 });

    it('by her signature: its end lets the custodian act in trust again', async () => {
      const end = await stated({ act: 'revoke', ...mine() }, key, keyed.now);
      await keyed.change(end);
      expect(await failureOf(keyed.change(end))).to.match(/CONFLICT at <private>: no key of hers is in force/);
      await example.grant(example.consent(PERMIT));
    });

    const statements: [string, () => Promise<unknown>, RegExp][] = [
      [
        'signed by another key',
        async () => keyed.change(await stated({ act: 'revoke', ...mine() }, await newKey(), keyed.now)),
        /is no statement that is signed by the key in force/,
      ],
      [
        'signed by another key in the name of hers',
        async () => {
          const other = { ...(await newKey()), thumbprint: key.thumbprint };
          return keyed.change(await stated({ act: 'revoke', ...mine() }, other, keyed.now));
        },
        /is no statement that is signed by the key in force/,
      ],
      [
        'of another patient',
        async () => keyed.change(await stated({ act: 'revoke', keys: 1, patient: randomUUID() }, key, keyed.now)),
        /was signed for another patient/,
      ],
      [
        'of another provider',
        async () => keyed.change(await stated({ act: 'revoke', ...mine(), provider: 'clinic' }, key, keyed.now)),
        /was signed for another patient/,
      ],
      [
        'for another key than comes with it',
        async () => {
          const act = { act: 'rotate', ...mine(), key: (await newKey()).thumbprint } as const;
          return keyed.change(await stated(act, key, keyed.now), (await newKey()).request);
        },
        /was signed for another patient, provider or key/,
      ],
      [
        'with a key that it does not name',
        async () => keyed.change(await stated({ act: 'revoke', ...mine() }, key, keyed.now), (await newKey()).request),
        /was signed for another patient, provider or key/,
      ],
      [
        'of last month',
        async () => keyed.change(await stated({ act: 'revoke', ...mine() }, key, later(-30 * 24))),
        /was signed too long ago/,
      ],
      [
        'that is a signature of a consent',
        async () => keyed.change((await signedAs(example.consent(PERMIT))).salt.slice(0, 4).concat('.eA.eA')),
        /is no statement/,
      ],
    ];
    for (const [what, attempt, refusal] of statements)
      it(`by no statement ${what}`, async () => {
        expect(await failureOf(attempt())).to.match(refusal);
        expect(keyed.ring()).to.have.length(1);
      });

    it('by no statement twice', async () => {
      const [second, third] = [await newKey(), await newKey()];
      const rotation = await stated({ act: 'rotate', ...mine(), key: second.thumbprint }, key, keyed.now);
      await keyed.change(rotation, second.request);
      expect(await failureOf(keyed.change(rotation, second.request))).to.match(/is no statement/);
      const back = { act: 'rotate', patient: example.patientId, keys: 2, key: key.thumbprint } as const;
      expect(await failureOf(keyed.change(await stated(back, second, keyed.now), key.request))).to.match(
        /a key of hers/,
      );
      const on = { act: 'rotate', patient: example.patientId, keys: 2, key: third.thumbprint } as const;
      await keyed.change(await stated(on, second, keyed.now), third.request);
      expect(keyed.ring().map(({ ended }) => ended)).to.deep.equal(['rotated', 'rotated', undefined]);
    });
  });

  describe('that is lost', () => {
    let other: ExampleKey;
    beforeEach(async () => {
      await enrolled();
      example.ledger.time = later(1);
      const second = await newCode();
      other = await newKey();
      await keyed.issue(second);
      await keyed.enrol(second, other);
    });

    it('is followed by one that takes force after three days, and not before', async () => {
      expect(keyed.ring().at(-1)).to.include({ how: 'recovered', from: later(72) });
      await example.grant(await signedAs(example.consent(PERMIT)));
      expect(await failureOf(example.grant(await signedAs(example.consent(PERMIT), {}, other)))).to.match(
        /not signed by/,
      );
      example.ledger.time = later(72);
      expect(await failureOf(example.grant(await signedAs(example.consent(PERMIT))))).to.match(/not signed by the key/);
      await example.grant(await signedAs(example.consent(PERMIT), {}, other));
      const end = await stated({ act: 'revoke', patient: example.patientId, keys: 2 }, other, keyed.now);
      await keyed.change(end);
      expect(await failureOf(example.grant(await signedAs(example.consent(PERMIT))))).to.match(
        /No key of this patient/,
      );
    });

    it('is followed by none where whoever has it ends that, or takes another', async () => {
      const third = await newCode();
      await keyed.issue(third);
      expect(await failureOf(keyed.enrol(third, await newKey()))).to.match(/a recovery is pending/);
      const cancel = await stated({ act: 'cancel', patient: example.patientId, keys: 2 }, key, keyed.now);
      await keyed.change(cancel);
      expect(keyed.ring().at(-1)).to.include({ ended: 'cancelled', until: example.ledger.time });
      expect(await failureOf(keyed.change(cancel))).to.match(/no recovery is pending/);
      example.ledger.time = later(200);
      await example.grant(await signedAs(example.consent(PERMIT)));
      expect(await failureOf(example.grant(await signedAs(example.consent(PERMIT), {}, other)))).to.match(
        /not signed by/,
      );
    });

    it('is followed as soon as a regulator lets it', async () => {
      const end = { act: 'cancel', patient: example.patientId, keys: 2 } as const;
      await keyed.change(await stated(end, key, keyed.now));
      await example.ledger.submit('SetRules', {
        ...{ from: 'regulator', role: 'system' },
        input: { emergencyHours: 24, denialStopsBreakGlass: true, recordingLicence: 'named', keyRecoveryHours: 240 },
        private: { salt: newSalt() },
      });
      const fourth = await newCode();
      await keyed.issue(fourth);
      await keyed.enrol(fourth, await newKey());
      expect(keyed.ring().at(-1)?.from).to.equal(later(240));
    });
  });
});
