import { common } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import fc from 'fast-check';
import { entriesOf } from './config-group.ts';
import { configUpdateOf, governingPolicies, StaleUpdateError, updated } from './config-update.ts';

interface Tree {
  modPolicy: string;
  version: number;
  values: Record<string, [content: number, version: number]>;
  policies: Record<string, [content: number, version: number]>;
  groups: Record<string, Tree>;
}

const key = fc.constantFrom('A', 'B', 'C');
const leaves = fc.dictionary(key, fc.tuple(fc.nat(2), fc.nat(3)));
const treeOf = (depth: number): fc.Arbitrary<Tree> =>
  fc.record({
    modPolicy: fc.constantFrom('Admins', '/Channel/Admins'),
    version: fc.nat(3),
    values: leaves,
    policies: leaves,
    groups: depth === 0 ? fc.constant({}) : fc.dictionary(key, treeOf(depth - 1), { maxKeys: 2 }),
  });
const tree = treeOf(2);

function groupOf({ modPolicy, version, values, policies, groups }: Tree): common.ConfigGroup {
  const group = new common.ConfigGroup();
  group.setModPolicy(modPolicy);
  group.setVersion(version);
  for (const [name, [content, at]] of Object.entries(values)) {
    const value = new common.ConfigValue();
    value.setValue(Uint8Array.of(content));
    value.setModPolicy('Admins');
    value.setVersion(at);
    group.getValuesMap().set(name, value);
  }
  for (const [name, [content, at]] of Object.entries(policies)) {
    const inner = new common.Policy();
    inner.setValue(Uint8Array.of(content));
    const policy = new common.ConfigPolicy();
    policy.setPolicy(inner);
    policy.setModPolicy('Admins');
    policy.setVersion(at);
    group.getPoliciesMap().set(name, policy);
  }
  for (const [name, below] of Object.entries(groups)) group.getGroupsMap().set(name, groupOf(below));
  return group;
}

/** What a configuration says, without the versions. */
function said(group: common.ConfigGroup): unknown {
  const leaf = ([name, one]: [string, common.ConfigValue | common.ConfigPolicy]) => {
    const copy = one.cloneMessage() as typeof one;
    copy.setVersion(0);
    return [name, Buffer.from(copy.serializeBinary()).toString('hex')];
  };
  return {
    modPolicy: group.getModPolicy(),
    values: entriesOf(group.getValuesMap()).map(leaf).sort(),
    policies: entriesOf(group.getPoliciesMap()).map(leaf).sort(),
    groups: Object.fromEntries(entriesOf(group.getGroupsMap()).map(([name, below]) => [name, said(below)])),
  };
}

describe('Configuration updates', () => {
  it('lead from any configuration to any other, and say nothing where there is no difference', () => {
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        const [current, desired] = [groupOf(before), groupOf(after)];
        const update = configUpdateOf('telemed', current, desired);
        if (update === undefined) {
          expect(said(current)).to.deep.equal(said(desired));
          return;
        }
        const result = updated(current, common.ConfigUpdate.deserializeBinary(update.serializeBinary()));
        expect(said(result)).to.deep.equal(said(desired));
        expect(governingPolicies(current, update)).to.have.length.greaterThan(0);
        expect(configUpdateOf('telemed', result, desired)).to.equal(undefined);
      }),
      { numRuns: 500 },
    );
  });

  const simple = (content: number, version: number): common.ConfigGroup =>
    groupOf({
      ...{ modPolicy: 'Admins', version: 4, policies: { P: [1, 7] } },
      values: { V: [content, version], W: [0, 2] },
      groups: {
        G: { modPolicy: '/Channel/Admins', version: 0, values: { X: [content, 0] }, policies: {}, groups: {} },
      },
    });

  it('name what changes at its next version, and nothing else', () => {
    const update = configUpdateOf('telemed', simple(0, 5), simple(1, 0))!;
    const [read, write] = [update.getReadSet()!, update.getWriteSet()!];
    expect([read.getVersion(), write.getVersion()]).to.deep.equal([4, 4]);
    expect(entriesOf(write.getValuesMap()).map(([name, one]) => [name, one.getVersion()])).to.deep.equal([['V', 6]]);
    expect([write.getPoliciesMap().getLength(), read.getValuesMap().getLength()]).to.deep.equal([0, 0]);
    expect(governingPolicies(simple(0, 5), update)).to.deep.equal(['/Channel/Admins', '/Channel/G/Admins']);
  });

  it('fit the configuration that they were made from, and no later one', () => {
    const update = configUpdateOf('telemed', simple(0, 5), simple(1, 0))!;
    const result = updated(simple(0, 5), update);
    expect(result.getValuesMap().get('V')!.getVersion()).to.equal(6);
    for (const other of [result, simple(0, 4), simple(0, 6), simple(0, 7)])
      expect(() => updated(other, update)).to.throw(StaleUpdateError);
    const grown = simple(0, 5);
    grown.setVersion(5);
    expect(() => updated(grown, update)).to.throw(StaleUpdateError, '/Channel is at version 5, not at 4');
  });
});
