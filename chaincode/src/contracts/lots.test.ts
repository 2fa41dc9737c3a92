import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger } from '../ledger/memory-ledger.fixture.ts';
import type { Resource } from '../model/fhir.ts';
import { GTIN_SYSTEM, type LotShown, type RecallInput, SCAN_SYSTEM } from '../model/lots.ts';
import { lotEvidence, publishing, recalling } from './example-lots.fixture.ts';
import { evidenceFrom, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import { Recalls } from './recalls.ts';
import { Records } from './records.ts';

const PRODUCT = { system: GTIN_SYSTEM, code: '09506000134352' };
const OTHER = { system: GTIN_SYSTEM, code: '00614141007349' };
const SALT = 'ab'.repeat(32);

describe('the lot that is handed out', () => {
  let ledger: MemoryLedger;
  beforeEach(() => {
    ledger = new MemoryLedger(exampleConsortium, [new Records(exampleConsortium), new Recalls(exampleConsortium)]);
  });

  const medication = (batch: object | undefined, more: object = {}) => ({
    ...{ resourceType: 'Medication', id: 'm', code: { coding: [PRODUCT] } },
    ...(batch === undefined ? {} : { batch }),
    ...more,
  });
  const dispenseOf = (id: string, contained: object, change: object = {}): Resource => ({
    ...{ resourceType: 'MedicationDispense', id, status: 'completed', subject: { reference: 'Patient/p1' } },
    ...{ contained: [contained], medicationReference: { reference: '#m' } },
    ...change,
  });
  interface Change {
    medication?: object;
    resource?: object;
    shown?: Partial<LotShown> | null;
    id?: string;
    version?: number;
    along?: Resource[];
  }
  function handOut(batch: object | undefined, change: Change = {}) {
    const { id = randomUUID(), version = 1, along = [] } = change;
    const draft = recordDraft(dispenseOf(id, medication(batch, change.medication), change.resource), version);
    const request = recording([sheetOf([draft, ...along.map((one) => recordDraft(one))])], 'clinic');
    const previous =
      version === 1
        ? {}
        : {
            dispenses: [{ id, known: 0, salt: SALT, previous: evidenceFrom(ledger, 'clinic', id, version - 1) }],
          };
    const lots = [{ id, ...lotEvidence(ledger, [PRODUCT]), ...change.shown }];
    const hidden = { ...request.private!, ...previous, ...(change.shown === null ? {} : { lots }) };
    return ledger.submit('RecordVersions', { ...request, private: hidden });
  }
  const recall = (change: Partial<RecallInput> = {}) =>
    ledger.submit(
      'PublishRecall',
      recalling(ledger, {
        ...{ id: randomUUID(), product: PRODUCT, lots: ['AB12'], reason: 'Glass in it.', status: 'active' },
        ...change,
      }),
    );
  const publish = () =>
    ledger.submit(
      'PublishLots',
      publishing(ledger, { product: PRODUCT, lots: [{ number: 'AB12', expiry: '2027-05-31' }] }),
    );
  const refused = async (reason: RegExp, batch: object | undefined, change: Change = {}): Promise<void> => {
    const before = ledger.private.size;
    expect(await failureOf(handOut(batch, change))).to.match(reason);
    expect(ledger.private.size).to.equal(before);
  };

  it('has not expired, by the ledger’s time and by when it is handed over', async () => {
    await refused(/CONFLICT.*lot-expired/, { lotNumber: 'A', expirationDate: '2026-02' });
    await refused(
      /lot-expired/,
      { lotNumber: 'A', expirationDate: '2026-02-28' },
      { resource: { whenHandedOver: '2026-02-01T10:00:00Z' } },
    );
    await handOut({ lotNumber: 'A', expirationDate: '2026-03' });
    await handOut({ lotNumber: 'A', expirationDate: '2026-03-01' });
    // What was never handed out is recorded as it is.
    await handOut({ lotNumber: 'A', expirationDate: '2020' }, { resource: { status: 'cancelled' } });
  });

  it('is one that there is, with its expiry, once lots of the product are published', async () => {
    await handOut({ lotNumber: 'XX' });
    await publish();
    await refused(/lot-unknown/, { lotNumber: 'XX' });
    await refused(/lot-not-stated/, undefined);
    await refused(/other-expiry/, { lotNumber: 'AB12', expirationDate: '2027-06' });
    await handOut({ lotNumber: 'ab12', expirationDate: '2027-05' });
    await handOut({ lotNumber: 'AB12' });
    expect(await failureOf(handOut({ lotNumber: 'XX' }, { shown: null }))).to.match(/CONFLICT.*private.lots/);
  });

  it('is not recalled, by whatever name it is typed in, until the recall ends', async () => {
    const id = randomUUID();
    await handOut({ lotNumber: 'AB12' });
    await recall({ id });
    for (const lotNumber of ['AB12', 'ab12', ' ab12 ']) await refused(/lot-recalled/, { lotNumber });
    await refused(/lot-not-stated/, undefined);
    await handOut({ lotNumber: 'AB13' });
    // Neither the product's code in fewer digits is another.
    const code = { coding: [{ system: GTIN_SYSTEM, code: '9506000134352' }] };
    await refused(/lot-recalled/, { lotNumber: 'AB12' }, { medication: { code } });
    await recall({ id, lots: ['AB12', 'AB13'] });
    await refused(/lot-recalled/, { lotNumber: 'AB13' });
    await recall({ id, status: 'ended' });
    await handOut({ lotNumber: 'AB12' });
    await recall({ lots: [] });
    await refused(/lot-recalled/, undefined);
    await refused(/lot-recalled/, { lotNumber: 'whatever' });
  });

  it('is corrected where it was handed out before the recall, and not exchanged for a recalled one', async () => {
    const [id, other] = [randomUUID(), randomUUID()];
    await handOut({ lotNumber: 'AB12' }, { id });
    await handOut({ lotNumber: 'XX' }, { id: other });
    await recall();
    await handOut({ lotNumber: 'AB12' }, { id, version: 2, resource: { daysSupply: { value: 3 } } });
    await refused(/lot-recalled/, { lotNumber: 'AB12' }, { id: other, version: 2 });
    await handOut({ lotNumber: 'AB12' }, { id, version: 3, resource: { status: 'entered-in-error' } });
    await refused(/lot-recalled/, { lotNumber: 'AB12' }, { id, version: 4 });
  });

  it('was handed over when it says where it is taken over from elsewhere with its prescription, and is recorded then', async () => {
    await recall();
    const prescription = { resourceType: 'MedicationRequest', id: randomUUID(), status: 'completed' };
    const named = { authorizingPrescription: [{ reference: `MedicationRequest/${prescription.id}` }] };
    const before = { resource: { whenHandedOver: '2026-01-01T10:00:00Z' } };
    await refused(/lot-recalled/, { lotNumber: 'AB12' }, before);
    const taken = { resource: { ...before.resource, ...named, status: 'completed' }, along: [prescription] };
    // What its prescription says is another matter: it got past its lot.
    expect(await failureOf(handOut({ lotNumber: 'AB12' }, taken))).to.not.match(/lot-/);
  });

  it('is what the register holds, shown with it', async () => {
    const early = lotEvidence(ledger, [PRODUCT]);
    await recall();
    await refused(/CONFLICT.*private.lots/, { lotNumber: 'AB12' }, { shown: null });
    await refused(/CONFLICT.*private.lots/, { lotNumber: 'AB12' }, { shown: { ...early } });
    await refused(/CONFLICT.*private.lots/, { lotNumber: 'AB12' }, { shown: lotEvidence(ledger, [OTHER]) });
  });

  it('is that of the Medication which is referred to, shown or recorded along', async () => {
    await recall();
    const id = randomUUID();
    const resource = { contained: undefined, medicationReference: { reference: `Medication/${id}` } };
    const held = { ...medication({ lotNumber: 'AB12' }), id };
    await refused(/does not show the Medication/, undefined, { resource });
    await refused(/lot-recalled/, undefined, { resource, along: [held] });
    await ledger.submit('RecordVersions', recording([sheetOf([recordDraft(held)])], 'clinic'));
    const shown = { medication: { provider: 'clinic', record: evidenceFrom(ledger, 'clinic', id) } };
    await refused(/lot-recalled/, undefined, { resource, shown });
  });

  it('is what was scanned', async () => {
    const scanned = (value: string) => ({ medication: { identifier: [{ system: SCAN_SYSTEM, value }] } });
    const one = scanned('(01)09506000134352(17)270500(10)AB12');
    await handOut({ lotNumber: 'AB12', expirationDate: '2027-05-31' }, one);
    await refused(/INVALID.*lot is not/, { lotNumber: 'AB13', expirationDate: '2027-05-31' }, one);
    await refused(/INVALID.*expiry is not/, { lotNumber: 'AB12', expirationDate: '2027-06-30' }, one);
    await refused(/contained\[0\].identifier\[0\].value.*check digit/, {}, scanned('(01)09506000134353'));
  });
});

describe('a recall', () => {
  let ledger: MemoryLedger;
  const id = randomUUID();
  const input: RecallInput = { id, product: PRODUCT, lots: ['AB12'], reason: 'Glass in it.', status: 'active' };
  beforeEach(async () => {
    ledger = new MemoryLedger(exampleConsortium, [new Recalls(exampleConsortium)]);
    await ledger.submit('PublishRecall', recalling(ledger, input));
  });
  const counts = { dispenses: 3, patients: 2, reached: 1 };
  const report = (from: string, provider: string, change: object = {}, known = 0) =>
    ledger.submit('ReportRecall', {
      ...{ from, role: 'system', input: { id, provider } },
      private: { counts: { ...counts, ...change }, known, salt: SALT },
    } as never);

  it('is the regulator’s, keeps its product and its day', async () => {
    for (const from of ['hospital', 'payer', 'patients'])
      expect(await failureOf(ledger.submit('PublishRecall', { ...recalling(ledger, input), from } as never))).to.match(
        /FORBIDDEN/,
      );
    const other = recalling(ledger, { ...input, product: OTHER });
    expect(await failureOf(ledger.submit('PublishRecall', other))).to.match(/CONFLICT.*keeps its product/);
    const first = JSON.parse(ledger.private.get(`registers recall/${id}/1`)!);
    await ledger.submit('PublishRecall', recalling(ledger, { ...input, status: 'ended' }));
    const second = JSON.parse(ledger.private.get(`registers recall/${id}/2`)!);
    expect([second.status, second.publishedAt]).to.deep.equal(['ended', first.publishedAt]);
  });

  it('is answered with counts, by a provider of itself and by the custodian of each', async () => {
    await report('hospital', 'hospital');
    await report('hospital', 'hospital', { reached: 2 });
    await report('patients', 'hospital');
    const keys = [...ledger.private.keys()].filter((key) => key.includes('recall-report/')).sort();
    expect(keys).to.deep.equal([
      `care_hospital recall-report/${id}/hospital/hospital/1`,
      `care_hospital recall-report/${id}/hospital/hospital/2`,
      `reviews recall-report/${id}/hospital/hospital/1`,
      `reviews recall-report/${id}/hospital/hospital/2`,
      `reviews recall-report/${id}/hospital/patients/1`,
    ]);
  });

  it('is answered for nobody else, about no other recall, and not with more than there is', async () => {
    expect(await failureOf(report('hospital', 'clinic'))).to.match(/FORBIDDEN.*itself alone/);
    expect(await failureOf(report('patients', 'payer'))).to.match(/INVALID.*no provider/);
    expect(await failureOf(report('payer', 'hospital'))).to.match(/FORBIDDEN/);
    expect(await failureOf(report('hospital', 'hospital', { reached: 3 }))).to.match(/INVALID.*counts/);
    expect(await failureOf(report('hospital', 'hospital', { dispenses: 1 }))).to.match(/INVALID.*counts/);
    const other = { from: 'hospital', role: 'system', input: { id: randomUUID(), provider: 'hospital' } };
    const hidden = { counts, known: 0, salt: SALT };
    expect(await failureOf(ledger.submit('ReportRecall', { ...other, private: hidden } as never))).to.match(
      /NOT_FOUND/,
    );
  });
});
