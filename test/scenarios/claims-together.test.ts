/**
 * Claims that are submitted and decided at the same time share transactions, each with an outcome of its own. On either network.
 */
import { randomInt } from 'node:crypto';
import { type Insured, type Recorded, Scene } from '@telemed-ledger/scripts/bench/fraud/scene.ts';
import type { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';

const PERSONS = 10;
const CODE = { system: 'http://www.ama-assn.org/go/cpt', code: '99213' };

describe('Claims at the same time', function () {
  this.timeout(120_000);
  let parties: Parties;
  let scene: Scene;
  let persons: Insured[];
  const npi = String(randomInt(1_000_000_000, 2_000_000_000));

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    parties = (await consortium()).parties;
    scene = new Scene(parties, 'none');
    await scene.practitioner('hospital', npi);
    const person = { gender: 'female', birthDate: '1970-01-01' };
    persons = await Promise.all(Array.from({ length: PERSONS }, () => scene.insured('hospital', person)));
  });

  /** A visit of each of some, a quarter of an hour long, one after the other. */
  const visits = (insured: readonly Insured[], day: string): Promise<Recorded[]> =>
    Promise.all(
      insured.map((one, index) => {
        const hour = `${day}T${String(6 + index).padStart(2, '0')}`;
        const span = { start: `${hour}:00:00Z`, end: `${hour}:15:00Z` };
        const person = { gender: 'female', birthDate: '1970-01-01' };
        return scene.recorded(one, { person, npi, class: 'AMB', code: CODE, units: 8_000, ...span });
      }),
    );

  it('share transactions; one that is refused, and one for a service that is billed already, are as they are alone', async () => {
    const recorded = await visits(persons, '2026-03-02');
    const before = await scene.submitted(recorded[0]!);
    expect(before.outcome).to.equal('queued');
    const unknown = { insurance: [{ sequence: 1, focal: true, coverage: { reference: 'Coverage/none' } }] };
    const asked = recorded.map((visit, index) =>
      scene.submitted(visit, index === 4 ? { claim: { ...unknown } } : {}).catch((error: Error) => error),
    );
    const answers = await Promise.all(asked);
    const outcomes = answers.map((one) => (one instanceof Error ? 'refused' : one.outcome));
    expect(outcomes).to.deep.equal(
      recorded.map((_, index) => (index === 0 ? 'error' : index === 4 ? 'refused' : 'queued')),
    );
    const taken = [before, ...answers].filter((one) => !(one instanceof Error) && one.outcome === 'queued');
    const decided = await Promise.all(taken.map((one) => scene.adjudicated(one as never)));
    expect(decided.map(({ came, by }) => [came, ...by])).to.deep.equal(taken.map(() => ['paid']));
  });

  it('of one service are taken once, and of one patient’s day one after the other', async () => {
    const [first] = persons;
    const own = Array.from({ length: 6 }, () => first!);
    const recorded = await visits(own, '2026-03-04');
    const answers = await Promise.all([...recorded, ...recorded].map((visit) => scene.submitted(visit)));
    const outcomes = answers.map(({ outcome }) => outcome);
    for (const index of recorded.keys())
      expect([outcomes[index], outcomes[index + recorded.length]].sort()).to.deep.equal(['error', 'queued']);
    const decided = await Promise.all(
      answers.filter(({ outcome }) => outcome === 'queued').map((one) => scene.adjudicated(one)),
    );
    expect(decided.map(({ came }) => came)).to.deep.equal(recorded.map(() => 'paid'));
  });
});
