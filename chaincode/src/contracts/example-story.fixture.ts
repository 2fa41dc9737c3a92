/** Drives the example claim over a ledger in memory, step by step, for the tests of claims and settlements. */
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { MemoryLedger, type Outcome, type Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import {
  anchoredExample,
  type Changeable,
  type Example,
  exampleClaim,
  exampleIds,
  exampleNumber,
  exampleSalt,
} from '../model/example-claim.fixture.ts';
import { privateKeys } from '../model/keys.ts';
import type { Draft, Evidence } from '../model/transactions.ts';
import { Claims } from './claims.ts';
import { Records } from './records.ts';
import { Registry } from './registry.ts';
import { Settlements } from './settlements.ts';

export const CARE = 'care_hospital';
export const CLAIM = 'claim_hospital_payer';
export const SETTLE = 'settle_payer_bank';

export const draftOf = (resource: Changeable, version = 1): Draft => ({
  ...{ id: resource.id, version, salt: exampleSalt('a') },
  resource,
});

/** A consortium with a second bank and a second payer, so that "another's" can be tried. */
export const wideConsortium: Consortium = {
  ...exampleConsortium,
  organisations: [
    ...exampleConsortium.organisations,
    { name: 'payer-two', mspId: 'PayerTwoMSP', kind: 'payer' },
    { name: 'bank-two', mspId: 'BankTwoMSP', kind: 'bank' },
  ],
};

export class Story {
  readonly ledger: MemoryLedger;
  readonly example: Example = exampleClaim();

  constructor(consortium: Consortium = exampleConsortium) {
    const contracts = [Records, Registry, Claims, Settlements].map((Contract) => new Contract(consortium));
    this.ledger = new MemoryLedger(consortium, contracts);
  }

  records(): Changeable[] {
    const { patient, encounter, procedure, observation, practitioner } = this.example;
    return [patient, encounter, procedure, observation, practitioner];
  }

  /** Records, licence and coverage are on the ledger. */
  async prepare(): Promise<this> {
    this.ledger.time = '2026-02-10T10:00:00.000Z';
    await this.record(this.records().map((resource) => draftOf(resource)));
    const licence = { number: exampleNumber, status: 'active', start: '2020-01-01', end: '2027-12-31' } as const;
    await this.ledger.submit('SetLicence', { from: 'regulator', role: 'system', input: licence });
    await this.ledger.submit('RegisterCoverage', this.coverage());
    this.ledger.time = '2026-02-11T08:00:00.000Z';
    return this;
  }

  record(records: Draft[]): Promise<Outcome<'RecordVersions'>> {
    return this.ledger.submit('RecordVersions', { from: 'hospital', role: 'system', input: {}, private: { records } });
  }

  coverage(version = 1, providers = ['hospital']): Request<'RegisterCoverage'> {
    const coverage = draftOf(this.example.coverage, version);
    return { from: 'payer', role: 'adjudicator', input: { providers }, private: { coverage } };
  }

  feeSchedule(prices: Record<string, number>, currency = 'USD'): Request<'LoadFeeSchedule'> {
    const tariff = { salt: exampleSalt('b'), version: '2026-1', currency, prices };
    return { from: 'payer', role: 'system', input: { provider: 'hospital' }, private: tariff };
  }

  evidence(): Evidence[] {
    return this.records().map((resource) => ({
      key: privateKeys.record(resource.id, 1),
      value: canonicalJson(anchoredExample(resource)),
    }));
  }

  submission(): Request<'SubmitClaim'> & { private: object } {
    const { claim } = this.example;
    return {
      ...{ from: 'hospital', role: 'system', input: { id: claim.id, payer: 'payer' } },
      private: {
        claim: { id: claim.id, salt: exampleSalt('c'), resource: claim },
        coverage: { id: exampleIds.coverage, version: 1 },
        evidence: this.evidence(),
      },
    };
  }

  submitClaim(): Promise<Outcome<'SubmitClaim'>> {
    return this.ledger.submit('SubmitClaim', this.submission());
  }

  adjudication(): Request<'AdjudicateClaim'> {
    return {
      ...{ from: 'payer', role: 'adjudicator', input: { id: exampleIds.claim, provider: 'hospital' } },
      ...{ private: { responseId: exampleIds.response, salt: exampleSalt('d') } },
      time: '2026-02-12T08:00:00.000Z',
    };
  }

  adjudicate(): Promise<Outcome<'AdjudicateClaim'>> {
    return this.ledger.submit('AdjudicateClaim', this.adjudication());
  }

  text(collection: string, key: string): string {
    return this.ledger.private.get(`${collection} ${key}`) ?? '';
  }

  instruction(): Request<'InstructPayment'> & { private: { response: string } } {
    const response = this.text(CLAIM, privateKeys.response(exampleIds.claim));
    return {
      ...{ from: 'payer', role: 'system', input: { id: exampleIds.claim, bank: 'bank' } },
      ...{ private: { paymentId: exampleIds.payment, salt: exampleSalt('e'), response } },
      time: '2026-02-13T08:00:00.000Z',
    };
  }

  instruct(): Promise<Outcome<'InstructPayment'>> {
    return this.ledger.submit('InstructPayment', this.instruction());
  }

  settlement(): Request<'SettlePayment'> & { private: { paidOn: string } } {
    const transfer = { reference: 'TRF-2026-0042', paidOn: '2026-02-14' };
    return {
      ...{ from: 'bank', role: 'settlement', input: { id: exampleIds.claim, payer: 'payer' } },
      ...{ private: { noticeId: exampleIds.notice, salt: exampleSalt('f'), ...transfer } },
      time: '2026-02-14T08:00:00.000Z',
    };
  }

  settle(): Promise<Outcome<'SettlePayment'>> {
    return this.ledger.submit('SettlePayment', this.settlement());
  }

  remittance(): Request<'RemitPayment'> & { private: { payment: string; settlement: string } } {
    const shown = {
      settlement: this.text(SETTLE, privateKeys.settlement(exampleIds.claim)),
      payment: this.text(SETTLE, privateKeys.payment(exampleIds.claim)),
    };
    return {
      ...{ from: 'payer', role: 'system', input: { id: exampleIds.claim, provider: 'hospital' } },
      ...{ private: { reconciliationId: exampleIds.reconciliation, salt: exampleSalt('0'), ...shown } },
      time: '2026-02-15T08:00:00.000Z',
    };
  }

  remit(): Promise<Outcome<'RemitPayment'>> {
    return this.ledger.submit('RemitPayment', this.remittance());
  }

  /** A copy of everything on the ledger, to see that nothing was written. */
  snapshot(): string {
    return canonicalJson([[...this.ledger.public], [...this.ledger.private]]);
  }
}
