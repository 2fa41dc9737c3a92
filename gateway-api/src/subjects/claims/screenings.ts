/**
 * The payer's screening of claims across providers and payers: as soon as a claim is submitted, and again before it is decided where
 * it was not, or not as it is billed by now. The chaincode finds what is billed elsewhere; here the keys are kept going.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBill } from '@telemed-ledger/chaincode/model/bill.ts';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { billedItems } from '@telemed-ledger/chaincode/model/claim-practitioners.ts';
import type { ClaimRecord, HumanDecision } from '@telemed-ledger/chaincode/model/claims.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import {
  KEY_DAYS,
  lookedBackTo,
  MAX_KEYS,
  type Screening,
  type ScreeningKey,
} from '@telemed-ledger/chaincode/model/screenings.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import { ownState } from '../../duties/found.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { isOutdated } from '../../ledger/outdated.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { billedText } from './billed.ts';
import {
  adjudicateOnce,
  claimState,
  inTurn,
  newestOf,
  type ShownValue,
  screenedAs,
  standingOf,
  textOf,
} from './claims.ts';
import { showingLists } from './lists-shown.ts';
import { daysOf, sendScreening } from './together.ts';

type Screener = Pick<Services, 'index' | 'ledger' | 'claimGroups' | 'organisation'>;

/** Whether a claim is to be screened (again) before it is decided. @param claim its text */
function isDue(screening: ShownValue | undefined, claim: string): boolean {
  if (screening === undefined) return true;
  const { claim: screened, elsewhere, alike, lines } = JSON.parse(screening.text) as Screening;
  return screened !== sha256Hex(claim) || elsewhere.length > 0 || alike !== undefined || lines.length === 0;
}

/**
 * Whether the duty is to screen a claim: one that nobody has, or that was decided, or bills otherwise, since. What others hold is looked
 * for again when it is decided, and not by the duty, which would find no end.
 */
async function isBehind({ index, organisation }: Screener, state: ClaimState): Promise<boolean> {
  const own = collections.billing(organisation.name);
  if (!(await index.evidence.isWritten(own, privateKeys.screening(state.id, 1)))) return true;
  if (state.step === 1) return false;
  const { screening } = await screenedAs(index, own, state.id);
  const claim = await billedText(index, own, state);
  if (screening === undefined || claim === undefined) return false;
  const { claim: screened, elsewhere, lines } = JSON.parse(screening.text) as Screening;
  if (screened !== sha256Hex(claim)) return true;
  const isFreed = state.status === 'appealed' && elsewhere.length === 0 && lines.length === 0;
  return isFreed && billedItems(readBill((parseExact(claim) as ClaimRecord).resource)).length > 0;
}

/** A decision right behind a submission or an appeal waits for the duty: what it writes itself is then the decision alone. */
async function afterDuty(services: Screener, id: string): Promise<void> {
  const until = Date.now() + DUTY_MS;
  for (let pauseMs = POLL_MS; Date.now() < until; pauseMs = Math.min(2 * pauseMs, LONGEST_POLL_MS)) {
    const state = await claimState(services.index, id);
    if (!OPEN.includes(state.status) || !(await isBehind(services, state))) return;
    // Many wait while the duty is at others' claims, and each look is several queries.
    await Promise.race([
      underWay(services)
        .get(id)
        ?.catch(() => {}) ?? sleep(pauseMs),
      sleep(until - Date.now()),
    ]);
  }
}
const OPEN: readonly string[] = ['submitted', 'appealed'];
const DUTY_MS = 3_000;
const POLL_MS = 50;
const LONGEST_POLL_MS = 800;

/** Screenings under way at a gateway, by claim. */
const UNDER_WAY = new WeakMap<object, Map<string, Promise<void>>>();

function underWay({ index }: Screener): Map<string, Promise<void>> {
  const known = UNDER_WAY.get(index) ?? new Map<string, Promise<void>>();
  UNDER_WAY.set(index, known);
  return known;
}

/**
 * Has a claim screened that is to be decided, where that is due. The duty and a decision that come at the same time share one: of two
 * the ledger takes one, and the other would be endorsed, and gathered again, for nothing. @throws {LedgerError}
 */
function screenIfDue(services: Screener, id: string): Promise<void> {
  const all = underWay(services);
  const known = all.get(id);
  if (known !== undefined) return known;
  const screening = screenNow(services, id).finally(() => all.delete(id));
  all.set(id, screening);
  return screening;
}

async function screenNow(services: Screener, id: string): Promise<void> {
  const due = await dueOf(services, id);
  if (due === undefined) return;
  const days = daysOf((parseExact(due.claim) as ClaimRecord).resource);
  await services.claimGroups.screening.hold(days, () => screenInTurn(services, id));
}

const screenInTurn = (services: Screener, id: string): Promise<void> =>
  upToDate(async () => {
    const due = await dueOf(services, id);
    if (due !== undefined) await screen(services, due);
  });

/** A claim that is to be screened, as its endorsers are shown it. */
interface Due {
  standing: ClaimState;
  claim: string;
  state: string;
  screening: ShownValue | undefined;
}

/** undefined where it is screened as it stands. @throws {LedgerError} NOT_FOUND, {Failure} 503 while it is on its way */
async function dueOf({ index, organisation }: Screener, id: string): Promise<Due | undefined> {
  const own = collections.billing(organisation.name);
  const standing = await claimState(index, id);
  const { claim, state } = await standingOf(index, own, standing);
  const { screening } = await screenedAs(index, own, id);
  return isDue(screening, claim) ? { standing, claim, state, screening } : undefined;
}

async function screen(services: Screener, { standing, claim, state, screening }: Due): Promise<void> {
  const { id, provider } = standing;
  const { index } = services;
  const { coverage, resource } = parseExact(claim) as ClaimRecord;
  const newest = await index.newestRow('Coverage', coverage.id);
  if (newest === undefined) throw new LedgerError('NOT_FOUND', 'the coverage of this claim is not here');
  const first =
    readBill(resource)
      .items.map((item) => item.first)
      .sort()[0] ?? '';
  const shown = {
    ...{ salt: newSalt(), claim, state, coverage: newest.value },
    keys: await keysSince(services, lookedBackTo(first, new Date().toISOString())),
    ...(screening === undefined ? {} : { screening }),
  };
  await showingLists(index, collections.payers, (lists) =>
    sendScreening(services, { input: { id, provider }, shown: { ...shown, ...lists } }, AS_SYSTEM),
  );
}

const DAY_MS = 86_400_000;
const fromOf = ({ text }: ShownValue): string => (JSON.parse(text) as ScreeningKey).from;

/** The keys that count since a day, ascending, up to the newest, which is made where there is none and replaced where it is old. */
async function keysSince(services: Screener, since: string): Promise<ShownValue[]> {
  const { index } = services;
  const keys = [await newestKey(services)];
  while (keys[0]!.generation > 1 && fromOf(keys[0]!).slice(0, 10) >= since && keys.length < MAX_KEYS) {
    const generation = keys[0]!.generation - 1;
    keys.unshift({ generation, text: await textOf(index, collections.payers, privateKeys.screeningKey(generation)) });
  }
  return keys;
}

async function newestKey({ index, ledger }: Screener): Promise<ShownValue> {
  const newest = () => newestOf(index, collections.payers, privateKeys.screeningKey);
  const before = await newest();
  if (before !== undefined && Date.now() - Date.parse(fromOf(before)) < KEY_DAYS * DAY_MS) return before;
  const made = { secret: randomBytes(32).toString('hex'), ...(before === undefined ? {} : { before }) };
  await ledger.submit('ChangeScreeningKey', {}, made, AS_SYSTEM);
  const after = await newest();
  if (after !== undefined) return after;
  throw new LedgerError('CONFLICT', 'the key is not here yet', 'keys');
}

/**
 * Decides a claim by what the payer holds, and by what a person decides within that. Of one that is denied nobody need screen it, so
 * that nobody can hold that up. @throws {LedgerError}
 */
export const adjudicate = (
  services: Services,
  id: string,
  decision: HumanDecision | undefined,
  sending: Sending,
): Promise<Outcome> =>
  inTurn(services, id, () =>
    upToDate(async () => {
      await afterDuty(services, id);
      const failure = await screenIfDue(services, id).catch((error: unknown) => ({ error }));
      try {
        return await adjudicateOnce(services, id, decision, sending);
      } catch (error) {
        throw failure !== undefined && isOutdated(error) ? failure.error : error;
      }
    }),
  );

/**
 * Claims that may have to be screened: those that took a step since a block, until they are not behind. What has not arrived stands in
 * earlier blocks: when it comes all are looked through.
 */
interface Waiting {
  ids: Set<string>;
  until: number;
  /** How many values were lacking then. */
  lacked: number;
}

const WAITING = new WeakMap<object, Waiting>();

function waitingAt(index: object): Waiting {
  const known = WAITING.get(index) ?? { ids: new Set<string>(), until: -1, lacked: 0 };
  WAITING.set(index, known);
  return known;
}

/** Screens claims as soon as they are submitted, or to be decided anew: who is screened first holds the service. */
export const screenClaims: Duty<ClaimState> = {
  name: 'screen claims',
  kind: 'payer',
  on: [events.ClaimSubmitted, events.ClaimAppealed],
  idOf: ({ id }) => id,
  atOnce: 64,
  async *find(services) {
    const { index, organisation } = services;
    const waiting = waitingAt(index);
    const lacked = index.undelivered.count();
    if (lacked !== waiting.lacked) waiting.until = -1;
    waiting.lacked = lacked;
    for (const { id, block } of await index.own.changedSince('claim', OPEN, waiting.until)) {
      waiting.ids.add(id);
      waiting.until = Math.max(waiting.until, block);
    }
    for (const id of waiting.ids) {
      // It is looked at again with the block that it ends with, or at the next interval.
      if (underWay(services).has(id)) continue;
      const state = await ownState(services, 'claim', claimStateSchema, id);
      const isOpen = state !== undefined && OPEN.includes(state.status) && state.payer === organisation.name;
      if (isOpen && (await isBehind(services, state))) yield state;
      else waiting.ids.delete(id);
    }
  },
  perform: ({ id }, services) => screenIfDue(services, id),
};
