/**
 * Fills one part of a delivery: which records it carries, what of them is withheld and why, and whether more follows. The
 * custodian's own peer says of each record what may be done with it, in as many questions as it takes, so that what is refused
 * takes no place from what is delivered.
 */
import { type DeliveryPlace, UNREADABLE, type Withheld } from '@telemed-ledger/chaincode/model/deliveries.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { isAskedFor, type Narrowing } from '@telemed-ledger/chaincode/model/narrowing.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import { type ConsentVersion, MAX_PRIVATE_LENGTH } from '@telemed-ledger/chaincode/model/transactions.ts';
import { Failure } from '../../http/failures.ts';
import { DatabaseLost } from '../../index/health.ts';
import type { PatientRecord } from '../../index/read/patient-records.ts';
import { CarriedCompanions, type Companion } from './companions.ts';

/** What the custodian's peer says of some records. */
export interface Evaluated {
  outcome: 'permit' | 'deny';
  reason?: string | undefined;
  consent?: ConsentVersion | undefined;
  /** Of a request that waits: when to ask again. */
  again?: string | undefined;
  /** Of an emergency: when something of it is denied. */
  until?: string | undefined;
  /** Of each of them, in their order; undefined where it is denied whatever the records are. */
  reasons?: readonly string[] | undefined;
  /** Positions of the companions that may go with them. */
  companions?: readonly number[] | undefined;
}

export interface Source {
  /** In the order in which they are delivered. */
  candidates: readonly PatientRecord[];
  asked: Narrowing;
  /** @throws {Failure} 503 where it has not arrived */
  evidenceOf: (record: PatientRecord) => Promise<RecordEvidence>;
  evaluate: (records: RecordEvidence[], companions?: RecordEvidence[]) => Promise<Evaluated>;
  /** What goes with a record. */
  companionsOf?: (resource: Resource) => Promise<Companion[]>;
  /** What is shown apart from the records, and has companions too: the Patient, in an emergency. */
  apart?: Resource;
  /** Whether what has not arrived is waited for: then it fails, to be tried again. */
  isWaitedFor: boolean;
}

export interface Limits {
  /** Records of one part. */
  records: number;
  /** Of all their evidence, as JSON in UTF-16 code units. */
  length: number;
  /** So many are asked about at once to find whether more follows. */
  ahead: number;
}

/** The rest of the private input must fit beside the records. */
const LIMITS: Limits = { records: 400, length: MAX_PRIVATE_LENGTH - 1024 * 1024, ahead: 16 };

export interface FilledPart {
  records: RecordEvidence[];
  companions: RecordEvidence[];
  /** The place of the last of them where more follows. */
  through?: DeliveryPlace;
  withheld: Withheld;
  /** Something that was asked for could not be looked at. */
  unreadable?: true;
  /** Why nothing is delivered, where nothing is, and a record that shows it. */
  refusal?: { reason: string; consent?: ConsentVersion | undefined; record?: RecordEvidence };
  again?: string;
  until?: string;
}

/** What is asked about, with its place; or why it is not. */
interface Item {
  place: DeliveryPlace;
  evidence?: RecordEvidence;
  resource?: Resource;
  length: number;
  reason?: string;
}

/** The reason that says most of several. */
const REFUSALS = ['consent-denied', 'consent-expired', 'consent-absent', 'records-absent'];
const rankOf = (reason: string): number => {
  const rank = REFUSALS.indexOf(reason);
  return rank === -1 ? REFUSALS.length : rank;
};
const PERMITTED = 'consent-permits';

/** @throws what it lacks: it is to be tried again */
export function filledPart(source: Source, limits: Partial<Limits> = {}): Promise<FilledPart> {
  return new Filling(source, { ...LIMITS, ...limits }).fill();
}

class Filling {
  readonly #source: Source;
  readonly #limits: Limits;
  readonly #records: RecordEvidence[] = [];
  readonly #companions = new CarriedCompanions();
  readonly #withheld = new Map<string, number>();
  /** Withheld behind the last record that is delivered: of the next part, where there is one. */
  #since: string[] = [];
  #length = 0;
  #last: DeliveryPlace | undefined;
  #isFull = false;
  #isOver = false;
  #isAsked = false;
  #isMore = false;
  #refusal: FilledPart['refusal'];
  #again: string | undefined;
  #until: string | undefined;

  constructor(source: Source, limits: Limits) {
    this.#source = source;
    this.#limits = limits;
  }

  async fill(): Promise<FilledPart> {
    const { apart } = this.#source;
    if (apart !== undefined) await this.#join(apart);
    let items: Item[] = [];
    for (const candidate of this.#source.candidates) {
      const item = await this.#read(candidate);
      if (item === undefined) continue;
      while (!this.#isOver && !this.#fits(items, item)) {
        if (items.length === 0) this.#isFull = true;
        else await this.#judge(items);
        items = [];
      }
      if (this.#isOver) break;
      items.push(item);
    }
    if (!this.#isOver && items.length > 0) await this.#judge(items);
    // Where there are no records the patient alone is asked about.
    if (!this.#isOver && !this.#isAsked) await this.#judge([]);
    const isDelivered = this.#records.length > 0 || (apart !== undefined && this.#refusal === undefined);
    const companions = isDelivered ? await this.#permittedCompanions() : [];
    return this.#filled(companions);
  }

  #fits(items: readonly Item[], { length }: Item): boolean {
    const { records, length: longest, ahead } = this.#limits;
    const room = this.#isFull
      ? { records: ahead, length: longest }
      : { records: records - this.#records.length, length: longest - this.#taken };
    const taken = items.reduce((sum, item) => sum + item.length, 0);
    return items.length < room.records && taken + length <= room.length;
  }

  /** Of what a part can carry. */
  get #taken(): number {
    return this.#length + this.#companions.length;
  }

  /** Undefined for what is not asked for. */
  async #read(record: PatientRecord): Promise<Item | undefined> {
    const { place, fault } = record;
    if (fault !== undefined) return { place, length: 0, reason: fault };
    try {
      const evidence = await this.#source.evidenceOf(record);
      const { resource } = JSON.parse(evidence.text) as { resource: Resource };
      if (!isAskedFor(resource, this.#source.asked)) return undefined;
      const length = JSON.stringify(evidence).length;
      return length > this.#limits.length
        ? { place, length: 0, reason: 'too-large' }
        : { place, length, evidence, resource };
    } catch (error) {
      if (error instanceof DatabaseLost || (isTransient(error) && this.#source.isWaitedFor)) throw error;
      return { place, length: 0, reason: 'unreadable' };
    }
  }

  async #judge(items: readonly Item[]): Promise<void> {
    const judged = await this.#evaluated(items);
    if (judged === undefined) {
      this.#isOver = true;
      return;
    }
    for (const { place, evidence, resource, length, reason } of judged) {
      if (evidence === undefined || reason !== PERMITTED) {
        this.#since.push(reason ?? 'unreadable');
        continue;
      }
      if (this.#isFull || !(await this.#join(resource, length))) {
        this.#isMore = true;
        this.#isOver = true;
        return;
      }
      this.#records.push(evidence);
      this.#length += length;
      this.#last = place;
      this.#count();
    }
    if (this.#records.length >= this.#limits.records) this.#isFull = true;
  }

  /** Takes what goes with a record; false where the part cannot carry both, and the record is to wait for the next one. */
  async #join(resource: Resource | undefined, length = 0): Promise<boolean> {
    const { companionsOf } = this.#source;
    const companions = companionsOf && resource && (await companionsOf(resource));
    if (companions === undefined) return true;
    const room = this.#limits.length - this.#taken - length;
    if (this.#records.length > 0 && !this.#companions.fits(companions, room)) return false;
    this.#companions.take(companions, Math.max(room, 0));
    return true;
  }

  /** Of the companions of all that is delivered those that may go. What is withheld of them is counted apart. */
  async #permittedCompanions(): Promise<RecordEvidence[]> {
    for (;;) {
      const companions = this.#companions.evidence;
      if (companions.length === 0) return [];
      try {
        const evaluated = await this.#source.evaluate(this.#records, companions);
        const going = new Set(evaluated.outcome === 'permit' ? evaluated.companions : []);
        for (const [place, one] of companions.entries())
          if (!going.has(place)) this.#companions.drop(one, 'restricted');
        this.#again = firstOf(this.#again, evaluated.again);
        this.#until = firstOf(this.#until, evaluated.until);
        return this.#companions.evidence;
      } catch (error) {
        const refused = companions[refusedPlace(error, 'companions')];
        if (refused === undefined || (this.#source.isWaitedFor && isConflict(error))) throw error;
        this.#companions.drop(refused, 'unreadable');
      }
    }
  }

  /** What may be done with each; undefined where it is denied whatever they are. */
  async #evaluated(items: readonly Item[]): Promise<Item[] | undefined> {
    let judged = [...items];
    for (;;) {
      const asked = judged.filter((item) => item.reason === undefined);
      if (asked.length === 0 && items.length > 0) return judged;
      try {
        const evaluated = await this.#source.evaluate(asked.flatMap(({ evidence }) => evidence ?? []));
        this.#isAsked = true;
        this.#note(evaluated, asked);
        const { reasons } = evaluated;
        if (reasons === undefined) return undefined;
        const found = new Map(asked.map((item, index) => [item, reasons[index]]));
        return judged.map((item) => ({ ...item, reason: item.reason ?? found.get(item) ?? 'unreadable' }));
      } catch (error) {
        const refused = asked[refusedPlace(error, 'records')];
        // A newer version may be about to arrive here.
        if (refused === undefined || (this.#source.isWaitedFor && isConflict(error))) throw error;
        judged = judged.map((item) => (item === refused ? { ...item, reason: 'unreadable' } : item));
      }
    }
  }

  #note(
    { outcome, reason = 'consent-absent', consent, again, until, reasons }: Evaluated,
    asked: readonly Item[],
  ): void {
    this.#again = firstOf(this.#again, again);
    this.#until = firstOf(this.#until, until);
    if (outcome === 'permit') return;
    if (this.#refusal !== undefined && rankOf(this.#refusal.reason) <= rankOf(reason)) return;
    const record = asked[reasons?.indexOf(reason) ?? -1]?.evidence;
    this.#refusal = { reason, consent, ...(record === undefined ? {} : { record }) };
  }

  /** Counts what is withheld so far as this part's. */
  #count(): void {
    for (const reason of this.#since) this.#withheld.set(reason, (this.#withheld.get(reason) ?? 0) + 1);
    this.#since = [];
  }

  #filled(companions: RecordEvidence[]): FilledPart {
    if (!this.#isMore) this.#count();
    for (const fault of this.#companions.faults) {
      const reason = `companion-${fault}`;
      this.#withheld.set(reason, (this.#withheld.get(reason) ?? 0) + 1);
    }
    const isUnreadable = UNREADABLE.some(
      (reason) => this.#withheld.has(reason) || this.#withheld.has(`companion-${reason}`),
    );
    return {
      records: this.#records,
      companions,
      withheld: Object.fromEntries(this.#withheld),
      ...(this.#isMore && this.#last !== undefined ? { through: this.#last } : {}),
      ...(isUnreadable ? { unreadable: true as const } : {}),
      ...(this.#records.length === 0 && this.#refusal !== undefined ? { refusal: this.#refusal } : {}),
      ...(this.#again === undefined ? {} : { again: this.#again }),
      ...(this.#until === undefined ? {} : { until: this.#until }),
    };
  }
}

const firstOf = (one: string | undefined, other: string | undefined): string | undefined =>
  [one, other].filter((time) => time !== undefined).sort()[0];

const isTransient = (error: unknown): boolean => error instanceof Failure && error.status === 503;
const isConflict = (error: unknown): boolean => error instanceof LedgerError && error.code === 'CONFLICT';

/** Which of the records that were shown the ledger refuses; −1 where it refuses something else. */
function refusedPlace(error: unknown, list: 'records' | 'companions'): number {
  const expression = error instanceof LedgerError ? error.expression : undefined;
  const [, place] = new RegExp(`^private\\.${list}\\[(\\d+)\\]`).exec(expression ?? '') ?? [];
  return place === undefined ? -1 : Number(place);
}
