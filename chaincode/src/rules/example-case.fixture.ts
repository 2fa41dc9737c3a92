/** The example claim as the edits see it, for tests: what a case may change, and the facts that come of it. */
import type { Activity } from '../model/activities.ts';
import { readBill } from '../model/bill.ts';
import type { LoadedTables } from '../model/claim-tables.ts';
import type { FeeSchedule, Finding } from '../model/claims.ts';
import { readCover } from '../model/coverage.ts';
import {
  anchoredExample,
  type Changeable,
  type Example,
  exampleClaim,
  exampleNumber,
  exampleSalt,
} from '../model/example-claim.fixture.ts';
import type { AlikeItem } from '../model/likenesses.ts';
import type { LicenceState } from '../model/transactions.ts';
import type { VisitWord } from '../model/visits.ts';
import type { ClaimFacts, Earlier } from './claim-facts.ts';

/** What a case may change before the claim is judged. */
export interface Case extends Example {
  /** Records shown next to those of the example. */
  more: Changeable[];
  /** Members of the example that are not shown. */
  hidden: (keyof Example)[];
  author: string;
  /** Name of who bills. */
  provider: string;
  licence: LicenceState | undefined;
  /** Numbers of others who are licensed as the practitioner is. */
  licences: string[];
  feeSchedule: FeeSchedule | undefined;
  /** What the payer has loaded of its tables. */
  tables: Partial<LoadedTables> | undefined;
  earlier: Earlier[];
  /** What is held for Patients who may be the same human. */
  alike: AlikeItem[] | undefined;
  /** What the patient has said of the visit; left out: nobody has asked. */
  said: VisitWord[] | undefined;
  /** What was done for other claims. */
  activities: Activity[];
  outdated: string[];
  now: string;
}

const exampleCase = (): Case => ({
  ...exampleClaim(),
  more: [],
  hidden: [],
  author: 'HospitalMSP',
  provider: 'hospital',
  licence: {
    number: exampleNumber,
    status: 'active',
    start: '2020-01-01',
    end: '2026-02-10',
    updatedAt: '2026-01-01T00:00:00.000Z',
  },
  licences: [],
  feeSchedule: undefined,
  tables: undefined,
  earlier: [],
  alike: undefined,
  said: undefined,
  activities: [],
  outdated: [],
  now: '2026-02-11T08:00:00.000Z',
});

const LOADED: LoadedTables = {
  ...{ schema: 1, salt: exampleSalt('b'), generation: 2, loadedAt: '2026-01-01T00:00:00.000Z', maps: [] },
  crosswalk: undefined,
};

const SHOWN = ['patient', 'encounter', 'procedure', 'observation', 'practitioner'] as const;

function factsOf(given: Case): ClaimFacts {
  const records = [...SHOWN.filter((name) => !given.hidden.includes(name)).map((name) => given[name]), ...given.more];
  return {
    bill: readBill(given.claim),
    provider: { name: given.provider, mspId: 'HospitalMSP', kind: 'provider' },
    evidence: new Map(records.map((one) => [`${one.resourceType}/${one.id}`, anchoredExample(one, given.author)])),
    cover: readCover(given.coverage),
    tariffs: { on: () => given.feeSchedule, all: given.feeSchedule === undefined ? [] : [given.feeSchedule] },
    tables: given.tables === undefined ? undefined : { ...LOADED, ...given.tables },
    licences: new Map(
      given.licence === undefined
        ? []
        : [given.licence.number, ...given.licences].map((number) => [number, { ...given.licence!, number }]),
    ),
    earlier: given.earlier,
    alike: given.alike,
    activities: given.activities,
    visits: new Map(given.said === undefined ? [] : [[`Encounter/${given.encounter.id}`, given.said]]),
    outdated: given.outdated,
    now: given.now,
  };
}

/** The facts of the example after a change. */
export function changed(change: (given: Case) => void): ClaimFacts {
  const given = exampleCase();
  change(given);
  return factsOf(given);
}

/** The first denial of any kind; undefined where the claim stands as a whole. */
export const denialOf = (findings: readonly Finding[]): Finding | undefined =>
  findings.find(({ outcome }) => outcome === 'deny');
