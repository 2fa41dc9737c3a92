/** A member of a plan at the hospital, who is seen, billed for and decided on: for the scenarios of a payer's terms. */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import { expect } from 'chai';
import { consortium } from './consortium.fixture.ts';

const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };
export const CPT = 'http://www.ama-assn.org/go/cpt';
export const OURS = 'https://telemed-ledger.example/fhir/StructureDefinition';

export const coded = (code: string): object => ({ coding: [{ code }] });
export const usd = (value: number): { value: number; currency: string } => ({ value, currency: 'USD' });
/** A line of a claim, which bills this much of a code. */
export const line = (code: string, value: number, more: object = {}): object => ({
  ...{ productOrService: { coding: [{ system: CPT, code }] }, net: usd(value), ...more },
});

interface Amount {
  category: { coding: { code: string }[] };
  reason?: { coding: { code: string }[] };
  amount: { value: number };
}
interface Part {
  adjudication: Amount[];
  detail?: (Part & { detailSequence: number; subDetail?: Part[] })[];
}
export interface Answer extends Resource {
  outcome: string;
  disposition?: string;
  preAuthRef?: string;
  request: { reference: string };
  item: Part[];
}

export const amountOf = ({ adjudication }: Part, code: string): number =>
  adjudication.find(({ category, reason }) => category.coding[0]?.code === code && reason === undefined)?.amount
    .value ?? 0;
export const reasonsOf = ({ adjudication }: Part): string[] =>
  adjudication.flatMap(({ reason }) => (reason === undefined ? [] : [reason.coding.map(({ code }) => code).join(' ')]));

export class Insured {
  readonly story: Story;
  readonly hospital: Party;
  readonly payer: Party;
  readonly day: string;
  readonly year: string;
  /** The name that coverages call the plan by. */
  readonly #plan: string;
  #participant: object = {};
  #minutes = 0;

  private constructor(story: Story, plan: string) {
    this.story = story;
    this.#plan = plan;
    this.hospital = story.parties.of('hospital', 'system');
    this.payer = story.parties.of('payer', 'adjudicator');
    this.day = story.visit.day;
    this.year = this.day.slice(0, 4);
  }

  /** @param plan the name that the member's coverages call it by */
  static async of(plan: string): Promise<Insured> {
    const { parties } = await consortium();
    const story: Story = { parties, visit: newVisit(), startedAt: '', locations: new Map(), accessIds: [] };
    for (const step of [licensed, visitRecorded]) await step(story, silent);
    const insured = new Insured(story, plan);
    const location = [...story.locations.values()].find((one) => one.startsWith('Encounter/'));
    const path = `/fhir/R4/${location}`;
    insured.#participant = (await insured.hospital.ask<Resource & { participant: object }>({ path })).participant;
    return insured;
  }

  /** The same human as a second Patient of the hospital's, with a number of her own at the payer. */
  async again(): Promise<Insured> {
    const { hospital, story } = this;
    const path = `/fhir/R4/Patient/${story.patientId}`;
    const { id: _, meta: __, ...patient } = await hospital.ask<Resource & { meta?: object }>({ path });
    const member = { ...story.visit.member, value: randomUUID() };
    const body = { ...patient, identifier: [member] };
    const { id } = (await hospital.write({ method: 'POST', path: '/fhir/R4/Patient', body })).body;
    const same = new Insured({ ...story, patientId: id, visit: { ...story.visit, member } }, this.#plan);
    same.#participant = this.#participant;
    // Her visits are at other times.
    same.#minutes = this.#minutes + 8 * 60;
    return same;
  }

  /** Another human, a Patient of the hospital's, with a number of her own at the payer. */
  async relative(name: string): Promise<Insured> {
    const { hospital, story } = this;
    const member = { ...story.visit.member, value: randomUUID() };
    const body = {
      ...{ resourceType: 'Patient', active: true, gender: 'female', birthDate: '2012-03-04' },
      ...{ identifier: [member], name: [{ family: 'Relative', given: [name] }] },
    };
    const { id } = (await hospital.write({ method: 'POST', path: '/fhir/R4/Patient', body })).body;
    const relative = new Insured({ ...story, patientId: id, visit: { ...story.visit, member } }, this.#plan);
    relative.#participant = this.#participant;
    return relative;
  }

  /** Makes her visits start that many minutes later in the day. */
  later(minutes: number): this {
    this.#minutes += minutes;
    return this;
  }

  /** Id of a coverage of the plan. @param subscriberId of hers alone where it is left out */
  async covered(subscriberId?: string): Promise<string> {
    const { hospital, payer, story, year } = this;
    const body = {
      ...{ resourceType: 'Coverage', status: 'active', beneficiary: { identifier: story.visit.member } },
      extension: [{ url: `${OURS}/coverage-provider`, valueString: 'hospital' }],
      ...(subscriberId === undefined ? {} : { subscriberId }),
      ...{ period: { start: `${year}-01-01`, end: `${year}-12-31` }, payor: [{ display: 'payer' }] },
      class: [
        {
          type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/coverage-class', code: 'plan' }] },
          value: this.#plan,
        },
      ],
    };
    const { id } = (await payer.write({ method: 'POST', path: '/fhir/R4/Coverage', body })).body;
    await hospital.find({ path: `/fhir/R4/Coverage/${id}` }, 'the coverage at the hospital');
    return id;
  }

  /** A visit of its own, on the day. */
  async visited(): Promise<string> {
    this.#minutes += 15;
    const minutes = this.#minutes;
    const at = (from: number): string =>
      `${this.day}T${String(Math.floor(from / 60)).padStart(2, '0')}:${String(from % 60).padStart(2, '0')}:00-05:00`;
    const body = {
      ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'VR' } },
      ...{ subject: { reference: `Patient/${this.story.patientId}` }, participant: this.#participant },
      period: { start: at(minutes), end: at(minutes + 10) },
    };
    return (await this.hospital.write({ method: 'POST', path: '/fhir/R4/Encounter', body })).body.id;
  }

  /** A Claim on a coverage, but for its use and lines. */
  claim(coverage: string, insurance: object = {}): object {
    return {
      ...{ resourceType: 'Claim', status: 'active', created: this.day, priority: coded('normal') },
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
      patient: { reference: `Patient/${this.story.patientId}` },
      provider: { identifier: { system: 'https://telemed-ledger.example/organisations', value: 'hospital' } },
      insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${coverage}` }, ...insurance }],
    };
  }

  /** Bills a line for a visit of its own. @returns the answer, once the claim is at the payer */
  async billed(item: object, coverage: string, insurance: object = {}): Promise<Answer> {
    const encounter = [{ reference: `Encounter/${await this.visited()}` }];
    const lines = [{ sequence: 1, servicedDate: this.day, encounter, ...item }];
    const body = { ...this.claim(coverage, insurance), use: 'claim', item: lines };
    const path = '/fhir/R4/Claim/$submit';
    const { body: answer } = await this.hospital.write<Answer>({ method: 'POST', path, body });
    expect(answer.outcome, answer.disposition).to.equal('queued');
    await this.payer.find({ path: `/fhir/R4/${answer.request.reference}` }, 'the claim at the payer');
    return answer;
  }

  /** Has a claim decided, again where the gateway has too much under way. */
  async adjudicate({ request }: Answer): Promise<Answer> {
    const path = `/fhir/R4/${request.reference}/$adjudicate`;
    for (;;) {
      const { status, body, headers } = await this.payer.send({ method: 'POST', path });
      if (status < 300) return body as Answer;
      expect(status, JSON.stringify(body)).to.be.oneOf([429, 503]);
      await setTimeout(Number(headers['retry-after'] ?? 1) * 1000);
    }
  }

  /** Voids a claim that nothing is to be paid for but by the patient (frequency code 8). */
  async voided({ request }: Answer): Promise<void> {
    const id = request.reference.slice('Claim/'.length);
    await this.hospital.find<Resource & { claims: { id: string; status: string }[] }>(
      { path: `/claims?patient=${this.story.patientId}&count=500` },
      'the decision at the hospital',
      ({ claims }) => claims.some((one) => one.id === id && one.status === 'patient-responsibility'),
    );
    const claim = await this.hospital.ask<Resource>({ path: `/fhir/R4/${request.reference}` });
    const extension = [{ url: `${OURS}/claim-frequency`, valueCode: '8' }];
    const body = { ...claim, related: [{ claim: request, relationship: coded('prior'), extension }] };
    await this.hospital.write({ method: 'POST', path: '/fhir/R4/Claim/$submit', body });
  }
}
