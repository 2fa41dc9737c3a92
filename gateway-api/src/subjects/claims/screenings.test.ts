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
});
