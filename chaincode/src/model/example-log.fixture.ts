/** A stretch of a log of reads, made up for tests. */
import { type CarriedRow, type LogPlace, type LogStatement, logTree, rowHash, rowText } from './log-anchors.ts';

export const START: LogPlace = { sequence: 0, hash: '' };

/** @param patients of each row whom it is about; null: nobody */
export function exampleStretch(
  organisation: string,
  n: number,
  from: LogPlace,
  patients: readonly (string | null)[],
): { statement: LogStatement; carried: { secret: string; rows: CarriedRow[] } } {
  const [salt, secret] = ['5a'.repeat(32), '5e'.repeat(32)];
  let to = from;
  const rows = patients.map((patient): CarriedRow => {
    const sequence = to.sequence + 1;
    const text = rowText({
      ...{ sequence, at: '2026-03-01T10:00:00.000Z', outcome: 'shown', interaction: 'read', subject: 'd1' },
      ...{ role: 'practitioner', fhir_user: null, patient, access: null, type: 'Observation', records: '["o1"]' },
    });
    to = { sequence, hash: rowHash(to.hash, text) };
    return { hash: to.hash, ...(patient === null ? {} : { text }) };
  });
  const { root, leaves } = logTree(rows, salt, secret);
  const statement: LogStatement = { schema: 1, organisation, n, from, to, size: leaves.length, root, salt };
  return { statement, carried: { secret, rows } };
}
