/**
 * Brings a running channel to what it is to be: one configuration update after the other, and after each that concerns an
 * ordering node that node's restart. What is left to do follows from the channel, from the certificates on disk and from
 * those that nodes serve, so that it may be interrupted anywhere and repeated.
 */
import type { common } from '@hyperledger/fabric-protos';
import { governingPolicies } from '@telemed-ledger/formats/channel/config-update.ts';
import { couldSign, isSatisfied } from '@telemed-ledger/formats/policies/channel-policies.ts';
import type { KeyPair } from '../../ca/authority.ts';
import { type Reading, tipOf } from '../lag.ts';
import type { Configuration } from './configuration.ts';
import type { Plan, Step } from './steps.ts';
import { type SignedUpdate, signed, signersOf } from './update-file.ts';

/** An organisation's administrator whose key is here. */
export type Administrator = KeyPair & { mspId: string };

/** What it works with. */
export interface Operator {
  configuration(): Promise<Configuration>;
  /** From a configuration to the one that is wanted. */
  plan(current: common.ConfigGroup): Promise<Plan>;
  /** Has it ordered, not through the orderer named. @throws Error saying why it was not taken */
  broadcast(update: SignedUpdate, except: string | undefined): Promise<void>;
  nodes(): Promise<Reading[]>;
  /** Orderers whose new certificates the channel knows put those in their place; answers who did. */
  takeRenewed(current: common.ConfigGroup): Promise<string[]>;
  /** Orderers that do not run and nodes that run with another certificate than the one on disk, orderers first. */
  outdated(current: common.ConfigGroup): Promise<string[]>;
  /** Ends an orderer; `outdated` names it until it runs again. */
  stop(orderer: string): Promise<void>;
  /** Ends a node and starts it with what is on disk; answers when it runs. */
  restart(name: string): Promise<void>;
  /** Answers when every peer endorses with every other, where a chaincode is deployed. */
  untilEndorsed(): Promise<void>;
  delay(ms: number): Promise<void>;
  now(): Date;
}

export interface Signing {
  /** What came from others. */
  given: readonly SignedUpdate[];
  own: readonly Administrator[];
}

export type Outcome =
  | { is: 'done'; steps: number }
  /** `update` is what those missing are to sign; `policies` are not satisfied yet. */
  | { is: 'unsigned'; step: Step; update: SignedUpdate; mspIds: string[]; block: number };

const POLL_MS = 250;
const PATIENCE_MS = 60_000;

/** @param say told of every step. @throws Error with what is refused, or did not come about in a minute */
export async function apply(operator: Operator, signing: Signing, say: (line: string) => void): Promise<Outcome> {
  for (let steps = 0; ; steps += 1) {
    const configuration = await operator.configuration();
    await startAgain(operator, configuration.group, say);
    const plan = await operator.plan(configuration.group);
    if (plan.refusals.length > 0) throw new Error(`nothing is changed:\n${plan.refusals.join('\n')}`);
    const [step] = plan.steps;
    if (step === undefined) return { is: 'done', steps };
    if (step.orderer !== undefined) await untilOthersOrder(operator, `${step.orderer} is renewed`, step.orderer);
    const { update, mspIds } = gather(configuration.group, step, signing, operator.now());
    if (mspIds.length > 0) return { is: 'unsigned', step, update, mspIds, block: configuration.block };
    // Whatever it has signed with its old key is worth nothing once its new one is known, and a change of leader shows the
    // last block's signatures: that block must have none of it, or ordering stops for good.
    if (step.orderer !== undefined) await operator.stop(step.orderer);
    await operator.broadcast(update, step.orderer);
    const block = await untilEverywhere(operator, configuration.block);
    for (const change of step.changes) say(`${change} (block ${block})`);
  }
}

/** Nodes whose certificates have changed, one at a time, each when the others are well. */
async function startAgain(operator: Operator, current: common.ConfigGroup, say: (line: string) => void): Promise<void> {
  for (const name of await operator.takeRenewed(current)) say(`${name} has its new keys and certificates`);
  for (const name of await operator.outdated(current)) {
    const isOrderer = (await operator.nodes()).some((one) => one.name === name && one.kind === 'orderer');
    if (isOrderer) await untilOthersOrder(operator, `${name} is started again`, name);
    await operator.restart(name);
    await untilCaughtUp(operator, name, isOrderer);
    if (!isOrderer) await operator.untilEndorsed();
    say(`${name} runs with the certificates on disk`);
  }
}

/**
 * The update with every signature that is here, and whose are missing: none where its policies hold. An organisation that
 * is not asked by a policy does not sign.
 */
export function gather(
  current: common.ConfigGroup,
  step: Pick<Step, 'update'>,
  { given, own }: Signing,
  now: Date,
): { update: SignedUpdate; mspIds: string[] } {
  const policies = governingPolicies(current, step.update);
  const bytes = step.update.serializeBinary();
  const fitting = given.filter(({ update }) => Buffer.from(update).equals(bytes));
  let update: SignedUpdate = { update: bytes, signatures: fitting.flatMap(({ signatures }) => signatures) };
  const open = (): string[] => {
    const by = signersOf(current, update, now);
    return [...new Set(policies.flatMap((policy) => couldSign(current, policy, by)))];
  };
  for (const administrator of own) if (open().includes(administrator.mspId)) update = signed(update, administrator);
  const by = signersOf(current, update, now);
  const holds = policies.every((policy) => isSatisfied(current, policy, by));
  return { update, mspIds: holds ? [] : open() };
}

async function untilOthersOrder(operator: Operator, before: string, except: string): Promise<void> {
  await untilOrdering(operator, before, except);
  const readings = await operator.nodes();
  const others = readings.filter(({ name, kind }) => kind === 'orderer' && name !== except);
  await Promise.all(others.map(({ name }) => untilInStep(operator, name, except)));
}

/** Every other orderer takes part and has every block. @throws Error naming those that do not */
function untilOrdering(operator: Operator, before: string, except: string): Promise<void> {
  return until(operator, async () => {
    const readings = await operator.nodes();
    const others = readings.filter(({ name, kind }) => kind === 'orderer' && name !== except);
    const bad = others.filter((one) => !orders(one, tipOf(readings)));
    return bad.length === 0
      ? undefined
      : `before ${before} every other orderer must order: ${bad.map(({ name }) => name).join(', ')} ${bad.length > 1 ? 'do' : 'does'} not`;
  });
}

/** While blocks go on coming, one that is read a moment earlier than others lacks the last one or two. */
const A_MOMENT_BLOCKS = 20;

const orders = ({ status, relation, height }: Reading, tip: number): boolean =>
  status === 'active' && relation === 'consenter' && height !== undefined && height + A_MOMENT_BLOCKS >= tip;

async function untilCaughtUp(operator: Operator, name: string, isOrderer: boolean): Promise<void> {
  const goal = tipOf(await operator.nodes());
  await until(operator, async () => {
    const own = (await operator.nodes()).find((one) => one.name === name);
    const isThere = (own?.height ?? 0) >= goal && (!isOrderer || orders(own!, goal));
    return isThere
      ? undefined
      : `${name} has ${own?.height ?? 'no'} of ${goal} blocks${isOrderer ? `, ${own?.status ?? 'silent'}, ${own?.relation ?? ''}` : ''}`;
  });
}

/** Longer than a node takes that hears of the others at all. */
const IN_STEP_MS = 30_000;

/**
 * An orderer that was started again has every block before it takes part in agreeing on the next one: until then it counts
 * as faulty, and the next one's end would leave too few. Where it does not come to that, one goes on: blocks are what makes it.
 */
async function untilInStep(operator: Operator, name: string, except: string): Promise<void> {
  const deadline = operator.now().getTime() + IN_STEP_MS;
  const goal = tipOf(await operator.nodes());
  while (operator.now().getTime() < deadline) {
    const readings = (await operator.nodes()).filter((one) => one.name !== except);
    if (isInStep(readings, name, goal)) return;
    await operator.delay(POLL_MS);
  }
}

/** It follows the leader that most of the others follow, in their view, and agrees on the block after those that there were. */
export function isInStep(readings: readonly Reading[], name: string, goal: number): boolean {
  const own = readings.find((one) => one.name === name)?.view;
  const others = readings.flatMap((one) => (one.name === name || one.view === undefined ? [] : [one.view]));
  if (own === undefined || others.length === 0) return others.length === 0;
  const alike = others.filter(({ number, leader }) => number === own.number && leader === own.leader);
  return alike.length * 2 > others.length && own.next >= goal;
}

/** @returns the number of the block that holds the next configuration, once every node that runs has it */
async function untilEverywhere(operator: Operator, before: number): Promise<number> {
  let block = before;
  await until(operator, async () => {
    block = (await operator.configuration()).block;
    return block > before ? undefined : 'the orderers have taken the update, and it is in no block';
  });
  await until(operator, async () => {
    const lacking = (await operator.nodes()).filter(({ isRunning, height }) => isRunning && (height ?? 0) <= block);
    return lacking.length === 0 ? undefined : `without block ${block}: ${lacking.map(({ name }) => name).join(', ')}`;
  });
  return block;
}

/** `condition` answers why it does not hold. @throws Error with that, and that one may go on */
async function until(operator: Operator, condition: () => Promise<string | undefined>): Promise<void> {
  const deadline = operator.now().getTime() + PATIENCE_MS;
  for (;;) {
    const why = await condition();
    if (why === undefined) return;
    if (operator.now().getTime() > deadline)
      throw new Error(`${why} after ${PATIENCE_MS / 1000} s; once that is mended, apply again goes on from here`);
    await operator.delay(POLL_MS);
  }
}
