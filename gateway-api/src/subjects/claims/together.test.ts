/** Claims in groups, on a ledger that is not there: what shares a transaction and what does not. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { exampleClaim } from '@telemed-ledger/chaincode/model/example-claim.fixture.ts';
import { expect } from 'chai';
import { NotTogether } from '../../ledger/not-together.ts';
import { SYSTEM } from '../../ledger/sender.ts';
import { claimGroups, sendDecision, sendScreening, sendSubmission } from './together.ts';

describe('Claims in groups', () => {
  /** Answers each transaction when it is let. */
  function opened() {
    const sent: [string, object, { claims?: object[] }][] = [];
    const waiting: (() => void)[] = [];
    const ledger = {
      submit: (name: string, input: object, shown: object) => {
        sent.push([name, input, shown]);
        return new Promise((resolve) => {
          waiting.push(() => resolve({ transactionId: String(sent.length), time: '', result: { time: '' } }));
        });
      },
    } as never;
    const observed = { onGroup: () => undefined, onApart: () => undefined };
    const services = { ledger, claimGroups: claimGroups(ledger, { writes: 1_000, budgetMs: 10_000 }, observed) };
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    /** Lets all that are under way end, and those after them, until nothing is sent any more. */
    async function ended(all: Promise<unknown>[]): Promise<void> {
      let open = true;
      void Promise.all(all).finally(() => {
        open = false;
      });
      while (open) {
        for (const end of waiting.splice(0)) end();
        await turn();
      }
      await Promise.all(all);
    }
    const sizes = () => sent.map(([name, , { claims }]) => `${name} ${claims?.length ?? 1}`);
    return { services, sent, ended, sizes };
  }

  const claimOf = (id: string, patient: string, more: object = {}) =>
    ({
      claim: { id, salt: '', resource: { resourceType: 'Claim', patient: { reference: patient }, ...more } },
    }) as never;
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const as = { as: SYSTEM } as const;

  it('are submitted to one payer together, as many as came while one was under way', async () => {
    const { services, ended, sizes, sent } = opened();
    const to = (payer: string, id: string) =>
      sendSubmission(services, { input: { id, payer }, shown: claimOf(id, `Patient/${id}`) }, as as never);
    await ended([...ids.map((id) => to('payer', id)), to('other', 'x')]);
    expect(sizes()).to.deep.equal(['SubmitClaim 1', 'SubmitClaim 1', 'SubmitClaims 4']);
    expect(sent.at(-1)![1]).to.deep.equal({ payer: 'payer' });
  });

  it('of one patient’s wait for each other, and what replaces another or is large goes by itself', async () => {
    const { services, ended, sizes } = opened();
    const send = (id: string, patient: string, more: object = {}, replaced = {}) => {
      const shown = { ...(claimOf(id, patient, more) as object), ...replaced } as never;
      return sendSubmission(services, { input: { id, payer: 'payer' }, shown }, as as never);
    };
    const same = ids.map((id) => send(id, 'Patient/same'));
    await ended([
      ...same,
      send('f', 'Patient/f', {}, { replaced: {} }),
      send('g', 'Patient/g', { text: 'x'.repeat(200_000) }),
    ]);
    expect(sizes()).to.deep.equal(Array(7).fill('SubmitClaim 1'));
  });

  it('of one patient’s wait for those of their days alone', async () => {
    const { services, ended, sizes } = opened();
    const { claim: example } = exampleClaim();
    const on = (id: string, day: string) => {
      const item = example['item'].map((line: object) => ({ ...line, servicedDate: day }));
      const resource = { ...example, id, item };
      return sendSubmission(
        services,
        { input: { id, payer: 'payer' }, shown: { claim: { id, salt: '', resource } } as never },
        as as never,
      );
    };
    await ended(ids.map((id, index) => on(id, `2026-03-${String(2 + 3 * index).padStart(2, '0')}`)));
    expect(sizes()).to.deep.equal(['SubmitClaim 1', 'SubmitClaims 4']);
    await ended(['p', 'q', 'r'].map((id) => on(id, '2026-04-01')));
    expect(sizes().slice(2)).to.deep.equal(Array(3).fill('SubmitClaim 1'));
  });

  it('are screened together whoever bills them, and decided together of one provider’s', async () => {
    const { services, ended, sizes, sent } = opened();
    const providers = ['hospital', 'clinic'];
    const screening = ids.map((id, index) => {
      const claim = JSON.stringify({ resource: { patient: { reference: `Patient/${id}` } } });
      const input = { id, provider: providers[index % 2]! };
      return sendScreening(services, { input, shown: { claim } as never }, as as never);
    });
    await ended(screening);
    expect(sizes()).to.deep.equal(['ScreenClaim 1', 'ScreenClaims 4']);
    sent.length = 0;
    const deciding = [...ids, ...ids.map((id) => `${id}${id}`)].map((id, index) =>
      sendDecision(services, { input: { id, provider: providers[index % 2]! }, shown: {} as never }, as as never),
    );
    const input = { id: 'z', provider: 'hospital' };
    const decision = { outcome: 'deny', reason: 'no' };
    const byPerson = sendDecision(services, { input, shown: { decision } as never }, as as never);
    const beyond = sendDecision(services, { input: { ...input, beyond: true }, shown: {} as never }, as as never);
    await ended([...deciding, byPerson, beyond]);
    expect(sizes().sort()).to.deep.equal(
      [...Array(4).fill('AdjudicateClaim 1'), ...Array(2).fill('AdjudicateClaims 4')].sort(),
    );
  });

  it('of which one is refused go without it: of twenty the others are written together, each once', async () => {
    const written: string[][] = [];
    const groups: string[][] = [];
    const poisoned = 'c13';
    const ledger = {
      submit: async (
        name: string,
        _: object,
        shown: { claims?: { claim: { id: string } }[]; claim?: { id: string } },
      ) => {
        const all = (shown.claims?.map(({ claim }) => claim.id) ?? [shown.claim!.id]) as string[];
        groups.push(all);
        await new Promise((resolve) => setImmediate(resolve));
        const place = all.indexOf(poisoned);
        const at = name === 'SubmitClaim' ? 'private.coverage' : `private.claims[${place}].coverage`;
        const refusal = new LedgerError('INVALID', 'is another one', at);
        if (place >= 0) throw shown.claims === undefined ? refusal : new NotTogether(refusal, true);
        written.push(all);
        return { transactionId: String(written.length), time: '', result: { time: '' } };
      },
    } as never;
    const observed = { onGroup: () => undefined, onApart: () => undefined };
    const services = { ledger, claimGroups: claimGroups(ledger, { writes: 1_000, budgetMs: 10_000 }, observed) };
    const twenty = Array.from({ length: 20 }, (_, index) => `c${index}`);
    const all = await Promise.allSettled(
      twenty.map((id) =>
        sendSubmission(services, { input: { id, payer: 'payer' }, shown: claimOf(id, `Patient/${id}`) }, as as never),
      ),
    );
    const refused = twenty.filter((_, index) => all[index]!.status === 'rejected');
    expect(refused).to.deep.equal([poisoned]);
    expect(all[13]).to.have.nested.property('reason.expression', 'private.coverage');
    expect(written.flat().sort()).to.deep.equal(twenty.filter((id) => id !== poisoned).sort());
    expect(groups.filter((group) => group.includes(poisoned)).length).to.equal(2);
    expect(groups.length).to.be.lessThan(7);
  });
});
