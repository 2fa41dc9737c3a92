/**
 * Configuration updates: what is to change of a channel's configuration, as Fabric's configtxlator computes it, and what
 * comes of it, as an orderer computes that. An element that changes goes up by one version; what it was compared with
 * stands in the read set. See https://hyperledger-fabric.readthedocs.io/en/release-3.1/configtx.html#configuration-updates
 */
import { common } from '@hyperledger/fabric-protos';
import type { Map as ProtoMap } from 'google-protobuf';
import { entriesOf } from './config-group.ts';

/** @returns undefined where nothing differs. `desired` may have any versions; those of `current` count. */
export function configUpdateOf(
  channel: string,
  current: common.ConfigGroup,
  desired: common.ConfigGroup,
): common.ConfigUpdate | undefined {
  const { read, write, changed } = groupDifference(current, desired);
  if (!changed) return undefined;
  const update = new common.ConfigUpdate();
  update.setChannelId(channel);
  update.setReadSet(read);
  update.setWriteSet(write);
  return update;
}

/**
 * The configuration after an update.
 * @throws StaleUpdateError where the update was made from another configuration than this one.
 */
export function updated(current: common.ConfigGroup, update: common.ConfigUpdate): common.ConfigGroup {
  const read = update.getReadSet() ?? new common.ConfigGroup();
  const write = update.getWriteSet() ?? new common.ConfigGroup();
  assertReadFrom(current, read, '/Channel');
  return overlay(current, read, write, '/Channel');
}

/** The update is of another state of the configuration: the channel has changed since, or it is another channel's. */
export class StaleUpdateError extends Error {
  override name = 'StaleUpdateError';
}

/** Absolute paths of the policies that an update must satisfy: those that its changed elements are governed by. */
export function governingPolicies(current: common.ConfigGroup, update: common.ConfigUpdate): string[] {
  const paths = new Set<string>();
  collectPolicies(current, update.getWriteSet() ?? new common.ConfigGroup(), '/Channel', paths);
  return [...paths].sort();
}

interface GroupDifference {
  read: common.ConfigGroup;
  write: common.ConfigGroup;
  changed: boolean;
}

/** What values and policies have in common. */
interface Leaf {
  getVersion(): number;
  setVersion(version: number): unknown;
  getModPolicy(): string;
  cloneMessage(): Leaf;
  serializeBinary(): Uint8Array;
}

type Kind = 'values' | 'policies';
const KINDS: readonly Kind[] = ['values', 'policies'];

const leavesOf = (group: common.ConfigGroup, kind: Kind): ProtoMap<string, Leaf> =>
  (kind === 'values' ? group.getValuesMap() : group.getPoliciesMap()) as unknown as ProtoMap<string, Leaf>;

const emptyLeaf = (kind: Kind): Leaf =>
  (kind === 'values' ? new common.ConfigValue() : new common.ConfigPolicy()) as unknown as Leaf;

const versionAlone = (kind: Kind, version: number): Leaf => withVersion(emptyLeaf(kind), version);

function withVersion(leaf: Leaf, version: number): Leaf {
  const copy = leaf.cloneMessage();
  copy.setVersion(version);
  return copy;
}

const isSame = (one: Leaf, other: Leaf): boolean =>
  Buffer.from(withVersion(one, 0).serializeBinary()).equals(withVersion(other, 0).serializeBinary());

function groupDifference(current: common.ConfigGroup, desired: common.ConfigGroup): GroupDifference {
  const read = new common.ConfigGroup();
  const write = new common.ConfigGroup();
  for (const group of [read, write]) group.setVersion(current.getVersion());
  const unchanged: (() => void)[] = [];
  const membersDiffer = [
    ...KINDS.map((kind) =>
      leafDifference(kind, current, desired, write, (key, version) =>
        unchanged.push(() => {
          for (const group of [read, write]) leavesOf(group, kind).set(key, versionAlone(kind, version));
        }),
      ),
    ),
    subgroupDifference(current, desired, read, write, unchanged),
  ].some((differs) => differs);
  if (membersDiffer || current.getModPolicy() !== desired.getModPolicy()) {
    // A group whose members change names all of them, those that stay by their versions.
    for (const add of unchanged) add();
    write.setVersion(current.getVersion() + 1);
    write.setModPolicy(desired.getModPolicy());
    return { read, write, changed: true };
  }
  const maps = [write.getGroupsMap(), write.getValuesMap(), write.getPoliciesMap()];
  return { read, write, changed: maps.some((map) => map.getLength() > 0) };
}

/** Adds what changes to `write`. @returns whether there are others than before. */
function leafDifference(
  kind: Kind,
  current: common.ConfigGroup,
  desired: common.ConfigGroup,
  write: common.ConfigGroup,
  keep: (key: string, version: number) => void,
): boolean {
  const [before, after, into] = [current, desired, write].map((group) => leavesOf(group, kind)) as [
    ProtoMap<string, Leaf>,
    ProtoMap<string, Leaf>,
    ProtoMap<string, Leaf>,
  ];
  for (const [key, leaf] of entriesOf(after)) {
    const known = before.get(key);
    if (known === undefined) into.set(key, withVersion(leaf, 0));
    else if (isSame(known, leaf)) keep(key, known.getVersion());
    else into.set(key, withVersion(leaf, known.getVersion() + 1));
  }
  return !sameKeys(before, after);
}

function subgroupDifference(
  current: common.ConfigGroup,
  desired: common.ConfigGroup,
  read: common.ConfigGroup,
  write: common.ConfigGroup,
  unchanged: (() => void)[],
): boolean {
  const [before, after] = [current.getGroupsMap(), desired.getGroupsMap()];
  for (const [key, group] of entriesOf(after)) {
    const known = before.get(key);
    if (known === undefined) {
      write.getGroupsMap().set(key, atFirst(group));
      continue;
    }
    const difference = groupDifference(known, group);
    const add = (): void => {
      read.getGroupsMap().set(key, difference.read);
      write.getGroupsMap().set(key, difference.write);
    };
    if (difference.changed) add();
    else unchanged.push(add);
  }
  return !sameKeys(before, after);
}

/** A group that was not there before: all versions 0. */
function atFirst(group: common.ConfigGroup): common.ConfigGroup {
  const first = new common.ConfigGroup();
  first.setModPolicy(group.getModPolicy());
  for (const kind of KINDS)
    for (const [key, leaf] of entriesOf(leavesOf(group, kind))) leavesOf(first, kind).set(key, withVersion(leaf, 0));
  for (const [key, below] of entriesOf(group.getGroupsMap())) first.getGroupsMap().set(key, atFirst(below));
  return first;
}

const keysOf = <V>(map: ProtoMap<string, V>): string[] => entriesOf(map).map(([key]) => key);

function sameKeys<V>(one: ProtoMap<string, V>, other: ProtoMap<string, V>): boolean {
  const keys = keysOf(one);
  return keys.length === other.getLength() && keys.every((key) => other.has(key));
}

/** What stands in both sets at one version was only looked at. */
function overlay(
  current: common.ConfigGroup,
  read: common.ConfigGroup | undefined,
  write: common.ConfigGroup,
  path: string,
): common.ConfigGroup {
  const result = copyOf(current);
  if (read?.getVersion() !== write.getVersion()) {
    assertNext(path, current.getVersion(), write.getVersion());
    result.setVersion(write.getVersion());
    result.setModPolicy(write.getModPolicy());
    for (const kind of KINDS) retain(leavesOf(result, kind), leavesOf(write, kind));
    retain(result.getGroupsMap(), write.getGroupsMap());
  }
  for (const kind of KINDS) {
    for (const [key, leaf] of entriesOf(leavesOf(write, kind))) {
      if (read !== undefined && leavesOf(read, kind).get(key)?.getVersion() === leaf.getVersion()) continue;
      assertNext(`${path}/${key}`, leavesOf(current, kind).get(key)?.getVersion(), leaf.getVersion());
      leavesOf(result, kind).set(key, leaf);
    }
  }
  for (const [key, group] of entriesOf(write.getGroupsMap())) {
    const known = current.getGroupsMap().get(key);
    if (known === undefined) assertNext(`${path}/${key}`, undefined, group.getVersion());
    const below = read?.getGroupsMap().get(key);
    const next = known === undefined ? group : overlay(known, below, group, `${path}/${key}`);
    result.getGroupsMap().set(key, next);
  }
  return result;
}

/** A message's own `cloneMessage` shares what its maps hold. */
export const copyOf = (group: common.ConfigGroup): common.ConfigGroup =>
  common.ConfigGroup.deserializeBinary(group.serializeBinary());

/** An element that changes goes up by one version, a new one begins at 0. @throws StaleUpdateError */
function assertNext(path: string, before: number | undefined, after: number): void {
  const next = before === undefined ? 0 : before + 1;
  if (after === next) return;
  throw new StaleUpdateError(`the update brings ${path} to version ${after}, and ${next} is its next one`);
}

function retain<V>(map: ProtoMap<string, V>, named: ProtoMap<string, V>): void {
  for (const key of keysOf(map)) if (!named.has(key)) map.del(key);
}

function assertReadFrom(current: common.ConfigGroup, read: common.ConfigGroup, path: string): void {
  const check = (at: string, is: number | undefined, was: number): void => {
    if (is === was) return;
    throw new StaleUpdateError(`${at} is at ${is === undefined ? 'no version' : `version ${is}`}, not at ${was}`);
  };
  check(path, current.getVersion(), read.getVersion());
  for (const kind of KINDS)
    for (const [key, leaf] of entriesOf(leavesOf(read, kind)))
      check(`${path}/${key}`, leavesOf(current, kind).get(key)?.getVersion(), leaf.getVersion());
  for (const [key, group] of entriesOf(read.getGroupsMap())) {
    const known = current.getGroupsMap().get(key);
    if (known === undefined) check(`${path}/${key}`, undefined, group.getVersion());
    else assertReadFrom(known, group, `${path}/${key}`);
  }
}

/** A new element is governed by the group that it becomes a member of. */
function collectPolicies(current: common.ConfigGroup, write: common.ConfigGroup, path: string, into: Set<string>) {
  const add = (policy: string): unknown => into.add(policy.startsWith('/') ? policy : `${path}/${policy}`);
  if (write.getVersion() !== current.getVersion()) add(current.getModPolicy());
  for (const kind of KINDS) {
    for (const [key, leaf] of entriesOf(leavesOf(write, kind))) {
      const known = leavesOf(current, kind).get(key);
      if (known !== undefined && known.getVersion() !== leaf.getVersion()) add(known.getModPolicy());
    }
  }
  for (const [key, group] of entriesOf(write.getGroupsMap())) {
    const known = current.getGroupsMap().get(key);
    if (known !== undefined) collectPolicies(known, group, `${path}/${key}`, into);
  }
}
