import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger } from '../ledger/memory-ledger.fixture.ts';
import { Registry } from './registry.ts';

const licence = { number: '1234567893', status: 'active', start: '2024-01-01', end: '2027-12-31' } as const;

describe('the registry contract', () => {
  let ledger: MemoryLedger;
  beforeEach(() => {
    ledger = new MemoryLedger(exampleConsortium, [new Registry(exampleConsortium)]);
  });

  it('sets a licence: one value that everybody holds and one event, and no public state that others could forge', async () => {
    const { reply, writes } = await ledger.submit('SetLicence', { from: 'regulator', role: 'auditor', input: licence });
    const text = `{"end":"2027-12-31","number":"1234567893","start":"2024-01-01","status":"active","updatedAt":"${ledger.time}"}`;
    expect(reply).to.deep.equal({ ...licence, updatedAt: ledger.time });
    expect(writes).to.deep.equal({
      public: {},
      private: { 'registers licence/1234567893': text },
      purged: [],
      policies: {},
      event: { name: 'LicenceSet', payload: text },
    });
  });

  it('answers a licence to anyone, and NOT_FOUND where there is none', async () => {
    await ledger.submit('SetLicence', { from: 'regulator', role: 'system', input: licence });
    const answer = await ledger.evaluate('GetLicence', {
      from: 'bank',
      role: 'settlement',
      input: { number: '1234567893' },
    });
    expect(answer.status).to.equal('active');
    expect(
      await failureOf(ledger.evaluate('GetLicence', { from: 'bank', role: 'settlement', input: { number: '1' } })),
    ).to.equal('LedgerError NOT_FOUND at <number>: no such licence');
  });

  it('does not believe a licence in public state, which any two organisations can write', async () => {
    ledger.public.set('licence/1234567893', JSON.stringify({ ...licence, updatedAt: ledger.time }));
    const request = { from: 'bank', role: 'settlement', input: { number: '1234567893' } };
    expect(await failureOf(ledger.evaluate('GetLicence', request))).to.include('no such licence');
  });

  it('lists the organisations of the consortium', async () => {
    const { organisations } = await ledger.evaluate('ListOrganisations', { from: 'payer', role: 'system', input: {} });
    expect(organisations).to.deep.equal(exampleConsortium.organisations);
  });

  const refused: [string, object, string][] = [
    ['another kind of organisation', { from: 'hospital' }, 'LedgerError FORBIDDEN: only a regulator may do this'],
    ['an operator', { role: 'operator' }, 'LedgerError FORBIDDEN: the role must be system or auditor'],
    [
      'a role of another kind',
      { role: 'patient' },
      'LedgerError FORBIDDEN: the certificate has no role of a regulator',
    ],
    ['an unknown MSP', { from: 'StrangerMSP' }, 'LedgerError FORBIDDEN: the caller is of no member of the consortium'],
    [
      'an end before the start',
      { input: { ...licence, end: '2020-01-01' } },
      'LedgerError INVALID at <end>: a licence cannot end before it starts',
    ],
    ['a date that is none', { input: { ...licence, start: 'soon' } }, 'LedgerError INVALID at <start>: invalid format'],
    ['a member too many', { input: { ...licence, name: 'x' } }, 'LedgerError INVALID: has a member that is not known'],
  ];
  for (const [what, change, message] of refused)
    it(`refuses ${what} and writes nothing`, async () => {
      const request = { from: 'regulator', role: 'system', input: licence, ...change };
      expect(await failureOf(ledger.submit('SetLicence', request))).to.equal(message);
      expect(ledger.private.size).to.equal(0);
    });
});
