/**
 * The facts that claim edits judge by, all read from the ledger before any edit runs, and the shape of an
 * edit. Edits are pure: no ledger, no clock, no randomness.
 */
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Activity } from '../model/activities.ts';
import type { Bill } from '../model/bill.ts';
import type { LoadedTables } from '../model/claim-tables.ts';
import type { FeeSchedule } from '../model/claims.ts';
import type { PriorDecision } from '../model/coordination.ts';
import type { Cover } from '../model/coverage.ts';
import type { Resource } from '../model/fhir.ts';
import type { AlikeItem, Likeness } from '../model/likenesses.ts';
import type { Anchored, LicenceState } from '../model/transactions.ts';
import type { VisitWord } from '../model/visits.ts';
import type { Leaf } from './claim-edits/leaves.ts';
import type { PlanFacts } from './cost-sharing.ts';

/** An item whose fingerprint another claim holds. Which one, the payer alone can read. */
export interface Earlier {
  item: number;
  /** Another provider's, or at another payer. */
  elsewhere?: true;
}

/** Another claim of the provider's for this patient, with what of it stands: it is counted together with the claim. */
export interface Beside {
  claimId: string;
  leaves: readonly Leaf[];
}

/** What the records of a claim say, before anything is looked up for them. */
export interface ClaimBasis {
  bill: Bill;
  provider: Organisation;
  /** Evidence by `Type/id`. */
  evidence: ReadonlyMap<string, Anchored>;
  /** The newest version of the coverage the claim names. */
  cover: Cover;
  /** What names of the patient come to, where the claim keeps no names; absent: her record says. */
  identities?: readonly string[] | undefined;
  /** As the claim keeps them. */
  likenesses?: readonly Likeness[] | undefined;
}

/** The fee schedules of a provider that are in force on the days of its claim. */
export interface Tariffs {
  /** @param day YYYY-MM-DD */
  on: (day: string) => FeeSchedule | undefined;
  all: readonly FeeSchedule[];
}

export interface ClaimFacts extends ClaimBasis {
  tariffs: Tariffs;
  /** Absent where the coverage names no plan that there is, and at submission. */
  plan?: PlanFacts | undefined;
  /** What the payer holds claims against; undefined where it has loaded nothing. */
  tables?: LoadedTables | undefined;
  /** Licences by practitioner number; a number that has none is absent. */
  licences: ReadonlyMap<string, LicenceState>;
  earlier: readonly Earlier[];
  /** Items that bill what is held for a Patient who may be the same human, with what is alike. */
  alike?: readonly AlikeItem[] | undefined;
  /** What other payers decided of the same services before. */
  prior?: readonly PriorDecision[] | undefined;
  /** What patients have said of the visits, by `Encounter/<id>`. */
  visits?: ReadonlyMap<string, readonly VisitWord[]> | undefined;
  /** Other claims of the provider's for this patient, as far as the payer shows them. */
  beside?: readonly Beside[] | undefined;
  /** What was done for other claims, as far as the payer shows it. */
  activities?: readonly Activity[] | undefined;
  /** Evidence that the ledger has a newer version of, by `Type/id`. */
  outdated: readonly string[];
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

/**
 * Why an edit denies; stored privately, so that anyone entitled can recompute the denial. With `item`, a sequence of the claim, it
 * is that line alone that is denied; with `detail` and `subDetail`, sequences in it, that part of it.
 */
export type DenialFacts = Record<string, string | number | boolean | null>;

export interface ClaimEdit {
  /** Public: names the rule and says nothing about a patient. */
  name: string;
  /** Changes whenever the same facts could be judged differently. */
  version: string;
  /** Edits without which this one means nothing: where one of them denies, this one is not evaluated. */
  after: readonly string[];
  /** Lines and claim that do not stand; none lets the claim pass. */
  judge: (facts: ClaimFacts) => DenialFacts[];
}

export interface ClaimSignal {
  /** Public: names the rule and says nothing about a patient. */
  name: string;
  version: string;
  /** What it is raised above, and what it weighs, where the payer has loaded nothing else. */
  limit: number | undefined;
  weight: number;
  /** What is unusual, line by line. */
  judge: (facts: ClaimFacts, limit: number) => DenialFacts[];
}

/** The Patient record the claim names, where it was shown. */
export const patientOf = ({ bill, evidence }: ClaimBasis): Resource | undefined => evidence.get(bill.patient)?.resource;
