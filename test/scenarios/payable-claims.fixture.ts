/** Claims of the hospital's that its payer owes, as many as wanted, each of a visit of its own. */
import { coverageShown } from '@telemed-ledger/scripts/demo/claims.ts';
import type { Parties, Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import type { Sending } from '@telemed-ledger/scripts/http.ts';
import { expect } from 'chai';

const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };
const CPT = 'http://www.ama-assn.org/go/cpt';
/** Of one day, from six in the morning on. */
const VISITS_A_DAY = 30;
const MINUTES = 30;
const DAY_MS = 86_400_000;

export interface Payment extends Resource {
  outcome: string;
  disposition?: string;
  paymentAmount: { value: number };
  detail: { request: { reference: string }; amount: { value: number } }[];
}
export interface PaymentBundle {
  entry?: { resource: Payment }[];
}
/** Beside what a search finds there may be an OperationOutcome: something is on its way. */
export const paymentsIn = ({ entry = [] }: PaymentBundle): Payment[] =>
  entry.map(({ resource }) => resource).filter(({ resourceType }) => resourceType === 'PaymentReconciliation');
export const claimsIn = (payments: readonly Payment[]): string[] =>
  payments.flatMap(({ detail }) => detail.map(({ request }) => request.reference));

type Answer = Resource & { outcome: string; disposition?: string; request: { reference: string } };

export class PayableClaims {
  readonly hospital: Party;
  readonly payer: Party;
  readonly bank: Party;
  readonly #story: Story;
  readonly #practitioner: object;
  #visits = 0;

  /** `Patient/<id>` */
  get patient(): string {
    return `Patient/${this.#story.patientId}`;
  }

  constructor(story: Story, practitioner: object) {
    this.hospital = story.parties.of('hospital', 'system');
    this.payer = story.parties.of('payer', 'adjudicator');
    this.bank = story.parties.of('bank', 'settlement');
    this.#story = story;
    this.#practitioner = practitioner;
  }

  /** Of a member with a coverage, and with a practitioner who is licensed. */
  static async open(parties: Parties): Promise<PayableClaims> {
    const story: Story = { parties, visit: newVisit(), startedAt: '', locations: new Map(), accessIds: [] };
    for (const step of [licensed, visitRecorded, coverageShown]) await step(story, silent);
    const location = [...story.locations.values()].find((one) => one.startsWith('Encounter/'));
    const hospital = parties.of('hospital', 'system');
    const { participant } = await hospital.ask<Resource & { participant: object }>({ path: `/fhir/R4/${location}` });
    return new PayableClaims(story, participant);
  }

  /** A visit, billed and approved; `Claim/<id>`. */
  async approved(): Promise<string> {
    return this.approve((await this.submitted()).reference);
  }

  /** A visit, billed. @returns `Claim/<id>`, and what was sent. @param encounter one that is there already */
  async submitted(encounter?: string): Promise<{ reference: string; encounter: string }> {
    const visit = encounter === undefined ? await this.#visited() : { encounter, day: this.#story.visit.day };
    const body = this.#claimOf(visit.encounter, visit.day);
    const submitted = (await this.hospital.write<Answer>({ method: 'POST', path: '/fhir/R4/Claim/$submit', body }))
      .body;
    expect(submitted.outcome, submitted.disposition).to.equal('queued');
    const { reference } = submitted.request;
    await this.payer.find({ path: `/fhir/R4/${reference}` }, 'the claim at the payer');
    return { reference, encounter: visit.encounter };
  }

  /** A visit of the story's day, billed once more. */
  billing(encounter: string): Sending {
    return { method: 'POST', path: '/fhir/R4/Claim/$submit', body: this.#claimOf(encounter, this.#story.visit.day) };
  }

  async approve(reference: string): Promise<string> {
    const path = `/fhir/R4/${reference}/$adjudicate`;
    const decided = await this.payer.write<Answer>({ method: 'POST', path });
    expect(decided.body.disposition).to.equal('approved');
    return reference;
  }

  /** Voids a claim: what was paid for it is owed back. */
  async void(reference: string): Promise<void> {
    const { id: _, meta: __, ...claim } = await this.hospital.ask<Resource>({ path: `/fhir/R4/${reference}` });
    const frequency = 'https://telemed-ledger.example/fhir/StructureDefinition/claim-frequency';
    const relationship = {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship', code: 'prior' }],
    };
    const body = {
      ...claim,
      extension: [{ url: frequency, valueCode: '8' }],
      related: [{ claim: { reference }, relationship }],
    };
    await this.hospital.write({ method: 'POST', path: '/fhir/R4/Claim/$submit', body });
  }

  async #visited(): Promise<{ encounter: string; day: string }> {
    const number = this.#visits;
    this.#visits += 1;
    const offset = Math.floor(number / VISITS_A_DAY) * DAY_MS;
    const day = new Date(Date.parse(this.#story.visit.day) - offset).toISOString().slice(0, 10);
    const from = 6 * 60 + (number % VISITS_A_DAY) * MINUTES;
    const at = (minutes: number): string => {
      const [hours, rest] = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0'));
      return `${day}T${hours}:${rest}:00-05:00`;
    };
    const body = {
      ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'VR' } },
      ...{ subject: { reference: `Patient/${this.#story.patientId}` }, participant: this.#practitioner },
      period: { start: at(from), end: at(from + 15) },
    };
    const { id } = (await this.hospital.write({ method: 'POST', path: '/fhir/R4/Encounter', body })).body;
    return { encounter: `Encounter/${id}`, day };
  }

  #claimOf(encounter: string, day: string): object {
    return {
      ...{ resourceType: 'Claim', status: 'active', use: 'claim', created: day },
      ...{ priority: { coding: [{ code: 'normal' }] }, patient: { reference: `Patient/${this.#story.patientId}` } },
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
      provider: { identifier: { system: 'https://telemed-ledger.example/organisations', value: 'hospital' } },
      insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${this.#story.coverageId}` } }],
      item: [
        {
          ...{ sequence: 1, productOrService: { coding: [{ system: CPT, code: '99213' }] }, servicedDate: day },
          ...{ encounter: [{ reference: encounter }], net: { value: 80, currency: 'USD' } },
        },
      ],
    };
  }

  /** Whether the hospital's claims are paid each at once, or together when that is instructed. */
  async pay(runs: 'each' | 'together', accounts: object = {}): Promise<void> {
    const body = { bank: 'bank', runs, ...accounts };
    await this.payer.write({ method: 'PUT', path: '/payment-terms/hospital', body });
  }
}

function parameters(values: Record<string, string | readonly string[]>): object {
  const parameter = Object.entries(values).flatMap(([name, value]) =>
    [value].flat().map((one) => ({ name, ...(name === 'paidOn' ? { valueDate: one } : { valueString: one }) })),
  );
  return { resourceType: 'Parameters', ...(parameter.length === 0 ? {} : { parameter }) };
}

/** An operation on a payment. */
export const onPayment = (id: string, name: string, values: Record<string, string> = {}): Sending => ({
  ...{ method: 'POST', path: `/fhir/R4/PaymentReconciliation/${id}/$${name}`, body: parameters(values) },
});

/** A payment run. */
export const instructing = (values: Record<string, string | readonly string[]> = {}): Sending => ({
  ...{ method: 'POST', path: '/fhir/R4/PaymentReconciliation/$instruct', body: parameters(values) },
});
