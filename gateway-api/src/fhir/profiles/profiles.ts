/** The profiles that an organisation has added (`npm run profile -- add`), and what they say of a resource. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Issue } from '../outcomes.ts';
import { codesOf } from '../validation/bindings.ts';
import { Compared } from '../validation/compared.ts';
import { type Node, type StructureDefinition, treeOf } from './definitions.ts';
import { Judging } from './judging.ts';
import { type Codes, type ProfilePackage, packageSchema } from './package.ts';
import type { Judges } from './slices.ts';
import { isMembers } from './values.ts';

interface Known extends StructureDefinition {
  isChecked: boolean;
}

const withoutVersion = (url: string): string => url.replace(/\|.*$/, '');

export class Profiles implements Judges {
  readonly #known = new Map<string, Known>();
  readonly #trees = new Map<string, Node>();
  readonly #valueSets = new Map<string, Codes>();

  constructor(packages: readonly ProfilePackage[]) {
    for (const { profiles, valueSets, isChecked } of packages) {
      for (const profile of profiles) this.#known.set(profile.url, { ...profile, isChecked });
      for (const [url, codes] of Object.entries(valueSets)) this.#valueSets.set(url, codes);
    }
  }

  /** URLs of those of a type. */
  of(type: string): string[] {
    return [...this.#known.values()].filter((one) => one.type === type).map(({ url }) => url);
  }

  /**
   * What a resource, which is sound by itself, breaks of a profile, or does with a warning: where a reference leads; undefined for one
   * that is not known, or of another type.
   */
  issuesOf(
    resource: Readonly<Record<string, unknown>>,
    url: string,
    path = String(resource['resourceType']),
  ): Issue[] | undefined {
    const profile = this.#known.get(withoutVersion(url));
    if (profile === undefined || profile.type !== resource['resourceType']) return undefined;
    // As FHIRPath compares numbers.
    return this.#judged(profile, new Compared().of(resource), path);
  }

  /** The same, of the profiles that the resource states and that must be kept here: each refuses a write. */
  issuesOfStated(resource: Readonly<Record<string, unknown>>, path: string): Issue[] {
    const broken = this.statedIn(resource).flatMap((url) =>
      this.#known.get(withoutVersion(url))?.isChecked === true ? (this.issuesOf(resource, url, path) ?? []) : [],
    );
    return broken.map((issue) => ({ ...issue, severity: 'error' }));
  }

  /** What `meta.profile` names. */
  statedIn({ meta }: Readonly<Record<string, unknown>>): string[] {
    const stated = isMembers(meta) ? meta['profile'] : undefined;
    return Array.isArray(stated) ? stated.filter((one) => typeof one === 'string') : [];
  }

  typeOf(url: string): string | undefined {
    return this.#known.get(withoutVersion(url))?.type;
  }

  judge(value: unknown, url: string, path: string): Issue[] | undefined {
    const profile = this.#known.get(withoutVersion(url));
    if (profile === undefined || !isMembers(value)) return undefined;
    return this.#judged(profile, value, path);
  }

  isIn(value: unknown, valueSet: string): boolean | undefined {
    const url = withoutVersion(valueSet);
    const codes = this.#valueSets.get(url) ?? codesOf(url);
    if (codes === undefined) return undefined;
    if (typeof value === 'string')
      return decided(Object.values(codes).map((list) => list === true || list.includes(value)));
    if (!isMembers(value)) return undefined;
    const { coding, system, code } = value;
    const all = Array.isArray(coding) ? coding.filter(isMembers) : [{ system, code }];
    return all.some((one) => {
      const list = codes[String(one['system'])];
      return list === true || list?.includes(String(one['code'])) === true;
    });
  }

  #judged(profile: Known, value: Readonly<Record<string, unknown>>, path: string): Issue[] {
    const { url } = profile;
    const tree = this.#trees.get(url) ?? treeOf(profile);
    this.#trees.set(url, tree);
    const judging = new Judging(value, url, this);
    judging.element(tree, { value, path });
    return judging.issues;
  }
}

const decided = (all: readonly boolean[]): boolean => all.includes(true);

export const NO_PROFILES = new Profiles([]);

/** Those that lie in a directory, as `npm run profile` writes them; none where there is no such directory. @throws Error naming a broken file */
export function profilesIn(directory: string | undefined): Profiles {
  return new Profiles(packagesIn(directory));
}

/** @throws Error naming a broken file */
export function packagesIn(directory: string | undefined): ProfilePackage[] {
  if (directory === undefined) return [];
  let names: string[];
  try {
    names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names.sort().map((name) => {
    const file = join(directory, name);
    try {
      return packageSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch {
      throw new Error(`${file} holds no profiles: npm run profile adds them anew`);
    }
  });
}
