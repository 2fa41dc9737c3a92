/** The access log, its search and the custodian's duties: what they find, by which index, and what one broken item does. */
import { randomUUID } from 'node:crypto';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { expect } from 'chai';
import type { Search } from '../../fhir/repository.ts';
import { onEachDatabase } from '../../index/databases.fixture.ts';
import { consortium, FixtureIndex, recordWrites } from '../../index/index.fixture.ts';
import { plansOf } from '../../index/query-plans.fixture.ts';
import {
  accessState,
  accessStep,
  accessWrites,
  consentWrite,
  LATER,
  markWrite,
  requestedAccess,
  requestWrite,
} from '../../index/values.fixture.ts';
import { type FixtureTransaction, type FixtureWrite, fixtureBlock, withheld } from '../../ledger/block.fixture.ts';
import { AuditEvents } from '../audit-events.ts';
import type { Services } from '../services.ts';
import { DUTIES } from '../table.ts';
import { Disclosures, type Listing } from './disclosures.ts';
import { Undecided } from './undecided.ts';

const SYSTEM = 'urn:example:mrn';
const LONG_AGO = '2026-01-01T00:00:00.000Z';

/** A transaction of the custodian's. */
const custodian = (...writes: FixtureWrite[][]): FixtureTransaction => ({
  ...{ creator: 'PatientsMSP', endorsers: ['PatientsMSP', 'HospitalMSP'], privateWrites: writes.flat() },
});

/** A read model with what works on it, and what was reported as broken. */
class AccessLog {
  readonly reports: string[] = [];
  readonly fixture: FixtureIndex;

  private constructor(fixture: FixtureIndex) {
    this.fixture = fixture;
  }

  static async open(...[organisation = 'patients', kind]: Parameters<typeof FixtureIndex.open>): Promise<AccessLog> {
    return new AccessLog(await FixtureIndex.open(organisation, kind));
  }

  readonly #broken = { report: (kind: string, id: string) => void this.reports.push(`${kind} ${id}`) };

  readonly #refusals = { find: async () => undefined, due: async () => [] };

  get disclosures(): Disclosures {
    return new Disclosures(this.fixture.index, this.fixture.member, this.#broken, this.#refusals);
  }

  /** With nothing but accesses in them. */
  get #events(): AuditEvents {
    const reads = { source: () => async function* () {}, find: async () => undefined };
    return new AuditEvents({
      ...{
        disclosures: this.disclosures,
        index: this.fixture.index,
        reads,
        actorOf: async () => undefined,
        consortium,
      },
      ...{ organisation: this.fixture.member.name, broken: this.#broken },
    });
  }

  async ids(listing: Partial<Listing> = {}): Promise<string[]> {
    const { disclosures } = await this.disclosures.page({ count: 1_000, ...listing });
    return disclosures.map(({ state }) => state.id);
  }

  search(search: Partial<Search> = {}, compartment?: string) {
    return this.#events.search({ type: 'AuditEvent', count: 50, ...search }, compartment);
  }

  /** Ids that a duty finds. */
  async found(name: string): Promise<string[]> {
    const duty = DUTIES.find((one) => one.name === name)!;
    const organisation = this.fixture.member;
    const { index } = this.fixture;
    const { own, accesses, concerned } = index;
    const undecided = new Undecided({ own, accesses, concerned, lacks: () => 0 });
    const services = { index, broken: this.#broken, refusals: this.#refusals, undecided, organisation };
    const ids: string[] = [];
    for await (const item of duty.find(services as unknown as Services)) ids.push(duty.idOf(item));
    return ids;
  }

  block = (...transactions: FixtureTransaction[]) => this.fixture.block(...transactions);

  async patient(mrn: string, collection = 'care_hospital'): Promise<string> {
    const identifier = [{ system: SYSTEM, value: mrn }];
    const writes = recordWrites('Patient', { identifier }, collection);
    const creator = collection === 'care_clinic' ? 'ClinicMSP' : 'HospitalMSP';
    await this.block({ creator, privateWrites: writes });
    return writes.id;
  }
}

onEachDatabase('The access log', (kind) => {
  let log: AccessLog;
  beforeEach(async () => {
    log = await AccessLog.open('patients', kind);
  });
  afterEach(() => log.fixture.close());

  it('is paged in the order in which accesses were requested, whatever becomes of them', async () => {
    const states = Array.from({ length: 7 }, () => accessState());
    for (const state of states) await log.block(...requestedAccess(state, 'P-1'));
    const [, second] = states;
    await log.block(accessStep({ ...second!, status: 'refused', decidedAt: LONG_AGO }));
    const pages: string[][] = [];
    let after: string | undefined;
    do {
      const page = await log.disclosures.page({ count: 3, after });
      pages.push(page.disclosures.map(({ state }) => state.id));
      after = page.next;
    } while (after !== undefined);
    expect(pages.map((page) => page.length)).to.deep.equal([3, 3, 1]);
    expect(pages.flat()).to.deep.equal(states.map(({ id }) => id));
  });

  it('shows an organisation what it takes part in, and nothing of others', async () => {
    const refused = { status: 'refused', decidedAt: LONG_AGO } as const;
    const own = [accessState({ requestor: 'hospital', holder: 'clinic' }), accessState(refused)];
    const others = Array.from({ length: 5 }, () => accessState({ requestor: 'payer', holder: 'clinic', ...refused }));
    const hospital = await AccessLog.open('hospital', kind);
    try {
      for (const state of [...others, ...own]) await hospital.block(accessStep(state));
      // Nor what somebody puts where it does not belong.
      const misplaced = accessWrites(others[0]!).map((write) => ({ ...write, collection: 'care_hospital' }));
      await hospital.block(custodian(misplaced));
      expect(await hospital.ids()).to.deep.equal(own.map(({ id }) => id));
      expect((await hospital.search()).total).to.equal(2);
    } finally {
      await hospital.fixture.close();
    }
  });

  it('names who asked as whom his organisation certified', async () => {
    const certified: [string, object][] = [
      ['Practitioner/d1', { reference: `${ORGANISATION_SYSTEM}/clinic/Practitioner/d1` }],
      [
        'sha256:x',
        { identifier: { system: `${ORGANISATION_SYSTEM}/clinic/people`, value: `sha256:${'0'.repeat(64)}` } },
      ],
    ];
    for (const [user, who] of certified) {
      const practitioner = user.replace('x', '0'.repeat(64));
      const state = accessState();
      const asked = requestWrite(state.id, 'P-1', 'clinic', { practitioner });
      await log.block({ creator: 'ClinicMSP', privateWrites: [asked] }, accessStep(state));
      const shown = await log.disclosures.read(state.id);
      const [, agent] = shown!.resource['agent'] as { who: object }[];
      expect(agent?.who).to.deep.equal(who);
    }
  });

  it('of a patient is found by any of their identifiers, in pages, and holds nothing of others', async () => {
    const id = await log.patient('P-1');
    const other = await log.patient('P-2');
    const mine = Array.from({ length: 5 }, () => accessState());
    for (const state of mine)
      await log.block(...requestedAccess(state, 'P-1'), ...requestedAccess(accessState(), 'P-2'));
    await log.block(...requestedAccess(accessState({ holder: 'clinic', requestor: 'hospital' }), 'P-1'));
    expect(await log.ids({ compartment: id })).to.deep.equal(mine.map((state) => state.id));
    expect(await log.ids({ compartment: id, patients: [other] })).to.deep.equal([]);
    expect(await log.ids({ patients: [id, other] })).to.have.length(10);
    const first = await log.search({ count: 2 }, id);
    const second = await log.search({ count: 2, after: first.next! }, id);
    const third = await log.search({ count: 2, after: second.next! }, id);
    const found = [first, second, third].flatMap(({ matches }) => matches.map(({ resource }) => resource.id));
    expect(found).to.have.members(mine.map((state) => state.id));
    expect(found).to.have.length(5);
    expect(third.next).to.equal(undefined);
    expect((await log.search({}, id)).total).to.equal(5);
  });

  describe('is tied to whom', () => {
    const wears = async (id: string, version: number, ...mrns: string[]) => {
      const identifier = mrns.map((value) => ({ system: SYSTEM, value }));
      await log.block({ creator: 'HospitalMSP', privateWrites: recordWrites('Patient', { id, version, identifier }) });
    };

    it('bore the identifier when the request came, whoever bears it today', async () => {
      const [hers, other] = [await log.patient('P-1'), await log.patient('P-2')];
      const [before, after] = [accessState(), accessState()];
      await log.block(...requestedAccess(before, 'P-1'));
      await wears(hers, 2, 'P-3');
      await wears(other, 2, 'P-2', 'P-1');
      await log.block(...requestedAccess(after, 'P-1'));
      expect(await log.ids({ compartment: hers })).to.deep.equal([before.id]);
      expect(await log.ids({ compartment: other })).to.deep.equal([after.id]);
      expect((await log.disclosures.find(before.id, other))?.patient).to.equal(undefined);
      await wears(other, 3, 'P-2');
      await wears(hers, 3, 'P-1');
      expect(await log.ids({ compartment: hers })).to.deep.equal([before.id]);
      expect(await log.ids({ compartment: other })).to.deep.equal([after.id]);
      await log.fixture.reopen();
      expect(await log.ids({ compartment: other })).to.deep.equal([after.id]);
    });

    it('bore it first, where nobody did yet', async () => {
      const state = accessState();
      await log.block(...requestedAccess(state, 'P-1'));
      const first = await log.patient('P-1');
      const second = await log.patient('P-1');
      expect(await log.ids({ compartment: first })).to.deep.equal([state.id]);
      expect(await log.ids({ compartment: second })).to.deep.equal([]);
    });

    it('it was decided on, where the decision says so', async () => {
      const [one, other] = [await log.patient('P-1'), await log.patient('P-2')];
      await wears(other, 2, 'P-1');
      const asked = accessState();
      const granted: AccessState = {
        ...asked,
        status: 'granted',
        decidedAt: LONG_AGO,
        expiresAt: LATER,
        patient: other,
      };
      await log.block(...requestedAccess(asked, 'P-1'));
      expect(await log.ids({ compartment: one })).to.deep.equal([granted.id]);
      await log.block(accessStep(granted));
      expect(await log.ids({ compartment: one })).to.deep.equal([]);
      expect(await log.ids({ compartment: other })).to.deep.equal([granted.id]);
    });
  });

  it('is found by patient at the holder, who is told of refusals and whom they were about', async () => {
    await log.fixture.close();
    log = await AccessLog.open('hospital', kind);
    const [hers, others] = [await log.patient('P-1'), await log.patient('P-2')];
    const decidedAt = LONG_AGO;
    const states = [hers, others, hers].map((patient) =>
      accessState({ status: 'granted', decidedAt, expiresAt: LATER, patient }),
    );
    for (const state of states) await log.block(custodian(accessWrites(state).slice(1)));
    const because = { reason: 'consent-absent', patient: hers, salt: 'ab'.repeat(32) };
    const refused = accessState({ status: 'refused', decidedAt, reason: 'not-permitted', because });
    await log.block(custodian(accessWrites(refused).slice(1)));
    const found = [states[0]!, states[2]!, refused].map(({ id }) => id);
    expect(await log.ids({ patients: [hers] })).to.deep.equal(found);
    const pages = [await log.search({ patients: [hers], count: 2 })];
    pages.push(await log.search({ patients: [hers], count: 2, after: pages[0]!.next! }));
    expect(pages.flatMap(({ matches }) => matches.map(({ resource }) => resource.id))).to.have.members(found);
    expect(pages[1]!.next).to.equal(undefined);
    expect(await log.ids({ patients: [hers, others] })).to.have.length(4);
  });

  it('takes a request that is delivered late, and forgets one that is removed', async () => {
    const id = await log.patient('P-1');
    const state = accessState();
    const request = requestWrite(state.id, 'P-1');
    const before = await log.block(custodian([]));
    const block = fixtureBlock(2, [accessStep(state), { creator: 'ClinicMSP', privateWrites: [request] }], before);
    await log.fixture.apply(withheld(block, (transaction) => transaction === 1));
    expect(await log.ids({ compartment: id })).to.deep.equal([]);
    expect(await log.ids()).to.deep.equal([state.id]);
    expect(await log.fixture.complete(block)).to.equal(1);
    expect(await log.ids({ compartment: id })).to.deep.equal([state.id]);
    const removal = { collection: request.collection, key: request.key, purge: true };
    await log.fixture.apply(fixtureBlock(3, [custodian([removal])], block));
    expect(await log.ids({ compartment: id })).to.deep.equal([]);
  });

  it('does not believe a request in another inbox than its requestor’s', async () => {
    const [victim, attacker] = [await log.patient('P-1'), await log.patient('P-2')];
    const state = accessState({ requestor: 'clinic' });
    await log.block(...requestedAccess(state, 'P-1'));
    await log.block({ creator: 'PayerMSP', privateWrites: [requestWrite(state.id, 'P-2', 'payer')] });
    expect(await log.ids({ compartment: attacker })).to.deep.equal([]);
    expect(await log.ids({ compartment: victim })).to.deep.equal([state.id]);
  });

  it('is searched by time, in pages in the order of that time', async () => {
    const day = (number: number) => `2026-04-0${number}T10:00:00.000Z`;
    const states = [3, 1, 2, 5, 4].map((number) => accessState({ requestedAt: day(number) }));
    for (const state of states) await log.block(...requestedAccess(state, 'P-1'));
    const lastUpdated = [{ prefix: 'ge', value: '2026-04-02' }] as Search['lastUpdated'];
    const times: string[] = [];
    let after: string | undefined;
    do {
      const page = await log.search({ lastUpdated: lastUpdated!, count: 2, ...(after && { after }) });
      times.push(...page.matches.map((match) => match.lastUpdated));
      after = page.next;
    } while (after !== undefined);
    expect(times).to.deep.equal([5, 4, 3, 2].map(day));
    const id = await log.patient('P-1');
    expect((await log.search({ lastUpdated: lastUpdated! }, id)).matches).to.have.length(4);
  });

  it('leaves out what cannot be read, says how much, and reports each once', async () => {
    const id = await log.patient('P-1');
    const sound = [accessState(), accessState()];
    const changed = accessState();
    const garbage = accessState();
    for (const state of [sound[0]!, changed, garbage, sound[1]!]) await log.block(...requestedAccess(state, 'P-1'));
    const { writing } = log.fixture.stores;
    const { value: text = '' } = requestWrite(changed.id, 'P-1');
    await writing
      .updateTable('private_values')
      .set({ value: text })
      .where('key', '=', `request/${changed.id}`)
      .execute();
    await writing.updateTable('states').set({ value: '{"a"' }).where('id', '=', garbage.id).execute();
    for (const listing of [{}, { compartment: id }]) {
      expect(await log.ids(listing)).to.deep.equal(sound.map((state) => state.id));
    }
    expect((await log.search({}, id)).broken).to.equal(2);
    expect((await log.search()).broken).to.equal(2);
    expect(new Set(log.reports)).to.deep.equal(new Set([`access ${changed.id}`, `access ${garbage.id}`]));
    const read = await log.disclosures.read(changed.id).catch((error: Error) => error.name);
    expect(read).to.equal('IntegrityFailure');
  });

  it('says what is still to be done', async () => {
    const consents = [consentWrite({}), consentWrite({})];
    const [over, kept] = consents.map(({ id }) =>
      accessState({ status: 'granted', expiresAt: LATER, consent: { id, version: 1 } }),
    );
    const states = {
      requested: accessState(),
      refused: accessState({ status: 'refused' }),
      late: accessState({ status: 'granted', expiresAt: LONG_AGO }),
      ...{ over: over!, kept: kept! },
    };
    await log.block(custodian(consents), ...Object.values(states).map(accessStep));
    await log.block(custodian([markWrite(consents[0]!.id)]));
    const pending = async ({ id }: AccessState) => (await log.disclosures.find(id))?.pending;
    const found = await Promise.all(Object.values(states).map(pending));
    expect(found).to.deep.equal(['decision', undefined, 'purge', 'purge', undefined]);
    const event = await log.disclosures.read(states.over.id);
    expect(event?.resource).to.include({ outcome: '0', outcomeDesc: 'purge-pending' });
  });

  it('says who endorsed a decision, and when a holder who did not was told of it', async () => {
    const [alone, together] = ['refused', 'refused'].map(() =>
      accessState({ status: 'refused', decidedAt: LONG_AGO, reason: 'consent-absent' }),
    ) as [AccessState, AccessState];
    const without = { ...custodian(accessWrites(alone).slice(0, 1)), endorsers: ['PatientsMSP', 'ClinicMSP'] };
    await log.block(without, custodian(accessWrites(together)));
    const detailsOf = async ({ id }: AccessState) => {
      const event = await log.disclosures.read(id);
      const entities = event?.resource['entity'] as { type?: { code?: string }; detail?: object[] }[] | undefined;
      return entities?.find(({ type }) => type?.code === 'Consent')?.detail;
    };
    const endorser = (valueString: string) => ({ type: 'endorser', valueString });
    const both = ['PatientsMSP', 'ClinicMSP'].map(endorser);
    expect(await detailsOf(together)).to.deep.equal(['PatientsMSP', 'HospitalMSP'].map(endorser));
    expect(await detailsOf(alone)).to.deep.equal([...both, { type: 'holder-told', valueString: 'pending' }]);
    expect((await log.disclosures.find(alone.id))?.pending).to.equal('report');
    await log.block(custodian(accessWrites(alone).slice(1)));
    const { decided, pending } = (await log.disclosures.find(alone.id)) ?? {};
    expect([decided?.endorsers, pending]).to.deep.equal([['PatientsMSP', 'ClinicMSP'], undefined]);
    expect(await detailsOf(alone)).to.deep.equal([
      ...both,
      { type: 'holder-told', valueString: decided?.holderToldAt },
    ]);
    expect(decided?.holderToldAt).to.match(/^20/);
  });

  describe('and the custodian’s duties', () => {
    it('decide what was requested of it, each for itself', async () => {
      const [one, broken, other] = [accessState(), accessState(), accessState()];
      const foreign = accessState({ custodian: 'elsewhere', holder: 'patients' });
      const refused = accessState({ status: 'refused' });
      for (const state of [one, broken, foreign, other, refused]) await log.block(accessStep(state));
      const junk = ['no JSON', 'null', '{}', JSON.stringify({ ...accessState(), purpose: 7 })].map((value) => ({
        ...{ collection: 'inbox_clinic', key: `access/${randomUUID()}/1` },
        value,
      }));
      await log.block(custodian(junk));
      const { writing } = log.fixture.stores;
      await writing.updateTable('states').set({ value: '{"a"' }).where('id', '=', broken.id).execute();
      for (let round = 0; round < 2; round += 1)
        expect(await log.found('decide access')).to.deep.equal([`${one.id}/1`, `${other.id}/1`]);
      expect(new Set(log.reports)).to.deep.equal(new Set([`access ${broken.id}`]));
    });

    it('purge what is over: its time, or a consent that it rests on', async () => {
      const consents = Array.from({ length: 5 }, () => consentWrite({}));
      const [ended, amended, withdrawn, inForce, unknown] = consents.map(({ id }) => id) as [string, ...string[]];
      const granted = (fields: Partial<AccessState>) => accessState({ status: 'granted', expiresAt: LATER, ...fields });
      const on = (id = '') => ({ id, version: 1 });
      const states = {
        late: granted({ expiresAt: LONG_AGO }),
        revoked: granted({ consent: on(ended) }),
        amended: granted({ consent: on(inForce), furtherConsents: [on(amended)] }),
        withdrawn: granted({ consent: on(withdrawn) }),
        inForce: granted({ consent: on(inForce) }),
        unknown: granted({ consent: on(unknown) }),
        foreign: granted({ custodian: 'elsewhere', holder: 'patients', expiresAt: LONG_AGO }),
      };
      await log.block(custodian(consents.slice(0, 4)));
      await log.block(custodian(Object.values(states).flatMap(accessWrites)));
      expect(await log.found('purge copies')).to.deep.equal([states.late.id]);
      const next = consentWrite({ id: amended!, version: 2 });
      await log.block(custodian([markWrite(ended), next, markWrite(withdrawn!, 1)]));
      const over = [states.late, states.revoked, states.amended, states.withdrawn].map(({ id }) => id);
      expect(await log.found('purge copies')).to.have.members(over);
      await log.block(custodian(accessWrites({ ...states.revoked, status: 'purged', purgedAt: LONG_AGO })));
      expect(await log.found('purge copies')).to.have.members(over.filter((id) => id !== states.revoked.id));
      const after = granted({ consent: on(ended) });
      await log.block(custodian(accessWrites(after)));
      expect(await log.found('purge copies')).to.include(after.id);
    });

    it('purge the others where one cannot be read', async () => {
      const [broken, sound] = [consentWrite({}), consentWrite({})];
      const granted = (id: string) => accessState({ status: 'granted', expiresAt: LATER, consent: { id, version: 1 } });
      const states = [granted(broken.id), granted(sound.id)];
      await log.block(custodian([broken, sound]));
      await log.block(custodian(states.flatMap(accessWrites)));
      await log.block(custodian([markWrite(broken.id), markWrite(sound.id)]));
      const { writing } = log.fixture.stores;
      const key = markWrite(broken.id).key;
      await writing.updateTable('private_values').set({ value: '{}' }).where('key', '=', key).execute();
      expect(await log.found('purge copies')).to.deep.equal([states[1]!.id]);
      expect(log.reports).to.deep.equal([`access ${states[0]!.id}`]);
    });

    it('report each step that was taken without the holder, until the holder has it', async () => {
      const done = { decidedAt: LONG_AGO } as const;
      const refused = accessState({ status: 'refused', ...done });
      const granted = accessState({ status: 'granted', ...done, expiresAt: LATER });
      const purged: AccessState = { ...granted, status: 'purged', purgedAt: LONG_AGO };
      const foreign = accessState({ status: 'refused', ...done, custodian: 'elsewhere', holder: 'patients' });
      const inbox = (state: AccessState) => custodian(accessWrites(state).slice(0, 1));
      const care = (state: AccessState) => custodian(accessWrites(state).slice(1));
      for (const state of [refused, granted, foreign]) await log.block(inbox(state));
      expect(await log.found('report access')).to.have.members([`${refused.id}/2`, `${granted.id}/2`]);
      await log.block(inbox(purged), care(refused));
      expect(await log.found('report access')).to.deep.equal([`${purged.id}/2`, `${purged.id}/3`]);
      await log.block(care(granted));
      expect(await log.found('report access')).to.deep.equal([`${purged.id}/3`]);
      await log.block(care(purged));
      expect(await log.found('report access')).to.deep.equal([]);
    });

    it('report no step that the holder has, though its value is still on its way here', async () => {
      const refused = accessState({ status: 'refused', decidedAt: LONG_AGO });
      const first = await log.block(custodian(accessWrites(refused).slice(0, 1)));
      const told = fixtureBlock(1, [custodian(accessWrites(refused).slice(1))], first);
      await log.fixture.apply(withheld(told, () => true));
      expect(await log.found('report access')).to.deep.equal([]);
      expect((await log.disclosures.find(refused.id))?.pending).to.equal(undefined);
    });

    it('find more than a page of work', async () => {
      const states = Array.from({ length: 250 }, () => accessState());
      await log.block({ creator: 'ClinicMSP', privateWrites: states.flatMap(accessWrites) });
      expect(new Set(await log.found('decide access'))).to.deep.equal(new Set(states.map(({ id }) => `${id}/1`)));
      const late = states.map((state) => ({ ...state, status: 'granted' as const, expiresAt: LONG_AGO }));
      await log.block(custodian(late.flatMap(accessWrites)));
      expect(await log.found('purge copies')).to.have.length(250);
    });
  });

  if (kind.name === 'SQLite') {
    it('is read by index alone', async () => {
      const id = await log.patient('P-1');
      const consent = consentWrite({});
      const state = accessState({ status: 'granted', expiresAt: LATER, consent: { id: consent.id, version: 1 } });
      await log.block(custodian([consent]), ...requestedAccess(state, 'P-1'), ...requestedAccess(accessState(), 'P-1'));
      await log.block(custodian([markWrite(consent.id)]), accessStep(accessState({ status: 'purged' })));
      await log.fixture.reopen();
      const lastUpdated = [{ prefix: 'gt', value: '2026' }] as NonNullable<Search['lastUpdated']>;
      const plans = await plansOf(log.fixture, async () => {
        const behind = (place: unknown) => ({ after: JSON.stringify({ access: ['2026-01-01T00:00:00.000Z', place] }) });
        for (const page of [{}, behind(5)]) await log.search(page);
        for (const page of [{}, behind('x')]) {
          await log.search({ ...page, patients: [id] });
          await log.search(page, id);
        }
        await log.search({ lastUpdated });
        await log.search({ ids: [state.id] }, id);
        await log.disclosures.read(state.id, id);
        await log.found('decide access');
        expect(await log.found('purge copies')).to.include(state.id);
        await log.found('report access');
        await log.fixture.index.accesses.due(LATER, { count: 1, after: `${LONG_AGO} 5` });
        await log.fixture.index.accesses.orphaned({ count: 1, after: 'a' });
      });
      expect(plans.length).to.be.greaterThan(10);
      for (const { text, steps } of plans) {
        // That index holds nothing but what is due.
        const scans = steps.filter((step) => /^SCAN (?!counted|CONSTANT)(?!.*access_consents_ended)/.test(step));
        expect(scans, text).to.deep.equal([]);
        // The Patients of one identifier are few, and sorted.
        const isOfIdentifier = /^select .* from "search_values"/.test(text);
        // So are the versions of one record.
        const isOfRecord = /from "versions" where "id" = \? and "type" = \? order by/.test(text);
        const sorts = steps.filter(
          (step) => !isOfIdentifier && !isOfRecord && /USE TEMP B-TREE FOR ORDER BY/.test(step),
        );
        expect(sorts, text).to.deep.equal([]);
      }
    });
  }
});
