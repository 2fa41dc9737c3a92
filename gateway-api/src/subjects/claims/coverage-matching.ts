/**
 * Which registered Coverage a submission means, as FHIR clients write it: by reference, by identifier, as an entry or a contained
 * resource that describes it (subscriber number, beneficiary), or not at all where the patient has only one.
 */

import { covers, daysOfPeriod, firstDay } from '@telemed-ledger/chaincode/model/days.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { organisationNameOf } from '@telemed-ledger/chaincode/model/organisations.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Issue } from '../../fhir/outcomes.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { type Identifier, identifiersOf, type Matching } from './matching.ts';
import { type Entry, entryNamed, type Submission } from './submission.ts';

export interface CoverageSearch {
  index: Pick<ReadModel, 'search' | 'findByIdentifier' | 'newest'>;
  consortium: Consortium;
  matching: Matching;
  submission: Submission;
}

interface Insurance {
  focal?: boolean;
  coverage?: Reference;
}

/** Coverages of one person that are looked through. */
const MOST = 200;

export interface CoverageFound {
  /** The elements of the Claim that say so, `contained` undefined where nothing is left of it. */
  claim: { insurance: unknown; contained: unknown };
  /** The entry that described it. */
  entry: Entry | undefined;
  /** The subscriber number that it states. */
  subscriberId: string | undefined;
  told: Issue[];
}

/** The focal insurance, or the only one. */
const focalOf = (claim: Resource): number =>
  Math.max(
    ((claim['insurance'] ?? []) as Insurance[]).findIndex(({ focal }) => focal === true),
    0,
  );

/** All registered Coverages of a Claim's, or another request's, patient. */
export const coveragesOfPatient = (claim: Resource, search: CoverageSearch): Promise<StoredResource[]> =>
  new Candidates(claim, search).ofPatient();

/** The Claim with the Coverage of its focal insurance; `place` is where else it stands. @throws LedgerError INVALID where none or several are meant */
export async function coverageFor(claim: Resource, search: CoverageSearch, place?: string): Promise<CoverageFound> {
  const { submission } = search;
  const position = focalOf(claim);
  const insurance = (claim['insurance'] ?? []) as Insurance[];
  const at = place ?? `Claim.insurance[${position}].coverage`;
  const named = insurance[position]?.coverage;
  const contained = (claim['contained'] ?? []) as Resource[];
  const asItIs = {
    claim: { insurance: claim['insurance'], contained: claim['contained'] },
    ...{ entry: undefined, subscriberId: undefined },
    told: [],
  };
  if (named === undefined) return asItIs;
  const entry = entryNamed(named.reference, submission.fullUrl, submission.entries);
  const inside = contained.find(({ id }) => named.reference === `#${id}`);
  const described = entry?.resource ?? inside;
  if (described === undefined && named.reference !== undefined) return asItIs;
  const id = await new Candidates(claim, search).find(described, named, entry?.at ?? at);
  const of = { ...insurance[position], coverage: { reference: `Coverage/${id}` } };
  const left = contained.filter((one) => one !== inside);
  const told: Issue[] =
    described !== undefined || named.identifier !== undefined
      ? []
      : [
          {
            severity: 'warning',
            code: 'informational',
            diagnostics: 'This names no Coverage: the only one of the patient was taken.',
            expression: [at],
          },
        ];
  return {
    claim: { insurance: insurance.with(position, of), contained: left.length === 0 ? undefined : left },
    subscriberId: typeof described?.['subscriberId'] === 'string' ? described['subscriberId'] : undefined,
    ...{ entry, told },
  };
}

const once = (found: readonly StoredResource[]): StoredResource[] => [
  ...new Map(found.map((one) => [one.resource.id, one])).values(),
];

class Candidates {
  readonly #claim: Resource;
  readonly #search: CoverageSearch;

  constructor(claim: Resource, search: CoverageSearch) {
    this.#claim = claim;
    this.#search = search;
  }

  async find(described: Resource | undefined, named: Reference, at: string): Promise<string> {
    const { matching } = this.#search;
    const stated = identifiersOf(described ?? { identifier: named.identifier });
    const byName = await matching.byIdentifiers('Coverage', stated, at);
    if (byName !== undefined) return byName;
    const ofSubscriber = await this.#bySubscriber(described);
    const distinct = ofSubscriber.length > 0 ? once(ofSubscriber) : await this.ofPatient();
    const meant = this.#inForce(distinct.filter((one) => this.#isOfPayer(one, described)));
    if (meant.length === 1) return meant[0]!.resource.id;
    const count = meant.length === 0 ? 'no Coverage' : `${meant.length} Coverages`;
    throw new LedgerError('INVALID', `is ${count} that a payer has registered here`, at);
  }

  async ofPatient(): Promise<StoredResource[]> {
    return once(await this.#byBeneficiary());
  }

  async #matches(parameter: string, anyOf: Identifier[]): Promise<StoredResource[]> {
    if (anyOf.length === 0) return [];
    const values = [{ parameter, anyOf }];
    return (await this.#search.index.search({ type: 'Coverage', values, count: MOST })).matches;
  }

  #bySubscriber(described: Resource | undefined): Promise<StoredResource[]> {
    const number = described?.['subscriberId'];
    return this.#matches('subscriber-id', typeof number === 'string' ? [{ value: number }] : []);
  }

  /** Those of the Claim's patient, by reference or by what she is called. */
  async #byBeneficiary(): Promise<StoredResource[]> {
    const { index, matching, submission } = this.#search;
    const patient = this.#claim['patient'] as Reference | undefined;
    const id = await matching.patientNamed(patient, submission.fullUrl);
    const entry = entryNamed(patient?.reference, submission.fullUrl, submission.entries);
    const record = id === undefined ? undefined : await index.newest('Patient', id);
    const called = [
      record?.resource,
      entry?.resource,
      patient?.identifier && { identifier: patient.identifier },
    ].flatMap((one) => (one === undefined ? [] : identifiersOf(one as Record<string, unknown>)));
    const own = id === undefined ? [] : (await index.search({ type: 'Coverage', patients: [id], count: MOST })).matches;
    const byName = await this.#matches(
      'beneficiary-identifier',
      called.filter(({ system }) => system !== undefined),
    );
    return [...own, ...byName];
  }

  /** Whether it is of the payer that the description names, where it names one of the consortium. */
  #isOfPayer({ author }: StoredResource, described: Resource | undefined): boolean {
    const { submission, consortium } = this.#search;
    const named = [((described?.['payor'] ?? []) as Reference[])[0], this.#claim['insurer'] as Reference | undefined];
    const names = named.flatMap((reference) => {
      const entry = entryNamed(reference?.reference, submission.fullUrl, submission.entries);
      const identifiers = entry === undefined ? [] : identifiersOf(entry.resource);
      return [
        organisationNameOf(reference),
        entry?.resource.id,
        ...identifiers.map((identifier) => organisationNameOf({ identifier })),
      ];
    });
    const payers = names.filter((name) => organisationByName(consortium, name ?? '')?.kind === 'payer');
    return payers.length === 0 || payers.includes(author);
  }

  /** Of several those that are in force on the day of the service. */
  #inForce(found: StoredResource[]): StoredResource[] {
    if (found.length < 2) return found;
    const day = dayOf(this.#claim);
    return found.filter(({ resource }) => {
      const days = daysOfPeriod(resource['period'] as { start?: string; end?: string } | undefined);
      return resource['status'] === 'active' && (day === undefined || covers(days, day, day));
    });
  }
}

/** The first day that a Claim is about. */
function dayOf(claim: Resource): string | undefined {
  const items = (claim['item'] ?? []) as { servicedDate?: string; servicedPeriod?: { start?: string } }[];
  const [first] = items;
  const text =
    first?.servicedDate ??
    first?.servicedPeriod?.start ??
    (claim['billablePeriod'] as { start?: string } | undefined)?.start ??
    claim['created'];
  return typeof text === 'string' ? firstDay(text) : undefined;
}
