import { common, msp, peer } from '@hyperledger/fabric-protos';
import { parsePolicyText } from '@telemed-ledger/formats/policies/policy-text.ts';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { createChannel } from '../channel/channel.ts';
import { type FixtureNetwork, fixtureNetwork } from '../identity/authority.fixture.ts';
import { createSigner } from '../identity/signer.ts';
import type { Policies, PrincipalSet, SignedData, Signer } from '../seams.ts';
import { mergePrincipalSets, principalSetsOf } from './principal-sets.ts';

const ORGANISATIONS = ['a', 'b', 'c', 'd'];
const DATA = Buffer.from('what is signed');

describe('Policies', () => {
  let network: FixtureNetwork;
  let policies: Policies;
  /** Signers by `<organisation>.<kind><number>`, for instance `a.peer2`. */
  const signers = new Map<string, Signer>();

  before(async () => {
    network = await fixtureNetwork('', ...ORGANISATIONS);
    policies = createChannel(network.config).policies;
    for (const { mspId, ca, config } of network.organisations.values()) {
      for (const unit of ['peer', 'client', 'admin']) {
        for (const number of [1, 2]) {
          signers.set(`${config.name}.${unit}${number}`, createSigner(mspId, await ca.issue({ units: [unit] })));
        }
      }
    }
  });

  const signedBy = (...names: string[]): SignedData[] =>
    names.map((name) => {
      const signer = signers.get(name)!;
      return { creator: signer.creator, data: DATA, signature: signer.sign(DATA) };
    });
  const holds = async (text: string, ...names: string[]): Promise<boolean> =>
    (await policies.signature(policies.parseText(text)).evaluate(signedBy(...names))) === undefined;

  const CASES: [policy: string, signers: string[], satisfied: boolean][] = [
    ["OR('AMSP.member')", ['a.client1'], true],
    ["OR('AMSP.member')", ['b.client1'], false],
    ["OR('AMSP.member')", [], false],
    ["OR('AMSP.peer')", ['a.client1'], false],
    ["OR('AMSP.peer', 'BMSP.admin')", ['b.admin1'], true],
    ["AND('AMSP.peer', 'BMSP.peer')", ['a.peer1'], false],
    ["AND('AMSP.peer', 'BMSP.peer')", ['b.peer1', 'a.peer1'], true],
    ["AND('AMSP.peer', 'AMSP.peer')", ['a.peer1', 'a.peer1'], false],
    ["AND('AMSP.peer', 'AMSP.peer')", ['a.peer1', 'a.peer2'], true],
    ["OutOf(2, 'AMSP.peer', 'BMSP.peer', 'CMSP.peer')", ['c.peer1', 'd.peer1'], false],
    ["OutOf(2, 'AMSP.peer', 'BMSP.peer', 'CMSP.peer')", ['c.peer1', 'a.peer1'], true],
    ["AND('AMSP.peer', OR('BMSP.peer', 'CMSP.peer'))", ['a.peer1', 'c.peer1'], true],
    ["AND('AMSP.peer', OR('BMSP.peer', 'CMSP.peer'))", ['b.peer1', 'c.peer1'], false],
    // Without going back: membership takes the peer, and nobody is left for the peer's part, unless the order differs.
    ["AND('AMSP.member', 'AMSP.peer')", ['a.peer1', 'a.client1'], false],
    ["AND('AMSP.member', 'AMSP.peer')", ['a.client1', 'a.peer1'], true],
    // The first gate takes the only peer of A, although the second would need it.
    ["AND(OR('AMSP.peer', 'BMSP.peer'), 'AMSP.peer')", ['a.peer1', 'b.peer1'], false],
    // A gate that fails gives back whom it had taken.
    ["OutOf(1, AND('AMSP.peer', 'BMSP.peer'), 'AMSP.peer')", ['a.peer1'], true],
    // All children are tried, also after the threshold: the second takes B away from the gate after it.
    ["AND(OutOf(1, 'AMSP.peer', 'BMSP.peer'), 'BMSP.peer')", ['a.peer1', 'b.peer1'], false],
  ];
  for (const [policy, names, satisfied] of CASES) {
    it(`${policy} is ${satisfied ? 'satisfied' : 'refused'} with ${names.join(', ') || 'nobody'}`, async () => {
      expect(await holds(policy, ...names)).to.equal(satisfied);
    });
  }

  it("answers with Fabric's text", async () => {
    const policy = policies.signature(policies.parseText("OR('AMSP.peer')"));
    expect(await policy.evaluate(signedBy('b.peer1'))).to.equal('signature set did not satisfy policy');
  });

  it('does not count a bad signature, nor one identity twice in different PEM clothes', async () => {
    const policy = policies.signature(policies.parseText("AND('AMSP.peer', 'AMSP.peer')"));
    const [one, two] = signedBy('a.peer1', 'a.peer2') as [SignedData, SignedData];
    const tampered = { ...two, data: Buffer.from('something else') };
    expect(await policy.evaluate([one, tampered])).not.to.equal(undefined);
    expect(await policy.evaluate([tampered, one, two])).to.equal(undefined);
    const identity = msp.SerializedIdentity.deserializeBinary(one.creator);
    identity.setIdBytes(Buffer.concat([Buffer.from('\n\n'), identity.getIdBytes_asU8()]));
    const disguised = { ...one, creator: identity.serializeBinary() };
    expect(await policy.evaluate([one, disguised])).not.to.equal(undefined);
  });

  it('evaluates references and signature policies of application policies', async () => {
    const majority = policies.application(policies.applicationPolicy('/Channel/Application/Endorsement'));
    expect(await majority.evaluate(signedBy('a.peer1', 'b.peer1', 'c.peer1'))).to.equal(undefined);
    expect(await majority.evaluate(signedBy('a.peer1', 'b.peer1', 'b.peer2', 'c.client1'))).to.equal(
      'implicit policy evaluation failed - 2 sub-policies were satisfied, but this policy requires 3 of the ' +
        "'Endorsement' sub-policies to be satisfied",
    );
    const signature = policies.application(policies.applicationPolicy("OR('AMSP.peer')"));
    expect(await signature.evaluate(signedBy('a.peer1'))).to.equal(undefined);
    const nowhere = policies.application(policies.applicationPolicy('/Channel/Application/Nothing'));
    expect(await nowhere.evaluate(signedBy('a.peer1'))).not.to.equal(undefined);
  });

  it('evaluates ANY, ALL and MAJORITY, with nobody enough where there are no groups', async () => {
    const outcomes: string[] = [];
    for (const rule of ['ANY', 'ALL', 'MAJORITY'] as const) {
      for (const count of [0, 1, 2, 3, 4]) {
        const meta = createMeta(network, rule);
        const names = ORGANISATIONS.slice(0, count).map((name) => `${name}.peer1`);
        if ((await meta.evaluate(signedBy(...names))) === undefined) outcomes.push(`${rule} ${count}`);
      }
    }
    expect(outcomes).to.deep.equal(['ANY 1', 'ANY 2', 'ANY 3', 'ANY 4', 'ALL 4', 'MAJORITY 3', 'MAJORITY 4']);
    const empty = createMeta({ ...network, config: { ...network.config, organisations: [] } }, 'MAJORITY');
    expect(await empty.evaluate([])).to.equal(undefined);
  });

  it('is satisfied only by signers that contain one of its principal sets, and by those exactly where nobody occurs twice', async () => {
    const everyone = ORGANISATIONS.flatMap((name) => [`${name}.peer1`, `${name}.peer2`]);
    await fc.assert(
      fc.asyncProperty(policyArbitrary, fc.subarray(everyone), async (text, names) => {
        const envelope = parsePolicyText(text);
        const satisfied = await holds(text, ...names);
        const counts = countsOf(names.map((name) => `${name.charAt(0).toUpperCase()}MSP.peer`));
        const contained = principalSetsOf(envelope).some((set) => containsSet(counts, set));
        const principals = envelope.getIdentitiesList();
        const nobodyTwice = new Set(text.match(/[A-D]MSP/g)).size === principals.length;
        expect(nobodyTwice ? satisfied === contained : !satisfied || contained).to.equal(true);
      }),
      { numRuns: 300 },
    );
  });

  it('merges sets of two policies into the smallest that satisfy both', () => {
    fc.assert(
      fc.property(
        policyArbitrary,
        policyArbitrary,
        fc.array(fc.constantFrom('A', 'B', 'C', 'D'), { maxLength: 6 }),
        (one, other, names) => {
          const [first, second] = [one, other].map((text) => principalSetsOf(parsePolicyText(text))) as [
            PrincipalSet[],
            PrincipalSet[],
          ];
          const merged = mergePrincipalSets([first, second]);
          const counts = countsOf(names.map((name) => `${name}MSP.peer`));
          const both = [first, second].every((sets) => sets.some((set) => containsSet(counts, set)));
          expect(merged.some((set) => containsSet(counts, set))).to.equal(both);
          for (const set of merged) {
            const others = merged.filter((candidate) => candidate !== set);
            expect(others.some((candidate) => containsSet(countsOf(keysOf(set)), candidate))).to.equal(false);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('Principal sets', () => {
  it('leave out what a smaller set covers', () => {
    const sets = principalSetsOf(parsePolicyText("OR('AMSP.member', AND('BMSP.peer', 'AMSP.member'))"));
    expect(sets.map((set) => keysOf(set).join('+'))).to.deep.equal(['AMSP.member']);
  });

  const setsOf = (text: string) => principalSetsOf(parsePolicyText(text)).map((set) => keysOf(set).sort().join('+'));

  it('are minimal and keep numbers', () => {
    expect(setsOf("OR('AMSP.peer', AND('AMSP.peer', 'BMSP.peer'))")).to.deep.equal(['AMSP.peer']);
    expect(setsOf("AND('AMSP.peer', 'AMSP.peer')")).to.deep.equal(['AMSP.peer+AMSP.peer']);
    expect(setsOf("OutOf(2, 'AMSP.peer', 'BMSP.peer', 'CMSP.peer')")).to.have.members([
      'AMSP.peer+BMSP.peer',
      'AMSP.peer+CMSP.peer',
      'BMSP.peer+CMSP.peer',
    ]);
  });

  it('of several policies let a peer cover a member and keep what is not covered', () => {
    const merge = (...texts: string[]) =>
      mergePrincipalSets(texts.map((text) => principalSetsOf(parsePolicyText(text)))).map((set) =>
        keysOf(set).sort().join('+'),
      );
    expect(merge("OR('AMSP.member')", "OR('AMSP.peer')")).to.deep.equal(['AMSP.peer']);
    expect(merge("OR('AMSP.peer')", "OR('AMSP.member')")).to.deep.equal(['AMSP.peer']);
    expect(merge("AND('AMSP.peer', 'AMSP.peer')", "AND('AMSP.member', 'BMSP.peer')")).to.deep.equal([
      'AMSP.peer+AMSP.peer+BMSP.peer',
    ]);
    expect(merge("OR('AMSP.peer')", "OR('BMSP.peer')", "OR('CMSP.peer', 'BMSP.peer')")).to.deep.equal([
      'AMSP.peer+BMSP.peer',
    ]);
    expect(merge()).to.deep.equal(['']);
  });

  it('of fifteen out of thirty organisations are refused instead of counted for minutes', () => {
    const names = Array.from({ length: 30 }, (_, index) => `'O${index}.peer'`).join(', ');
    expect(() => principalSetsOf(parsePolicyText(`OutOf(15, ${names})`))).to.throw('too many combinations');
  });
});

describe('An application policy', () => {
  it('says which kind it is', async () => {
    const { policies } = createChannel((await fixtureNetwork('', 'a')).config);
    const reference = peer.ApplicationPolicy.deserializeBinary(
      policies.applicationPolicy('/Channel/Application/Admins'),
    );
    expect(reference.getChannelConfigPolicyReference()).to.equal('/Channel/Application/Admins');
    expect(reference.hasSignaturePolicy()).to.equal(false);
  });
});

describe('Malformed policies', () => {
  it('are refused when they are compiled', async () => {
    const { policies } = createChannel((await fixtureNetwork('', 'a')).config);
    const outside = parsePolicyText("OR('AMSP.peer')");
    outside.setIdentitiesList([]);
    expect(() => policies.signature(outside.serializeBinary())).to.throw('identity index out of range');
    expect(() => policies.signature(new Uint8Array())).to.throw('Empty policy element');
    const newer = parsePolicyText("OR('AMSP.peer')");
    newer.setVersion(1);
    expect(() => policies.signature(newer.serializeBinary())).to.throw('messages of version 0');
  });
});

/** A channel whose application endorsement policy has another rule. */
function createMeta(network: FixtureNetwork, rule: keyof typeof common.ImplicitMetaPolicy.Rule) {
  const block = createChannel(network.config).genesisBlock;
  const [entry] = block.getData()!.getDataList_asU8();
  const envelope = common.Envelope.deserializeBinary(entry!);
  const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
  const config = common.ConfigEnvelope.deserializeBinary(payload.getData_asU8());
  const application = config.getConfig()!.getChannelGroup()!.getGroupsMap().get('Application')!;
  const policy = application.getPoliciesMap().get('Endorsement')!.getPolicy()!;
  const meta = common.ImplicitMetaPolicy.deserializeBinary(policy.getValue_asU8());
  meta.setRule(common.ImplicitMetaPolicy.Rule[rule]);
  policy.setValue(meta.serializeBinary());
  payload.setData(config.serializeBinary());
  envelope.setPayload(payload.serializeBinary());
  block.getData()!.setDataList([envelope.serializeBinary()]);
  return createChannel(network.config, block.serializeBinary()).policies.named('/Channel/Application/Endorsement')!;
}

const principalArbitrary = fc.constantFrom("'AMSP.peer'", "'BMSP.peer'", "'CMSP.peer'", "'DMSP.peer'");

const { policy: policyArbitrary } = fc.letrec<{ policy: string; part: string }>((tie) => ({
  part: fc.oneof({ depthSize: 'small', withCrossShrink: true }, principalArbitrary, tie('policy')),
  policy: fc
    .array(tie('part'), { minLength: 1, maxLength: 3 })
    .chain((parts) => fc.integer({ min: 1, max: parts.length }).map((n) => `OutOf(${n}, ${parts.join(', ')})`)),
}));

const keysOf = (set: PrincipalSet): string[] => set.principals.map(({ key }) => key);

function countsOf(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function containsSet(counts: Map<string, number>, set: PrincipalSet): boolean {
  return [...countsOf(keysOf(set))].every(([key, count]) => (counts.get(key) ?? 0) >= count);
}
