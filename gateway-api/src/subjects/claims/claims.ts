/**
 * Claims from submission to payment, as the gateways of provider, payer and bank send them: gathers what each
 * transaction needs from the read model. Whether a claim is payable is decided in the chaincode.
 */
import { randomUUID } from 'node:crypto';
import { evidenceOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { ClaimState, Evidence } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium, Organisation } from '@telemed-ledger/consortium/members.ts';
import { organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { VersionRow } from '../../index/read/stored.ts';
import type { BeforeSubmit, LedgerClient, Sender, Submitted } from '../../ledger/client.ts';
import { newSalt } from '../../ledger/sender.ts';

/** The contract takes no more. */
const MAX_EVIDENCE = 200;

export interface ClaimsOptions {
  organisation: Organisation;
  consortium: Consortium;
  index: ReadModel;
  ledger: LedgerClient;
}

export interface Sending {
  as: Sender;
  beforeSubmit?: BeforeSubmit | undefined;
}

export class Claims {
  readonly #options: ClaimsOptions;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** Submits a Claim (hl7.org/fhir/R4/claim.html) under a new id. @throws {LedgerError} */
  async submit(claim: Resource, id: string, sending: Sending): Promise<Submitted<ClaimState>> {
    const coverage = await this.#coverage(claim);
    const payer = organisationByMsp(this.#options.consortium, coverage.author)?.name;
    if (payer === undefined) throw new LedgerError('INVALID', 'the coverage is of no payer here', 'Claim.insurance');
    const resource = { ...claim, id };
    return this.#options.ledger.submit(
      'SubmitClaim',
      { id, payer },
      {
        claim: { id, salt: newSalt(), resource },
        coverage: { id: coverage.id, version: coverage.version },
        evidence: await this.#evidence(resource),
      },
      sending,
    );
  }

  /** The Coverage that the focal (or only) insurance names, as the payer showed it to this provider. */
  async #coverage(claim: Resource): Promise<VersionRow> {
    const insurances = (claim['insurance'] ?? []) as { focal?: boolean; coverage?: Reference }[];
    const index = Math.max(
      insurances.findIndex(({ focal }) => focal === true),
      0,
    );
    const expression = `Claim.insurance[${index}].coverage`;
    const found = /^Coverage\/([^/]+)$/.exec(insurances[index]?.coverage?.reference ?? '')?.[1];
    const row = found === undefined ? undefined : await this.#options.index.newestRow('Coverage', found);
    if (row === undefined)
      throw new LedgerError('INVALID', 'names no Coverage that a payer has registered here', expression);
    return row;
  }

  /** The newest versions of the records that a claim rests on, as they were anchored: what is not here is left out. */
  async #evidence(claim: Resource): Promise<Evidence[]> {
    const care = collections.care(this.#options.organisation.name);
    const seen = new Set<string>();
    const evidence: Evidence[] = [];
    const pending = evidenceOf(claim);
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      if (seen.has(next)) continue;
      seen.add(next);
      const [type = '', id = ''] = next.split('/');
      const row = await this.#options.index.newestRow(type, id);
      if (row === undefined || row.collection !== care) continue;
      if (evidence.length >= MAX_EVIDENCE) throw new LedgerError('INVALID', 'rests on too many records', 'Claim.item');
      evidence.push({ key: row.key, value: row.value });
      pending.push(...evidenceOf(this.#options.index.stored(row).resource));
    }
    return evidence;
  }

  async adjudicate(id: string, sending: Sending): Promise<Submitted<ClaimState>> {
    const { provider } = await this.state(id);
    const answer = { responseId: randomUUID(), salt: newSalt() };
    return this.#options.ledger.submit('AdjudicateClaim', { id, provider }, answer, sending);
  }

  async instruct(state: ClaimState, bank: string, sending: Sending): Promise<Submitted<ClaimState>> {
    const response = await this.#text(collections.claim(state.provider, state.payer), privateKeys.response(state.id));
    const payment = { paymentId: randomUUID(), salt: newSalt(), response };
    return this.#options.ledger.submit('InstructPayment', { id: state.id, bank }, payment, sending);
  }

  /** Reports the transfer of a payment. `paidOn` is a date, `reference` the bank's own. */
  async settle(
    claimId: string,
    transfer: { reference: string; paidOn: string },
    sending: Sending,
  ): Promise<Submitted<ClaimState>> {
    const { payer } = await this.state(claimId);
    const notice = { noticeId: randomUUID(), salt: newSalt(), ...transfer };
    return this.#options.ledger.submit('SettlePayment', { id: claimId, payer }, notice, sending);
  }

  async remit(state: ClaimState, sending: Sending): Promise<Submitted<ClaimState>> {
    const collection = collections.settle(state.payer, state.bank ?? '');
    const settlement = await this.#text(collection, privateKeys.settlement(state.id));
    const payment = await this.#text(collection, privateKeys.payment(state.id));
    const remittance = { reconciliationId: randomUUID(), salt: newSalt(), settlement, payment };
    return this.#options.ledger.submit('RemitPayment', { id: state.id, provider: state.provider }, remittance, sending);
  }

  async state(id: string): Promise<ClaimState> {
    const row = await this.#options.index.state('claim', id);
    if (row === undefined) throw new LedgerError('NOT_FOUND', 'there is no such claim');
    return JSON.parse(row.value) as ClaimState;
  }

  /** The resource of a type in a private value, when this organisation holds it. */
  async made(type: string, collection: string, key: string): Promise<StoredResource | undefined> {
    const row = await this.#options.index.rowAt(collection, key, type);
    return row === undefined ? undefined : this.#options.index.stored(row);
  }

  /** The claim that a PaymentReconciliation of this bank pays. */
  async claimOfPayment(reconciliation: string): Promise<string> {
    const row = await this.#options.index.newestRow('PaymentReconciliation', reconciliation);
    const claimId = /^payment\/(.+)$/.exec(row?.key ?? '')?.[1];
    if (claimId === undefined) throw new LedgerError('NOT_FOUND', 'there is no such payment instruction here');
    return claimId;
  }

  async #text(collection: string, key: string): Promise<string> {
    const text = await this.#options.index.anchoredText(collection, key);
    if (text === undefined)
      throw new LedgerError('NOT_FOUND', `the read model holds no ${key.split('/')[0]} of this claim yet`);
    return text;
  }
}
