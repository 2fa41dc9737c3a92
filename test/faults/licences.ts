/** The load's licences: a regulator sets the same few again and again, each time with another end. */
import { setTimeout as delay } from 'node:timers/promises';
import { expectThat } from '@telemed-ledger/scripts/demo/parties.ts';
import type { RecordedParty } from './parties.ts';
import type { Random } from './random.ts';

export interface LicencesOptions {
  regulator: RecordedParty;
  draw: Random;
  over: AbortSignal;
  /** The end that was acknowledged last, by number. */
  licences: Map<string, string>;
}

const NUMBERS = ['7000000001', '7000000002', '7000000003'];
const FIRST_END = Date.UTC(2030, 0, 1);
const DAY_MS = 86_400_000;
const THINKING_MS = 400;

/** Goes on until the run is over. @throws GivenUp; Unexpected where a licence is refused */
export async function setLicences({ regulator, draw, over, licences }: LicencesOptions): Promise<void> {
  for (let count = 1; !over.aborted; count += 1) {
    const number = draw.pick(NUMBERS);
    const end = new Date(FIRST_END + count * DAY_MS).toISOString().slice(0, 10);
    const body = { status: 'active', start: '2020-01-01', end };
    const { status } = await regulator.send({ method: 'PUT', path: `/licences/${number}`, body });
    expectThat(status === 200, 'the licence to be set', `status ${status}`);
    licences.set(number, end);
    await delay(draw.between(0, THINKING_MS));
  }
}
