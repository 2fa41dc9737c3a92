/** A dry run says of each record what a request would come to, and shows nobody anything. */
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import type { Foreseen } from '../model/decision-shape.ts';
import type { PrivateOf } from '../model/transactions.ts';
import { ExamplePatient, patients, toOrganisation } from './example-patient.fixture.ts';

const INPUT = { provider: 'hospital' };
const toClinic = { type: 'permit', actor: toOrganisation('clinic') };
const data = (id: string) => [{ meaning: 'instance', reference: { reference: `Observation/${id}` } }];
const purpose = (code: string) => [{ code }];

describe('a dry run of consents', () => {
  let example: ExamplePatient;
  let first: string;
  let second: string;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
    [first, second] = [await example.observation(), await example.observation()];
  });

  type Who = PrivateOf<'EvaluateConsents'>['who'];
  const CLINIC: Who = { requestor: 'clinic', purpose: 'TREAT', role: 'system' };
  const shown = (who: Partial<Who> = {}, change: object = {}) => ({
    ...{ who: { ...CLINIC, ...who }, patient: example.evidence(example.patientId), directory: 0, consents: [] },
    records: [example.evidence(first), example.evidence(second)],
    ...change,
  });
  const foreseen = async (...of: Parameters<typeof shown>): Promise<Foreseen[]> => {
    const reply = await example.ledger.evaluate('EvaluateConsents', {
      ...patients,
      input: INPUT,
      private: shown(...of),
    });
    return reply.decisions;
  };
  const outcomes = async (...of: Parameters<typeof shown>): Promise<string[]> =>
    (await foreseen(...of)).map(({ outcome, reason }) => `${outcome} ${reason}`);
  const both = (one: string) => [one, one];

  it('is a denial for want of a consent', async () => {
    expect(await foreseen()).to.deep.equal([0, 1].map(() => ({ outcome: 'deny', reason: 'consent-absent' })));
  });

  it('names the consent, its provision, and the end', async () => {
    const { id } = await example.permit({ ...toClinic, period: { end: '2026-03-10' } });
    const denial = await example.permit({ type: 'deny', data: data(first) });
    const [one, other] = await foreseen();
    const provision = 'Consent.provision';
    expect(one).to.deep.equal({
      ...{ outcome: 'deny', reason: 'consent-denied', consent: { id: denial.id, version: 1 }, provision },
    });
    expect(other).to.deep.equal({
      ...{ outcome: 'permit', reason: 'consent-permits', consent: { id, version: 1 }, provision },
      until: '2026-03-11T00:00:00.000Z',
    });
  });

  it('ends where a denial begins', async () => {
    await example.permit(toClinic);
    await example.permit({ type: 'deny', data: data(first), period: { start: '2026-03-05' } });
    const [one, other] = await foreseen();
    expect(one).to.include({ outcome: 'permit', until: '2026-03-05T00:00:00.000Z' });
    expect(other).to.not.have.property('until');
  });

  it('is what the decision then is, for whoever asks', async () => {
    await example.permit({ ...toClinic, data: data(second) });
    const id = await example.ask();
    expect(await outcomes()).to.deep.equal(['deny consent-absent', 'permit consent-permits']);
    await example.decide(id, [first, second]);
    const copies = JSON.parse(example.text(`copies/${id}`)) as { records: { id: string }[] };
    expect(copies.records.map((record) => record.id)).to.deep.equal([second]);
    expect(await outcomes({ requestor: 'payer', purpose: 'HPAYMT' })).to.deep.equal(both('deny consent-absent'));
  });

  it('says what an organisation of that kind may not ask for at all', async () => {
    await example.permit({ type: 'permit' });
    expect(await outcomes({ requestor: 'payer' })).to.deep.equal(both('deny purpose-not-allowed'));
    expect(await outcomes({ purpose: 'HMARKT' })).to.deep.equal(both('deny purpose-not-allowed'));
    expect(await outcomes({ requestor: 'payer', purpose: 'CLMATTCH' })).to.deep.equal(both('permit consent-permits'));
  });

  it('says what is shown in an emergency all the same, and what not even then', async () => {
    const doctor = { role: 'practitioner', practitioner: 'Practitioner/d1', purpose: 'BTG' } as const;
    await example.permit({ type: 'deny', data: data(first), purpose: purpose('BTG') });
    await example.permit({ type: 'deny', data: data(second), purpose: purpose('TREAT') });
    expect(await outcomes(doctor)).to.deep.equal(['deny consent-denied', 'permit emergency']);
    expect(await outcomes({ ...doctor, purpose: 'ETREAT' })).to.deep.equal(both('deny consent-denied'));
    // A system breaks no glass.
    expect(await outcomes({ purpose: 'BTG' })).to.deep.equal(['deny consent-denied', 'deny consent-absent']);
  });

  it('takes a consent that is not given yet, in the place of the one that it amends', async () => {
    const draft = example.consent({ ...toClinic, data: data(first) });
    const { salt: _, ...consent } = draft;
    const considered = { draft: { consent } };
    expect(await outcomes({}, considered)).to.deep.equal(['permit consent-permits', 'deny consent-absent']);
    expect(await outcomes()).to.deep.equal(both('deny consent-absent'));
    await example.grant(draft);
    const amended = { ...consent, version: 2, resource: example.consent({ type: 'deny' }, draft.id).resource };
    expect(await outcomes({}, { draft: { consent: amended } })).to.deep.equal(both('deny consent-denied'));
  });

  it('of a draft with two meanings permits nothing', async () => {
    const { salt: _, ...consent } = example.consent({ actor: toOrganisation('clinic') });
    expect(await outcomes({}, { draft: { consent } })).to.deep.equal(both('deny consent-absent'));
  });

  it('is the custodian’s, about what stands there, and about others than the holder', async () => {
    const call = (change: object, caller: object = {}) =>
      failureOf(
        example.ledger.evaluate('EvaluateConsents', {
          ...patients,
          input: INPUT,
          ...caller,
          private: shown({}, change),
        }),
      );
    expect(await call({}, { from: 'clinic' })).to.match(/FORBIDDEN/);
    expect(await call({}, { role: 'patient' })).to.match(/FORBIDDEN/);
    expect(await call({ who: { ...CLINIC, requestor: 'hospital' } })).to.match(/INVALID at <private.who.requestor>/);
    expect(await call({ who: { ...CLINIC, requestor: 'nobody' } })).to.match(/INVALID at <private.who.requestor>/);
    expect(await call({ patient: example.evidence(first) })).to.match(/INVALID at <private.patient>/);
    await example.record(
      { resourceType: 'Observation', subject: { reference: `Patient/${example.patientId}` } },
      2,
      first,
    );
    expect(await call({})).to.match(/CONFLICT at <private.records\[0\]>/);
  });
});
