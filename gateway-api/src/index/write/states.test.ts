/** How accesses and consents stand follows from their steps: from whom each comes, where it lies, and which came first. */
import { randomUUID } from 'node:crypto';
import { continuationOf } from '@telemed-ledger/chaincode/model/deliveries.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { renewalOf } from '@telemed-ledger/chaincode/model/renewals.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/values.ts';
import { expect } from 'chai';
import { type FixtureTransaction, type FixtureWrite, fixtureBlock, withheld } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { consortium, FixtureIndex } from '../index.fixture.ts';
import {
  accessState,
  accessWrites,
  consentWrite,
  LATER,
  markWrite,
  requestWrite,
  reviewOutcomeWrite,
  reviewWrite,
} from '../values.fixture.ts';

const MSP_IDS = consortium.organisations.map(({ mspId }) => mspId);
const DECIDED = { decidedAt: '2026-03-02T10:00:00.000Z', expiresAt: LATER };

onEachDatabase('The states of accesses and consents', (kind) => {
  let fixture: FixtureIndex;
  const open = async (name: string): Promise<void> => {
    await fixture?.close();
    fixture = await FixtureIndex.open(name, kind);
  };
  beforeEach(() => open('patients'));
  afterEach(async () => {
    await fixture.close();
  });

  const by = (creator: string, ...writes: FixtureWrite[][]): FixtureTransaction => ({
    creator,
    privateWrites: writes.flat(),
  });
  const custodian = (...writes: FixtureWrite[][]): FixtureTransaction => by('PatientsMSP', ...writes);
  const states = async () =>
    (await fixture.stores.reading.selectFrom('states').selectAll().orderBy('sequence').execute()).map(
      ({ seal: _, ...row }) => row,
    );
  const statuses = async (): Promise<string[]> => (await states()).map(({ status }) => status);
  const resting = async () =>
    (await fixture.stores.reading.selectFrom('access_consents').selectAll().orderBy('consent').execute()).map(
      ({ seal: _, ...row }) => row,
    );

  describe('of an access', () => {
    const requested = accessState();
    const { id } = requested;
    const consent = { id: randomUUID(), version: 1 };
    const granted: AccessState = { ...requested, status: 'granted', ...DECIDED, consent };
    const purged: AccessState = { ...granted, status: 'purged', purgedAt: LATER };

    it('are the newest step’s, at the requestor, the holder and the custodian', async () => {
      for (const name of ['patients', 'clinic', 'hospital']) {
        await open(name);
        const known: string[][] = [];
        for (const [state, creator] of [
          [requested, 'ClinicMSP'],
          [granted, 'PatientsMSP'],
          [purged, 'PatientsMSP'],
        ] as const) {
          await fixture.block(by(creator, accessWrites(state)));
          known.push(await statuses());
        }
        // The holder is not told of a request before it is decided.
        const first = name === 'hospital' ? [] : ['requested'];
        expect(known, name).to.deep.equal([first, ['granted'], ['purged']]);
        expect((await states())[0]).to.include({ own: 1, last_updated: DECIDED.decidedAt, ends_at: null });
      }
    });

    it('are nothing to others, who see the hashes alone', async () => {
      await open('bank');
      await fixture.block(by('ClinicMSP', accessWrites(requested)), custodian(accessWrites(granted)));
      expect(await states()).to.deep.equal([]);
    });

    it('say when a granted one ends, and what it rests on', async () => {
      const further = { id: randomUUID(), version: 2 };
      await fixture.block(custodian(accessWrites({ ...granted, furtherConsents: [further, consent] })));
      expect((await states())[0]).to.include({ status: 'granted', ends_at: LATER });
      const rests = [consent, further].map((one) => ({ access: id, consent: one.id, version: one.version, ended: 0 }));
      expect(await resting()).to.have.deep.members(rests);
      await fixture.block(custodian(accessWrites(purged)));
      expect([(await states())[0]?.ends_at, await resting()]).to.deep.equal([null, []]);
    });

    it('come from whom each step comes from', async () => {
      const steps = [
        [requested, 'ClinicMSP'],
        [granted, 'PatientsMSP'],
        [purged, 'PatientsMSP'],
      ] as const;
      for (const [state, signer] of steps) {
        await open('patients');
        for (const creator of MSP_IDS.filter((one) => one !== signer)) {
          const other = { ...state, id: randomUUID() };
          await fixture.block(by(creator, accessWrites(other)));
          expect(await states(), `${state.status} by ${creator}`).to.deep.equal([]);
        }
        await fixture.block(by(signer, accessWrites(state)));
        expect(await statuses()).to.deep.equal([state.status]);
      }
    });

    it('lie with their requestor and their holder, and nowhere else', async () => {
      const [, inCare] = accessWrites(granted);
      for (const collection of ['inbox_payer', 'inbox_hospital', 'care_clinic']) {
        await fixture.block(custodian([{ ...inCare!, collection }]));
        expect(await states(), collection).to.deep.equal([]);
      }
    });

    it('are under the key of their own step and id', async () => {
      const [write] = accessWrites(granted);
      const keys = [
        privateKeys.access(id, 1),
        privateKeys.access(id, 3),
        privateKeys.access(randomUUID(), 2),
        `access/${id}/x`,
        `access/${id}`,
        `access/${id}/2/2`,
      ];
      for (const key of keys) await fixture.block(custodian([{ ...write!, key }]));
      expect(await states()).to.deep.equal([]);
    });

    it('and the request are their requestor’s', async () => {
      for (const creator of MSP_IDS) {
        const request = requestWrite(randomUUID(), 'P-1');
        await fixture.block(by(creator, [request]));
        const found = await fixture.index.privateValue(request.collection, request.key);
        expect(found !== undefined, creator).to.equal(creator === 'ClinicMSP');
      }
    });

    it('belong to the series that was begun first', async () => {
      await fixture.block(by('ClinicMSP', accessWrites(requested)));
      const foreign: AccessState = { ...purged, requestor: 'payer' };
      await fixture.block(custodian(accessWrites(foreign)));
      expect(await statuses()).to.deep.equal(['requested']);
      await fixture.block(custodian(accessWrites({ ...granted, holder: 'clinic' })));
      expect(await statuses()).to.deep.equal(['requested']);
    });

    it('are put together the same when the steps arrive in another order', async () => {
      const all = [
        by('ClinicMSP', accessWrites(requested)),
        custodian(accessWrites(granted)),
        custodian(accessWrites(purged)),
      ];
      const blocks = [fixtureBlock(0, [all[0]!])];
      for (const one of all.slice(1)) blocks.push(fixtureBlock(blocks.length, [one], blocks.at(-1)));
      for (const block of blocks) await fixture.apply(withheld(block, () => true));
      expect(await states()).to.deep.equal([]);
      const seen: string[][] = [];
      for (const block of [blocks[1]!, blocks[0]!, blocks[2]!]) {
        await fixture.complete(block);
        seen.push(await statuses());
      }
      expect(seen).to.deep.equal([['granted'], ['granted'], ['purged']]);
      const late = await states();
      await open('patients');
      for (const block of blocks) await fixture.apply(block);
      expect(late).to.deep.equal(await states());
    });

    it('go back to the step before when a value is removed, and go with the last', async () => {
      const writes = [accessWrites(requested), accessWrites(granted)];
      await fixture.block(by('ClinicMSP', writes[0]!), custodian(writes[1]!));
      const removal = (all: FixtureWrite[]) =>
        custodian(all.map(({ collection, key }) => ({ collection, key, purge: true })));
      await fixture.block(removal(writes[1]!));
      expect([await statuses(), await resting()]).to.deep.equal([['requested'], []]);
      await fixture.block(removal(writes[0]!));
      expect(await states()).to.deep.equal([]);
    });

    it('say at the custodian that what goes on is to be delivered anew, until it is', async () => {
      const goesOn: AccessState = { ...purged, goesOn: true };
      const renewal: AccessState = { ...granted, id: renewalOf(id), renews: id, root: id, lastsUntil: LATER };
      const due = async () => (await states()).map(({ ends_at }) => ends_at);
      const steps = [accessWrites(requested), accessWrites(granted), accessWrites(goesOn), accessWrites(renewal)];
      const signers = ['ClinicMSP', 'PatientsMSP', 'PatientsMSP', 'PatientsMSP'];
      for (const [index, writes] of steps.slice(0, 3).entries()) await fixture.block(by(signers[index]!, writes));
      expect(await due()).to.deep.equal([LATER]);
      await fixture.block(by('BankMSP', steps[3]!));
      expect(await due(), 'signed by another').to.deep.equal([LATER]);
      await open('patients');
      for (const [index, writes] of steps.entries()) await fixture.block(by(signers[index]!, writes));
      expect(await due()).to.deep.equal([null, LATER]);
      await open('clinic');
      for (const [index, writes] of steps.entries()) await fixture.block(by(signers[index]!, writes));
      expect(await due(), 'at the requestor').to.deep.equal([null, LATER]);
    });

    it('say at the custodian that there is more to deliver, until it is, whatever became of the part before', async () => {
      const through = { group: 4, at: LATER, id: randomUUID() };
      const first: AccessState = { ...granted, through };
      const withdrawn: AccessState = { ...purged, through };
      const next: AccessState = { ...granted, id: continuationOf(id), continues: id, root: id, part: 2 };
      const due = async () => (await states()).map(({ ends_at }) => ends_at);
      const signers = ['ClinicMSP', 'PatientsMSP', 'PatientsMSP'];
      for (const last of [first, withdrawn]) {
        await open('patients');
        const steps = [requested, ...new Set([first, last])].map(accessWrites);
        for (const [index, writes] of steps.entries()) await fixture.block(by(signers[index]!, writes));
        expect(await due()).to.deep.equal([granted.decidedAt]);
        await fixture.block(by('BankMSP', accessWrites(next)));
        expect(await due(), 'signed by another').to.deep.equal([granted.decidedAt]);
      }
      await open('patients');
      const all = [requested, first, next].map(accessWrites);
      for (const [index, writes] of all.entries()) await fixture.block(by(signers[index]!, writes));
      expect(await due()).to.deep.equal([granted.expiresAt, granted.expiresAt]);
    });

    it('keep their place in the order in which accesses came, whatever becomes of them', async () => {
      const others = [accessState(), accessState()];
      await fixture.block(by('ClinicMSP', accessWrites(requested)));
      for (const state of others) await fixture.block(by('ClinicMSP', accessWrites(state)));
      await fixture.block(custodian(accessWrites(granted)));
      expect((await states()).map((row) => row.id)).to.deep.equal([id, ...others.map((state) => state.id)]);
    });
  });

  describe('of a consent', () => {
    const id = randomUUID();
    const state = async () => {
      const [row] = await states();
      return row && (JSON.parse(row.value) as Record<string, unknown>);
    };
    const rested = (version: number) => accessState({ status: 'granted', ...DECIDED, consent: { id, version } });

    it('are its newest version’s', async () => {
      for (const version of [1, 2, 3]) {
        await fixture.block(custodian([consentWrite({ id, version })]));
        expect(await state()).to.include({ id, version, status: 'active', provider: 'hospital' });
      }
    });

    it('are a mark’s that withdraws the newest version, until the next', async () => {
      await fixture.block(custodian([consentWrite({ id })]));
      await fixture.block(custodian([markWrite(id, 1, '2026-05-01T10:00:00.000Z')]));
      expect(await state()).to.include({ status: 'withdrawn', version: 1, updatedAt: '2026-05-01T10:00:00.000Z' });
      await fixture.block(custodian([consentWrite({ id, version: 2 })]));
      expect(await state()).to.include({ status: 'active', version: 2 });
      await fixture.block(custodian([markWrite(id)]));
      expect(await state()).to.include({ status: 'revoked', version: 2 });
    });

    it('are revoked by a mark, whatever it says and whichever came first', async () => {
      const mark = { ...markWrite(id), value: '{"at":7}' };
      await fixture.block(custodian([mark]));
      expect(await states()).to.deep.equal([]);
      await fixture.block(custodian([consentWrite({ id, recordedAt: '2026-04-01T10:00:00.000Z' })]));
      expect(await state()).to.include({ status: 'revoked', updatedAt: '2026-04-01T10:00:00.000Z' });
    });

    it('are not revoked by what lies elsewhere', async () => {
      await fixture.block(custodian([consentWrite({ id })]));
      for (const collection of ['care_hospital', 'inbox_clinic', 'billing_payer'])
        await fixture.block(custodian([{ ...markWrite(id), collection }]));
      expect(await state()).to.include({ status: 'active' });
    });

    it('are of the key that they lie under', async () => {
      const write = consentWrite({ id, version: 2 });
      const keys = [
        privateKeys.consent(id, 1),
        privateKeys.consent(randomUUID(), 2),
        `consent/${id}`,
        `consent/${id}/02`,
      ];
      for (const key of keys) await fixture.block(custodian([{ ...write, key }]));
      const observation = { ...write, value: write.value!.replace('"Consent"', '"Observation"') };
      await fixture.block(custodian([observation]));
      expect(await states()).to.deep.equal([]);
      expect(await fixture.stores.reading.selectFrom('versions').select('id').execute()).to.deep.equal([]);
    });

    it('end what rests on them: a version, a withdrawal, a revocation, in any order', async () => {
      const ends = [consentWrite({ id, version: 2 }), markWrite(id, 1), markWrite(id)];
      for (const end of ends) {
        for (const isFirst of [false, true]) {
          await open('patients');
          await fixture.block(custodian([consentWrite({ id })]));
          const [access, more] = [
            rested(1),
            accessWrites(accessState({ status: 'granted', ...DECIDED, consent: { id: randomUUID(), version: 1 } })),
          ];
          const both = [custodian(accessWrites(access), more), custodian([end])];
          for (const one of isFirst ? both.reverse() : both) await fixture.block(one);
          const ended = (await resting()).map((row) => [row.access === access.id, row.ended]);
          expect(ended, `${end.key} ${isFirst}`).to.have.deep.members([
            [true, 1],
            [false, 0],
          ]);
          expect((await fixture.index.accesses.orphaned({ count: 9 })).map((row) => row.id)).to.deep.equal([access.id]);
        }
      }
    });

    it('do not end what rests on another version of them', async () => {
      await fixture.block(custodian([consentWrite({ id })], [consentWrite({ id, version: 2 })], [markWrite(id, 1)]));
      await fixture.block(custodian(accessWrites(rested(2)), accessWrites(rested(1))));
      expect((await resting()).map(({ version, ended }) => [version, ended])).to.have.deep.members([
        [2, 0],
        [1, 1],
      ]);
    });
  });

  describe('of a review', () => {
    const id = randomUUID();
    const opened = reviewWrite(id);
    const closed = reviewOutcomeWrite(id);
    const review = async () => (await states()).find(({ kind }) => kind === 'review');

    it('are open, and then what the regulator made of it, at the regulator and the custodian', async () => {
      for (const name of ['patients', 'regulator']) {
        await open(name);
        await fixture.block(custodian([opened]));
        expect(await review()).to.include({ id, status: 'open', own: 1, about: '1234567893' });
        await fixture.block(by('RegulatorMSP', [closed]));
        expect(await review()).to.include({ status: 'justified', last_updated: '2026-03-03T10:00:00.000Z' });
        expect(await fixture.index.own.countAbout('review', '1234567893')).to.deep.equal(new Map([['justified', 1]]));
      }
    });

    it('are nothing to others', async () => {
      await open('hospital');
      await fixture.block(custodian([opened]), by('RegulatorMSP', [closed]));
      expect(await states()).to.deep.equal([]);
    });

    it('are opened by the custodian alone and closed by a regulator alone, whoever else writes there', async () => {
      for (const [write, signer] of [
        [opened, 'PatientsMSP'],
        [closed, 'RegulatorMSP'],
      ] as const) {
        for (const creator of MSP_IDS.filter((one) => one !== signer)) {
          await open('regulator');
          if (write === closed) await fixture.block(custodian([opened]));
          await fixture.block(by(creator, [write]));
          expect((await review())?.status, `${write.key} by ${creator}`).to.equal(
            write === closed ? 'open' : undefined,
          );
        }
      }
    });

    it('lie under their own keys, in their collection', async () => {
      await open('regulator');
      const places = [
        { ...opened, collection: 'inbox_regulator' },
        { ...opened, key: privateKeys.review(randomUUID(), 1) },
        { ...opened, key: privateKeys.review(id, 2) },
        { ...opened, key: `review/${id}` },
        { ...opened, value: '{}' },
        { ...opened, value: 'junk' },
      ];
      for (const place of places) {
        await fixture.block(custodian([place]));
        expect(await review(), JSON.stringify(place)).to.equal(undefined);
      }
      await fixture.block(by('RegulatorMSP', [closed]));
      expect(await review()).to.equal(undefined);
    });

    it('are put together the same when the end arrives first', async () => {
      await open('regulator');
      const first = fixtureBlock(0, [custodian([opened])]);
      const second = fixtureBlock(1, [by('RegulatorMSP', [closed])], first);
      for (const block of [first, second]) await fixture.apply(withheld(block, () => true));
      await fixture.complete(second);
      expect(await review()).to.equal(undefined);
      await fixture.complete(first);
      expect(await review()).to.include({ status: 'justified' });
    });
  });

  describe('are not sealed anew over what was changed behind the gateway’s back', () => {
    const failure = (kind: string, id: string) =>
      fixture.index.state(kind, id).then(
        () => undefined,
        ({ status, issue }) => [status, issue],
      );

    it('by the value of an earlier step', async () => {
      const state = accessState();
      await fixture.block(by('ClinicMSP', accessWrites(state)));
      const forged = JSON.stringify({ ...state, requestor: 'payer' });
      await fixture.stores.writing.updateTable('private_values').set({ value: forged }).execute();
      await fixture.block(custodian(accessWrites({ ...state, status: 'refused', ...DECIDED })));
      expect(await failure('access', state.id)).to.deep.equal([409, 'security']);
    });

    it('by the version of a consent', async () => {
      const { id, ...consent } = consentWrite({});
      await fixture.block(custodian([consent]));
      await fixture.stores.writing.updateTable('versions').set({ version: 9 }).execute();
      await fixture.block(custodian([markWrite(id)]));
      expect(await fixture.index.newest('Consent', id).catch(({ status }) => status)).to.equal(409);
    });

    it('by a mark', async () => {
      const { id, ...consent } = consentWrite({});
      await fixture.block(custodian([consent]), custodian([markWrite(id, 1)]));
      await fixture.stores.writing.updateTable('private_values').set({ kind: 'mark' }).execute();
      await fixture.block(custodian([markWrite(id)]));
      expect(await failure('consent', id)).to.deep.equal([409, 'security']);
    });

    it('by who signed a step', async () => {
      const state = accessState();
      await fixture.block(by('ClinicMSP', accessWrites(state)));
      await fixture.stores.writing.updateTable('transactions').set({ creator: 'BankMSP' }).execute();
      await fixture.block(custodian(accessWrites({ ...state, status: 'refused', ...DECIDED })));
      expect(await failure('access', state.id)).to.deep.equal([409, 'security']);
    });
  });
});
