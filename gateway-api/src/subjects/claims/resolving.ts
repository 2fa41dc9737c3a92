/**
 * A submission as the ledger takes it: its Claim with references to what is here. What is not here goes along as contained
 * resources, so that nothing that was sent is dropped; what nothing refers to is reported.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Issue } from '../../fhir/outcomes.ts';
import { parseCriterion } from '../../fhir/tokens.ts';
import { issuesOf } from '../../fhir/validation/faults.ts';
import { type FoundReference, validateResource } from '../../fhir/validation/validation.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { coverageFor } from './coverage-matching.ts';
import { type Identifier, identifiersOf, Matching } from './matching.ts';
import { type Entry, entryNamed, type Submission } from './submission.ts';

export interface Resolved {
  claim: Resource;
  /** What was done with what was sent, for whoever sent it. */
  told: Issue[];
  /** What the Bundle calls the patient, and the subscriber number that it states. */
  called: readonly Identifier[];
  subscriberId: string | undefined;
}

export interface Resolving {
  index: ReadModel;
  consortium: Consortium;
  baseUrl: string;
  /** What is received from elsewhere: its patient and provider need not be recorded here. */
  fromElsewhere: boolean;
}

/** What a claim for something that was done rests on: it must be recorded here, under whatever name. */
const RESTS_ON = /^Claim\.(?:patient|item\[\d+\]\.encounter\[\d+\]|procedure\[\d+\]\.procedureReference)\.reference$/;

/** What amends a request names one that is here. */
const AMENDS = /^Claim\.related\[\d+\]\.claim\.reference$/;

const warning = (code: Issue['code'], diagnostics: string, expression: string): Issue => ({
  ...{ severity: 'warning', code, diagnostics },
  expression: [expression],
});

/**
 * Resolves the references of a submitted Claim.
 * @throws LedgerError INVALID with the element, for what it rests on and is not here, and for a Claim that breaks R4's rules
 */
export async function resolveSubmission(submission: Submission, options: Resolving): Promise<Resolved> {
  const work = new Resolution(submission, options);
  return work.run();
}

class Resolution {
  readonly #submission: Submission;
  readonly #options: Resolving;
  readonly #matching: Matching;
  readonly #claim: Resource;
  /** Entries that the Claim contains, with their ids there. */
  readonly #contained = new Map<Entry, string>();
  readonly #used = new Set<Entry>();
  readonly #told: Issue[] = [];
  /** Of a request for authorization whose patient is nobody's record here: whom the coverage insures. */
  #insured: { entry: Entry | undefined; as: Reference } | undefined;
  #subscriberId: string | undefined;

  constructor(submission: Submission, options: Resolving) {
    this.#submission = submission;
    this.#options = options;
    // Numbers keep the digits that they were sent with.
    this.#claim = parseExact(JSON.stringify(submission.claim)) as Resource;
    this.#matching = new Matching(options.index, options.consortium, submission.entries);
  }

  async run(): Promise<Resolved> {
    const { at } = this.#submission;
    await this.#identify();
    await this.#resolveCoverage();
    const patientEntry = this.#patientEntry();
    if (this.#isAsking) await this.#takePatient(patientEntry);
    for (const found of this.#referencesOf(this.#claim)) await this.#resolve(found, this.#submission.fullUrl);
    this.#containAll();
    const [fault] = issuesOf(this.#claim);
    if (fault !== undefined)
      throw new LedgerError('INVALID', fault.diagnostics, fault.expression?.[0]?.replace(/^Claim/, at) ?? at);
    for (const entry of this.#submission.entries)
      if (!this.#used.has(entry))
        this.#told.push(warning('informational', 'Nothing in the Claim refers to this: it was not used.', entry.at));
    const called = patientEntry === undefined ? [] : identifiersOf(patientEntry.resource);
    return { claim: this.#claim, told: this.#told, called, subscriberId: this.#subscriberId };
  }

  get #isAsking(): boolean {
    return this.#claim['use'] !== 'claim';
  }

  #patientEntry(): Entry | undefined {
    const { reference } = (this.#claim['patient'] ?? {}) as Reference;
    return entryNamed(reference, this.#submission.fullUrl, this.#submission.entries);
  }

  /** A request for authorization names its patient by her record here, or as her payer does: nothing else of her goes along. */
  async #takePatient(entry: Entry | undefined): Promise<void> {
    const { index } = this.#options;
    const patient = this.#claim['patient'] as Reference;
    const known = entry === undefined ? undefined : await this.#matching.known(entry);
    if (entry !== undefined) this.#used.add(entry);
    const isHere = known !== undefined || (entry === undefined && /^Patient\//.test(patient.reference ?? ''));
    if (isHere) return;
    const insurance = (this.#claim['insurance'] ?? []) as { focal?: boolean; coverage?: Reference }[];
    const { coverage } = insurance.find(({ focal }) => focal === true) ?? insurance[0] ?? {};
    const id = /^Coverage\/([^/]+)$/.exec(coverage?.reference ?? '')?.[1];
    const stored = id === undefined ? undefined : await index.newest('Coverage', id);
    const insured = stored?.resource['beneficiary'] as Reference | undefined;
    if (insured === undefined) return;
    this.#insured = { entry, as: insured };
    this.#claim['patient'] = insured;
  }

  #referencesOf(resource: Resource): FoundReference[] {
    return validateResource(resource).references.filter(({ holder }) => !holder.reference.startsWith('#'));
  }

  #placed(expression: string): string {
    return expression.replace(/^Claim/, this.#submission.at);
  }

  /** References that name what they mean by an identifier alone (hl7.org/fhir/R4/references.html#logical). */
  async #identify(): Promise<void> {
    const related = (this.#claim['related'] ?? []) as { claim?: Reference }[];
    const named = [
      ['patient', 'Patient', this.#claim['patient'] as Reference | undefined],
      ...related.map((one, index) => [`related[${index}].claim`, 'Claim', one.claim] as const),
    ] as const;
    for (const [element, type, reference] of named) {
      if (reference?.identifier === undefined || reference.reference !== undefined) continue;
      const entry = this.#entryWith(type, reference.identifier);
      const [identifier] = identifiersOf({ identifier: reference.identifier });
      const id =
        entry !== undefined || identifier === undefined
          ? undefined
          : await this.#matching.byIdentifiers(type, [identifier], this.#placed(`Claim.${element}`));
      if (entry !== undefined) reference.reference = entry.fullUrl ?? `${type}/${entry.resource.id}`;
      else if (id !== undefined) reference.reference = `${type}/${id}`;
      else if (type === 'Claim' || !(this.#options.fromElsewhere || this.#isAsking))
        throw new LedgerError(
          'INVALID',
          'nobody here has this identifier',
          this.#placed(`Claim.${element}.identifier`),
        );
    }
  }

  #entryWith(type: string, { system, value }: { system?: string; value?: string }): Entry | undefined {
    const same = this.#submission.entries.filter(
      ({ resource }) =>
        resource.resourceType === type &&
        identifiersOf(resource).some((one) => one.value === value && (system === undefined || one.system === system)),
    );
    return same.length === 1 ? same[0] : undefined;
  }

  /** Before anything else: of what is contained only the Coverage is looked up here. */
  async #resolveCoverage(): Promise<void> {
    const { index, consortium } = this.#options;
    const { claim, entry, told, subscriberId } = await coverageFor(this.#claim, {
      ...{ index, consortium, matching: this.#matching, submission: this.#submission },
    });
    this.#subscriberId = subscriberId;
    if (entry !== undefined) this.#used.add(entry);
    Object.assign(this.#claim, claim);
    if (this.#claim['contained'] === undefined) delete this.#claim['contained'];
    this.#told.push(
      ...told.map((issue) => ({ ...issue, expression: (issue.expression ?? []).map((one) => this.#placed(one)) })),
    );
  }

  /** Writes what a reference means here into it. */
  async #resolve({ holder, expression }: FoundReference, from: string | undefined): Promise<void> {
    const { baseUrl, fromElsewhere } = this.#options;
    const { reference } = holder;
    const isResting = (!this.#isAsking && RESTS_ON.test(expression)) || AMENDS.test(expression);
    const entry = entryNamed(reference, from, this.#submission.entries) ?? this.#conditionally(reference);
    if (entry !== undefined) return this.#take(holder, entry, isResting);
    if (reference.startsWith(`${baseUrl}/`)) holder.reference = reference.slice(baseUrl.length + 1);
    else if (/^[A-Z][A-Za-z]+\?/.test(reference)) await this.#query(holder, expression);
    else if (/^[a-z][a-z0-9+.-]*:/i.test(reference)) {
      if (isResting && !fromElsewhere)
        throw new LedgerError('INVALID', 'is neither in the Bundle nor recorded here', this.#placed(expression));
      this.#told.push(warning('not-found', 'This is neither in the Bundle nor here.', this.#placed(expression)));
    }
  }

  async #take(holder: FoundReference['holder'], entry: Entry, isResting: boolean): Promise<void> {
    this.#used.add(entry);
    const isInsured = this.#insured?.entry === entry;
    const known = isInsured ? this.#insured?.as : await this.#matching.known(entry);
    if (known === undefined && isResting)
      throw new LedgerError('INVALID', `this ${entry.resource.resourceType} is not recorded here`, entry.at);
    if (known === undefined) {
      holder.reference = `#${await this.#contain(entry)}`;
      return;
    }
    const { reference, identifier } = known;
    if (reference !== undefined) holder.reference = reference;
    else Object.assign(holder, { identifier, reference: undefined });
    if (reference === undefined) delete (holder as { reference?: string }).reference;
  }

  /** Goes along in the Claim, with what it refers to itself. */
  async #contain(entry: Entry): Promise<string> {
    const known = this.#contained.get(entry);
    if (known !== undefined) return known;
    const id = `entry-${this.#submission.entries.indexOf(entry) + 1}`;
    this.#contained.set(entry, id);
    for (const found of this.#referencesOf(entry.resource)) await this.#resolve(found, entry.fullUrl);
    return id;
  }

  #containAll(): void {
    const added = [...this.#contained].map(([{ resource, at }, id]) => {
      const { meta, text: _, contained, ...rest } = resource as Resource & { meta?: object; contained?: unknown };
      const { versionId: __, lastUpdated: ___, security: ____, ...kept } = (meta ?? {}) as Record<string, unknown>;
      if (contained !== undefined)
        this.#told.push(
          warning('not-supported', 'What an entry contains itself is not taken along.', `${at}.contained`),
        );
      return { ...rest, id, ...(Object.keys(kept).length === 0 ? {} : { meta: kept }) };
    });
    if (added.length === 0) return;
    this.#claim['contained'] = [...((this.#claim['contained'] as object[] | undefined) ?? []), ...added];
  }

  /** The entry that a conditional reference means. */
  #conditionally(reference: string): Entry | undefined {
    const criterion = criterionIn(reference);
    return criterion === undefined ? undefined : this.#entryWith(criterion.type, criterion);
  }

  async #query(holder: FoundReference['holder'], expression: string): Promise<void> {
    const criterion = criterionIn(holder.reference);
    const at = this.#placed(expression);
    if (criterion === undefined)
      throw new LedgerError('INVALID', 'a conditional reference here is Type?identifier=system|value', at);
    const { type, ...identifier } = criterion;
    const [ids = []] = await this.#options.index.findByIdentifier([criterion]);
    if (ids.length === 1) {
      holder.reference = `${type}/${ids[0]}`;
      return;
    }
    if (ids.length > 1) throw new LedgerError('INVALID', 'is what several resources here are called', at);
    // By what it is called it can still be found; as a conditional reference it means nothing once it is stored.
    delete (holder as { reference?: string }).reference;
    Object.assign(holder, { type, identifier });
    this.#told.push(warning('not-found', `No ${type} here has this identifier.`, at));
  }
}

function criterionIn(reference: string) {
  const [, type = '', query = ''] = /^([A-Z][A-Za-z]+)\?(.*)$/s.exec(reference) ?? [];
  return type === '' ? undefined : parseCriterion(type, query);
}
