import { randomUUID } from 'node:crypto';
import { all } from '@telemed-ledger/consortium/policies.ts';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { policyBytes } from '../ledger/policies.ts';
import { restrictionHandle } from '../model/corrections.ts';
import { privateKeys } from '../model/keys.ts';
import { ExamplePatient, newSalt, patients, toOrganisation } from './example-patient.fixture.ts';

const CARE = 'care_hospital';
const WORDS = 'It was the left foot.';

describe('the corrections contract', () => {
  let example: ExamplePatient;
  let record: string;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
    record = await example.observation();
  });
  const hospital = { from: 'hospital', role: 'system' } as const;
  const asked = (change: object = {}) => ({
    ...{ id: randomUUID(), record, type: 'Observation', version: 1, patient: example.patientId },
    ...{ words: WORDS, askedBy: 'patient' as const, salt: newSalt() },
    ...change,
  });
  const ask = (correction = asked(), provider = 'hospital', caller: object = patients) =>
    example.ledger.submit('AskCorrection', { ...patients, input: { provider }, private: correction, ...caller });
  const answer = (id: string, said: object, caller: object = hospital) =>
    example.ledger.submit('AnswerCorrection', {
      ...hospital,
      input: {},
      private: { id, salt: newSalt(), ...said },
      ...caller,
    });
  const correctedRecord = async () => {
    const subject = { reference: `Patient/${example.patientId}` };
    await example.record({ resourceType: 'Observation', status: 'corrected', subject }, 2, record);
    return example.evidence(record, 2);
  };

  it('notes what is asked between holder and custodian alone, and in the block nothing of it', async () => {
    const correction = asked();
    const { writes } = await ask(correction);
    const key = privateKeys.correction(correction.id, 1);
    expect(example.ledger.read(CARE, key)).to.deep.include({ ...correction, provider: 'hospital' });
    expect(writes.event).to.deep.equal({ name: 'CorrectionAsked', payload: '{}' });
    expect(writes.public).to.deep.equal({});
    expect(await failureOf(ask(correction))).to.match(/CONFLICT/);
    expect(await failureOf(ask(asked(), 'bank'))).to.match(/no provider/);
    expect(await failureOf(ask(asked(), 'hospital', hospital))).to.match(/FORBIDDEN/);
    for (const words of ['', ' ', 'x'.repeat(4_001), 'a\u0000'])
      expect(await failureOf(ask(asked({ words }))), words.slice(0, 5)).to.match(/INVALID/);
  });

  it('takes the answer of the holder alone, once: a later version that stands, or a reason', async () => {
    const [accepted, refused] = [asked(), asked()];
    for (const one of [accepted, refused]) await ask(one);
    expect(await failureOf(answer(accepted.id, {}))).to.match(/a refusal says why/);
    expect(await failureOf(answer(accepted.id, { corrected: example.evidence(record) }))).to.match(/no later version/);
    expect(await failureOf(answer(accepted.id, { reason: 'no' }, { from: 'clinic' }))).to.match(/NOT_FOUND/);
    expect(await failureOf(answer(randomUUID(), { reason: 'no' }))).to.match(/NOT_FOUND/);
    const corrected = await correctedRecord();
    const other = await example.observation();
    const another = { ...corrected, id: other };
    expect(await failureOf(answer(accepted.id, { corrected: another }))).to.match(/no later version/);
    const changed = { ...corrected, text: corrected.text.replace('corrected', 'amended__') };
    expect(await failureOf(answer(accepted.id, { corrected: changed }))).to.match(/does not stand on that sheet/);
    await answer(accepted.id, { corrected });
    await answer(refused.id, { reason: 'It was the right one.' });
    expect(example.ledger.read(CARE, privateKeys.correction(accepted.id, 2))).to.include({
      outcome: 'accepted',
      version: 2,
    });
    expect(example.ledger.read(CARE, privateKeys.correction(refused.id, 2))).to.include({ outcome: 'refused' });
    expect(await failureOf(answer(accepted.id, { reason: 'no' }))).to.match(/CONFLICT/);
  });

  describe('has a record restricted', () => {
    const handle = () => restrictionHandle('hospital', record);
    const restrict = (n: number, caller: object = {}) =>
      example.ledger.submit('RestrictRecord', {
        ...patients,
        ...{ input: { provider: 'hospital' }, private: { handle: handle(), n, salt: newSalt() } },
        ...caller,
      });
    it('by a mark that nobody takes back alone, step by step', async () => {
      const { writes } = await restrict(1);
      const everybody = policyBytes(all(...exampleConsortium.organisations.map(({ mspId }) => mspId)));
      expect(Object.values(writes.policies)).to.deep.equal([Buffer.from(everybody).toString('hex')]);
      expect(writes.event).to.deep.equal({ name: 'RecordRestricted', payload: '{}' });
      for (const n of [1, 3]) expect(await failureOf(restrict(n))).to.match(/CONFLICT/);
      expect(await failureOf(restrict(2, hospital))).to.match(/FORBIDDEN/);
      await restrict(2);
      await restrict(3);
    });

    it('and then no endorser lets it be delivered, until that ends', async () => {
      await example.permit({ type: 'permit', actor: toOrganisation('clinic') });
      const id = await example.ask();
      const evaluated = async () =>
        example.evaluate(id, [record]).then(
          ({ outcome }) => outcome,
          (error: Error) => error.message,
        );
      const before = await evaluated();
      await restrict(1);
      expect(await evaluated()).to.match(/restricted by its patient/);
      await restrict(2);
      expect(await evaluated()).to.equal(before);
    });
  });
});
