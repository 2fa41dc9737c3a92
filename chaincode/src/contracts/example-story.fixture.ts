/** Drives the example claim over a ledger in memory, step by step, for the tests of claims and settlements. */
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger, type Outcome, type Request } from '../ledger/memory-ledger.fixture.ts';
import type { Account, Accumulator } from '../model/accumulators.ts';
import { canonicalJson } from '../model/canonical.ts';
import { keysOfClaim } from '../model/claim-places.ts';
import type { ClaimTables } from '../model/claim-tables.ts';
import type { HumanDecision } from '../model/claims.ts';
import { findLedgerError } from '../model/errors.ts';
import {
  type Changeable,
  type Example,
  exampleClaim,
  exampleIds,
  exampleNumber,
  exampleSalt,
} from '../model/example-claim.fixture.ts';
import { examplePlan } from '../model/example-plan.fixture.ts';
import { privateKeys } from '../model/keys.ts';
import { isEnded, type PaymentReport } from '../model/payments.ts';
import { LISTS_EXPRESSION, listsAskedFor } from '../model/service-lists.ts';
import type { RecordEvidence } from '../model/sheets.ts';
import type { ClaimState, Draft } from '../model/values.ts';
import { type VisitWord, visitHandle } from '../model/visits.ts';
import { Accounts } from './accounts.ts';
import type { ShownUsage } from './accumulators.ts';
import { Authorizations } from './authorizations.ts';
import { ClaimAppeals } from './claim-appeals.ts';
import { ClaimCorrections } from './claim-corrections.ts';
import type { ShownTerms } from './claim-loading.ts';
import { ClaimPurges } from './claim-purges.ts';
import { PayerTables, type ShownTables } from './claim-tables.ts';
import { Claims } from './claims.ts';
import { Erasures } from './erasures.ts';
import { ofFamily } from './example-families.fixture.ts';
import { bucketEvidence, licensing } from './example-register.fixture.ts';
import { consultationsShown, evidenceFrom, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import type { ShownFamily } from './families.ts';
import type { ShownPlan } from './plans.ts';
import { Records } from './records.ts';
import { Registry } from './registry.ts';
import { Repayments } from './repayments.ts';
import { Screenings } from './screenings.ts';
import { Settlements } from './settlements.ts';
import { Visits } from './visits.ts';

/** The payer's, the provider's and the bank's. */
export const PAYER = 'billing_payer';
export const PROVIDER = 'billing_hospital';
export const BANK = 'billing_bank';

const draftOf = (resource: Changeable, version = 1): Draft => ({
  ...{ id: resource.id, version, salt: exampleSalt('a') },
  resource,
});

/** What a claim that corrects another one says of it. */
const priorClaim = (id: string) => [
  {
    claim: { reference: `Claim/${id}` },
    relationship: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship', code: 'prior' }],
    },
  },
];

export const exampleUuid = (last: number): string => `00000000-0000-4000-8000-${String(last).padStart(12, '0')}`;

/** The id of the sheet that a story's records of a version stand on. */
const exampleSheet = (version: number): string => `00000000-0000-4000-9000-00000000000${version}`;

/** A consortium with a second bank and a second payer, so that "another's" can be tried. */
export const wideConsortium: Consortium = {
  ...exampleConsortium,
  organisations: [
    ...exampleConsortium.organisations,
    { name: 'payer-two', mspId: 'PayerTwoMSP', kind: 'payer' },
    { name: 'bank-two', mspId: 'BankTwoMSP', kind: 'bank' },
  ],
};

type Loaded = NonNullable<Request<'LoadClaimTables'>['private']>;

export class Story {
  readonly ledger: MemoryLedger;
  readonly example: Example = exampleClaim();
  /** Whether the patient has confirmed the visit before anything is billed. */
  isConfirmed = true;
  /** Whether what is submitted is screened at once. */
  screens = true;
  readonly insurancePlan = examplePlan();

  /** Who bills, and whom. */
  readonly provider: string;
  readonly payer: string;

  /** @param beside a story on whose ledger this one is, of another provider or payer */
  constructor(consortium: Consortium = exampleConsortium, beside?: Pick<Story, 'ledger' | 'provider' | 'payer'>) {
    const claims = [Claims, ClaimCorrections, ClaimPurges, ClaimAppeals];
    const billing = [PayerTables, ...claims, Authorizations, Screenings, Settlements, Repayments, Accounts];
    const contracts = [Records, Registry, Visits, ...billing, Erasures];
    this.ledger =
      beside?.ledger ??
      new MemoryLedger(
        consortium,
        contracts.map((Contract) => new Contract(consortium)),
      );
    this.provider = beside?.provider ?? 'hospital';
    this.payer = beside?.payer ?? 'payer';
    if (beside !== undefined) return;
    this.#showAll();
    this.#screenAll(consortium);
  }

  /** Shows the lists that a transaction asks for, as gateways do. */
  #showAll(): void {
    const submit = this.ledger.submit.bind(this.ledger);
    this.ledger.submit = async (name, request) => {
      for (const ids = new Set<string>(); ; ) {
        const services = [...ids].map((id) => this.list(id));
        const shown = ids.size === 0 ? {} : { services };
        const asked = {
          ...request,
          ...(request.private === undefined ? {} : { private: { ...request.private, ...shown } }),
        };
        try {
          return await submit(name, asked as typeof request);
        } catch (error) {
          const found = findLedgerError((error as Error).message);
          const more = found?.expression === LISTS_EXPRESSION ? listsAskedFor(found.reason) : [];
          if (more.every((id) => ids.has(id) || this.list(id) === '')) throw error;
          for (const id of more) ids.add(id);
        }
      }
    };
  }

  /** From now on claims hold each service by a value of its own, under keys as they were made before there were lists. */
  withoutLists(): this {
    const { private: stored, consortium } = this.ledger;
    for (const [name, text] of stored) {
      if (!/ (fingerprint|screening)-key\//.test(name)) continue;
      const { lists: _, ...key } = JSON.parse(text);
      stored.set(name, canonicalJson(key));
    }
    const key = canonicalJson({ schema: 1, key: exampleSalt('6'), factors: 2 });
    for (const { name: payer } of organisationsOfKind(consortium, 'payer'))
      for (const { name: provider } of organisationsOfKind(consortium, 'provider'))
        for (const owner of [payer, provider]) {
          const name = `billing_${owner} fingerprint-key/${payer}/${provider}`;
          if (!stored.has(name)) stored.set(name, key);
        }
    return this;
  }

  /** The text of a list of services, at whichever payer or across them. */
  list(id: string): string {
    const [, text = ''] = [...this.ledger.private].find(([name]) => name.endsWith(` service-list/${id}`)) ?? [];
    return text;
  }

  /** Screens what is submitted at once, as payers' gateways do. */
  #screenAll(consortium: Consortium): void {
    const submit = this.ledger.submit.bind(this.ledger);
    this.ledger.submit = async (name, request) => {
      const outcome = await submit(name, request);
      const { id = '', payer = '' } = request.input as { id?: string; payer?: string };
      if (!this.screens || !['SubmitClaim', 'ReopenClaim', 'AppealClaim'].includes(name)) return outcome;
      const story = new Story(consortium, {
        ledger: this.ledger,
        provider: name === 'AppealClaim' ? this.provider : request.from,
        payer,
      });
      const time = request.time ?? this.ledger.time;
      if (story.status(id).status !== 'denied') await submit('ScreenClaim', { ...story.screeningOf(id), time });
      return outcome;
    };
  }

  get billing(): string {
    return `billing_${this.payer}`;
  }

  records(): Changeable[] {
    const { patient, encounter, procedure, observation, practitioner } = this.example;
    return [patient, encounter, procedure, observation, practitioner];
  }

  /** The patient says this of the visit. */
  saying(word: VisitWord): Request<'SayOfVisit'> {
    const handle = visitHandle('hospital', this.example.encounter.id);
    return {
      ...{ from: 'patients', role: 'system', input: { provider: 'hospital' } },
      private: { handle, word, salt: exampleSalt('3') },
    };
  }

  /** Records, licence and coverage are on the ledger. */
  async prepare(): Promise<this> {
    this.ledger.time = '2026-02-10T10:00:00.000Z';
    await this.record(this.records());
    const licence = { number: exampleNumber, status: 'active', start: '2020-01-01', end: '2027-12-31' } as const;
    await this.ledger.submit('SetLicence', licensing(this.ledger, licence));
    await this.ledger.submit('RegisterCoverage', this.coverage());
    await this.ledger.submit('ChangeScreeningKey', this.keyChange());
    if (this.isConfirmed) await this.ledger.submit('SayOfVisit', this.saying('confirmed'));
    this.ledger.time = '2026-02-11T08:00:00.000Z';
    return this;
  }

  /** Puts records of the hospital's on a sheet, all of that version. */
  record(resources: Changeable[], version = 1): Promise<Outcome<'RecordVersions'>> {
    const drafts = resources.map((resource) => recordDraft(resource, version, { salt: exampleSalt('a') }));
    const sheet = sheetOf(drafts, exampleSheet(version), exampleSalt('9'));
    const request = recording([sheet], this.provider);
    const shown = consultationsShown(this.ledger, this.provider, resources, version);
    return this.ledger.submit('RecordVersions', { ...request, private: { ...request.private!, ...shown } });
  }

  keyChange(before?: { generation: number; text: string }): Request<'ChangeScreeningKey'> {
    const made = { secret: exampleSalt('1'), ...(before === undefined ? {} : { before }) };
    return { from: this.payer, role: 'system', input: {}, private: made };
  }

  coverage(version = 1, providers = [this.provider]): Request<'RegisterCoverage'> {
    const coverage = draftOf(this.example.coverage, version);
    return { from: this.payer, role: 'adjudicator', input: { providers }, private: { coverage } };
  }

  feeSchedule(
    prices: Record<string, number>,
    currency = 'USD',
    unlisted?: 'as-billed' | 'not-covered',
  ): Request<'LoadFeeSchedule'> {
    const terms = { currency, prices, ...(unlisted === undefined ? {} : { unlisted }) };
    const { prices: shown } = this.terms();
    const before = shown && { before: { book: shown.book, text: shown.text } };
    const tariff = { salt: exampleSalt('b'), version: '2026-1', ...terms, known: 0, ...before };
    return { from: this.payer, role: 'system', input: { provider: this.provider }, private: tariff };
  }

  evidence(): RecordEvidence[] {
    return this.records().map(({ id }) => evidenceFrom(this.ledger, this.provider, id));
  }

  /** What the payer holds that a claim is judged by, as its provider has it: the newest of each. */
  terms(): ShownTerms {
    const between = `${this.payer}/${this.provider}`;
    const [coverage = ''] = this.series(`coverage/${this.example.coverage.id}`).slice(-1);
    const schedules = this.series(`fee-schedule/${between}`).map((text, index) => ({ generation: index + 1, text }));
    const books = this.series(`price-book/${between}`);
    const [text = ''] = books.slice(-1);
    const fingerprintKey = this.ledger.private.get(`${this.billing} fingerprint-key/${between}`);
    return {
      coverage,
      ...(books.length === 0 ? {} : { prices: { book: books.length, text, schedules } }),
      ...(fingerprintKey === undefined ? {} : { fingerprintKey }),
      ...this.tables(),
      ...bucketEvidence(this.ledger, [exampleNumber]),
    };
  }

  /** The tables that claims are held against, with the maps that they name. */
  tables(): { tables?: ShownTables } {
    const names = [...this.ledger.private.keys()].filter((name) =>
      name.startsWith(`${this.billing} claim-tables/${this.payer}/`),
    );
    const generation = names.length;
    if (generation === 0) return {};
    const text = this.text(this.billing, privateKeys.claimTables(this.payer, generation));
    const { maps } = JSON.parse(text) as ClaimTables;
    const shown = maps.map(({ id, version }) => this.text(this.billing, privateKeys.conceptMap(id, version)));
    return { tables: { generation, text, maps: shown } };
  }

  /** The payer loads a map, or tables, in place of what there is. */
  loading(loaded: Pick<Loaded, 'map' | 'tables'>): Request<'LoadClaimTables'> & { private: Loaded } {
    const { generation: known = 0, text: current } = this.tables().tables ?? {};
    const shown = current === undefined ? {} : { current };
    return {
      ...{ from: this.payer, role: 'adjudicator', input: {} },
      private: { salt: exampleSalt('7'), known, ...shown, ...loaded },
    };
  }

  /** The texts of what the payer holds under keys that begin so, in their order. */
  series(prefix: string): string[] {
    return [...this.ledger.private].flatMap(([name, text]) =>
      name.startsWith(`${this.billing} ${prefix}/`) ? [text] : [],
    );
  }

  plan(version = 1, providers = ['hospital']): Request<'RegisterPlan'> {
    const plan = draftOf(this.insurancePlan, version);
    const text = this.text(PAYER, privateKeys.plan(plan.id, version - 1));
    const before = version === 1 ? {} : { before: text };
    return { from: 'payer', role: 'adjudicator', input: { providers }, private: { plan, ...before } };
  }

  /** The texts under numbered keys, from 1 on. */
  numbered(series: string): string[] {
    const found: string[] = [];
    for (
      let text = this.text(PAYER, `${series}/1`);
      text !== '';
      text = this.text(PAYER, `${series}/${found.length + 1}`)
    )
      found.push(text);
    return found;
  }

  /** What the payer shows of an account: a coverage's plan year, or an authorization. */
  usage(holder: string, account: Account): ShownUsage {
    const entries = this.numbered(`accumulator/${holder}/${account.year}`);
    const returned = entries.length === 0 ? 0 : (JSON.parse(entries.at(-1)!) as Accumulator).returned;
    const returns = this.numbered(`accumulator-return/${holder}/${account.year}`).slice(returned);
    return { ...account, entry: entries.length, ...(entries.length === 0 ? {} : { text: entries.at(-1) }), returns };
  }

  /** What the payer shows of the plan that the coverage names, all of it, and of its use by the member. */
  benefits(year = '2026-01-01'): { plan?: ShownPlan; usage: ShownUsage[]; family?: ShownFamily } {
    const { id } = this.insurancePlan;
    const together = ofFamily(this, year);
    const plans = this.numbered(`plan/${id}`);
    const newest = { newest: plans.length, text: plans.at(-1) ?? '' };
    const versions = plans.map((text, index) => ({ version: index + 1, text }));
    return {
      ...(plans.length === 0 ? {} : { plan: { id, ...newest, versions } }),
      usage: [this.usage(this.example.coverage.id, { year }), ...(together?.usage ?? [])],
      ...(together === undefined ? {} : { family: together.family }),
    };
  }

  /**
   * From now on a claim of one line for a visit of its own, at that hour of the day.
   * @returns the id of the claim, which is 2,000 more than the number
   */
  async another(number: number, line: object): Promise<string> {
    const { claim, encounter } = this.example;
    const at = (minute: string): string => `2026-02-10T${String(number % 24).padStart(2, '0')}:${minute}:00+01:00`;
    const visit = { ...encounter, id: exampleUuid(1_000 + number), period: { start: at('00'), end: at('10') } };
    const draft = recordDraft(visit, 1, { salt: exampleSalt('a') });
    const sheet = sheetOf([draft], exampleUuid(3_000 + number), exampleSalt('9'));
    await this.ledger.submit('RecordVersions', recording([sheet]));
    this.example.encounter = visit;
    claim['id'] = exampleUuid(2_000 + number);
    delete claim['total'];
    claim['item'] = [{ sequence: 1, encounter: [{ reference: `Encounter/${visit.id}` }], ...line }];
    return claim['id'];
  }

  submission(): Request<'SubmitClaim'> & { private: object } {
    const { claim } = this.example;
    return {
      ...{ from: this.provider, role: 'system', input: { id: claim.id, payer: this.payer } },
      private: {
        claim: { id: claim.id, salt: exampleSalt('c'), resource: claim },
        ...this.terms(),
        evidence: this.evidence(),
        responseId: exampleIds.response,
      },
    };
  }

  /** The claim as it is now in the example, under another id, as what replaces one. */
  replacement(id: string, of: string): Request<'SubmitClaim'> & { private: object } {
    this.example.claim['id'] = id;
    this.example.claim['related'] = priorClaim(of);
    const submission = this.submission();
    return { ...submission, private: { ...submission.private, replaced: this.held(of) } };
  }

  /** A claim as it stands, as its provider shows it. */
  standing(id: string): { claim: string; state: string; response: string } {
    const state = this.status(id);
    const keys = keysOfClaim(state);
    const text = (key: string): string => this.text(this.billing, key);
    const claim = text(keys.claim) === '' ? text(keys.remains) : text(keys.claim);
    return { claim, state: this.state(state.step, id), response: text(keys.response) };
  }

  /** The same with the coverage that it was judged by. */
  held(
    id: string,
  ): { claim: string; state: string; response: string; coverage: string } & ReturnType<Story['screening']> {
    const standing = this.standing(id);
    const { coverage } = standing.claim === '' ? { coverage: { id: '', version: 1 } } : JSON.parse(standing.claim);
    const judgedBy = this.text(this.billing, privateKeys.coverage(coverage.id, coverage.version));
    return { ...standing, coverage: judgedBy, ...this.screening(id), ...this.took(id) };
  }

  /** The decision that says what a claim took of plan years, where it took something. */
  took(id: string): { took?: string } {
    const { taken } = this.status(id) ?? {};
    return taken === undefined ? {} : { took: this.text(this.billing, privateKeys.response(id, taken)) };
  }

  withdrawal(kind: 'cancel' | 'void', id: string = exampleIds.claim): Request<'WithdrawClaim'> & { private: object } {
    const { fingerprintKey } = this.terms();
    return {
      ...{ from: this.provider, role: 'system', input: { id, payer: this.payer } },
      private: {
        ...{ kind, taskId: exampleIds.notice, salt: exampleSalt('7'), reason: 'billed by mistake' },
        ...this.held(id),
        ...(fingerprintKey === undefined ? {} : { fingerprintKey }),
      },
      time: '2026-02-20T08:00:00.000Z',
    };
  }

  reopening(
    kind: 'supplement' | 'appeal',
    id: string = exampleIds.claim,
  ): Request<'ReopenClaim'> & { private: object } {
    return {
      ...{ from: this.provider, role: 'system', input: { id, payer: this.payer } },
      private: {
        ...{ kind, taskId: exampleIds.notice, salt: exampleSalt('8'), reason: 'the visit took place' },
        ...{ ...this.standing(id), resource: this.example.claim, evidence: this.evidence() },
      },
      time: '2026-02-20T08:00:00.000Z',
    };
  }

  /** From now on another claim, for the procedure. */
  billProcedure(code = '104001'): void {
    const { claim } = this.example;
    claim['id'] = exampleIds.otherClaim;
    claim['item'].pop();
    delete claim['total'];
    claim['procedure'] = [{ sequence: 1, procedureReference: { reference: `Procedure/${exampleIds.procedure}` } }];
    Object.assign(claim['item'][0], { procedureSequence: [1], productOrService: { coding: [{ code }] } });
  }

  submitClaim(): Promise<Outcome<'SubmitClaim'>> {
    return this.ledger.submit('SubmitClaim', this.submission());
  }

  /** The newest of what a claim holds across providers and payers, where it was screened. */
  screening(id: string): { screening?: { generation: number; text: string } } {
    const all = this.series(`screening/${id}`);
    return all.length === 0 ? {} : { screening: { generation: all.length, text: all.at(-1)! } };
  }

  keys(): { generation: number; text: string }[] {
    const all = [...this.ledger.private].filter(([name]) => name.startsWith('payers screening-key/'));
    return all.map(([, text], index) => ({ generation: index + 1, text }));
  }

  screeningOf(id: string = exampleIds.claim): Request<'ScreenClaim'> & { private: object } {
    const { claim, state } = this.standing(id);
    const { coverage: of } = claim === '' ? { coverage: { id: '' } } : JSON.parse(claim);
    const [coverage = ''] = this.series(`coverage/${of.id}`).slice(-1);
    const shown = { claim, state, coverage, keys: this.keys(), ...this.screening(id) };
    return {
      ...{ from: this.payer, role: 'system', input: { id, provider: this.provider } },
      private: { salt: exampleSalt('2'), ...shown },
    };
  }

  screenClaim(id?: string): Promise<Outcome<'ScreenClaim'>> {
    return this.ledger.submit('ScreenClaim', this.screeningOf(id));
  }

  adjudication(id: string = exampleIds.claim): Request<'AdjudicateClaim'> & { private: object } {
    const { claim, state, response } = this.standing(id);
    const before = { ...this.decidedBy(id), ...this.screening(id), ...(response === '' ? {} : { response }) };
    const terms = { ...this.terms(), ...this.benefits(), ...this.took(id) };
    const shown = { claim, state, ...terms, ...before };
    return {
      ...{ from: this.payer, role: 'adjudicator' },
      input: { id, provider: this.provider, ...(terms.family === undefined ? {} : { beyond: true as const }) },
      ...{ private: { responseId: exampleIds.response, salt: exampleSalt('d'), ...shown } },
      time: '2026-02-12T08:00:00.000Z',
    };
  }

  /** The payer's rules, and what was signed before, as an adjudication shows them. */
  decidedBy(id: string): { rules?: { generation: number; text: string }; signed?: string } {
    const rules = [...this.ledger.private].filter(([name]) =>
      name.startsWith(`${this.billing} claim-rules/${this.payer}/`),
    );
    const [, text] = rules.at(-1) ?? [];
    const signed = this.text(this.billing, privateKeys.claimDecision(id, this.status(id)?.step ?? 0));
    return {
      ...(text === undefined ? {} : { rules: { generation: rules.length, text } }),
      ...(signed === '' ? {} : { signed }),
    };
  }

  /** A person's decision. */
  decision(by: string, decision: HumanDecision, id: string = exampleIds.claim): Request<'AdjudicateClaim'> {
    const { private: shown, ...request } = this.adjudication(id);
    return { ...request, fhirUser: by, private: { ...shown!, decision } };
  }

  /** The text of a step of a claim. */
  state(step: number, id: string = exampleIds.claim): string {
    return this.text(this.billing, privateKeys.claimState(id, step));
  }

  /** The newest step of a claim. */
  status(id: string = exampleIds.claim): ClaimState {
    const texts = [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1].map((step) => this.state(step, id));
    return JSON.parse(texts.find((text) => text !== '') ?? 'null');
  }

  adjudicate(): Promise<Outcome<'AdjudicateClaim'>> {
    return this.ledger.submit('AdjudicateClaim', this.adjudication());
  }

  text(collection: string, key: string): string {
    return this.ledger.private.get(`${collection} ${key}`) ?? '';
  }

  instruction(): Request<'InstructPayment'> & { private: object } {
    return {
      ...{ from: this.payer, role: 'system', input: { id: exampleIds.payment, bank: 'bank' } },
      private: { salt: exampleSalt('e'), claims: [{ id: exampleIds.claim, state: this.state(2) }] },
      time: '2026-02-13T08:00:00.000Z',
    };
  }

  instruct(): Promise<Outcome<'InstructPayment'>> {
    return this.ledger.submit('InstructPayment', this.instruction());
  }

  /** A payment as it stands by a step, with the payer. */
  payment(step: number, id: string = exampleIds.payment): { order: string; reconciliation: string } {
    const order = this.text(this.billing, privateKeys.order(id, step));
    return { order, reconciliation: this.text(this.billing, privateKeys.reconciliation(id, step)) };
  }

  settlement(): Request<'ReportPayment'> & { private: object } {
    const transfer = { reference: 'TRF-2026-0042', day: '2026-02-14', noticeId: exampleIds.notice };
    return {
      ...{ from: 'bank', role: 'settlement', input: { id: exampleIds.payment, payer: this.payer } },
      private: { salt: exampleSalt('f'), ...this.payment(1), status: 'settled', ...transfer },
      time: '2026-02-14T08:00:00.000Z',
    };
  }

  settle(): Promise<Outcome<'ReportPayment'>> {
    return this.ledger.submit('ReportPayment', this.settlement());
  }

  /** What else the bank reports, of the payment as it stands by a step. */
  report(status: PaymentReport, step = 1): Request<'ReportPayment'> & { private: object } {
    const reason = isEnded(status) ? { reason: 'AC04' } : {};
    return {
      ...{ from: 'bank', role: 'settlement', input: { id: exampleIds.payment, payer: this.payer } },
      private: { salt: exampleSalt('1'), ...this.payment(step), status, ...reason, day: '2026-02-14' },
      time: '2026-02-14T09:00:00.000Z',
    };
  }

  remittance(): Request<'RemitPayment'> & { private: object } {
    const shown = {
      ...this.payment(2),
      notice: this.text(this.billing, privateKeys.notice(exampleIds.payment)),
      states: [this.state(3)],
    };
    return {
      ...{ from: this.payer, role: 'system', input: { id: exampleIds.payment, provider: this.provider } },
      ...{ private: { salt: exampleSalt('0'), ...shown }, time: '2026-02-15T08:00:00.000Z' },
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

const CODES_AND_NAMES = ['185317003', '166888009', 'MRN-4711', 'M-88-2001', '150.5', '120', exampleIds.patient];

/** Nothing that says whose or what a claim is may stand where every member reads. */
export function expectNoContent(text: string): void {
  // Digits of a hash may happen to be those of an amount.
  const plain = text.replaceAll(/[0-9a-f]{64}/g, '');
  for (const word of CODES_AND_NAMES) expect(plain).to.not.include(word);
}

/** The code of a failure and the place that it names; nothing of a claim's content is in it. */
export const codeOf = async (action: Promise<unknown>): Promise<string> => {
  const message = await failureOf(action);
  expectNoContent(message);
  const found = findLedgerError(message);
  return found === undefined ? message : `${found.code} ${found.expression}`;
};
