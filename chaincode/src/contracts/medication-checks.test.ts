/** What endorsers keep in mind against medicines, and hold prescriptions and dispenses to, whatever their sender shows. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { beginningOf, erasureHandle } from '../model/erasures.ts';
import { type Resource, tombstoneOf } from '../model/fhir.ts';
import type { CheckShown } from '../model/medication-alerts.ts';
import { issueOf } from '../model/medication-checks.ts';
import type { RecordDraft } from '../model/sheets.ts';
import { Erasures } from './erasures.ts';
import { evidenceFrom, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import { Records } from './records.ts';

const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const PATIENT = 'p1';
const subject = { reference: `Patient/${PATIENT}` };
const drug = (code: string) => ({ coding: [{ system: RXNORM, code }] });
const loinc = (code: string) => ({ code: { coding: [{ system: 'http://loinc.org', code }] } });

describe('what stands against medicines', () => {
  let ledger: MemoryLedger;
  beforeEach(() => {
    ledger = new MemoryLedger(exampleConsortium, [new Records(exampleConsortium), new Erasures(exampleConsortium)]);
  });

  async function record(content: object, version = 1, from = 'hospital'): Promise<string> {
    const { id = randomUUID(), ...rest } = content as { id?: string; resourceType: string };
    const resource = { ...rest, id } as Resource;
    await ledger.submit('RecordVersions', recording([sheetOf([recordDraft(resource, version)])], from));
    return id;
  }
  const allergy = (change: object = {}) => ({
    ...{ resourceType: 'AllergyIntolerance', patient: subject, code: drug('723'), criticality: 'high', ...change },
  });
  const egfr = (value: number, day: string, change: object = {}) => ({
    ...{ resourceType: 'Observation', status: 'final', subject, ...loinc('62238-1') },
    ...{ valueQuantity: { value }, effectiveDateTime: day, ...change },
  });
  const order = (code: string, change: object = {}): Resource => ({
    ...{ resourceType: 'MedicationRequest', id: randomUUID(), status: 'active', intent: 'order', subject },
    ...{ medicationCodeableConcept: drug(code), ...change },
  });
  const evidence = (id: string, version = 1) => evidenceFrom(ledger, 'hospital', id, version);
  const prescribe = (
    resource: Resource,
    shown: string[] | Partial<CheckShown> = [],
    { along = [], version = 1, from = 'hospital' }: { along?: RecordDraft[]; version?: number; from?: string } = {},
  ) => {
    const request = recording([sheetOf([recordDraft(resource, version), ...along])], from);
    const records = Array.isArray(shown) ? shown.map((id) => evidence(id)) : [];
    const check: CheckShown = { id: resource.id, records, ...(Array.isArray(shown) ? {} : shown) };
    return ledger.submit('RecordVersions', { ...request, private: { ...request.private!, checks: [check] } });
  };
  const refused = async (reason: string, ...of: Parameters<typeof prescribe>): Promise<void> => {
    const before = ledger.private.size;
    expect(await failureOf(prescribe(...of))).to.contain(reason);
    expect(ledger.private.size).to.equal(before);
  };
  const alerts = () => [...ledger.private.keys()].filter((name) => name.includes(' alert/'));
  const answered = (kind: 'allergy' | 'renal-function', of: Resource): RecordDraft =>
    recordDraft({
      ...(issueOf({ kind, severity: 'moderate', text: 'x', because: [] }, PATIENT, [referTo(of)], '2026') as Resource),
      ...{ id: randomUUID(), mitigation: [{ action: { text: 'no other is left' } }] },
    });
  const referTo = ({ resourceType, id }: Resource) => `${resourceType}/${id}`;
  const UNSHOWN = 'CONFLICT at <private.checks>: not all that stands against medicines is shown';

  it('has to be shown by whoever prescribes or hands out what the tables know, and stops it', async () => {
    const id = await record(allergy());
    await refused(UNSHOWN, order('723'));
    await refused(UNSHOWN, order('308191'));
    await refused('hard-stop', order('723'), [id]);
    const one = order('723');
    await refused('hard-stop', one, [id], { along: [answered('allergy', one)] });
    const dispense = { ...order('723'), resourceType: 'MedicationDispense', status: 'completed' };
    await refused(UNSHOWN, dispense);
    await refused('hard-stop', dispense, [id]);
    await prescribe({ ...dispense, status: 'preparation' });
    await prescribe(order('5640'), [id]);
    await prescribe(order('314076'));
  });

  it('is overridden by a reason beside it, and by no reason not', async () => {
    const id = await record(allergy({ criticality: 'low' }));
    const one = order('723');
    await refused('no-reason', one, [id]);
    await refused('no-reason', one, [id], { along: [answered('renal-function', one)] });
    await refused('no-reason', one, [id], { along: [answered('allergy', order('723'))] });
    await prescribe(one, [id], { along: [answered('allergy', one)] });
  });

  it('is recorded in the same transaction as well', async () => {
    const along = [recordDraft({ ...allergy(), id: randomUUID() })];
    await refused('hard-stop', order('723'), [], { along });
    expect(alerts()).to.have.length(0);
  });

  it('is one provider’s, and one patient’s', async () => {
    const id = await record(allergy());
    await prescribe(order('723'), [], { from: 'clinic' });
    await prescribe(order('723', { subject: { reference: 'Patient/p2' } }));
    const hers = await record(allergy({ patient: { reference: 'Patient/p2' } }));
    await refused('hard-stop', order('723'), [id]);
    await refused(UNSHOWN, order('723'), [hers]);
  });

  it('stands until its record says that it does no more', async () => {
    const id = await record(allergy());
    const over = { clinicalStatus: { coding: [{ code: 'resolved' }] } };
    await record({ ...allergy(over), id }, 2);
    await prescribe(order('723'));
    await record({ ...allergy(), id }, 3);
    await refused(UNSHOWN, order('723'));
    await refused('is not the current version', order('723'), { records: [evidence(id, 2)] });
    await refused('hard-stop', order('723'), { records: [evidence(id, 3)] });
    const tombstone = canonicalJson(tombstoneOf({ ...allergy(), id } as Resource));
    const deleted = {
      ...recordDraft({ ...allergy(), id } as Resource, 4),
      deleted: true as const,
      resource: tombstone,
    };
    await ledger.submit('RecordVersions', recording([sheetOf([deleted])]));
    await prescribe(order('723'));
  });

  it('is not asked for once it is erased', async () => {
    const id = await record(allergy());
    const marked = { handle: erasureHandle('hospital', id), begins: beginningOf(id), salt: 'a'.repeat(64) };
    await ledger.submit('EraseRecord', {
      from: 'patients',
      role: 'system',
      input: { provider: 'hospital' },
      private: marked,
    });
    await prescribe(order('723'));
  });

  it('is the newest of what is measured, and all of the rest', async () => {
    await record(egfr(25, '2026-01-01'));
    const newest = await record(egfr(80, '2026-02-01'));
    await record(egfr(20, '2025-02-01'));
    await prescribe(order('6809'), [newest]);
    await refused(UNSHOWN, order('6809'));
    const worse = await record(egfr(29, '2026-02-02'));
    await refused('hard-stop', order('6809'), [worse]);
    const pregnant = await record({
      ...{ resourceType: 'Condition', subject, clinicalStatus: { coding: [{ code: 'active' }] } },
      code: { coding: [{ code: '77386006' }] },
    });
    await refused('hard-stop', order('6064'), [worse, pregnant]);
    const nitrate = randomUUID();
    await prescribe({ ...order('4917'), id: nitrate }, [worse, pregnant]);
    await refused(UNSHOWN, order('136411'), [worse, pregnant]);
    await refused('hard-stop', order('136411'), [worse, pregnant, nitrate]);
  });

  it('is held to what is decided anew, and not to what is only touched', async () => {
    const one = order('723', { authoredOn: '2026-02-28T13:00:00Z' });
    await prescribe(one);
    const old = order('723', { authoredOn: '2020-01-01' });
    const drafted = order('723', { status: 'draft' });
    await prescribe(drafted);
    const id = await record(allergy());
    await prescribe(old);
    await prescribe({ ...one, note: [{ text: 'x' }] }, { previous: evidence(one.id) }, { version: 2 });
    const allergies = { records: [evidence(id)] };
    await refused('hard-stop', { ...drafted, status: 'active' }, allergies, { version: 2 });
    const previous = { previous: evidence(old.id), ...allergies };
    await refused('hard-stop', { ...old, medicationCodeableConcept: drug('308191') }, previous, { version: 2 });
    await refused('hard-stop', { ...old, note: [{ text: 'x' }] }, allergies, { version: 2 });
    await refused('is another record or version', { ...old }, { previous: evidence(one.id) }, { version: 2 });
  });

  it('writes nothing for what has nothing to do with medicines, and names nobody', async () => {
    const plain = { resourceType: 'Observation', status: 'final', subject, ...loinc('8867-4') };
    const id = await record(plain);
    await record({ ...plain, id }, 2);
    await record(order('723'));
    expect(alerts()).to.deep.equal([]);
    await record(allergy());
    expect(alerts()).to.have.length(1);
    expect(alerts()[0]).to.not.contain(PATIENT);
  });
});
