import type { Answer, Sending } from '@telemed-ledger/scripts/http.ts';
import { expect } from 'chai';
import { type Check, check, type Evidence } from './check.ts';
import { type Attempt, History, judge, type Meaning, type Request } from './history.ts';
import type { RecordedParty } from './parties.ts';
import type { RecordWrite, TrackedRecord } from './records.ts';
import { longestGap } from './report.ts';
import { schedule } from './schedule.ts';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  body,
  headers,
});
const outcome = (text: string, code = 'transient') => ({
  resourceType: 'OperationOutcome',
  issue: [{ code, diagnostics: text }],
});

/** A consortium that holds what the test puts into it: values of versions by id, and ids by mark. */
class HeldRecords {
  readonly ids = new Map<string, string[]>();
  readonly values = new Map<string, number[]>();
  put(mark: string, id: string, ...values: number[]): void {
    this.ids.set(mark, [...(this.ids.get(mark) ?? []), id]);
    this.values.set(id, values);
  }

  ask(path: string): Answer {
    const mark = /\|(.*)$/.exec(decodeURIComponent(path))?.[1];
    if (mark !== undefined) return page((this.ids.get(mark) ?? []).map((id) => ({ id })));
    const id = /Observation\/([^/]+)\/_history/.exec(path)?.[1] ?? '';
    const versions = this.values.get(id) ?? [];
    return page(versions.map((value) => ({ id, valueQuantity: { value } })).reverse());
  }
}

const page = (resources: object[]): Answer => answer(200, { entry: resources.map((resource) => ({ resource })) });

describe('The check of a history', () => {
  let history: History;
  let records: TrackedRecord[];
  let hospital: HeldRecords;
  let patients: HeldRecords;
  let totals: Record<string, number>;
  let differences: object[];
  let blocks: Record<string, number>;
  let resolution: Meaning;
  beforeEach(() => {
    [history, records, hospital, patients] = [new History(), [], new HeldRecords(), new HeldRecords()];
    [totals, differences, blocks, resolution] = [{}, [], {}, 'done'];
  });

  const attempt = (meaning: Meaning, reason = '', status = 200): Attempt => ({ at: 0, ms: 1, status, meaning, reason });
  const request = (meaning: Meaning, path = '/fhir/R4/Observation', reason = '', status = 200): Request => {
    const begun = history.begin({ organisation: 'hospital', method: 'POST', path, key: 'k', isJudged: true });
    history.note(begun, attempt(meaning, reason, status));
    return begun;
  };
  const write = (value: number, meaning: Meaning, version?: number): RecordWrite => ({
    value,
    request: request(meaning),
    sending: { path: '' },
    version,
  });
  const track = (mark: string, location: string | undefined, ...writes: RecordWrite[]): void => {
    records.push({ party: { organisation: 'hospital' } as RecordedParty, mark, location, writes });
  };
  /** The same at the provider and the custodian. */
  const hold = (mark: string, id: string, ...values: number[]): void => {
    for (const held of [hospital, patients]) held.put(mark, id, ...values);
  };

  const ask = async (organisation: string, { path }: Sending): Promise<Answer> => {
    if (path === '/verify') return answer(200, { differences });
    if (path.startsWith('/licences/'))
      return answer(200, { end: organisation === 'patients' ? '2030-01-01' : '2031-01-01' });
    if (path === '/readyz') return answer(200, { block: blocks[organisation] ?? 7 });
    // In pages of one.
    const [, after] = /^\/access-requests(?:\?after=(\d+))?$/.exec(path) ?? [];
    if (path.startsWith('/access-requests')) {
      const [shown, all] = [Number(after ?? 0), totals['access'] ?? 0];
      const next = shown + 1 < all ? { next: `/access-requests?after=${shown + 1}` } : {};
      return answer(200, { accessRequests: shown < all ? [{}] : [], ...next });
    }
    const counted = /R4\/(\w+)\?_summary=count/.exec(path)?.[1];
    if (counted !== undefined) return answer(200, { total: totals[counted] ?? 0 });
    return (organisation === 'patients' ? patients : hospital).ask(path);
  };
  const problemsOf = async (more: Partial<Evidence> = {}): Promise<string[]> => {
    const checks: Check[] = await check({
      history,
      records,
      stories: [],
      licences: new Map(),
      ...more,
      reader: { organisations: ['hospital', 'patients'], ask },
      resolve: async ({ request: open }) => {
        history.note(open, attempt(resolution));
        return undefined;
      },
    });
    return checks.flatMap(({ problems }) => problems);
  };

  it('finds nothing where all is as it was answered', async () => {
    track('a', 'Observation/1', write(1, 'done', 1), write(2, 'done', 2));
    hold('a', '1', 1, 2);
    track('b', undefined, write(1, 'nothing'));
    expect(await problemsOf()).to.deep.equal([]);
  });

  const wrong: [string, () => void, RegExp][] = [
    ['a lost create', () => track('a', 'Observation/1', write(1, 'done', 1)), /a was acknowledged and is not there/],
    [
      'a lost update',
      () => {
        track('a', 'Observation/1', write(1, 'done', 1), write(2, 'done', 2));
        hold('a', '1', 1);
      },
      /the values 2 were acknowledged; there are 1/,
    ],
    [
      'a doubled create',
      () => {
        track('a', 'Observation/1', write(1, 'done', 1));
        hold('a', '1', 1);
        hold('a', '2', 1);
      },
      /a is there 2 times/,
    ],
    [
      'an update that is there twice',
      () => {
        track('a', 'Observation/1', write(1, 'done', 1), write(2, 'done', 2));
        hold('a', '1', 1, 2, 2);
      },
      /a version is there twice: 1,2,2/,
    ],
    [
      'a version that was acknowledged as another',
      () => {
        track('a', 'Observation/1', write(1, 'done', 1), write(2, 'done', 3));
        hold('a', '1', 1, 2);
      },
      /was acknowledged as version 3; the versions are 1,2/,
    ],
    [
      'another id than was acknowledged',
      () => {
        track('a', 'Observation/1', write(1, 'done', 1));
        hold('a', '2', 1);
      },
      /acknowledged as Observation\/1 and is Observation\/2/,
    ],
    [
      'a create that was answered as not written',
      () => {
        track('a', undefined, write(1, 'nothing'));
        hold('a', '1', 1);
      },
      /answered as not written .* and is there/,
    ],
    [
      'an update that was answered as not written',
      () => {
        track('a', 'Observation/1', write(1, 'done', 1), write(2, 'nothing'));
        hold('a', '1', 1, 2);
      },
      /answered as not written .* and is there/,
    ],
    [
      'a record that the custodian lacks',
      () => {
        track('a', 'Observation/1', write(1, 'done', 1));
        hospital.put('a', '1', 1);
      },
      /the custodian holds/,
    ],
    [
      'an outcome that does not resolve',
      () => {
        resolution = 'false';
        track('a', undefined, write(1, 'unknown'));
      },
      /is not resolved/,
    ],
    [
      'an outcome that resolves to what is not there',
      () => track('a', undefined, write(1, 'unknown')),
      /a was acknowledged and is not there/,
    ],
    ['a false answer', () => void request('false', '/x', 'no such claim', 404), /answered 404: no such claim/],
    ['an error of the server', () => void request('broken', '/x', '', 500), /answered 500 without a reason/],
    [
      'a claim too many',
      () => {
        request('done', '/fhir/R4/Claim/$submit');
        totals['Claim'] = 2;
      },
      /2 claims; 1 were acknowledged/,
    ],
    [
      'access requests too many, on whichever page',
      () => void Object.assign(totals, { access: 3 }),
      /3 access requests; 0 were acknowledged/,
    ],
    ['a stored copy that is not what was anchored', () => void differences.push({ place: 'x' }), /"place":"x"/],
    ['a gateway that stays behind', () => void Object.assign(blocks, { hospital: 6 }), /hospital 6, patients 7/],
  ];
  for (const [what, prepare, problem] of wrong)
    it(`finds ${what}`, async () => {
      prepare();
      expect((await problemsOf()).join('\n')).to.match(problem);
    });

  it('finds an organisation whose licence is another', async () => {
    expect(await problemsOf({ licences: new Map([['7', '2031-01-01']]) })).to.deep.equal([
      'licence 7 ends 2030-01-01 for patients; 2031-01-01 was acknowledged',
    ]);
  });

  it('finds a story that broke', async () => {
    const story = { brokeAt: 'The bank pays', reason: 'expected a payment' };
    expect(await problemsOf({ stories: [story] })).to.deep.equal(['“The bank pays”: expected a payment']);
  });
});

describe('An answer to the load', () => {
  const cases: [string, Answer, Meaning][] = [
    ['201', answer(201, {}), 'done'],
    ['503 that says nothing was written', answer(503, outcome('The ledger is away; nothing was written.')), 'nothing'],
    ['503 that leaves it open', answer(503, outcome('The read model is still catching up.')), 'unknown'],
    ['504 with its reason', answer(504, outcome('The outcome is not known yet.', 'timeout')), 'unknown'],
    ['503 without a reason', answer(503, 'Service Unavailable'), 'broken'],
    ['500', answer(500, outcome('an internal error', 'exception')), 'broken'],
    ['429', answer(429, outcome('too many', 'throttled')), 'nothing'],
    ['409', answer(409, outcome('the version is another', 'conflict')), 'false'],
    ['404', answer(404, outcome('not found', 'not-found')), 'false'],
    ['404 that says it is on its way', answer(404, outcome('not here yet'), { 'retry-after': '1' }), 'not-yet'],
  ];
  for (const [what, given, meaning] of cases)
    it(`${what} means ${meaning}`, () => expect(judge(given)).to.equal(meaning));
});

describe('A schedule of faults', () => {
  const parts = ['a', 'b', 'c', 'd'].flatMap((name) => [
    { name: `orderer-${name}`, kind: 'orderer' as const },
    { name: `peer-${name}`, kind: 'peer' as const },
  ]);
  const of = (seed: number) => schedule({ seed, count: 300, parts, longestHoldMs: 3_000 });

  it('is the same for the same seed, and another for another', () => {
    expect(of(1)).to.deep.equal(of(1));
    expect(of(1)).not.to.deep.equal(of(2));
  });

  it('does everything to every kind of part, and never stops two orderers at once', () => {
    const faults = of(3);
    expect(new Set(faults.map(({ kind }) => kind))).to.have.property('size', 7);
    for (const { strikes, holdMs } of faults) {
      expect(strikes.filter(({ part }) => part.kind === 'orderer')).to.have.length.below(2);
      expect(holdMs).to.be.within(100, 3_000);
    }
  });
});

describe('The longest gap of a fault', () => {
  it('lies between two successes, from the last one before it to the first one after it', () => {
    expect(longestGap([100, 900, 1_000, 5_000, 5_100], 2_000, 5_100)).to.equal(4_000);
    expect(longestGap([100, 200, 300], 150, 300)).to.equal(100);
    expect(longestGap([], 100, 400)).to.equal(300);
  });
});
