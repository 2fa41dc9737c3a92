/** Linking one person's Patients: what each provider's peer takes from its own record, and what nobody alone can say. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger, type Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { bucketOf } from '../model/directories.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { isOnePerson, isSamePerson, linkSchema, type PatientLink } from '../model/links.ts';
import { newSalt } from './example-patient.fixture.ts';
import { evidenceFrom, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import { Links } from './links.ts';
import { Records } from './records.ts';

const SSN = { system: 'urn:ssn', value: '219-09-9999' };
const JANE = { name: [{ family: 'Müller', given: ['Jane'] }], birthDate: '1970-01-01', gender: 'female' };

const withMrn = (value: string, change: object) => ({ ...JANE, identifier: [{ system: 'urn:mrn', value }], ...change });

describe('Links of Patients', () => {
  let ledger: MemoryLedger;
  const person = randomUUID();
  beforeEach(() => {
    ledger = new MemoryLedger(exampleConsortium, [new Records(exampleConsortium), new Links(exampleConsortium)]);
  });

  const patientAt = async (provider: string, content: object, version = 1, id: string = randomUUID()) => {
    const draft = recordDraft({ resourceType: 'Patient', ...content, id } as Resource, version);
    await ledger.submit('RecordVersions', recording([sheetOf([draft])], provider));
    return id;
  };
  const link = (provider: string, id: string, change: object = {}, caller: Partial<Request<'LinkPatient'>> = {}) => {
    const patient = evidenceFrom(ledger, provider, id);
    const said = { person, status: 'linked' as const, by: 'patient' as const, known: 0, salt: newSalt() };
    return ledger.submit('LinkPatient', {
      ...{ from: 'patients', role: 'system', input: { provider }, private: { patient, ...said, ...change } },
      ...caller,
    });
  };
  const linkOf = (provider: string, id: string, generation = 1): PatientLink =>
    linkSchema.parse(JSON.parse(ledger.private.get(`care_${provider} link/${id}/${generation}`) ?? 'null'));
  /** Whether two Patients, linked as one person, count as one. */
  const areOne = async (one: object, other: object): Promise<boolean> => {
    const [here, there] = [await patientAt('hospital', one), await patientAt('clinic', other)];
    await link('hospital', here);
    await link('clinic', there);
    const counts = isSamePerson(linkOf('hospital', here), linkOf('clinic', there));
    const resourceOf = (content: object) => ({ resourceType: 'Patient', id: 'x', ...content });
    expect(isOnePerson(resourceOf(one), resourceOf(other)), 'as the custodian foresees it').to.equal(counts);
    return counts;
  };

  const PAIRS: [what: string, one: object, other: object, isOne: boolean][] = [
    ['share an identifier', { identifier: [SSN] }, { identifier: [{ system: 'urn:mrn', value: '1' }, SSN] }, true],
    ['share a value of another system', { identifier: [SSN] }, { identifier: [{ ...SSN, system: 'urn:mrn' }] }, false],
    [
      'share name, birth date and gender',
      JANE,
      { ...JANE, name: [{ family: ' MULLER', given: ['jane', 'B.'] }] },
      true,
    ],
    ['share a name and a birth date', withMrn('1', { gender: 'unknown' }), withMrn('2', { gender: 'unknown' }), false],
    ['share name, gender and year', withMrn('1', { birthDate: '1970' }), withMrn('2', { birthDate: '1970' }), false],
    ['share a family name alone', JANE, { ...JANE, name: [{ family: 'Müller', given: ['Joan'] }] }, false],
    [
      'share an identifier and differ in birth date',
      { ...JANE, identifier: [SSN] },
      { identifier: [SSN], birthDate: '1971-01-01' },
      false,
    ],
    [
      'share an identifier and differ in gender',
      { ...JANE, identifier: [SSN] },
      { identifier: [SSN], gender: 'male' },
      false,
    ],
    ['share an identifier, and one says no more', { ...JANE, identifier: [SSN] }, { identifier: [SSN] }, true],
  ];
  for (const [what, one, other, isOne] of PAIRS)
    it(`${isOne ? 'count' : 'do not count'} where the records ${what}`, async () => {
      expect(await areOne(one, other)).to.equal(isOne);
    });

  it('say nothing to one provider of another, nor by what they are one', async () => {
    const [here, there] = [
      await patientAt('hospital', { ...JANE, identifier: [SSN] }),
      await patientAt('clinic', { identifier: [SSN] }),
    ];
    const { writes } = await link('hospital', here);
    await link('clinic', there);
    expect(Object.keys(writes.private)).to.deep.equal([`care_hospital link/${here}/1`]);
    const text = ledger.private.get(`care_hospital link/${here}/1`) ?? '';
    for (const secret of [there, 'clinic', SSN.value, SSN.system, 'ller', '1970-01-01', 'female'])
      expect(text).not.to.contain(secret);
    expect(writes.event).to.deep.equal({ name: 'PatientLinked', payload: '{}' });
  });

  it('stay what they were when an identifier is changed or given to another', async () => {
    const [here, there] = [
      await patientAt('hospital', { identifier: [SSN] }),
      await patientAt('clinic', { identifier: [SSN] }),
    ];
    await link('hospital', here);
    await link('clinic', there);
    await patientAt('hospital', { identifier: [{ ...SSN, value: '456' }] }, 2, here);
    expect(isSamePerson(linkOf('hospital', here), linkOf('clinic', there))).to.equal(true);
    const other = await patientAt('hospital', { identifier: [{ ...SSN, value: '789' }] });
    await link('hospital', other);
    expect(isSamePerson(linkOf('hospital', other), linkOf('clinic', there)), 'nothing identifies both').to.equal(false);
  });

  it('end by a generation of their own, by the patient or the custodian', async () => {
    const [here, there] = [
      await patientAt('hospital', { identifier: [SSN] }),
      await patientAt('clinic', { identifier: [SSN] }),
    ];
    await link('hospital', here);
    await link('clinic', there);
    await link('hospital', here, { status: 'unlinked', by: 'custodian', known: 1 });
    expect(linkOf('hospital', here, 2)).to.deep.include({ status: 'unlinked', identities: [], by: 'custodian' });
    expect(isSamePerson(linkOf('hospital', here, 2), linkOf('clinic', there))).to.equal(false);
  });

  it('are begun by the custodian in trust, and of nobody who has a key or is about to', async () => {
    const here = await patientAt('hospital', { identifier: [SSN] });
    await link('hospital', here, { by: 'custodian' });
    expect(linkOf('hospital', here)).to.include({ by: 'custodian', status: 'linked' });
    const keyed = await patientAt('hospital', { identifier: [SSN] });
    const bucket = bucketOf(keyed);
    const enter = (from: string) => {
      const key = { x: 'x'.repeat(43), y: 'y'.repeat(43), how: 'enrolled', via: randomUUID(), addedAt: from, from };
      const directory = { schema: 1, consents: {}, keys: { [keyed]: [key] }, salt: newSalt() };
      ledger.private.set(`care_hospital ${privateKeys.directory(bucket, 1)}`, canonicalJson(directory));
    };
    for (const from of ['2026-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z']) {
      enter(from);
      for (const directory of [undefined, 0, 1])
        expect(
          await failureOf(
            link('hospital', keyed, { by: 'custodian', ...(directory === undefined ? {} : { directory }) }),
          ),
        ).to.match(/FORBIDDEN at <private.by>: this patient has a key/);
    }
    await link('hospital', keyed, { by: 'patient' });
    await link('hospital', keyed, { by: 'custodian', status: 'unlinked', known: 1 });
  });

  it('are refused of what is no current Patient, out of turn, by others, and without anything that identifies', async () => {
    const here = await patientAt('hospital', { identifier: [SSN] });
    expect(await failureOf(link('hospital', here, { known: 1 }))).to.match(/INVALID at <private.known>/);
    expect(await failureOf(link('hospital', here, {}, { from: 'hospital' }))).to.match(/FORBIDDEN/);
    expect(
      await failureOf(link('hospital', here, { patient: { ...evidenceFrom(ledger, 'hospital', here), index: 1 } })),
    ).to.match(/INVALID/);
    await link('hospital', here);
    expect(await failureOf(link('hospital', here))).to.match(/CONFLICT at <private.known>/);
    const nobody = await patientAt('hospital', { gender: 'female' });
    expect(await failureOf(link('hospital', nobody))).to.match(/INVALID at <private.patient>: nothing identifies/);
    const changed = evidenceFrom(ledger, 'hospital', here);
    await patientAt('hospital', { identifier: [SSN] }, 2, here);
    expect(await failureOf(link('hospital', here, { patient: changed, known: 1 }))).to.match(/CONFLICT/);
  });
});
