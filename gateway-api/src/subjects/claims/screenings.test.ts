import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import type { Services } from '../services.ts';
import { screenClaims } from './screenings.ts';

type State = Parameters<typeof screenClaims.idOf>[0];
const organisation = { name: 'payer' };
const claim = (id: string): State => ({ id }) as State;

describe('Screenings of a gateway', () => {
  it('are one at a time of a claim, for all who wait for it, and another once that has ended', async () => {
    const asked: string[] = [];
    const gone = new Error('the read model is gone');
    const { promise: gate, reject: end } = Promise.withResolvers<never>();
    const index = {
      state: (_: string, id: string) => {
        asked.push(id);
        return gate;
      },
    };
    const screen = (id: string): Promise<void> =>
      screenClaims.perform(claim(id), { index, organisation } as unknown as Services);
    const all = Promise.allSettled([screen('a'), screen('a'), screen('b')]);
    await turn();
    expect(asked).to.deep.equal(['a', 'b']);
    end(gone);
    for (const one of await all) expect(one).to.deep.equal({ status: 'rejected', reason: gone });
    await screen('a').catch(() => {});
    expect(asked).to.deep.equal(['a', 'b', 'a']);
  });

  it('of another gateway are its own', async () => {
    let asked = 0;
    const gateway = () =>
      ({
        organisation,
        index: {
          state: async () => {
            asked += 1;
            throw new Error('gone');
          },
        },
      }) as unknown as Services;
    await Promise.allSettled([gateway(), gateway()].map((one) => screenClaims.perform(claim('a'), one)));
    expect(asked).to.equal(2);
  });

  it('under way are not looked at meanwhile, and again once they have ended', async () => {
    const { promise: gate, reject: end } = Promise.withResolvers<never>();
    const row = { id: idOf(1), payer: 'payer', status: 'submitted', step: 1 };
    const asked: string[] = [];
    let held: Promise<unknown> = gate;
    const index = {
      own: { changedSince: async () => [{ id: idOf(1), block: 1 }] },
      undelivered: { count: () => 0 },
      state: async (_: string, id: string) => {
        asked.push(id);
        await held;
        return { value: JSON.stringify(stored(row)) };
      },
      evidence: { isWritten: async () => false },
    };
    const broken = { report: (...all: unknown[]) => expect.fail(JSON.stringify(all)) };
    const services = { index, organisation, broken } as unknown as Services;
    const found = async () => (await Array.fromAsync(screenClaims.find(services))).map(({ id }) => id);
    const screening = screenClaims.perform(claim(idOf(1)), services).catch(() => {});
    expect(await found()).to.deep.equal([]);
    expect(asked).to.deep.equal([idOf(1)]);
    end(new Error('gone'));
    await screening;
    held = Promise.resolve();
    expect(await found()).to.deep.equal([idOf(1)]);
  });

  it('are looked for among claims that took a step since, and among all once something arrived late', async () => {
    const looked: number[] = [];
    const state = (id: string) => ({ id, payer: 'payer', status: 'submitted', step: 1 });
    const rows = [1, 2, 3].map((block) => ({ id: idOf(block), block }));
    const screened = new Set<string>([idOf(1)]);
    let lacking = 0;
    const index = {
      own: {
        changedSince: async (_kind: string, _statuses: string[], since: number) => {
          looked.push(since);
          return rows.filter(({ block }) => block > since);
        },
      },
      undelivered: { count: () => lacking },
      state: async (_: string, id: string) => ({ value: JSON.stringify(stored(state(id))) }),
      evidence: { isWritten: async (_: string, key: string) => screened.has(key.split('/')[1]!) },
    };
    const broken = { report: (...all: unknown[]) => expect.fail(JSON.stringify(all)) };
    const services = { index, organisation, broken } as unknown as Services;
    const found = async () => {
      const ids: string[] = [];
      for await (const one of screenClaims.find(services)) ids.push(one.id);
      return ids;
    };
    expect(await found()).to.deep.equal([idOf(2), idOf(3)]);
    screened.add(idOf(2));
    rows.push({ id: idOf(4), block: 4 });
    expect(await found()).to.deep.equal([idOf(3), idOf(4)]);
    for (const id of [idOf(3), idOf(4)]) screened.add(id);
    expect(await found()).to.deep.equal([]);
    expect(looked).to.deep.equal([-1, 3, 4]);
    rows.push({ id: idOf(9), block: 2 });
    lacking = 1;
    expect(await found()).to.deep.equal([idOf(9)]);
  });
});

/** What a state of a claim must say beside. */
const stored = (state: object) => ({
  ...{ schema: 1, provider: 'hospital', submittedAt: AT, updatedAt: AT, salt: '0'.repeat(64) },
  ...state,
});
const AT = '2026-02-11T08:00:00.000Z';
const idOf = (last: number): string => `00000000-0000-4000-8000-00000000000${last}`;
