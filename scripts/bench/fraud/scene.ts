/** What providers record and bill in the fraud bench, and what the payer makes of it, through the gateways of a running consortium. */
import { randomUUID } from 'node:crypto';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { Parties, Party, Resource } from '../../demo/parties.ts';
import type { Coding, Planned } from './synthea.ts';

const NPI = 'http://hl7.org/fhir/sid/us-npi';
const MEMBERS = 'urn:example:bench:members';
const COVERAGE_PROVIDER = 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider';
const PAYER = 'payer';
export const PROVIDERS = ['hospital', 'clinic'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Somebody who is insured, as one provider knows her. */
export interface Insured {
  /** Of her Patient. */
  id: string;
  provider: Provider;
  member: { system: string; value: string };
  coverage: string;
}

/** A visit that was recorded. */
export interface Recorded extends Planned {
  encounter: string;
  insured: Insured;
}

/** How a bill differs from one for exactly what was recorded. */
export interface Changes {
  code?: Coding;
  day?: string;
  units?: number;
  quantity?: number;
  encounter?: string;
  insured?: Insured;
  item?: object;
  claim?: object;
}

/** What became of a claim. */
export interface Outcome {
  came: 'refused' | 'denied' | 'pended' | 'paid';
  /** Edits, signals or reasons, as they are called. */
  by: string[];
  /** What is to be paid, in minor units. */
  units: number;
}

interface Answer extends Resource {
  outcome: string;
  disposition?: string;
  request: { reference: string };
  error?: { code: { coding?: { code?: string }[] } }[];
  item?: {
    adjudication?: { category: { coding?: { code?: string }[] }; reason?: { coding?: { code?: string }[] } }[];
  }[];
  payment?: { amount?: { value: number } };
}

export class Scene {
  readonly #parties: Parties;
  readonly #practitioners = new Map<string, Promise<string>>();
  /** By NPI: the records that the licence names. A licence that is set again says all of them. */
  readonly #named = new Map<string, { organisation: string; practitioner: string }[]>();
  /** Of a coverage whose plan pays 99213 only with an authorization. */
  readonly terms: object;

  constructor(parties: Parties, plan: string) {
    this.#parties = parties;
    const type = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/coverage-class', code: 'plan' }] };
    this.terms = { class: [{ type, value: plan }] };
  }

  at(provider: Provider): Party {
    return this.#parties.of(provider, 'system');
  }

  async create(provider: Provider, body: Record<string, unknown> & { resourceType: string }): Promise<string> {
    return (await this.at(provider).write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id;
  }

  /** The provider's record of a practitioner with a licence. @returns `Practitioner/<id>` */
  practitioner(provider: Provider, npi: string, licence: object = {}): Promise<string> {
    const before = PROVIDERS.map((one) => this.#practitioners.get(`${one} ${npi}`));
    const known = this.#practitioners.get(`${provider} ${npi}`) ?? this.#licensed(provider, npi, licence, before);
    this.#practitioners.set(`${provider} ${npi}`, known);
    return known;
  }

  async #licensed(provider: Provider, npi: string, licence: object, before: readonly unknown[]): Promise<string> {
    // Of two that are set at once the later one is to name both.
    await Promise.all(before);
    const body = {
      resourceType: 'Practitioner',
      active: true,
      identifier: [{ system: NPI, value: npi }],
      name: [{ family: 'Bench' }],
    };
    const practitioner = `Practitioner/${await this.create(provider, body)}`;
    const path = `/licences/${npi}`;
    const named = this.#named.get(npi) ?? [];
    this.#named.set(npi, named);
    named.push({ organisation: provider, practitioner });
    const practitioners = [...named];
    const inForce = { status: 'active', start: '2000-01-01', end: '2099-12-31', practitioners, ...licence };
    const { transactionId } = await this.#parties
      .of('regulator', 'system')
      .write({ method: 'PUT', path, body: inForce });
    await this.at(provider).find({ path: `/receipts/${transactionId}` }, 'the licence');
    return practitioner;
  }

  /** Somebody with a coverage of her own, or another Patient of somebody who has one. */
  async insured(
    provider: Provider,
    { gender, birthDate }: Planned['person'],
    same?: Insured,
    terms: object = {},
    { identifier = [], ...more }: { identifier?: object[] } & Record<string, unknown> = {},
  ): Promise<Insured> {
    const member = same?.member ?? { system: MEMBERS, value: randomUUID() };
    const patient = { resourceType: 'Patient', identifier: [member, ...identifier], gender, birthDate, ...more };
    const id = await this.create(provider, patient);
    const coverage = same?.coverage ?? (await this.#covered(member, terms));
    await this.at(provider).find({ path: `/fhir/R4/Coverage/${coverage}` }, 'the coverage');
    return { id, provider, member, coverage };
  }

  async #covered(member: object, terms: object): Promise<string> {
    const body = {
      ...{
        resourceType: 'Coverage',
        status: 'active',
        beneficiary: { identifier: member },
        payor: [{ display: PAYER }],
      },
      extension: PROVIDERS.map((name) => ({ url: COVERAGE_PROVIDER, valueString: name })),
      period: { start: '2000-01-01', end: '2099-12-31' },
      ...terms,
    };
    return (await this.#payer().write({ method: 'POST', path: '/fhir/R4/Coverage', body })).body.id;
  }

  #payer(): Party {
    return this.#parties.of(PAYER, 'adjudicator');
  }

  /** Records a visit of somebody's. */
  async recorded(insured: Insured, visit: Planned, change: object = {}): Promise<Recorded> {
    const individual = { reference: await this.practitioner(insured.provider, visit.npi) };
    const encounter = await this.create(insured.provider, {
      ...{ resourceType: 'Encounter', status: 'finished' },
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: visit.class },
      ...{
        type: [{ coding: [visit.code] }],
        subject: { reference: `Patient/${insured.id}` },
        participant: [{ individual }],
      },
      ...{ period: { start: visit.start, end: visit.end }, ...change },
    });
    return { ...visit, insured, encounter: `Encounter/${encounter}` };
  }

  /** Changes what was recorded. */
  async changed({ encounter, insured }: Recorded, by: object): Promise<void> {
    const path = `/fhir/R4/${encounter}`;
    const now = await this.at(insured.provider).ask({ path });
    await this.at(insured.provider).write({ method: 'PUT', path, body: { ...now, ...by } });
  }

  /** Bills a visit as it was recorded, but for the changes. @returns its ClaimResponse */
  async submitted(visit: Recorded, changes: Changes = {}): Promise<Answer> {
    const { insured = visit.insured, units = visit.units, code = visit.code, encounter = visit.encounter } = changes;
    const day = changes.day ?? visit.start.slice(0, 10);
    const net = { value: units / 100, currency: 'USD' };
    const body = {
      ...{ resourceType: 'Claim', status: 'active', use: 'claim', created: new Date().toISOString().slice(0, 10) },
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
      ...{ patient: { reference: `Patient/${insured.id}` }, priority: { coding: [{ code: 'normal' }] } },
      provider: { identifier: { system: ORGANISATION_SYSTEM, value: insured.provider } },
      insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${insured.coverage}` } }],
      item: [
        {
          ...{ sequence: 1, productOrService: { coding: [code] }, servicedDate: day, net },
          ...(changes.quantity === undefined ? {} : { quantity: { value: changes.quantity } }),
          ...{ encounter: [{ reference: encounter }], ...changes.item },
        },
      ],
      ...{ total: net, ...changes.claim },
    };
    return (await this.at(insured.provider).write<Answer>({ method: 'POST', path: '/fhir/R4/Claim/$submit', body }))
      .body;
  }

  /** Has a claim that was taken adjudicated. */
  async adjudicated(answer: Answer): Promise<Outcome> {
    if (answer.outcome === 'error') return outcomeOf(answer, 'refused');
    const path = `/fhir/R4/${answer.request.reference}`;
    await this.#payer().find({ path }, 'the claim at the payer');
    const { body } = await this.#payer().write<Answer>({ method: 'POST', path: `${path}/$adjudicate` });
    // Where the decision is on its way still, the answer says only that it was made.
    const isDecision = body.resourceType === 'ClaimResponse' && body.disposition !== WAITS_FOR_RECORDS;
    return outcomeOf(isDecision ? body : await this.#decision(path), 'denied');
  }

  /** The decision of a claim: where its records were changed, the one that follows when the provider has shown them as they are now. */
  async #decision(path: string): Promise<Answer> {
    const decision = ({ entry = [] }: { entry?: { resource: Answer }[] }): Answer | undefined =>
      entry.map(({ resource }) => resource).find(({ disposition }) => disposition !== WAITS_FOR_RECORDS);
    const answers = await this.#payer().find<{ entry?: { resource: Answer }[] }>(
      { path: `/fhir/R4/ClaimResponse?request=${path.slice('/fhir/R4/'.length)}` },
      'the decision',
      (found) => decision(found) !== undefined,
    );
    return decision(answers)!;
  }

  /** From bill to decision. */
  async billed(visit: Recorded, changes: Changes = {}): Promise<Outcome> {
    return this.adjudicated(await this.submitted(visit, changes));
  }
}

const WAITS_FOR_RECORDS = 'pended: evidence-outdated';

const NONE: Outcome = { came: 'refused', by: [], units: 0 };

function outcomeOf(answer: Answer, denied: 'refused' | 'denied'): Outcome {
  const units = Math.round((answer.payment?.amount?.value ?? 0) * 100);
  // The name of the term stands behind X12's group and reason.
  const reasons = (answer.item ?? []).flatMap(({ adjudication = [] }) =>
    adjudication.flatMap(({ reason }) => reason?.coding?.[2]?.code ?? []),
  );
  const edits = (answer.error ?? []).flatMap(({ code }) => code.coding?.[0]?.code ?? []);
  const by = [...new Set([...edits, ...reasons])];
  const [waits] = /^(pended|queued|countersign)\b.*$/.exec(answer.disposition ?? '') ?? [];
  if (waits !== undefined) return { ...NONE, came: 'pended', by: by.length > 0 ? by : [waits] };
  if (units > 0) return { came: 'paid', by, units };
  const said = by.length > 0 ? by : [(answer.disposition ?? answer.outcome).replace(/^denied: /, '')];
  return { came: denied, by: said, units };
}
