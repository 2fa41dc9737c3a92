/** What it takes to refuse where no consent permits anything: the same, whoever it is about and however many records there are. */
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { expect } from 'chai';
import { accessState } from '../../index/values.fixture.ts';
import { becomeOf } from './deciding.ts';
import type { Shown } from './decision.ts';

describe('A refusal without a consent', () => {
  const candidate = (n: number) => ({
    id: `o${n}`,
    type: 'Observation',
    version: 1,
    sequence: n,
    place: { id: `o${n}` },
  });
  /** What is asked of the peer and the read model, each with how many records it is about. */
  async function done(change: { overview?: true; candidates: number; consents: number }): Promise<string[]> {
    const calls: string[] = [];
    const did =
      <T>(name: string, answer: T) =>
      async (...given: unknown[]): Promise<T> => {
        const { records = [] } = ((given[2] as { private?: object } | undefined)?.private ?? {}) as {
          records?: object[];
        };
        calls.push(`${name} ${records.length}`);
        return answer;
      };
    const state: AccessState = accessState({ requestedAt: new Date().toISOString() });
    const shown = {
      grounds: { directory: 0, consents: Array(change.consents).fill({ id: 'c', version: 1 }) },
      request: { types: ['Observation'], ...(change.overview && { overview: true }) },
      candidates: Array.from({ length: change.candidates }, (_, n) => candidate(n)),
    } as unknown as Shown;
    const evidence = { text: JSON.stringify({ resource: { resourceType: 'Observation', id: 'x' } }) };
    const index = {
      patientRecords: { row: did('row', { id: 'another' }) },
      evidence: { ofRecord: did('evidence', evidence), text: did('text', undefined) },
      undelivered: { countIn: did('lacking', 0), demandNext: did('next', undefined) },
      privateValue: did('request', undefined),
    };
    const answer = { outcome: 'deny', reason: 'consent-absent' };
    await becomeOf(state, shown, {
      index,
      ledger: { evaluate: did('evaluate', answer) },
      refusals: { add: did('refuse', undefined) },
      refusalsEveryMs: 1_000,
    } as never);
    return calls;
  }

  for (const overview of [undefined, true] as const) {
    const asked = overview === true ? { overview } : {};
    const what = overview === true ? 'who holds what' : 'records';
    it(`of ${what} reads none of them, and asks the peer once, as of a patient whom nobody knows`, async () => {
      const unknown = await done({ ...asked, candidates: 0, consents: 0 });
      expect(unknown.filter((call) => call === 'evaluate 0')).to.have.length(1);
      for (const candidates of [1, 5_000])
        expect(await done({ ...asked, candidates, consents: 0 })).to.deep.equal(unknown);
    });

    it(`of ${what} looks at them where there is a consent`, async () => {
      expect(await done({ ...asked, candidates: 3, consents: 1 }).catch(() => ['read'])).to.not.deep.equal(
        await done({ ...asked, candidates: 0, consents: 0 }),
      );
    });
  }
});
