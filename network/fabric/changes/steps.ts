/**
 * From the configuration that a channel has to the one that it is to have: the steps between, each a configuration
 * update of its own, in an order in which ordering goes on after every one; and what is refused. Pure.
 */
import { common } from '@hyperledger/fabric-protos';
import { entriesOf } from '@telemed-ledger/formats/channel/config-group.ts';
import { configUpdateOf, copyOf, updated } from '@telemed-ledger/formats/channel/config-update.ts';
import { readMspConfig } from '@telemed-ledger/formats/channel/msp-config.ts';
import { quorumPolicy } from '../consensus.ts';
import { consentersIn, differences, type Names } from './difference.ts';

export interface Step {
  /** What it is about: `ordering and channel`, an organisation's name, an orderer's name. */
  about: string;
  /** In words, a line each. */
  changes: string[];
  update: common.ConfigUpdate;
  /** The configuration after it. */
  after: common.ConfigGroup;
  /** The ordering node that is started again once every node has the step's block. */
  orderer?: string;
}

export interface Plan {
  steps: Step[];
  /** Why nothing of it is done; empty where it can be. */
  refusals: string[];
}

/**
 * @param toleratedFaults f: after every step there must be 3f + 1 ordering nodes
 * @param leader the orderer that leads now and is changed last, so that the others agree on another one but once
 */
export function planOf(
  channel: string,
  current: common.ConfigGroup,
  wanted: common.ConfigGroup,
  names: Names,
  toleratedFaults: number,
  leader?: string,
): Plan {
  const desired = withKnownNumbers(current, wanted);
  const refusals = changeRefusals(current, desired, names, toleratedFaults);
  const steps: Step[] = [];
  let before = current;
  for (const { about, orderer, change } of movesOf(current, desired, names, leader)) {
    const wish = copyOf(before);
    change(wish);
    const update = configUpdateOf(channel, before, wish);
    if (update === undefined) continue;
    const after = updated(before, update);
    const changes = differences(before, after, names);
    steps.push({ about, changes, update, after, ...(orderer === undefined ? {} : { orderer }) });
    before = after;
  }
  return { steps, refusals };
}

interface Move {
  about: string;
  orderer?: string;
  change: (group: common.ConfigGroup) => void;
}

/** Authorities first, because certificates are of them; then orderers, one by one; batches, capabilities and policies last. */
function movesOf(
  current: common.ConfigGroup,
  desired: common.ConfigGroup,
  names: Names,
  leader: string | undefined,
): Move[] {
  const named = (one: common.Consenter): string => names.ordererAt(one.getHost(), one.getPort());
  const leads = (one: common.Consenter): number => (named(one) === leader ? 1 : 0);
  const organisations = new Set(
    ['Application', 'Orderer'].flatMap((section) =>
      keysOf(groupIn(desired, section)).filter((key) => groupIn(current, section)?.getGroupsMap().has(key)),
    ),
  );
  const joining = keysOf(groupIn(desired, 'Application')).filter(
    (key) => !groupIn(current, 'Application')?.getGroupsMap().has(key),
  );
  return [
    ...[...organisations].map((mspId) => ({
      about: names.organisationOf(mspId),
      change: (group: common.ConfigGroup) => moveOrganisation(group, desired, mspId),
    })),
    ...consentersOf(desired)
      .toSorted((one, other) => leads(one) - leads(other))
      .map((consenter) => ({
        about: named(consenter),
        orderer: named(consenter),
        change: (group: common.ConfigGroup) => moveConsenter(group, desired, consenter),
      })),
    { about: 'ordering and channel', change: (group: common.ConfigGroup) => moveShared(group, desired) },
    ...joining.map((mspId) => ({
      about: names.organisationOf(mspId),
      change: (group: common.ConfigGroup) => {
        groupIn(group, 'Application')!
          .getGroupsMap()
          .set(mspId, groupIn(groupIn(desired, 'Application'), mspId)!);
      },
    })),
  ];
}

/** What an organisation says of itself, which its own administrator alone decides. */
function moveOrganisation(group: common.ConfigGroup, desired: common.ConfigGroup, mspId: string): void {
  for (const section of ['Application', 'Orderer']) {
    const [own, wanted] = [group, desired].map((from) => groupIn(groupIn(from, section), mspId));
    if (own === undefined || wanted === undefined) continue;
    const next = copyOf(wanted);
    // Where its orderers are changes with them, and versions are those of what is there.
    const endpoints = own.getValuesMap().get('Endpoints');
    if (endpoints !== undefined) next.getValuesMap().set('Endpoints', endpoints);
    groupIn(group, section)!.getGroupsMap().set(mspId, next);
  }
}

function moveConsenter(group: common.ConfigGroup, desired: common.ConfigGroup, consenter: common.Consenter): void {
  const ordering = groupIn(group, 'Orderer')!;
  const all = consentersOf(group);
  const at = all.findIndex((one) => one.getId() === consenter.getId());
  if (at < 0) return;
  all[at] = consenter;
  setConsenters(ordering, all);
  const mspId = consenter.getMspId();
  const [own, wanted] = [group, desired].map((from) => groupIn(groupIn(from, 'Orderer'), mspId)?.getValuesMap());
  const endpoints = wanted?.get('Endpoints');
  if (own !== undefined && endpoints !== undefined) own.set('Endpoints', endpoints);
}

function setConsenters(ordering: common.ConfigGroup, consenters: common.Consenter[]): void {
  const value = ordering.getValuesMap().get('Orderers');
  const policy = ordering.getPoliciesMap().get('BlockValidation')?.getPolicy();
  if (value === undefined || policy === undefined) return;
  const mapping = new common.Orderers();
  mapping.setConsenterMappingList(consenters);
  value.setValue(mapping.serializeBinary());
  policy.setValue(quorumPolicy(consenters.map(consenterOf)).serializeBinary());
}

const consenterOf = (one: common.Consenter): { mspId: string; identity: string } => ({
  mspId: one.getMspId(),
  identity: Buffer.from(one.getIdentity_asU8()).toString('utf8'),
});

/** Everything that is no organisation's own and no orderer's. */
function moveShared(group: common.ConfigGroup, desired: common.ConfigGroup): void {
  for (const section of [undefined, 'Orderer', 'Application']) {
    const [own, wanted] = [group, desired].map((from) => (section === undefined ? from : groupIn(from, section)));
    if (own === undefined || wanted === undefined) continue;
    for (const [key, value] of entriesOf(wanted.getValuesMap()))
      if (key !== 'Orderers') own.getValuesMap().set(key, value);
    for (const [key, policy] of entriesOf(wanted.getPoliciesMap()))
      if (key !== 'BlockValidation') own.getPoliciesMap().set(key, policy);
  }
}

/** Why a change is not made, whoever wants it: ordering would stop, certificates would end. */
export const changeRefusals = (
  current: common.ConfigGroup,
  desired: common.ConfigGroup,
  names: Names,
  toleratedFaults: number,
): string[] => [
  ...orderingRefusals(current, desired, names, toleratedFaults),
  ...authorityRefusals(current, desired, names),
];

/** Why one update is not signed: it changes several orderers, so that those left might be too few for a quorum. */
export function togetherRefusals(current: common.ConfigGroup, after: common.ConfigGroup, names: Names): string[] {
  const changed = consentersOf(after).filter((one) => {
    const before = consentersOf(current).find((other) => other.getId() === one.getId());
    return before === undefined || !Buffer.from(before.serializeBinary()).equals(one.serializeBinary());
  });
  if (changed.length <= 1) return [];
  const named = changed.map((one) => names.ordererAt(one.getHost(), one.getPort())).join(', ');
  return [`${named} change in one update; one orderer at a time leaves the others to order`];
}

function orderingRefusals(
  current: common.ConfigGroup,
  desired: common.ConfigGroup,
  names: Names,
  toleratedFaults: number,
): string[] {
  const [was, is] = [current, desired].map(consentersOf) as [common.Consenter[], common.Consenter[]];
  const named = (one: common.Consenter): string => names.ordererAt(one.getHost(), one.getPort());
  const [joins, leaves] = [without(is, was), without(was, is)].map((some) => some.map(named));
  const left = groupIn(current, 'Application');
  const gone =
    left === undefined ? [] : keysOf(left).filter((key) => !groupIn(desired, 'Application')?.getGroupsMap().has(key));
  const needed = 3 * toleratedFaults + 1;
  return [
    ...(was.length > 0 && is.length < needed
      ? [`${is.length} orderers would be left, and ${needed} are needed to tolerate ${toleratedFaults} faulty (3f + 1)`]
      : []),
    ...(joins!.length > 0 ? [`${joins!.join(', ')}: an orderer cannot be added to a running channel here yet`] : []),
    ...(leaves!.length > 0
      ? [`${leaves!.join(', ')}: an orderer cannot be removed from a running channel here yet`]
      : []),
    ...(gone.length > 0
      ? [
          `${gone.map(names.organisationOf).join(', ')}: an organisation cannot be removed from a running channel here yet`,
        ]
      : []),
    ...(kindOf(current) === kindOf(desired)
      ? []
      : [`ordering is ${kindOf(current)} and cannot become ${kindOf(desired)} while the channel runs`]),
    ...(was.length > 0 || consensusOf(current) === consensusOf(desired)
      ? []
      : ['ordering by one Raft node, for measurements, is not changed while the channel runs']),
  ];
}

/** An authority that is taken away would end every certificate by it at once. */
function authorityRefusals(current: common.ConfigGroup, desired: common.ConfigGroup, names: Names): string[] {
  return keysOf(groupIn(current, 'Application')).flatMap((mspId) => {
    const [was, is] = [current, desired].map((from) => {
      const value = groupIn(groupIn(from, 'Application'), mspId)?.getValuesMap().get('MSP');
      if (value === undefined) return undefined;
      const msp = readMspConfig(value.getValue_asU8());
      return [...msp.getRootCertsList_asU8(), ...msp.getTlsRootCertsList_asU8()].map((pem) =>
        Buffer.from(pem).toString('hex'),
      );
    });
    if (was === undefined || is === undefined || was.every((one) => is.includes(one))) return [];
    return [
      `${names.organisationOf(mspId)}: an authority that the channel knows is not on disk any more; every certificate by it would end. Restore its ca directory`,
    ];
  });
}

const without = (some: common.Consenter[], others: common.Consenter[]): common.Consenter[] =>
  some.filter((one) => !others.some((other) => other.getId() === one.getId()));

function kindOf(group: common.ConfigGroup): string {
  const value = groupIn(group, 'Orderer')?.getValuesMap().get('Orderers');
  return value === undefined ? 'by Raft' : 'byzantine fault tolerant';
}

const consensusOf = (group: common.ConfigGroup): string =>
  Buffer.from(
    groupIn(group, 'Orderer')?.getValuesMap().get('ConsensusType')?.getValue_asU8() ?? new Uint8Array(),
  ).toString('hex');

/** Numbers of consenters stay what they are, however the definition orders them: signatures name them. */
function withKnownNumbers(current: common.ConfigGroup, wanted: common.ConfigGroup): common.ConfigGroup {
  const desired = copyOf(wanted);
  const ordering = groupIn(desired, 'Orderer');
  const known = consentersOf(current);
  const named = consentersOf(desired);
  if (ordering === undefined || known.length === 0 || named.length === 0) return desired;
  let next = Math.max(...known.map((one) => one.getId()));
  const taken = new Set<number>();
  const numbered = named.map((one) => {
    const same = known.find((old) => !taken.has(old.getId()) && isSameNode(old, one));
    const consenter = one.cloneMessage() as common.Consenter;
    next += same === undefined ? 1 : 0;
    consenter.setId(same?.getId() ?? next);
    taken.add(consenter.getId());
    return consenter;
  });
  setConsenters(
    ordering,
    numbered.toSorted((one, other) => one.getId() - other.getId()),
  );
  return desired;
}

/** By its address, or where that changes by its certificate. */
const isSameNode = (one: common.Consenter, other: common.Consenter): boolean =>
  (one.getHost() === other.getHost() && one.getPort() === other.getPort()) ||
  Buffer.from(one.getIdentity_asU8()).equals(other.getIdentity_asU8());

/** None where one Raft node orders. */
export function consentersOf(group: common.ConfigGroup): common.Consenter[] {
  const value = groupIn(group, 'Orderer')?.getValuesMap().get('Orderers');
  return value === undefined ? [] : consentersIn(value.getValue_asU8());
}

const groupIn = (group: common.ConfigGroup | undefined, key: string): common.ConfigGroup | undefined =>
  group?.getGroupsMap().get(key);

const keysOf = (group: common.ConfigGroup | undefined): string[] =>
  group === undefined ? [] : entriesOf(group.getGroupsMap()).map(([key]) => key);
