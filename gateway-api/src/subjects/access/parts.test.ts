/** How a part of a delivery is filled, whatever the custodian's peer says of the records. */
import { placeOfRecord } from '@telemed-ledger/chaincode/model/deliveries.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import { expect } from 'chai';
import { IntegrityFailure, notHereYet } from '../../http/failures.ts';
import type { PatientRecord } from '../../index/read/patient-records.ts';
import { type Evaluated, filledPart, type Limits, type Source } from './parts.ts';

const PERMITTED = 'consent-permits';
const DENIED = 'consent-denied';

/** Records whose names say what is decided of each, and what is wrong with it. */
class Records {
  readonly #names: string[];
  asked: string[][] = [];

  constructor(...names: string[]) {
    this.#names = names;
  }

  source(change: Partial<Source> = {}): Source {
    return {
      candidates: this.#names.map((name, index) => this.#candidate(name, index)),
      asked: { types: [] },
      evidenceOf: async ({ id }) => this.#evidence(id),
      evaluate: async (records) => this.#evaluated(records.map(({ id }) => id)),
      isWaitedFor: false,
      ...change,
    };
  }

  #candidate(name: string, index: number): PatientRecord {
    const id = `${name}-${index}`;
    const place = placeOfRecord('Observation', new Date(1e12 - index).toISOString(), id);
    const about = { type: 'Observation', id, version: 1, sequence: index, since: index, place };
    return name === 'invalid' ? { ...about, fault: 'invalid' } : about;
  }

  #evidence(id: string): RecordEvidence {
    if (id.startsWith('damaged')) throw new IntegrityFailure('Observation');
    if (id.startsWith('away')) throw notHereYet(1);
    const note = id.startsWith('long') ? 'x'.repeat(600) : id.startsWith('endless') ? 'x'.repeat(5_000) : '';
    const text = JSON.stringify({ resource: { resourceType: 'Observation', id, note } });
    return { id, version: 1, text, sheet: 's', index: 0, path: [], tree: '' };
  }

  #evaluated(ids: string[]): Evaluated {
    this.asked.push(ids);
    const refused = ids.findIndex((id) => id.startsWith('refused'));
    if (refused >= 0) throw new LedgerError('INVALID', 'does not stand there', `private.records[${refused}].path`);
    const newer = ids.findIndex((id) => id.startsWith('newer'));
    if (newer >= 0) throw new LedgerError('CONFLICT', 'is not the current version', `private.records[${newer}]`);
    const reasons = ids.map((id) => (id.startsWith('denied') ? DENIED : PERMITTED));
    const isPermitted = reasons.includes(PERMITTED);
    return isPermitted ? { outcome: 'permit', reasons } : { outcome: 'deny', reason: DENIED, reasons };
  }
}

const filled = async (names: string[], limits: Partial<Limits> = {}, change: Partial<Source> = {}) => {
  const { records, withheld, through, unreadable } = await filledPart(new Records(...names).source(change), limits);
  return { delivered: records.map(({ id }) => id), withheld, through: through?.id, unreadable };
};
const times = (count: number, name: string): string[] => Array.from({ length: count }, () => name);

describe('A part of a delivery', () => {
  const whole = { through: undefined, unreadable: undefined };

  it('holds all that is permitted, and counts what is not', async () => {
    expect(await filled(['ok', 'denied', 'ok', 'denied'])).to.deep.equal({
      ...{ delivered: ['ok-0', 'ok-2'], withheld: { [DENIED]: 2 }, ...whole },
    });
  });

  it('is filled with what is permitted alone, however much is denied before it', async () => {
    const { delivered, through } = await filled([...times(50, 'denied'), ...times(4, 'ok')], { records: 3 });
    expect(delivered).to.deep.equal(['ok-50', 'ok-51', 'ok-52']);
    expect(through).to.equal('ok-52');
  });

  it('says that more follows only where something does that is permitted', async () => {
    const names = ['ok', 'ok', ...times(40, 'denied')];
    const last = await filled(names, { records: 2, ahead: 4 });
    expect(last).to.deep.equal({ delivered: ['ok-0', 'ok-1'], withheld: { [DENIED]: 40 }, ...whole });
    const more = await filled([...names, 'ok'], { records: 2, ahead: 4 });
    expect(more).to.include({ through: 'ok-1' });
    // What is denied behind the last of it is the next part's.
    expect(more.withheld).to.deep.equal({});
  });

  it('ends before what does not fit into one transaction', async () => {
    const { delivered, through } = await filled(['long', 'long', 'long', 'ok'], { length: 1_700 });
    expect(delivered).to.deep.equal(['long-0', 'long-1']);
    expect(through).to.equal('long-1');
  });

  const FAULTS: [string, string][] = [
    ['damaged', 'unreadable'],
    ['away', 'unreadable'],
    ['refused', 'unreadable'],
    ['newer', 'unreadable'],
    ['invalid', 'invalid'],
    ['endless', 'too-large'],
  ];
  for (const [name, reason] of FAULTS)
    it(`is not held up by a record that is ${name}: it says so`, async () => {
      expect(await filled(['ok', name, name, 'ok'], { length: 4_000 })).to.deep.equal({
        ...{ delivered: ['ok-0', 'ok-3'], withheld: { [reason]: 2 }, through: undefined, unreadable: true },
      });
    });

  for (const name of ['away', 'newer'])
    it(`waits at first for a record that is ${name}`, async () => {
      const came = await filled(['ok', name], {}, { isWaitedFor: true }).then(
        () => 'filled',
        () => 'failed',
      );
      expect(came).to.equal('failed');
    });

  it('holds nothing that was not asked for, and does not count it', async () => {
    const asked = { types: [], records: ['Observation/ok-1'] };
    expect(await filled(['ok', 'ok', 'denied'], {}, { asked })).to.deep.equal({
      ...{ delivered: ['ok-1'], withheld: {}, ...whole },
    });
  });

  describe('takes along what its records refer to', () => {
    /** Each record refers to as many companions of its own, and all to `shared`. */
    const referring = (own: number, length = 10, fault?: string): Partial<Source> => ({
      companionsOf: async ({ id }) =>
        ['shared', ...Array.from({ length: own }, (_, one) => `${id}/${one}`)].map((name) => ({
          ...{ name, length: name === 'shared' ? 10 : length },
          ...(fault !== undefined && name !== 'shared' ? { fault } : { evidence: evidenceOf(name) }),
        })),
    });
    const evidenceOf = (name: string): RecordEvidence => ({
      ...{ id: name, version: 1, text: '', sheet: 's', index: 0, path: [], tree: '' },
    });
    const carried = async (names: string[], change: Partial<Source>, limits: Partial<Limits> = {}) => {
      const records = new Records(...names);
      const source = records.source(change);
      const evaluate: Source['evaluate'] = async (some, companions = []) => {
        const refused = companions.findIndex(({ id }) => id.startsWith('refused'));
        if (refused >= 0) throw new LedgerError('INVALID', 'does not stand there', `private.companions[${refused}]`);
        const going = companions.flatMap(({ id }, place) => (id.startsWith('denied') ? [] : [place]));
        return { ...(await source.evaluate(some)), companions: going };
      };
      const part = await filledPart({ ...source, evaluate }, limits);
      const { companions, withheld, through, unreadable } = part;
      return {
        delivered: part.records.length,
        companions: companions.length,
        withheld,
        through: through?.id,
        unreadable,
      };
    };

    it('each once', async () => {
      expect(await carried(['ok', 'ok'], referring(1))).to.deep.equal({
        ...{ delivered: 2, companions: 3, withheld: {}, ...whole },
      });
      expect(await carried(['denied'], referring(1)), 'of what is not delivered none').to.include({ companions: 0 });
    });

    it('and ends before the record whose companions are too many or too long', async () => {
      expect(await carried(['ok', 'ok', 'ok'], referring(49))).to.deep.equal({
        ...{ delivered: 2, companions: 99, withheld: {}, through: 'ok-1', unreadable: undefined },
      });
      const long = await carried(['ok', 'ok', 'ok'], referring(1, 1_000), { length: 2_600 });
      expect(long).to.include({ delivered: 2, companions: 3, through: 'ok-1' });
    });

    it('as many as fit, of one record that has more than that, and says so', async () => {
      expect(await carried(['ok', 'ok'], referring(120))).to.deep.equal({
        ...{
          delivered: 1,
          companions: 100,
          withheld: { 'companion-too-large': 21 },
          through: 'ok-0',
          unreadable: true,
        },
      });
    });

    it('and counts those that do not go, by reason', async () => {
      const refused = { ...referring(0), companionsOf: async () => ['refused', 'denied', 'fine'].map(asCompanion) };
      expect(await carried(['ok'], refused)).to.deep.equal({
        ...{ delivered: 1, companions: 1, through: undefined, unreadable: true },
        withheld: { 'companion-unreadable': 1, 'companion-restricted': 1 },
      });
      expect(await carried(['ok', 'ok'], referring(1, 10, 'invalid'))).to.deep.include({
        ...{ companions: 1, withheld: { 'companion-invalid': 2 }, unreadable: true },
      });
    });
    const asCompanion = (name: string) => ({ name, length: 10, evidence: evidenceOf(name) });
  });

  it('says what a refusal rests on: the most telling reason, with a record of it', async () => {
    const evaluate = async (records: RecordEvidence[]): Promise<Evaluated> => {
      const reasons = records.map(({ id }) => (id.startsWith('denied') ? DENIED : 'consent-absent'));
      return { outcome: 'deny', reason: reasons.includes(DENIED) ? DENIED : 'consent-absent', reasons };
    };
    const source = new Records(...times(5, 'other'), 'denied', ...times(5, 'other')).source({ evaluate });
    const { refusal } = await filledPart(source, { records: 2 });
    expect(refusal).to.deep.include({ reason: DENIED });
    expect(refusal?.record?.id).to.equal('denied-5');
  });

  it('asks about the patient alone where there is nothing else', async () => {
    for (const names of [[], ['invalid']]) {
      const records = new Records(...names);
      await filledPart(records.source());
      expect(records.asked).to.deep.equal([[]]);
    }
  });

  it('ends where it is denied whatever the records are', async () => {
    const denied: Evaluated = { outcome: 'deny', reason: 'wait-over' };
    const source = new Records(...times(9, 'ok')).source({ evaluate: async () => denied });
    const { records, refusal } = await filledPart(source, { records: 2 });
    expect(records).to.deep.equal([]);
    expect(refusal?.reason).to.equal('wait-over');
  });
});
