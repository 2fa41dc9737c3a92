/** What goes with a part of a delivery beside its records (model/companions.ts), as evidence, within what the part can carry. */
import { MAX_COMPANIONS, type Target, targetsIn } from '@telemed-ledger/chaincode/model/companions.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { DatabaseLost } from '../../index/health.ts';
import type { FoundCompanion } from '../../index/read/companions.ts';
import type { ReadModel } from '../../index/read/queries.ts';

/** One that a record refers to: as evidence, or why it cannot be shown. */
export interface Companion {
  /** `Type/id` */
  name: string;
  evidence?: RecordEvidence;
  /** Of the evidence, as JSON in UTF-16 code units. */
  length: number;
  fault?: string;
}

interface Known extends Companion {
  resource?: Resource;
}

/** Finds what records of a provider refer to; each is read once, however many refer to it. */
export class CompanionFinder {
  readonly #index: ReadModel;
  readonly #holder: string;
  /** By target, as JSON. */
  readonly #known = new Map<string, Known[]>();

  constructor(index: ReadModel, holder: string) {
    this.#index = index;
    this.#holder = holder;
  }

  /** All that a record refers to, and what that does in turn. */
  async of(resource: Resource): Promise<Companion[]> {
    const found = new Map<string, Known>();
    for (let open = targetsIn(resource, this.#holder); open.length > 0; ) {
      const fresh = (await this.#meant(open)).filter(({ name }) => !found.has(name));
      for (const one of fresh) found.set(one.name, one);
      open = fresh.flatMap((one) => (one.resource === undefined ? [] : targetsIn(one.resource, this.#holder)));
    }
    return [...found.values()];
  }

  async #meant(targets: readonly Target[]): Promise<Known[]> {
    for (const target of targets) {
      const name = JSON.stringify(target);
      if (this.#known.has(name)) continue;
      const rows = await this.#index.companions.meant(collections.care(this.#holder), [target]);
      this.#known.set(name, await Promise.all(rows.map((row) => this.#asKnown(row))));
    }
    return targets.flatMap((target) => this.#known.get(JSON.stringify(target)) ?? []);
  }

  async #asKnown({ type, id, row, resource, fault }: FoundCompanion): Promise<Known> {
    const name = `${type}/${id}`;
    if (row === undefined || resource === undefined) return { name, length: 0, fault: fault ?? 'unreadable' };
    try {
      const evidence = await this.#index.evidence.ofRecord(row);
      return { name, evidence, resource, length: JSON.stringify(evidence).length };
    } catch (error) {
      if (error instanceof DatabaseLost) throw error;
      return { name, length: 0, fault: 'unreadable' };
    }
  }
}

/** What of them one part carries. */
export class CarriedCompanions {
  readonly #carried = new Map<string, Companion>();
  readonly #faults = new Map<string, string>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get evidence(): RecordEvidence[] {
    return [...this.#carried.values()].flatMap(({ evidence }) => evidence ?? []);
  }

  /** Why some of them do not go, one reason each. */
  get faults(): string[] {
    return [...this.#faults.values()];
  }

  /** Whether these fit beside those that are carried already. @param room length that is left */
  fits(companions: readonly Companion[], room: number): boolean {
    const more = companions.filter(({ name, evidence }) => evidence !== undefined && !this.#carried.has(name));
    const length = more.reduce((sum, one) => sum + one.length, 0);
    return this.#carried.size + more.length <= MAX_COMPANIONS && length <= room;
  }

  /** Takes them as far as they fit, and notes of the others why they do not go. */
  take(companions: readonly Companion[], room: number): void {
    const end = this.#length + room;
    for (const one of companions.filter(({ name }) => !this.#carried.has(name))) {
      const isTooLong = this.#length + one.length > end;
      const tooMany = this.#carried.size === MAX_COMPANIONS || isTooLong ? 'too-large' : undefined;
      const fault = one.fault ?? tooMany;
      if (fault !== undefined) this.#faults.set(one.name, fault);
      else {
        this.#carried.set(one.name, one);
        this.#length += one.length;
      }
    }
  }

  /** Leaves one out. */
  drop(evidence: RecordEvidence, fault: string): void {
    const [name] = [...this.#carried].find(([, one]) => one.evidence === evidence) ?? [];
    if (name === undefined) return;
    this.#carried.delete(name);
    this.#faults.set(name, fault);
  }
}
