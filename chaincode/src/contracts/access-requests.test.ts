import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import type { AccessRequest } from '../model/transactions.ts';
import { ExamplePatient, identifier, newSalt, toOrganisation } from './example-patient.fixture.ts';

const _forClinic = { type: 'permit', actor: toOrganisation('clinic') };

describe('the access contract', () => {
  let example: ExamplePatient;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
  });

  describe('a request', () => {
    let request: AccessRequest;
    beforeEach(() => {
      const asked = { holder: 'hospital', patient: identifier, types: ['Observation'], purpose: 'TREAT' } as const;
      request = { ...asked, id: randomUUID(), salt: newSalt(), types: ['Observation'] };
    });

    it('writes what is asked into the inbox, and nothing public but the id', async () => {
      const { reply, writes } = await example.request(request);
      expect(reply).to.deep.equal({ time: example.ledger.time });
      expect(writes).to.deep.equal({
        public: {},
        private: {
          [`inbox_clinic request/${request.id}`]: canonicalJson({ ...request, role: 'system' }),
          [`inbox_clinic access/${request.id}/1`]: canonicalJson({
            schema: 1,
            id: request.id,
            requestor: 'clinic',
            holder: 'hospital',
            custodian: 'patients',
            purpose: 'TREAT',
            status: 'requested',
            requestedAt: example.ledger.time,
            salt: sha256Hex(`access/${request.salt}`),
          }),
        },
        purged: [],
        policies: {},
        event: { name: 'AccessRequested', payload: canonicalJson({ id: request.id }) },
      });
    });

    it("takes the practitioner from the caller's certificate", async () => {
      await example.request(request, { role: 'practitioner', fhirUser: 'Practitioner/d1' });
      const written = example.ledger.read('inbox_clinic', `request/${request.id}`);
      expect(written).to.include({ practitioner: 'Practitioner/d1', role: 'practitioner' });
    });

    it('takes whom a system acts for from its certificate, and a practitioner without a name for no system', async () => {
      await example.request(request, { role: 'system', fhirUser: 'Practitioner/d1' });
      const written = example.ledger.read('inbox_clinic', `request/${request.id}`);
      expect(written).to.include({ practitioner: 'Practitioner/d1', role: 'system' });
      const unnamed = { ...request, id: randomUUID() };
      await example.request(unnamed, { role: 'practitioner' });
      expect(example.ledger.read('inbox_clinic', `request/${unnamed.id}`)).to.include({ role: 'practitioner' });
    });

    const purposes: [from: string, purpose: string, isAllowed: boolean][] = [
      ...['TREAT', 'ERTREAT', 'COC', 'HPAYMT', 'HOPERAT', 'PATSFTY'].map((one): [string, string, boolean] => [
        'clinic',
        one,
        true,
      ]),
      ...['HMARKT', 'HRESCH', 'PATRQT', 'PUBHLTH', 'PurposeOfUse'].map((one): [string, string, boolean] => [
        'clinic',
        one,
        false,
      ]),
      ...['HPAYMT', 'CLMATTCH', 'ELIGVER'].map((one): [string, string, boolean] => ['payer', one, true]),
      ...['TREAT', 'ETREAT', 'BTG', 'HOPERAT', 'FRAUD'].map((one): [string, string, boolean] => ['payer', one, false]),
    ];
    for (const [from, purpose, isAllowed] of purposes)
      it(`of the ${from} for ${purpose} is ${isAllowed ? 'taken' : 'refused'}`, async () => {
        const asked = example.request({ ...request, purpose }, { from });
        if (isAllowed) await asked;
        else expect(await failureOf(asked)).to.match(/FORBIDDEN at <private.request.purpose>: a (provider|payer) asks/);
      });

    const refused: [string, object, object, RegExp][] = [
      ['a bank', {}, { from: 'bank' }, /FORBIDDEN: only a provider or payer/],
      ['an operator', {}, { role: 'operator' }, /FORBIDDEN: the role must be/],
      [
        'a practitioner of its own choice',
        { practitioner: 'Practitioner/d1' },
        {},
        /FORBIDDEN at <private.request.pract/,
      ],
      [
        'another practitioner',
        { practitioner: 'Practitioner/d2' },
        { role: 'practitioner', fhirUser: 'Practitioner/d1' },
        /FORBIDDEN at <private.request.practitioner>/,
      ],
      ...['Practitioner/', 'nobody', `Practitioner/${'d'.repeat(65)}`, 'Practitioner/\0'].map(
        (fhirUser): [string, object, object, RegExp] => [
          `a certificate for ${JSON.stringify(fhirUser)}`,
          {},
          { role: 'practitioner', fhirUser },
          /FORBIDDEN: the certificate's fhirUser/,
        ],
      ),
      ['an unknown purpose', { purpose: 'MARKETING' }, {}, /INVALID at <private.request.purpose>/],
      [
        'U+0000 in an identifier',
        { patient: { ...identifier, value: 'a\0b' } },
        {},
        /INVALID at <private.request.patient.value>/,
      ],
      [
        'a lone surrogate',
        { patient: { ...identifier, value: '\ud800' } },
        {},
        /INVALID at <private.request.patient.value>/,
      ],
      [
        'an endless identifier',
        { patient: { ...identifier, value: 'a'.repeat(2000) } },
        {},
        /INVALID at <private.request.pat/,
      ],
      ['another id', { id: randomUUID() }, {}, /INVALID at <private.request.id>/],
      ['another role', { role: 'practitioner' }, {}, /FORBIDDEN at <private.request.role>/],
    ];
    for (const [what, change, caller, message] of refused)
      it(`by or with ${what} is refused and writes nothing`, async () => {
        const changed = { ...request, ...change } as AccessRequest;
        const before = example.ledger.private.size;
        expect(await failureOf(example.request(changed, { input: { id: request.id }, ...caller }))).to.match(message);
        expect(example.ledger.private.size).to.equal(before);
      });

    it('to oneself or to no provider is refused', async () => {
      for (const holder of ['clinic', 'payer', 'nobody']) {
        expect(await failureOf(example.request({ ...request, holder }))).to.match(
          /INVALID at <private.request.holder>/,
        );
      }
    });

    it('with an id that exists is refused', async () => {
      await example.request(request);
      expect(await failureOf(example.request(request))).to.match(/CONFLICT at <id>/);
    });
  });
});
