import { common } from '@hyperledger/fabric-protos';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { governingPolicies, updated } from '@telemed-ledger/formats/channel/config-update.ts';
import { certificateOf } from '@telemed-ledger/formats/identity.ts';
import { couldSign, isSatisfied } from '@telemed-ledger/formats/policies/channel-policies.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { channelConfiguration } from '../channel-config.ts';
import { layoutOf } from '../layout.ts';
import { namesIn } from './configuration.ts';
import { consentersIn } from './difference.ts';
import { planOf } from './steps.ts';

const consortium = loadConsortium();
const layout = layoutOf('/data', consortium, 'bft');
const names = namesIn(layout);

interface Wish {
  renewed?: readonly string[];
  revocations?: readonly string[];
  batch?: Partial<ConsortiumDefinition['ordering']['batch']>;
  change?: (definition: ConsortiumDefinition) => void;
  ca?: string;
}

function configured({ renewed = [], revocations = [], batch = {}, change, ca = 'CA' }: Wish = {}): common.ConfigGroup {
  const definition = structuredClone(consortium);
  change?.(definition);
  const of = layoutOf('/data', definition, 'bft');
  return channelConfiguration(
    of,
    { ...definition.ordering.batch, ...batch },
    {
      mspOf: (organisation) => ({
        mspId: definition.organisations.find(({ name }) => name === organisation)!.mspId,
        caCertificate: `${ca} of ${organisation}`,
        tlsCaCertificate: `TLS CA of ${organisation}`,
        revocationLists: revocations.includes(organisation) ? [`CRL of ${organisation}`] : [],
      }),
      certificatesOf: ({ process }) => {
        const version = renewed.includes(process) ? 2 : 1;
        return { identity: `id ${version} of ${process}`, tls: `tls ${version} of ${process}` };
      },
    },
  );
}

const plan = (wish: Wish, from: Wish = {}) => planOf('telemed', configured(from), configured(wish), names, 1);

const consenters = (group: common.ConfigGroup): common.Consenter[] =>
  consentersIn(group.getGroupsMap().get('Orderer')!.getValuesMap().get('Orderers')!.getValue_asU8());

describe('The plan of a change', () => {
  it('has nothing to do where the channel is as it is defined', () => {
    expect(plan({})).to.deep.equal({ steps: [], refusals: [] });
  });

  it('says a batch in words, for ordering as BFT reads it too', () => {
    const { steps, refusals } = plan({ batch: { timeoutMs: 80, maxMessageCount: 50 } });
    expect(refusals).to.deep.equal([]);
    expect(steps.map(({ about }) => about)).to.deep.equal(['ordering and channel']);
    expect(steps[0]!.changes).to.include.members([
      'ordering: batch timeout 40ms → 80ms',
      'ordering: messages in a batch 100 → 50',
      'ordering: requestBatchMaxInterval 40ms → 80ms',
    ]);
    expect(governingPolicies(configured(), steps[0]!.update)).to.deep.equal(['/Channel/Orderer/Admins']);
  });

  it('renews one orderer at a time, whatever else changes, and the quorum with it', () => {
    const orderers = layout.orderers.map(({ process }) => process);
    fc.assert(
      fc.property(
        fc.subarray(orderers),
        fc.subarray(['hospital', 'bank']),
        fc.boolean(),
        (renewed, revocations, slow) => {
          const wish: Wish = { renewed, revocations, batch: slow ? { timeoutMs: 200 } : {} };
          const { steps, refusals } = plan(wish);
          expect(refusals).to.deep.equal([]);
          let before = configured();
          for (const step of steps) {
            const after = updated(before, step.update);
            const changed = consenters(after).filter(
              (one, index) => !Buffer.from(one.serializeBinary()).equals(consenters(before)[index]!.serializeBinary()),
            );
            expect(changed.map((one) => names.ordererAt(one.getHost(), one.getPort()))).to.deep.equal(
              step.orderer === undefined ? [] : [step.orderer],
            );
            expect(blockValidation(after)).to.deep.equal(
              consenters(after).map((one) => Buffer.from(one.getIdentity_asU8()).toString()),
            );
            before = after;
          }
          expect(steps.flatMap(({ orderer }) => orderer ?? [])).to.deep.equal(renewed);
          expect(planOf('telemed', before, configured(wish), names, 1).steps).to.deep.equal([]);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('changes the leader last, so that another one is agreed on but once', () => {
    const orderers = layout.orderers.map(({ process }) => process);
    const wanted = configured({ renewed: orderers });
    for (const leader of orderers) {
      const { steps } = planOf('telemed', configured(), wanted, names, 1, leader);
      expect(steps.map(({ orderer }) => orderer)).to.have.members(orderers);
      expect(steps.at(-1)!.orderer).to.equal(leader);
    }
  });

  it('keeps the numbers of orderers, however the definition orders them', () => {
    const turned = plan({ change: ({ ordering }) => ordering.orderers.reverse() });
    expect(turned.steps.flatMap(({ changes }) => changes)).to.deep.equal([]);
    expect(turned.refusals).to.deep.equal([]);
  });

  it("asks the administrators that each change is governed by, an organisation's own alone for its own", () => {
    const { steps } = plan({ revocations: ['bank'], renewed: ['orderer-payer'] });
    expect(steps.map(({ about }) => about)).to.deep.equal(['bank', 'orderer-payer']);
    const [own, orderer] = steps.map(({ update }) => governingPolicies(configured(), update));
    expect(own).to.deep.equal(['/Channel/Application/BankMSP/Admins']);
    expect(orderer).to.deep.equal(['/Channel/Orderer/Admins']);
    const signed = (policy: string, ...by: string[]) => isSatisfied(configured(), policy, new Set(by));
    expect(signed(own![0]!, 'BankMSP')).to.equal(true);
    expect(signed(own![0]!, 'HospitalMSP', 'PayerMSP', 'ClinicMSP')).to.equal(false);
    expect(signed(orderer![0]!, 'HospitalMSP', 'PayerMSP')).to.equal(false);
    expect(signed(orderer![0]!, 'HospitalMSP', 'PayerMSP', 'BankMSP')).to.equal(false);
    expect(signed(orderer![0]!, 'HospitalMSP', 'PayerMSP', 'RegulatorMSP')).to.equal(true);
    expect(couldSign(configured(), orderer![0]!, new Set(['PayerMSP']))).to.deep.equal([
      'HospitalMSP',
      'PatientsMSP',
      'RegulatorMSP',
    ]);
    expect(couldSign(configured(), '/Channel/Admins', new Set())).to.include('BankMSP');
    expect(signed('/Channel/Nothing', 'HospitalMSP')).to.equal(false);
  });

  it('takes a new member after everything else, with the signatures of most members', () => {
    const { steps, refusals } = plan({ change: addHospice });
    expect(refusals).to.deep.equal([]);
    expect(steps.map(({ changes }) => changes)).to.deep.equal([['members, HospiceMSP: becomes a member']]);
    expect(governingPolicies(configured(), steps[0]!.update)).to.deep.equal(['/Channel/Application/Admins']);
  });

  it('moves an address together with its orderer or its organisation', () => {
    const { steps } = plan({
      change: ({ ordering, organisations }) => {
        ordering.orderers[0]!.port = 7999;
        organisations[1]!.peerPort = 7998;
      },
    });
    expect(steps.flatMap(({ changes }) => changes)).to.include.members([
      'members, clinic: anchor peer 127.0.0.1:7998 is new',
      'ordering, hospital: address 127.0.0.1:7999 is new',
    ]);
  });

  const REFUSED: [why: string, wish: Wish, text: RegExp][] = [
    [
      'too few orderers',
      { change: ({ ordering }) => ordering.orderers.pop() },
      /3 orderers would be left, and 4 are needed/,
    ],
    [
      'an orderer less',
      { change: ({ ordering }) => ordering.orderers.pop() },
      /orderer-regulator: .*cannot be removed/,
    ],
    [
      'an organisation less',
      { change: ({ organisations }) => organisations.splice(1, 1) },
      /clinic: .*cannot be removed/,
    ],
    ['another authority', { ca: 'another CA' }, /bank: an authority that the channel knows is not on disk/],
  ];
  for (const [why, wish, text] of REFUSED) {
    it(`refuses ${why}`, () => {
      expect(plan(wish).refusals.join('\n')).to.match(text);
    });
  }
});

function addHospice({ organisations }: ConsortiumDefinition): void {
  organisations.push({ ...organisations[1]!, name: 'hospice', mspId: 'HospiceMSP', peerPort: 7057, gatewayPort: 8087 });
}

function blockValidation(group: common.ConfigGroup): string[] {
  const policy = group.getGroupsMap().get('Orderer')!.getPoliciesMap().get('BlockValidation')!.getPolicy()!;
  const { SignaturePolicyEnvelope } = common;
  const principals = SignaturePolicyEnvelope.deserializeBinary(policy.getValue_asU8()).getIdentitiesList();
  return principals.map((principal) => certificateOf(principal.getPrincipal_asU8()));
}
