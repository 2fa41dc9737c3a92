/** What a provider and a bank hold of a claim counts where its payer's collection holds the same, and nowhere else. */
import { randomUUID } from 'node:crypto';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { PaymentState } from '@telemed-ledger/chaincode/model/payments.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { expect } from 'chai';
import { type FixtureTransaction, type FixtureWrite, fixtureBlock, withheld } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { anchored, FixtureIndex, type Logged, logInto, newSalt, wideConsortium } from '../index.fixture.ts';
import { billingWrites, claimState, claimStateWrites, claimWrites } from '../values.fixture.ts';

const named = (value: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value } });
const CLAIM = randomUUID();
const PAYMENT = randomUUID();

interface Named {
  resourceType: string;
  id: string;
}

const paymentOrder = (payer: string): PaymentState => ({
  ...{ schema: 1, id: PAYMENT, step: 1, payer, bank: 'bank', payee: 'hospital', status: 'instructed' },
  ...{ day: '2026-03-01', units: 1, currency: 'USD', claims: 1, providers: ['hospital'], salt: newSalt() },
  ...{ instructedAt: '2026-03-01T10:00:00.000Z', updatedAt: '2026-03-01T10:00:00.000Z' },
});
const ofPayment = (resourceType: string, fields: object): object => ({
  ...{ schema: 1, paymentId: PAYMENT, salt: newSalt(), resource: { resourceType, id: PAYMENT, ...fields } },
});

/** Every kind of value about a claim, as its payer states it, by its key; and who signs it. */
function values(payer: string): [key: string, value: object, creator: string][] {
  const record = (resources: object[]) => ({
    schema: 1,
    claimId: CLAIM,
    salt: newSalt(),
    ...(resources.length > 1 ? { resources } : { resource: resources[0] }),
  });
  const of = (resourceType: string, fields: object) => ({ resourceType, id: randomUUID(), ...fields });
  const { id, text } = anchored('Coverage', { author: payer === 'payer' ? 'PayerMSP' : 'PayerTwoMSP' });
  const [claim] = claimWrites(CLAIM, {});
  const signer = payer === 'payer' ? 'PayerMSP' : 'PayerTwoMSP';
  const between = { payer, provider: 'hospital' };
  const prices = { version: '1', currency: 'USD', prices: {}, loadedAt: '2026-03-01T10:00:00.000Z' };
  return [
    [privateKeys.feeSchedule(between, 1), { schema: 1, salt: newSalt(), ...prices }, signer],
    [privateKeys.fingerprintKey(between), { schema: 1, key: newSalt() }, 'HospitalMSP'],
    [privateKeys.coverage(id, 1), JSON.parse(text), signer],
    [privateKeys.claim(CLAIM), { ...JSON.parse(claim!.value!), payer }, 'HospitalMSP'],
    [privateKeys.claimState(CLAIM, 1), claimState({ id: CLAIM, payer }), 'HospitalMSP'],
    [
      privateKeys.screening(CLAIM, 1),
      {
        ...{ schema: 1, claimId: CLAIM, payer, salt: newSalt(), at: prices.loadedAt, claim: newSalt() },
        ...{ lines: [1], elsewhere: [], tokens: [] },
      },
      signer,
    ],
    [privateKeys.response(CLAIM), record([of('ClaimResponse', { insurer: named(payer) })]), signer],
    [privateKeys.claimTask(CLAIM, 2), { ...record([of('Task', {})]), payer }, signer],
    [privateKeys.offset(CLAIM, 3), record([of('PaymentReconciliation', { paymentIssuer: named(payer) })]), signer],
    [
      privateKeys.debt(CLAIM, 3, 1),
      {
        ...{ schema: 1, claimId: CLAIM, step: 3, number: 1, payer, provider: 'hospital', salt: newSalt() },
        ...{ left: { units: 1, currency: 'USD' }, at: prices.loadedAt },
      },
      signer,
    ],
    [privateKeys.payment(CLAIM, 1), record([of('PaymentReconciliation', { paymentIssuer: named(payer) })]), signer],
    [privateKeys.settlement(CLAIM), record([of('PaymentNotice', { recipient: named(payer) })]), 'BankMSP'],
    [
      privateKeys.remittance(CLAIM),
      record([of('PaymentReconciliation', { paymentIssuer: named(payer) }), of('PaymentNotice', {})]),
      signer,
    ],
    [privateKeys.order(PAYMENT, 1), paymentOrder(payer), signer],
    [
      privateKeys.reconciliation(PAYMENT, 1),
      ofPayment('PaymentReconciliation', { paymentIssuer: named(payer) }),
      signer,
    ],
    [privateKeys.notice(PAYMENT), ofPayment('PaymentNotice', { recipient: named(payer) }), 'BankMSP'],
    [
      privateKeys.remitted(PAYMENT, 'hospital', 2),
      ofPayment('PaymentReconciliation', { paymentIssuer: named(payer) }),
      signer,
    ],
    [privateKeys.remittedNotice(PAYMENT, 'hospital'), ofPayment('PaymentNotice', { recipient: named(payer) }), signer],
  ];
}

onEachDatabase('A copy of what a payer holds', (kind) => {
  let hospital: FixtureIndex;
  let logged: Logged[];
  beforeEach(async () => {
    hospital = await FixtureIndex.open('hospital', kind, wideConsortium);
    logged = [];
    hospital.projector = await hospital.openProjector({ log: logInto(logged) });
  });
  afterEach(() => hospital.close());

  const at = (name: string, key: string, value: object): FixtureWrite => ({
    ...{ collection: collections.billing(name), key },
    value: JSON.stringify(value),
  });
  async function held(index = hospital): Promise<string[]> {
    const { reading } = index.stores;
    const rows = [
      ...(await reading.selectFrom('versions').select('key').execute()),
      ...(await reading.selectFrom('private_values').select('key').execute()),
    ];
    return [...new Set(rows.map(({ key }) => key))].sort();
  }
  const states = () => hospital.stores.reading.selectFrom('states').selectAll().execute();
  const reports = () => logged.filter(({ level }) => level === 50);

  for (const [index, [name]] of values('payer').entries()) {
    const kindOfValue = name.split('/')[0];

    describe(`(${kindOfValue})`, () => {
      const [key, value, creator] = values('payer')[index]!;

      it('counts where the payer that it names holds the same', async () => {
        const privateWrites = [at('payer', key, value), at('hospital', key, value)];
        await hospital.block({ creator, privateWrites });
        expect([await held(), reports()]).to.deep.equal([[key], []]);
      });

      it('counts where the payer held it before', async () => {
        await hospital.block({ creator, privateWrites: [at('payer', key, value)] });
        await hospital.block({ creator, privateWrites: [at('hospital', key, value)] });
        expect(await held()).to.deep.equal([key]);
      });

      it('does not count where no payer holds it, or another value', async () => {
        await hospital.block({ creator, privateWrites: [at('hospital', key, value)] });
        expect(await held()).to.deep.equal([]);
        expect(reports()).to.have.length(1);
        const [missing] = await hospital.stores.reading.selectFrom('missing').selectAll().execute();
        expect(missing).to.include({ reason: 'unreadable', collection: 'billing_hospital' });
      });

      it('does not count where another value is the payer’s', async () => {
        const other = { ...value, salt: newSalt() };
        await hospital.block({ creator, privateWrites: [at('payer', key, other), at('hospital', key, value)] });
        expect(await held()).to.deep.equal([]);
      });

      it('does not count where another payer holds it, or one that is none', async () => {
        for (const [turn, name] of ['payer-two', 'bank', 'clinic', 'nobody'].entries()) {
          const [ownKey, own, signer] = values('payer')[index]!;
          await hospital.block({
            creator: signer,
            privateWrites: [
              at(name, ownKey, own),
              at('hospital', `${ownKey}${turn}`, own),
              at('hospital', ownKey, own),
            ],
          });
        }
        expect(await held()).to.deep.equal([]);
      });

      it('does not count where the payer holds it only later, whenever it arrives', async () => {
        const early = fixtureBlock(0, [{ creator, privateWrites: [at('hospital', key, value)] }]);
        await hospital.apply(withheld(early, () => true));
        await hospital.apply(fixtureBlock(1, [{ creator, privateWrites: [at('payer', key, value)] }], early));
        expect(await hospital.complete(early)).to.equal(1);
        expect(await held()).to.deep.equal([]);
      });

      it('does not count in a second writing of the payer’s', async () => {
        const other = { ...value, salt: newSalt() };
        await hospital.block({ creator, privateWrites: [at('payer', key, other)] });
        await hospital.block({ creator, privateWrites: [at('payer', key, value), at('hospital', key, value)] });
        expect(await held()).to.deep.equal([]);
      });

      it('is nothing in the collection of a payer that it does not name', async () => {
        for (const [payer, expected] of [
          ['payer', []],
          ['payer-two', [true]],
        ] as const) {
          const [own, stated, signer] = values(payer)[index]!;
          const two = await FixtureIndex.open('payer-two', kind, wideConsortium);
          try {
            await two.block({ creator: signer, privateWrites: [at('payer-two', own, stated)] });
            expect((await held(two)).map((one) => one === own)).to.deep.equal(expected);
          } finally {
            await two.close();
          }
        }
      });
    });
  }

  it('counts with what names no payer, where one holds the same', async () => {
    const fingerprint = { claimId: CLAIM, item: 0, salt: newSalt() };
    const [known, lacking] = [privateKeys.fingerprint('a', 0), privateKeys.fingerprint('b', 0)];
    await hospital.block({ creator: 'HospitalMSP', privateWrites: [at('hospital', lacking, fingerprint)] });
    await hospital.block({ creator: 'HospitalMSP', privateWrites: billingWrites(known, fingerprint, 'hospital') });
    expect(await held()).to.deep.equal([known]);
  });

  it('counts at a bank too', async () => {
    const bank = await FixtureIndex.open('bank', kind, wideConsortium);
    try {
      const instructed = claimState({ id: CLAIM, status: 'instructed', bank: 'bank' });
      await bank.block({ creator: 'PayerMSP', privateWrites: claimStateWrites(instructed, 'bank') });
      const forged = claimStateWrites({ ...instructed, id: randomUUID() }, 'bank').slice(1);
      await bank.block({ creator: 'PayerMSP', privateWrites: forged });
      expect(await held(bank)).to.deep.equal([privateKeys.claimState(CLAIM, 3)]);
    } finally {
      await bank.close();
    }
  });

  it('is none of another resource, of another claim, or of none', async () => {
    const wrong: [string, object, string][] = values('payer').flatMap(([key, value, creator]) => {
      const { resource, resources, ...rest } = value as { resource?: object; resources?: object[] };
      const [kindOfKey, ...segments] = key.split('/');
      const elsewhere = [kindOfKey, randomUUID(), ...segments.slice(1)].join('/');
      const variants: [string, object, string][] = [[elsewhere, value, creator]];
      if (resource !== undefined) {
        variants.push(
          [key, rest, creator],
          [key, { ...rest, resource: { ...resource, resourceType: 'Patient' } }, creator],
        );
        if (kindOfKey === 'claim')
          variants.push([key, { ...rest, resource: { ...resource, id: randomUUID() } }, creator]);
        const more = { ...rest, resource, resources: [{ resourceType: 'Patient', id: 'x' }] };
        if (kindOfKey !== 'coverage') variants.push([key, more, creator]);
      }
      if (resources !== undefined) variants.push([key, { ...rest, resources: resources.slice(1) }, creator]);
      return variants;
    });
    for (const [key, value, creator] of wrong) {
      const other = await FixtureIndex.open('hospital', kind, wideConsortium);
      try {
        await other.block({ creator, privateWrites: billingWrites(key, value, 'hospital') });
        expect(await held(other), `${key} ${JSON.stringify(value)}`).to.deep.equal([]);
      } finally {
        await other.close();
      }
    }
  });

  for (const [payer, shown] of [
    ['payer', [1, undefined]],
    ['payer-two', [0, 1]],
  ] as const)
    it(`is ${shown[0] === 1 ? '' : 'not '}shown as what became of a claim where it is the word of ${payer}`, async () => {
      const [, submitted] = values('payer').find(([key]) => key.startsWith('claim-state/'))!;
      const state = privateKeys.claimState(CLAIM, 1);
      await hospital.block({ creator: 'HospitalMSP', privateWrites: billingWrites(state, submitted, 'hospital') });
      const answers = values(payer).filter(([key]) => /^(response|payment|settlement|remittance)/.test(key));
      for (const [key, value, creator] of answers)
        await hospital.block({ creator, privateWrites: [at(payer, key, value), at('hospital', key, value)] });
      expect(await held()).to.have.length(answers.length + 1);
      for (const [key, value] of answers) {
        const { resource, resources = [resource!] } = value as { resource?: Named; resources?: Named[] };
        for (const { resourceType: type, id } of resources) {
          const read = hospital.index.newest(type, id).then(
            (found) => (found === undefined ? 'nothing' : 'shown'),
            ({ code }) => code,
          );
          expect(await read, key).to.equal(shown[0] === 1 ? 'shown' : 'NOT_FOUND');
          const { matches, invalid } = await hospital.index.search({ type, ids: [id], count: 10 });
          expect([matches.length, invalid], key).to.deep.equal(shown);
        }
      }
    });

  describe('and the state of a claim', () => {
    const step = (fields: object, creator: string): FixtureTransaction => {
      const state = claimState({ id: CLAIM, ...fields });
      const value = { ...state };
      const key = privateKeys.claimState(CLAIM, state.step);
      return { creator, privateWrites: [at(state.payer, key, value), at('hospital', key, value)] };
    };
    const statusOf = async () => (await states()).map(({ status }) => status);

    it('follows the steps of its payer, and of no other', async () => {
      await hospital.block(step({}, 'HospitalMSP'));
      expect(await statusOf()).to.deep.equal(['submitted']);
      await hospital.block(step({ status: 'denied', payer: 'payer-two' }, 'PayerTwoMSP'));
      expect(await statusOf(), 'of another').to.deep.equal(['submitted']);
    });

    it('takes the first series for its own, whatever another begins', async () => {
      await hospital.block(step({ status: 'submitted' }, 'HospitalMSP'));
      for (const [status, creator] of [
        ['instructed', 'PayerTwoMSP'],
        ['settled', 'BankMSP'],
        ['remitted', 'PayerTwoMSP'],
      ] as const)
        await hospital.block(step({ status, payer: 'payer-two', bank: 'bank' }, creator));
      expect(await statusOf()).to.deep.equal(['submitted']);
      await hospital.block(step({ status: 'approved' }, 'PayerMSP'));
      expect(await statusOf()).to.deep.equal(['approved']);
      const [state] = await states();
      expect(state).to.include({ own: 1, id: CLAIM });
    });

    it('takes each step from whom it comes from', async () => {
      const signers = {
        submitted: 'HospitalMSP',
        approved: 'PayerMSP',
        instructed: 'PayerMSP',
        settled: 'BankMSP',
        remitted: 'PayerMSP',
      };
      const everybody = wideConsortium.organisations.map(({ mspId }) => mspId);
      for (const [status, signer] of Object.entries(signers)) {
        const bank = ['submitted', 'approved'].includes(status) ? {} : { bank: 'bank' };
        for (const creator of everybody.filter((one) => one !== signer)) {
          const other = await FixtureIndex.open('hospital', kind, wideConsortium);
          try {
            await other.block(step({ status, ...bank }, creator));
            expect(await other.index.state('claim', CLAIM), `${status} by ${creator}`).to.equal(undefined);
          } finally {
            await other.close();
          }
        }
        await hospital.block(step({ status, ...bank }, signer));
        expect(await statusOf()).to.deep.equal([status]);
      }
    });

    it('is left as it was by junk of every kind', async () => {
      await hospital.block(step({}, 'HospitalMSP'));
      const junk = [
        'null',
        '7',
        '[]',
        '{}',
        'not JSON',
        JSON.stringify({ ...claimState({ id: CLAIM, status: 'approved' }), status: 'paid' }),
      ];
      for (const [index, value] of junk.entries()) {
        const key = index === 5 ? privateKeys.claimState(CLAIM, 2) : `claim-state/${CLAIM}/${index + 2}`;
        const privateWrites = ['payer', 'hospital'].map((name) => ({ ...at(name, key, {}), value }));
        await hospital.block({ creator: 'PayerMSP', privateWrites });
      }
      expect(await statusOf()).to.deep.equal(['submitted']);
    });
  });
});
