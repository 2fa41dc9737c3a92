/** What a search answers beside its matches: what they lead to, and what refers to them, as far as the caller may read it. */

import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Scope, Search, SearchPage, StoredResource } from '../repository.ts';
import { keptUnder, parameterOf } from '../search-parameters.ts';
import { supportedType } from '../types.ts';
import { unlessForbidden } from '../unless-forbidden.ts';
import { followedFrom, type Include } from './answered.ts';
import { searchTermsOf } from './extraction.ts';

/** Beside one page of matches. */
export const MOST_INCLUDED = 1_000;
/** `:iterate` goes so far. */
const MOST_ROUNDS = 5;
const IDS_PER_SEARCH = 200;

export interface Included {
  resources: StoredResource[];
  /** There is more than is answered. */
  isCut: boolean;
}

const keyOf = ({ resource }: StoredResource): string => `${resource.resourceType}/${resource.id}`;

/** `Type/id` under these parameters of a resource. */
function referencesOf(resource: Resource, parameters: readonly string[]): string[] {
  const { resourceType: type } = resource;
  const names = parameters.flatMap((one) => keptUnder(type, one));
  const kept = searchTermsOf(resource, names).filter(({ parameter }) => names.includes(parameter));
  const patient = parameters.some((one) => parameterOf(type, one)?.column === 'patient')
    ? patientIdOf(resource)
    : undefined;
  return [...kept.map(({ value }) => value), ...(patient === undefined ? [] : [`Patient/${patient}`])];
}

function* pieces<T>(all: readonly T[]): Generator<T[]> {
  for (let start = 0; start < all.length; start += IDS_PER_SEARCH) yield all.slice(start, start + IDS_PER_SEARCH);
}

class Including {
  readonly #scope: Scope;
  readonly #found = new Map<string, StoredResource>();
  readonly #seen: Set<string>;
  isCut = false;

  constructor(scope: Scope, matches: readonly StoredResource[]) {
    this.#scope = scope;
    this.#seen = new Set(matches.map(keyOf));
  }

  get resources(): StoredResource[] {
    return [...this.#found.values()];
  }

  /** What the includes of one round add to what is there. Together, so that one wait for the disk logs all of it. */
  async take(from: readonly StoredResource[], includes: readonly Include[]): Promise<StoredResource[]> {
    const asked = new Set(this.#seen);
    const searches = includes.flatMap((include) => [
      ...(include.isReverse ? this.#referring(from, include) : this.#referredTo(from, include, asked)),
    ]);
    const pages = await Promise.all(searches.map((search) => this.#searched(search)));
    return pages.flatMap(({ matches, next }) => {
      if (next !== undefined) this.isCut = true;
      return matches.filter((one) => !this.#seen.has(keyOf(one)) && this.#keep(one));
    });
  }

  *#referredTo(from: readonly StoredResource[], include: Include, asked: Set<string>): Generator<Search> {
    const byType = new Map<string, Set<string>>();
    for (const { resource } of from)
      for (const reference of referencesOf(resource, followedFrom(resource.resourceType, include))) {
        const [, type = '', id = ''] = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})$/.exec(reference) ?? [];
        if (supportedType(type) === undefined || (include.to !== undefined && include.to !== type)) continue;
        if (asked.has(reference)) continue;
        asked.add(reference);
        byType.set(type, (byType.get(type) ?? new Set()).add(id));
      }
    for (const [type, ids] of byType)
      for (const some of pieces([...ids])) yield { type, ids: some, count: IDS_PER_SEARCH, isUncounted: true };
  }

  *#referring(
    to: readonly StoredResource[],
    { from: type = '', parameter, to: target, ...rest }: Include,
  ): Generator<Search> {
    const meant = to.filter(({ resource }) => target === undefined || resource.resourceType === target);
    const include = { from: type, parameter, to: target, ...rest };
    for (const name of followedFrom(type, include))
      for (const some of pieces(meant)) {
        const anyOf = some.map((one) => ({ value: keyOf(one) }));
        yield { type, values: [{ parameter: name, anyOf }], count: MOST_INCLUDED, isUncounted: true };
      }
  }

  async #searched(search: Search): Promise<SearchPage> {
    const { repository, caller } = this.#scope;
    // What the caller may not read is not answered; that there is something is not told.
    return (await unlessForbidden(() => repository.search(caller, search))) ?? { matches: [] };
  }

  #keep(one: StoredResource): boolean {
    if (this.#found.size >= MOST_INCLUDED) {
      this.isCut = true;
      return false;
    }
    this.#seen.add(keyOf(one));
    this.#found.set(keyOf(one), one);
    return true;
  }
}

/** @param matches of the page */
export async function including(
  scope: Scope,
  matches: readonly StoredResource[],
  includes: readonly Include[],
): Promise<Included> {
  const all = new Including(scope, matches);
  let from = [...matches];
  for (let round = 0; round < MOST_ROUNDS && from.length > 0; round += 1) {
    // What one include of this round found, another iterated one follows in the next.
    from = await all.take(
      from,
      includes.filter(({ isIterated }) => round === 0 || isIterated),
    );
  }
  return { resources: all.resources, isCut: all.isCut };
}
