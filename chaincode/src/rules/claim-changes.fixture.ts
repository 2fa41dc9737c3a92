/** Ways to change the example claim, for the cases of edits and signals. */
import type { Changeable } from '../model/example-claim.fixture.ts';
import type { Case } from './example-case.fixture.ts';

export type Change = (given: Case) => void;

export interface EvidenceCase {
  edit: string;
  title: string;
  change: Change;
  facts: Record<string, unknown>;
  /** Like it, and honest. */
  honest: [title: string, change: Change][];
}

export const SNOMED = 'http://snomed.info/sct';

export const CPT = 'http://www.ama-assn.org/go/cpt';

export const coded = (...all: [system: string, code: string][]): object => ({
  coding: all.map(([system, code]) => ({ system, code })),
});

export const to = (record: Changeable): object => ({ reference: `${record.resourceType}/${record.id}` });

export const usd = (value: number): object => ({ value, currency: 'USD' });

/** One line that points to the visit. */
export const line =
  (change: (item: Changeable, given: Case) => void): Change =>
  (given) => {
    given.claim['item'].pop();
    delete given.claim['total'];
    change(given.claim['item'][0], given);
  };

export const all =
  (...changes: Change[]): Change =>
  (given) => {
    for (const change of changes) change(given);
  };

export const table =
  (tables: NonNullable<Case['tables']>): Change =>
  (given) =>
    (given.tables = tables);

export const billed = (code: string, more: object = {}): Change =>
  line((item) => Object.assign(item, { productOrService: coded([CPT, code]) }, more));

export const modifiers = (...codes: string[]): object => ({
  modifier: codes.map((code) => ({ coding: [{ code }] })),
});
