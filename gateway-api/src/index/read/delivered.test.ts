/** Which deliveries may have to be looked at again: by the order of the ledger, whatever was written when. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { onEachDatabase } from '../databases.fixture.ts';
import { FixtureIndex, type RecordWrites, recordWrites } from '../index.fixture.ts';
import { consentWrite, copiesWrite, delivery, evidenceFrom, grantOf } from '../values.fixture.ts';

onEachDatabase('Deliveries at the custodian', (kind) => {
  let custodian: FixtureIndex;
  let patient: string;
  let record: RecordWrites;
  let access: string;
  let start: number;
  const subject = (id: string) => ({ subject: { reference: `Patient/${id}` } });

  beforeEach(async () => {
    custodian = await FixtureIndex.open('patients', kind);
    patient = randomUUID();
    record = recordWrites('Observation', subject(patient));
    await custodian.block({ privateWrites: record });
    access = await delivered(record);
    start = await custodian.index.delivered.head();
  });
  afterEach(() => custodian.close());

  async function delivered(...records: RecordWrites[]): Promise<string> {
    const id = randomUUID();
    await custodian.block(
      delivery(
        copiesWrite(
          records.map((one) => evidenceFrom(one, one.id)),
          { access: id },
        ),
      ),
    );
    return id;
  }
  const written = (writes: RecordWrites) => custodian.block({ privateWrites: writes });
  const touched = async () => custodian.index.delivered.touched(start, await custodian.index.delivered.head());
  async function outdated(count = 100): Promise<string[]> {
    const found: string[] = [];
    for (let after: string | undefined; ; ) {
      const { ids, next } = await custodian.index.delivered.outdated({ count, after });
      found.push(...ids);
      if (next === undefined) return found;
      after = next;
    }
  }
  const expectFound = async (found: string[]): Promise<void> => {
    expect(await touched()).to.have.members(found);
    expect(await outdated()).to.have.members(found);
    expect(await outdated(1)).to.have.members(found);
  };

  it('are touched by a further version of what they delivered', async () => {
    await expectFound([]);
    await written(recordWrites('Observation', { id: record.id, version: 2, ...subject(patient) }));
    await expectFound([access]);
  });

  it('are touched by a consent of their patient’s, and by a further version of another record of hers', async () => {
    const other = recordWrites('Observation', { id: randomUUID(), ...subject(patient) });
    await written(other);
    await expectFound([]);
    await written(recordWrites('Observation', { id: other.id, version: 2, ...subject(patient) }));
    await expectFound([access]);
    start = await custodian.index.delivered.head();
    expect(await touched()).to.deep.equal([]);
    await custodian.block({
      creator: 'PatientsMSP',
      privateWrites: [consentWrite({ patient: { reference: `Patient/${patient}` } })],
    });
    expect(await touched()).to.deep.equal([access]);
  });

  it('are touched where a record turns out to be another patient’s', async () => {
    await written(recordWrites('Observation', { id: record.id, version: 2, ...subject(randomUUID()) }));
    await expectFound([access]);
  });

  it('are not touched by what is another patient’s or provider’s', async () => {
    const [other, foreign] = [
      recordWrites('Observation', { id: randomUUID(), ...subject(randomUUID()) }),
      randomUUID(),
    ];
    await written(other);
    await written(recordWrites('Observation', { id: other.id, version: 2, ...subject(randomUUID()) }));
    const theirs = (version: number) =>
      recordWrites('Observation', { id: foreign, version, author: 'ClinicMSP', ...subject(patient) }, 'care_clinic');
    for (const version of [1, 2]) await custodian.block({ creator: 'ClinicMSP', privateWrites: theirs(version) });
    await expectFound([]);
  });

  it('are only those that were made before', async () => {
    const second = recordWrites('Observation', { id: record.id, version: 2, ...subject(patient) });
    await written(second);
    const copies = copiesWrite([evidenceFrom(second, record.id, 2)]);
    await custodian.block(delivery(copies));
    expect(await outdated()).to.deep.equal([access]);
    expect(await touched()).to.have.members([access, JSON.parse(grantOf(copies)[0]!.value!).id]);
  });
});
