/** Claims of the hospital's that it bills by X12 837, each of a visit of its own, up to their remittance. */
import { randomUUID } from 'node:crypto';
import { type Kind, ROLES_OF_KIND, type Role } from '@telemed-ledger/consortium/members.ts';
import { type ExampleClaim, example837 } from '@telemed-ledger/gateway-api/subjects/x12/x12.fixture.ts';
import { coverageShown } from '@telemed-ledger/scripts/demo/claims.ts';
import type { Parties, Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import type { Answer } from '@telemed-ledger/scripts/http.ts';
import { expect } from 'chai';
import { onPayment, type PaymentBundle, paymentsIn } from './payable-claims.fixture.ts';

const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };
export const EDI = { 'content-type': 'application/EDI-X12' };

export interface Answered {
  claims: { controlNumber: string; status: string; claim?: string; reason?: string; expression?: string }[];
  notMapped: Record<string, number>;
}

export class X12Claims {
  readonly story: Story;
  readonly hospital: Party;
  readonly desk: Party;
  /** YYYYMMDD, of all visits. */
  readonly day: string;
  readonly #practitioner: object;
  #hour = 0;

  private constructor(story: Story, practitioner: object) {
    this.story = story;
    this.hospital = story.parties.of('hospital', 'system');
    this.desk = story.parties.of('payer', 'adjudicator');
    this.day = story.visit.day.replaceAll('-', '');
    this.#practitioner = practitioner;
  }

  /** Of a member with a coverage, and with a practitioner who is licensed. */
  static async open(parties: Parties): Promise<X12Claims> {
    const startedAt = new Date().toISOString();
    const story: Story = { parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
    for (const step of [licensed, visitRecorded, coverageShown]) await step(story, silent);
    const path = `/fhir/R4/${[...story.locations.values()].find((one) => one.startsWith('Encounter/'))}`;
    const { participant } = await parties.of('hospital', 'system').ask<Resource & { participant: object }>({ path });
    return new X12Claims(story, participant);
  }

  /** @param account what billing calls the visit */
  async visited(account: string): Promise<string> {
    this.#hour += 1;
    const { day } = this.story.visit;
    const at = (minute: string): string => `${day}T${String(this.#hour).padStart(2, '0')}:${minute}:00-05:00`;
    const body = {
      ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'VR' }, participant: this.#practitioner },
      ...{ subject: { reference: `Patient/${this.story.patientId}` }, period: { start: at('00'), end: at('15') } },
      identifier: [{ system: 'urn:example:accounts', value: account }],
    };
    return (await this.hospital.write({ method: 'POST', path: '/fhir/R4/Encounter', body })).body.id;
  }

  /** An account of a visit that has taken place. */
  async account(): Promise<string> {
    const account = randomUUID().slice(0, 20);
    await this.visited(account);
    return account;
  }

  claimFor(controlNumber: string, more: Partial<ExampleClaim> = {}): ExampleClaim {
    const { member, npi } = this.story.visit;
    const lines = [{ code: '99213', charge: '80.00', day: this.day }];
    return { controlNumber, member: member.value, npi, lines, ...more };
  }

  sent(claims: readonly ExampleClaim[], headers: Record<string, string> = {}): Promise<Answer> {
    const body = example837(claims, 'payer');
    return this.hospital.send({ method: 'POST', path: '/x12/837', body, headers: { ...EDI, ...headers } });
  }

  /** The payment of a claim at somebody's, once it is there. */
  async #paymentAt(party: Party, claim: string, outcome: string): Promise<string> {
    const since = encodeURIComponent(this.story.startedAt);
    const path = `/fhir/R4/PaymentReconciliation?_lastUpdated=ge${since}&_count=1000`;
    const of = (bundle: PaymentBundle) =>
      paymentsIn(bundle).find((one) => one.outcome === outcome && one.detail[0]?.request.reference === claim);
    const found = await party.find<PaymentBundle>({ path }, 'the payment', (bundle) => of(bundle) !== undefined);
    return (of(found) as unknown as { identifier: { value: string }[] }).identifier[0]!.value;
  }

  /** Billed; the claim's id, once it is at the payer. */
  async billed(claim: ExampleClaim): Promise<string> {
    const { claims } = (await this.sent([claim])).body as Answered;
    const reference = claims[0]?.claim ?? '';
    await this.desk.find({ path: `/fhir/R4/${reference}` }, 'the claim at the payer');
    return reference.replace('Claim/', '');
  }

  /** Decided and paid; its payment. */
  async paid(claim: string): Promise<string> {
    await this.desk.write({ method: 'POST', path: `/fhir/R4/Claim/${claim}/$adjudicate` });
    const bank = this.story.parties.of('bank', 'settlement');
    const payment = await this.#paymentAt(bank, `Claim/${claim}`, 'queued');
    const transfer = { reference: `X12-${payment.slice(0, 12)}`, paidOn: new Date().toISOString().slice(0, 10) };
    await bank.write(onPayment(payment, 'settle', transfer));
    await this.#paymentAt(this.hospital, `Claim/${claim}`, 'complete');
    return payment;
  }
}

const KINDS: Record<string, Kind> = {
  ...{ hospital: 'provider', clinic: 'provider', patients: 'custodian', payer: 'payer', bank: 'bank' },
  regulator: 'regulator',
};

/** That of all identities those are answered who are named, `hospital system`, and the others refused. */
export async function expectAnsweredAlone(
  parties: Parties,
  entitled: readonly string[],
  send: (party: Party) => Promise<Answer>,
): Promise<void> {
  for (const [name, kind] of Object.entries(KINDS))
    for (const role of ROLES_OF_KIND[kind] as readonly Role[]) {
      const { status } = await send(parties.of(name, role));
      const who = `${name} ${role}`;
      if (entitled.includes(who)) expect(status, who).to.equal(200);
      else expect(status, who).to.be.oneOf([403, 404]);
    }
}
