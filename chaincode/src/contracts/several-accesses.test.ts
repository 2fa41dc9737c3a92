import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { failureOf, type Outcome } from '../ledger/memory-ledger.fixture.ts';
import { MAX_ACCESSES_AT_ONCE } from '../model/decision-shape.ts';
import { privateKeys } from '../model/keys.ts';
import type { AccessRequest, PrivateOf } from '../model/transactions.ts';
import { ExamplePatient, identifier, newSalt, patients, toOrganisation } from './example-patient.fixture.ts';

const forBoth = { type: 'permit', actor: [...toOrganisation('clinic'), ...toOrganisation('payer')] };
type Decision = PrivateOf<'DecideAccesses'>['decisions'][number];

describe('several accesses in one transaction', () => {
  let example: ExamplePatient;
  let observation: string;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
    observation = await example.observation();
  });

  const request = (change: Partial<AccessRequest> = {}): AccessRequest => ({
    ...{ id: randomUUID(), salt: newSalt(), holder: 'hospital', patient: identifier },
    ...{ types: ['Observation'], purpose: 'TREAT' as const, ...change },
  });
  const ask = (requests: AccessRequest[], caller: object = {}): Promise<Outcome<'RequestAccesses'>> =>
    example.ledger.submit('RequestAccesses', {
      ...{ from: 'clinic', role: 'system', input: {}, private: { requests } },
      ...caller,
    });
  /** What the custodian shows of a request of this requestor's. */
  const decision = (id: string, requestor = 'clinic', change: Partial<Decision> = {}): Decision => {
    const text = (key: string): string => example.ledger.private.get(`inbox_${requestor} ${key}`) ?? '';
    const shown = { request: text(privateKeys.request(id)), state: text(privateKeys.access(id, 1)) };
    return { ...example.shown(id, [observation]), ...shown, requestor, id, salt: newSalt(), ...change };
  };
  const decide = (decisions: Decision[], change: object = {}): Promise<Outcome<'DecideAccesses'>> =>
    example.ledger.submit('DecideAccesses', {
      ...{ ...patients, input: { holder: 'hospital' }, private: { decisions } },
      ...change,
    });
  /** Private writes whose key names this access. */
  const ofAccess = ({ writes }: { writes: Outcome<'DecideAccess'>['writes'] }, id: string): object =>
    Object.fromEntries(Object.entries(writes.private).filter(([key]) => key.includes(id)));

  it('writes of each request what a transaction of its own writes, and names all of them in its event', async () => {
    const asked = [request(), request({ purpose: 'COC' }), request({ types: [] })];
    const together = await ask(asked);
    expect(together.reply).to.deep.equal({ time: example.ledger.time });
    for (const one of asked) {
      const other = new ExamplePatient();
      const alone = await other.request(one);
      expect(ofAccess(together, one.id)).to.deep.equal(alone.writes.private);
    }
    expect(Object.keys(together.writes.private)).to.have.length(6);
    const payload = JSON.stringify({ ids: asked.map(({ id }) => id) });
    expect(together.writes.event).to.deep.equal({ name: 'AccessRequested', payload });
  });

  it('takes who asks from the certificate for each', async () => {
    const asked = [request(), request()];
    await ask(asked, { role: 'practitioner', fhirUser: 'Practitioner/d1' });
    for (const { id } of asked) {
      const written = example.ledger.read('inbox_clinic', `request/${id}`);
      expect(written).to.include({ practitioner: 'Practitioner/d1', role: 'practitioner' });
    }
  });

  it('decides for each as a transaction of its own does, whoever asked', async () => {
    await example.permit(forBoth);
    const mine = [request(), request({ types: ['Observation', 'Condition'] })];
    const theirs = [request({ purpose: 'HPAYMT' })];
    await ask(mine);
    await ask(theirs, { from: 'payer' });
    const decisions = [...mine.map(({ id }) => decision(id)), decision(theirs[0]!.id, 'payer')];
    const before = new Map(example.ledger.private);
    const together = await decide(decisions);
    const told = decisions.map(({ id }) => id);
    expect(together.writes.event).to.deep.equal({ name: 'AccessDecided', payload: JSON.stringify({ ids: told }) });
    let written = 0;
    for (const { id, ...shown } of decisions) {
      example.ledger.private.clear();
      for (const [key, value] of before) example.ledger.private.set(key, value);
      const alone = await example.ledger.submit('DecideAccess', {
        ...{ ...patients, input: { id, holder: 'hospital' }, private: shown },
      });
      expect(ofAccess(together, id)).to.deep.equal(alone.writes.private);
      written += Object.keys(alone.writes.private).length;
    }
    expect(Object.keys(together.writes.private)).to.have.length(written);
  });

  it('puts nothing of one requestor’s into the inbox of another', async () => {
    await example.permit(forBoth);
    const [mine, theirs] = [request(), request({ purpose: 'HPAYMT' })];
    await ask([mine]);
    await ask([theirs], { from: 'payer' });
    const { writes } = await decide([decision(mine.id), decision(theirs.id, 'payer')]);
    const inboxes = { inbox_clinic: theirs, inbox_payer: mine };
    for (const [inbox, other] of Object.entries(inboxes)) {
      const held = Object.entries(writes.private).filter(([key]) => key.startsWith(`${inbox} `));
      expect(held).to.have.length(2);
      expect(JSON.stringify(held)).not.to.contain(other.id);
      expect(JSON.stringify(held)).not.to.contain(inbox === 'inbox_clinic' ? '"payer"' : '"clinic"');
    }
  });

  describe('of which one is refused', () => {
    const asking: [string, Partial<AccessRequest>, RegExp][] = [
      ['of another holder', { holder: 'clinic' }, /INVALID at <private\.requests\[1\]\.holder>/],
      ['for a purpose that is not its kind’s', { purpose: 'HRESCH' }, /FORBIDDEN at <private\.requests\[1\]\.purpose>/],
      ['of another practitioner', { practitioner: 'Practitioner/d2' }, /FORBIDDEN at <private\.requests\[1\]\.pract/],
      ['that waits for the past', { waitUntil: '2020-01-01T00:00:00.000Z' }, /INVALID at <private\.requests\[1\]\.wai/],
    ];
    for (const [what, change, message] of asking)
      it(`names the request ${what}, and writes none`, async () => {
        const size = example.ledger.private.size;
        expect(await failureOf(ask([request(), request(change), request()]))).to.match(message);
        expect(example.ledger.private.size).to.equal(size);
      });

    it('names a request that is there already, and one that is there twice', async () => {
      const [first, second] = [request(), request()];
      await ask([first]);
      expect(await failureOf(ask([second, first]))).to.match(/CONFLICT at <private\.requests\[1\]\.id>/);
      expect(await failureOf(ask([second, second]))).to.match(
        /INVALID at <private\.requests\[1\]\.id>: is there twice/,
      );
    });

    const deciding: [string, (id: string) => Promise<Decision> | Decision, RegExp][] = [
      [
        'of which nothing is permitted',
        (id) => decision(id, 'clinic', { records: [] }),
        /CONFLICT at <private\.decisions\[1\]\.id>: nothing is permitted now/,
      ],
      [
        'with a record that is not what is anchored',
        (id) => {
          const evidence = example.evidence(observation);
          return decision(id, 'clinic', {
            records: [{ ...evidence, text: evidence.text.replace('Observ', 'observ') }],
          });
        },
        /INVALID at <private\.decisions\[1\]\.records\[0\]>/,
      ],
      [
        'with a request that was not made so',
        (id) => decision(id, 'clinic', { request: '{}' }),
        /INVALID at <private\.decisions\[1\]\.request>/,
      ],
      ['of nobody’s request', () => decision(randomUUID()), /NOT_FOUND at <private\.decisions\[1\]\.state>/],
      [
        'of another requestor',
        (id) => decision(id, 'clinic', { requestor: 'payer' }),
        /NOT_FOUND at <private\.decisions\[1\]\.state>/,
      ],
    ];
    for (const [what, bad, message] of deciding)
      it(`names the decision ${what}, and writes none; the others go without it`, async () => {
        await example.permit(forBoth);
        const asked = [request(), request(), request()];
        await ask(asked);
        const [first, second, third] = asked.map(({ id }) => decision(id)) as [Decision, Decision, Decision];
        const faulty = await bad(second.id);
        const size = example.ledger.private.size;
        expect(await failureOf(decide([first, faulty, third]))).to.match(message);
        expect(example.ledger.private.size).to.equal(size);
        await decide([first, third]);
        expect([first, second, third].map(({ id }) => example.accessState(id).status)).to.deep.equal([
          'granted',
          'requested',
          'granted',
        ]);
      });

    it('names the one whose consent was revoked meanwhile; what rests on others goes', async () => {
      await example.permit({ type: 'permit', actor: toOrganisation('clinic') });
      const { id: revoked } = await example.permit({ type: 'permit', actor: toOrganisation('payer') });
      const [mine, theirs] = [request(), request({ purpose: 'HPAYMT' })];
      await ask([mine]);
      await ask([theirs], { from: 'payer' });
      await example.revoke(revoked);
      const both = [decision(mine.id), decision(theirs.id, 'payer')] as const;
      expect(await failureOf(decide([...both]))).to.match(/CONFLICT at <private\.decisions\[1\]\.id>: nothing is perm/);
      await decide([both[0]]);
      expect(example.accessState(mine.id).status).to.equal('granted');
    });

    it('names the first of several in their order, at every endorser', async () => {
      await example.permit(forBoth);
      const asked = [request(), request(), request()];
      await ask(asked);
      const [first, second, third] = asked.map(({ id }) => decision(id)) as [Decision, Decision, Decision];
      // The third is found faulty sooner than the second.
      const faulty = [first, { ...second, records: [] }, { ...third, state: '{}' }];
      expect(await failureOf(decide(faulty))).to.match(/CONFLICT at <private\.decisions\[1\]\.id>/);
    });

    it('names a decision that was taken already, and one that is there twice', async () => {
      await example.permit(forBoth);
      const asked = [request(), request()];
      await ask(asked);
      const [first, second] = asked.map(({ id }) => decision(id)) as [Decision, Decision];
      await decide([first]);
      expect(await failureOf(decide([second, first]))).to.match(/CONFLICT at <private\.decisions\[1\]\.id>/);
      expect(await failureOf(decide([second, second]))).to.match(/INVALID at <private\.decisions\[1\]\.id>/);
    });
  });

  it('is of one or more, and of no more than a transaction takes', async () => {
    const many = Array.from({ length: MAX_ACCESSES_AT_ONCE + 1 }, () => request());
    expect(await failureOf(ask([]))).to.match(/INVALID at <private\.requests>/);
    expect(await failureOf(ask(many))).to.match(/INVALID at <private\.requests>/);
    expect(await failureOf(decide([]))).to.match(/INVALID at <private\.decisions>/);
    await ask(many.slice(1));
  });

  it('decides no emergency', async () => {
    const id = randomUUID();
    const reason = { reason: 'unconscious, nobody to ask' };
    await example.request(
      { ...request({ id, purpose: 'BTG' as const }), ...reason },
      { role: 'practitioner', fhirUser: 'Practitioner/d1' },
    );
    expect(await failureOf(decide([decision(id)]))).to.match(
      /INVALID at <private\.decisions\[0\]\.request>: an emergency/,
    );
  });
});
