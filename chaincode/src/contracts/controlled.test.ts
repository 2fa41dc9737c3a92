/** Prescriptions of controlled substances: who signs them, what a signature is of, and that nothing is handed out without both. */
import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger } from '../ledger/memory-ledger.fixture.ts';
import type { Resource } from '../model/fhir.ts';
import type { PrivateOf } from '../model/transactions.ts';
import { Controlled } from './controlled.ts';
import { bucketEvidence, licensing } from './example-register.fixture.ts';
import { evidenceFrom, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import { Records } from './records.ts';
import { Registry } from './registry.ts';

const SUBSTANCE = { system: 'urn:example:substances', code: 'c2' };
const [PRESCRIBER, SECOND, ALIAS] = ['Practitioner/d1', 'Practitioner/d2', 'Practitioner/d3'];
const NUMBERS = { [PRESCRIBER]: '1234567893', [ALIAS]: '1234567893', [SECOND]: '2345678901' } as Record<string, string>;
const hex = (): string => randomBytes(32).toString('hex');
const tablets = (value: number) => ({ value, unit: 'TAB' });

describe('the prescription of a controlled substance', () => {
  let ledger: MemoryLedger;
  let id: string;
  let handle: string;

  beforeEach(async () => {
    const contracts = [Records, Registry, Controlled].map((Contract) => new Contract(exampleConsortium));
    ledger = new MemoryLedger(exampleConsortium, contracts);
    await licensed(NUMBERS[PRESCRIBER]!, [PRESCRIBER, ALIAS]);
    await licensed(NUMBERS[SECOND]!, [SECOND]);
    await ledger.submit('SetControlled', {
      ...{ from: 'regulator', role: 'auditor', private: { salt: hex() } },
      input: { substances: [SUBSTANCE] },
    });
    handle = hex();
    id = randomUUID();
    await prescribe(1);
  });

  const licensed = (number: string, named: readonly string[], change: object = {}) =>
    ledger.submit(
      'SetLicence',
      licensing(ledger, {
        ...{ number, status: 'active', start: '2020-01-01', end: '2030-01-01' },
        practitioners: named.map((practitioner) => ({ organisation: 'hospital', practitioner })),
        ...change,
      }),
    );
  const prescribe = (version: number, change: object = {}) => {
    const resource: Resource = {
      ...{ resourceType: 'MedicationRequest', id, status: 'active', intent: 'order' },
      ...{ subject: { reference: 'Patient/p1' }, requester: { reference: PRESCRIBER }, authoredOn: '2026-03-01' },
      medicationCodeableConcept: { coding: [SUBSTANCE] },
      dispenseRequest: { quantity: tablets(20), numberOfRepeatsAllowed: 1 },
      ...change,
    };
    return ledger.submit('RecordVersions', recording([sheetOf([{ ...recordDraft(resource, version), handle }])]));
  };
  const licenceOf = (who: string) => {
    const { register, buckets } = bucketEvidence(ledger, [NUMBERS[who]!]);
    return { number: NUMBERS[who]!, register, bucket: buckets[0]! };
  };
  const sign = (fhirUser: string, version = 1, change: Partial<PrivateOf<'SignPrescription'>> = {}) =>
    ledger.submit('SignPrescription', {
      ...{ from: 'hospital', role: 'practitioner', fhirUser, input: {} },
      private: {
        prescription: evidenceFrom(ledger, 'hospital', id, version),
        licence: licenceOf(fhirUser),
        prescriber: licenceOf(PRESCRIBER),
        ...{ id: randomUUID(), salt: hex(), ...change },
      },
    });
  const dispense = (version = 1, amount = 20, known = 0) => {
    const dispensed = randomUUID();
    const resource: Resource = {
      ...{ resourceType: 'MedicationDispense', id: dispensed, status: 'completed', quantity: tablets(amount) },
      ...{ subject: { reference: 'Patient/p1' }, medicationCodeableConcept: { coding: [SUBSTANCE] } },
      authorizingPrescription: [{ reference: `MedicationRequest/${id}` }],
    };
    const request = recording([sheetOf([{ ...recordDraft(resource), handle }])], 'clinic');
    const record = evidenceFrom(ledger, 'hospital', id, version);
    const shown = { id: dispensed, known, salt: hex(), licence: licenceOf(PRESCRIBER) };
    return ledger.submit('RecordVersions', {
      ...request,
      private: { ...request.private!, dispenses: [{ ...shown, prescription: { provider: 'hospital', record } }] },
    });
  };
  async function refused(reason: string, act: () => Promise<unknown>): Promise<void> {
    const before = [...ledger.private.keys()];
    expect(await failureOf(act())).to.contain(reason);
    expect([...ledger.private.keys()]).to.deep.equal(before);
  }
  const signBoth = async (version = 1): Promise<void> => {
    await sign(PRESCRIBER, version);
    await sign(SECOND, version);
  };

  it('is handed out after both signatures, for its refill too, and never for more', async () => {
    await refused('prescriber-signature-missing', () => dispense());
    await sign(PRESCRIBER);
    await refused('second-signature-missing', () => dispense());
    await sign(SECOND);
    await dispense();
    await dispense(1, 20, 1);
    await refused('over-quantity', () => dispense(1, 1, 2));
  });

  it('is signed second by another human: not by one licence for two names, nor by who prescribed', async () => {
    await refused('prescriber-first', () => sign(SECOND));
    await sign(PRESCRIBER);
    await refused('same-person', () => sign(ALIAS));
    // Nor by two licences of which one names both.
    await licensed(NUMBERS[SECOND]!, [SECOND, PRESCRIBER]);
    await refused('same-person', () => sign(SECOND));
    await refused('licence-of-another', () => sign(SECOND, 1, { licence: licenceOf(PRESCRIBER) }));
  });

  it('is signed once by each: a signature that is sent again is refused', async () => {
    await signBoth();
    for (const who of [PRESCRIBER, SECOND]) await refused('CONFLICT', () => sign(who));
  });

  it('is signed as it is: a signature of another version, or of before a change, counts for nothing', async () => {
    await signBoth();
    await prescribe(2, { dispenseRequest: { quantity: tablets(200), numberOfRepeatsAllowed: 1 } });
    await refused('prescriber-signature-missing', () => dispense(2));
    await refused('not the current version', () => dispense(1));
    await refused('not the current version', () => sign(SECOND, 1));
    await refused('prescriber-first', () => sign(SECOND, 2));
    await signBoth(2);
    await dispense(2);
    // More repeats than were signed.
    await prescribe(3, { dispenseRequest: { quantity: tablets(200), numberOfRepeatsAllowed: 9 } });
    await refused('prescriber-signature-missing', () => dispense(3, 20, 1));
    // As it was signed.
    await prescribe(4, { dispenseRequest: { quantity: tablets(200), numberOfRepeatsAllowed: 1 } });
    await dispense(4, 20, 1);
  });

  it('is not signed by whose licence is suspended, absent or another’s, and not when it is over', async () => {
    await refused('licence-absent', () => sign(PRESCRIBER, 1, { licence: undefined }));
    await sign(PRESCRIBER);
    await licensed(NUMBERS[SECOND]!, [SECOND], { status: 'suspended' });
    await refused('licence-suspended', () => sign(SECOND));
    await licensed(NUMBERS[SECOND]!, [SECOND]);
    await refused('prescriber-not-licensed', () => sign(SECOND, 1, { prescriber: undefined }));
    await prescribe(2, { status: 'stopped' });
    await refused('prescription-not-active', () => sign(SECOND, 2));
    await prescribe(3, { medicationCodeableConcept: { text: 'example' } });
    await refused('not-controlled', () => sign(SECOND, 3));
  });

  it('is not handed out once its prescriber is suspended or excluded, and is after his licence expired', async () => {
    await signBoth();
    for (const status of ['suspended', 'excluded']) {
      await licensed(NUMBERS[PRESCRIBER]!, [PRESCRIBER, ALIAS]);
      ledger.time = '2026-03-08T12:00:00.000Z';
      await licensed(NUMBERS[PRESCRIBER]!, [PRESCRIBER, ALIAS], { status, effective: '2026-03-08' });
      await refused('prescriber-not-licensed', () => dispense());
    }
    await licensed(NUMBERS[PRESCRIBER]!, [PRESCRIBER, ALIAS], { end: '2026-03-07' });
    await dispense();
  });
});
