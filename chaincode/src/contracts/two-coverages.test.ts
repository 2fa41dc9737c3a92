/** Whatever provider and payers do with the claims of one visit on two coverages, in whatever order: together no more is paid than is allowed. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Request } from '../ledger/memory-ledger.fixture.ts';
import type { ClaimStatus } from '../model/claim-steps.ts';
import type { Debt, HumanDecision } from '../model/claims.ts';
import { findLedgerError } from '../model/errors.ts';
import { type Changeable, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import { privateKeys } from '../model/keys.ts';
import type { ClaimState } from '../model/values.ts';
import { exampleUuid, Story, wideConsortium } from './example-story.fixture.ts';

const ALLOWED = 15_050;
const SIDES = ['first', 'second'] as const;
type Side = (typeof SIDES)[number];
const OTHER: Record<Side, Side> = { first: 'second', second: 'first' };
const COVERAGES: Record<Side, string> = { first: exampleIds.coverage, second: exampleIds.other };

/** Statuses in which what is owed is to be paid. */
const IS_OPEN: readonly ClaimStatus[] = [
  ...(['approved', 'partial', 'instructed', 'rejected', 'failed', 'stopped', 'returned'] as const),
];

const DECISIONS: readonly HumanDecision[] = [
  { outcome: 'approve', reason: 'shown' },
  { outcome: 'deny', reason: 'not shown' },
  { outcome: 'approve', reason: 'too much', reductions: [{ sequence: 2, units: 1_000 }] },
];

type Act =
  | { act: 'submit' | 'replace'; side: Side; names: boolean }
  | { act: 'decide'; side: Side; decision: number }
  | { act: 'void' | 'cancel' | 'appeal' | 'pay' | 'pay back'; side: Side };

/** Two coverages of one patient, at one payer or two, and what is tried with claims on them. */
class Desk {
  readonly #stories!: Record<Side, Story>;
  /** Ids of each side's claims, the newest at the end. */
  readonly claims: Record<Side, string[]> = { first: [], second: [] };
  #made = 0;
  #transferred = 0;

  private constructor(first: Story, second: Story) {
    this.#stories = { first, second };
  }

  static async open(payer: string): Promise<Desk> {
    const first = await new Story(wideConsortium).prepare();
    const { ledger, provider } = first;
    const second = new Story(wideConsortium, { ledger, provider, payer });
    Object.assign(second.example.coverage, { id: exampleIds.other, order: 2, costToBeneficiary: [] });
    await ledger.submit('RegisterCoverage', second.coverage());
    return new Desk(first, second);
  }

  /** Whether it was done; what the ledger refuses is not. */
  async does(act: Act): Promise<boolean> {
    try {
      await this.#do(act);
      return true;
    } catch (error) {
      const refusal = findLedgerError((error as Error).message);
      if (refusal === undefined || refusal.code === 'FORBIDDEN') throw error;
      return false;
    }
  }

  statusOf = (side: Side, id: string) => this.#stories[side].status(id);

  #all(): { side: Side; id: string; state: ClaimState }[] {
    return SIDES.flatMap((side) => this.claims[side].map((id) => ({ side, id, state: this.statusOf(side, id) })));
  }

  /** What is paid for claims that stand, minor units. */
  paidInAll(): number {
    return this.#all().reduce((sum, { state: { paid } }) => sum + (paid?.units ?? 0), 0);
  }

  /** How the newest claim of a side stands, and what is paid or to be paid for it. */
  comesTo(of: Side): [string, number] {
    const { status, owed, paid } = this.statusOf(of, this.claims[of].at(-1)!);
    return [status, paid?.units ?? (IS_OPEN.includes(status) ? (owed?.units ?? 0) : 0)];
  }

  /** What is still to be paid of them. */
  openInAll(): number {
    return this.#all().reduce(
      (sum, { state: { status, owed } }) => sum + (IS_OPEN.includes(status) ? (owed?.units ?? 0) : 0),
      0,
    );
  }

  /** What banks have transferred, less what came back and what is owed back. */
  keptByProvider(): number {
    const left = this.#all().map(({ side, id }) => {
      const [newest] = this.#stories[side].series(`debt/${id}`).slice(-1);
      return newest === undefined ? 0 : (JSON.parse(newest) as Debt).left.units;
    });
    return this.#transferred - left.reduce((sum, units) => sum + units, 0);
  }

  told(): string {
    return SIDES.flatMap((side) =>
      this.claims[side].map((id) => `${side}: ${JSON.stringify(this.statusOf(side, id))}`),
    ).join('\n');
  }

  async #do(act: Act): Promise<void> {
    const { side } = act;
    const story = this.#stories[side];
    const { ledger } = story;
    const id = this.claims[side].at(-1);
    if (act.act === 'submit') return this.#submit(side, act.names, undefined);
    if (id === undefined) return;
    switch (act.act) {
      case 'replace':
        return this.#submit(side, act.names, id);
      case 'decide': {
        this.#made += 1;
        const request = story.decision(`Practitioner/p${this.#made}`, DECISIONS[act.decision]!, id);
        Object.assign(request.private!, { responseId: responseOf(id), ...story.benefits() });
        await ledger.submit('AdjudicateClaim', request);
        return;
      }
      case 'void':
      case 'cancel':
        await ledger.submit('WithdrawClaim', story.withdrawal(act.act, id));
        return;
      case 'appeal': {
        const request = story.reopening('appeal', id);
        const { resource } = JSON.parse(story.standing(id).claim);
        await ledger.submit('ReopenClaim', { ...request, private: { ...request.private, resource } } as never);
        return;
      }
      case 'pay':
        return this.#pay(story, id);
      case 'pay back':
        return this.#payBack(story);
    }
  }

  async #submit(side: Side, names: boolean, replaced: string | undefined): Promise<void> {
    const story = this.#stories[side];
    const { claim } = story.example;
    this.#made += 1;
    const id = exampleUuid(900 + this.#made);
    const own = { sequence: 1, focal: true, coverage: { reference: `Coverage/${COVERAGES[side]}` } };
    const other = this.#stories[OTHER[side]];
    const named = this.claims[OTHER[side]].filter(
      (one) =>
        names && other.standing(one).response !== '' && !['replaced', 'voided'].includes(other.status(one).status),
    );
    claim['insurance'] = [
      own,
      ...named.map((one, at) => ({
        ...{ sequence: at + 2, focal: false, coverage: { reference: `Coverage/${COVERAGES[OTHER[side]]}` } },
        claimResponse: { reference: `ClaimResponse/${responseOf(one)}` },
      })),
    ];
    delete (claim as Changeable)['related'];
    claim['id'] = id;
    const request = replaced === undefined ? story.submission() : story.replacement(id, replaced);
    const prior = named.map((one) => ({ ...other.standing(one), first: other.state(1, one), ...other.screening(one) }));
    Object.assign(request.private, { responseId: responseOf(id), ...(prior.length === 0 ? {} : { prior }) });
    await story.ledger.submit('SubmitClaim', structuredClone(request));
    this.claims[side].push(id);
  }

  async #pay(of: Story, id: string): Promise<void> {
    const { ledger, payer } = of;
    this.#made += 1;
    const payment = exampleUuid(600 + this.#made);
    await ledger.submit('InstructPayment', {
      ...{ from: payer, role: 'system', input: { id: payment, bank: 'bank' } },
      private: { salt: exampleSalt('e'), claims: [{ id, state: of.standing(id).state }] },
      time: '2026-02-13T08:00:00.000Z',
    });
    const settlement = of.settlement();
    const transfer = { ...settlement.private, ...of.payment(1, payment), reference: `TRF-${this.#made}` };
    const input = { id: payment, payer };
    await ledger.submit('ReportPayment', { ...settlement, input, private: transfer as never });
    this.#transferred += of.status(id).owed!.units;
    const notice = of.text(of.billing, privateKeys.notice(payment));
    await ledger.submit('RemitPayment', {
      ...{ from: payer, role: 'system', input: { id: payment, provider: 'hospital' } },
      private: { salt: exampleSalt('0'), ...of.payment(2, payment), notice, states: [of.standing(id).state] },
      time: '2026-02-15T08:00:00.000Z',
    });
  }

  /** All that is owed back to one payer. */
  async #payBack(story: Story): Promise<void> {
    this.#made += 1;
    const { payer } = story;
    const debts = SIDES.flatMap((side) => this.claims[side])
      .flatMap((id) => story.series(`debt/${id}`).slice(-1))
      .filter((text) => (JSON.parse(text) as Debt).left.units > 0);
    if (debts.length === 0) return;
    const units = debts.reduce((sum, text) => sum + (JSON.parse(text) as Debt).left.units, 0);
    const request: Request<'RepayDebts'> = {
      ...{ from: 'hospital', role: 'system', input: { id: exampleUuid(700 + this.#made), payer, bank: 'bank' } },
      private: { salt: exampleSalt('4'), units, currency: 'USD', debts },
      time: '2026-02-21T08:00:00.000Z',
    };
    await story.ledger.submit('RepayDebts', request);
    this.#transferred -= units;
  }
}

/** A status, and minor units. */
type Standing = readonly [string, number];

const responseOf = (claim: string): string => claim.replace(/^0/, '9');

const side = fc.constantFrom(...SIDES);
const anyAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom('submit' as const), side, names: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom('replace' as const), side, names: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constantFrom('decide' as const), side, decision: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ act: fc.constantFrom('void' as const, 'cancel' as const, 'appeal' as const, 'pay' as const), side },
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom('pay back' as const), side }) },
);

describe('Claims on two coverages', function () {
  this.timeout(240_000);

  async function run(payer: string, acts: readonly Act[]): Promise<{ desk: Desk; done: boolean[] }> {
    const desk = await Desk.open(payer);
    const done: boolean[] = [];
    for (const act of acts) {
      done.push(await desk.does(act));
      const what = `after ${JSON.stringify(act)}\n${desk.told()}`;
      expect(desk.paidInAll() + desk.openInAll(), what).to.be.at.most(ALLOWED);
      expect(desk.keptByProvider(), what).to.equal(desk.paidInAll());
    }
    return { desk, done };
  }

  for (const payer of ['payer-two', 'payer']) {
    it(`pay no more than is allowed together, whatever is done with them, the second at ${payer}`, () =>
      fc.assert(
        fc.asyncProperty(fc.array(anyAct, { minLength: 4, maxLength: 12 }), async (acts) => {
          await run(payer, acts);
        }),
        { numRuns: Number(process.env['RUNS'] ?? 12), seed: 20261130 },
      ));

    const submit = (side: Side, names = false): Act => ({ act: 'submit', side, names });
    const replace = (side: Side, names = true): Act => ({ act: 'replace', side, names });
    const decide = (side: Side, decision = 0): Act => ({ act: 'decide', side, decision });
    const plain = (act: 'void' | 'cancel' | 'appeal' | 'pay', side: Side): Act => ({ act, side });
    const BOTH = [submit('first'), decide('first'), submit('second', true), decide('second')];
    const PAID = [...BOTH.slice(0, 2), plain('pay', 'first'), ...BOTH.slice(2), plain('pay', 'second')];
    /** What the second holds is paid by nobody else: a provider's gateway has it cancelled, or waited for, before the first is replaced. */
    const HELD = [
      ['denied', 0],
      ['partial', 3_305],
    ] as const;
    /** What each newest claim comes to: its status, and what is paid or to be paid for it. */
    const ORDERS: [what: string, acts: Act[], first: Standing, second: Standing][] = [
      ['both are decided', BOTH, ['approved', 11_745], ['partial', 3_305]],
      [
        'the second is replaced',
        [...BOTH, replace('second'), decide('second')],
        ['approved', 11_745],
        ['partial', 3_305],
      ],
      [
        'the second is replaced once both are paid',
        [...PAID, replace('second'), decide('second')],
        ['remitted', 11_745],
        ['satisfied', 3_305],
      ],
      [
        'the second is replaced before it is decided',
        [...BOTH.slice(0, 3), replace('second'), decide('second')],
        ['approved', 11_745],
        ['partial', 3_305],
      ],
      [
        'the second is replaced by one that names nothing',
        [...BOTH, replace('second', false)],
        ['approved', 11_745],
        ['denied', 0],
      ],
      [
        'the first is replaced once both are paid',
        [...PAID, replace('first'), decide('first')],
        ['satisfied', 11_745],
        ['remitted', 3_305],
      ],
      ['the first is voided', [...BOTH, plain('void', 'first')], ['voided', 0], ['partial', 3_305]],
      [
        'the second is voided, and billed again',
        [...BOTH, plain('void', 'second'), submit('second', true), decide('second')],
        ['approved', 11_745],
        ['partial', 3_305],
      ],
      [
        'both are voided, and billed again',
        [...BOTH, plain('void', 'second'), plain('void', 'first'), ...BOTH],
        ['approved', 11_745],
        ['partial', 3_305],
      ],
      [
        'the first is replaced while the second is not decided',
        [...BOTH.slice(0, 3), replace('first', false), decide('second'), decide('first')],
        ...HELD,
      ],
      [
        'the first is replaced and decided while the second is not decided',
        [...BOTH.slice(0, 3), replace('first', false), decide('first'), decide('second')],
        ...HELD,
      ],
      [
        'the second is cancelled before it is decided, the first replaced, and the second billed again',
        [...BOTH.slice(0, 3), plain('cancel', 'second'), replace('first'), decide('first'), ...BOTH.slice(2)],
        ...([
          ['approved', 11_745],
          ['partial', 3_305],
        ] as const),
      ],
    ];
    for (const [what, acts, first, second] of ORDERS)
      it(`come to what each owes where ${what}, the second at ${payer}`, async () => {
        const { desk } = await run(payer, acts);
        expect(
          SIDES.map((side) => desk.comesTo(side)),
          desk.told(),
        ).to.deep.equal([first, second]);
      });
  }
});
