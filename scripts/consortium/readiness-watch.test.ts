import { expect } from 'chai';
import { untilAllReady } from './readiness-watch.ts';

interface State {
  ready: boolean;
  reasons: string[];
  hopeless?: true;
}

const ready: State = { ready: true, reasons: [] };
const behind: State = { ready: false, reasons: ['the read model is 4 blocks behind'] };
const foreign: State = { ready: false, reasons: ['another ledger, run reindex'], hopeless: true };

/** Gateways that are in a state for so many questions each, the last one for good. */
function watch(states: Record<string, State[]>, patienceMs = 0) {
  const printed: string[] = [];
  const gateways = Object.entries(states).map(([organisation, all]) => ({
    organisation,
    readiness: async () => ({ block: 0, valuesMissing: 0, ...((all.length > 1 ? all.shift() : all[0]) as State) }),
  }));
  const done = untilAllReady({ gateways, print: (line) => printed.push(line), patienceMs, pauseMs: 1, latePauseMs: 1 });
  return { done, printed };
}

describe('The readiness of the gateways that npm start runs', () => {
  it('is waited for without a word while it takes no longer than usual', async () => {
    const { done, printed } = watch({ hospital: [behind, behind, ready], clinic: [ready] }, 60_000);
    await done;
    expect(printed).to.deep.equal([]);
  });

  it('is told of who takes longer, once for each reason, and when it has come', async () => {
    const { done, printed } = watch({ hospital: [behind, behind, ready], clinic: [ready] }, -1);
    await done;
    expect(printed).to.deep.equal(['hospital is not ready: the read model is 4 blocks behind', 'hospital is ready']);
  });

  it('is never a reason to end while another gateway serves, nor while waiting can help', async () => {
    for (const states of [{ hospital: [behind] }, { hospital: [foreign], clinic: [behind] }]) {
      const { done, printed } = watch(states, -1);
      let ended = false;
      done.then(
        () => {
          ended = true;
        },
        () => {
          ended = true;
        },
      );
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(ended).to.equal(false);
      expect(printed).to.include(`hospital is not ready: ${states.hospital[0]?.reasons[0]}`);
    }
  });

  it('is given up where none of them can become ready without help, with what to do', async () => {
    const { done, printed } = watch({ hospital: [behind, foreign], clinic: [foreign] });
    const failure = await done.catch((error: Error) => error);
    expect(failure).to.be.instanceOf(Error);
    expect(printed.join('\n')).to.match(/hospital is not ready: .*run reindex/);
  });
});
