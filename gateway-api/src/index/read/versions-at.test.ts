/** Versions that stood at some moment of a span: of one record, of a consent that was revoked, and of all records. */
import { expect } from 'chai';
import { instantsOf } from '../../fhir/search/dates.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { FixtureIndex, recordWrites } from '../index.fixture.ts';
import { consentWrite, markWrite } from '../values.fixture.ts';

/** Versions stand from these on. */
const MADE = ['2026-01-10T10:00:00.000Z', '2026-01-20T10:00:00.000Z', '2026-02-05T10:00:00.000Z'];

onEachDatabase('The versions that stood', (kind) => {
  let fixture: FixtureIndex;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
  });
  afterEach(() => fixture.close());

  const span = (text: string) => ({ at: instantsOf(text)! });
  const CASES: [at: string, versions: number[]][] = [
    ['2025', []],
    ['2026-01-09', []],
    ['2026-01-10', [1]],
    ['2026-01-15', [1]],
    ['2026-01-20', [2, 1]],
    ['2026-01-20T10:00:00Z', [2]],
    ['2026-01-20T09:59:59Z', [1]],
    ['2026-01', [2, 1]],
    ['2026-02-05T10:00:00.000Z', [3]],
    ['2026', [3, 2, 1]],
    ['2027', [3]],
  ];

  it('at a time are those that were made before its end and not replaced before it began', async () => {
    const [first, ...later] = MADE.map((recordedAt, index) => ({ recordedAt, version: index + 1, note: recordedAt }));
    const { id } = await blockOf(first!);
    for (const one of later) await blockOf({ ...one, id });
    const views = new Map([['Observation', {}]]);
    for (const [at, versions] of CASES) {
      const one = await fixture.index.versions('Observation', id, span(at));
      expect([one.versions.map(({ version }) => version), one.total, one.exists], at).to.deep.equal([
        ...[versions, versions.length, true],
      ]);
      const { rows } = await fixture.index.histories.page(views, { count: 10, ...span(at) });
      expect(
        rows.map(({ version }) => version),
        at,
      ).to.deep.equal(versions);
    }
    const page = await fixture.index.versions('Observation', id, { ...span('2026'), count: 1 });
    expect([page.versions.length, page.total, page.next]).to.deep.equal([1, 3, 3]);
  });

  it('of a consent end with its revocation, which stands from then on', async () => {
    const { id, ...consent } = consentWrite({ recordedAt: MADE[0]! });
    await fixture.block({ creator: 'PatientsMSP', privateWrites: [consent] });
    await fixture.block({ creator: 'PatientsMSP', privateWrites: [markWrite(id, undefined, MADE[1])] });
    for (const [at, versions] of [
      ['2026-01-09', []],
      ['2026-01-15', [1]],
      ['2026-01-20', [2, 1]],
      ['2026-01-25', [2]],
    ] as const) {
      const found = await fixture.index.versions('Consent', id, span(at));
      expect([found.versions.map(({ version }) => version), found.total], at).to.deep.equal([
        versions,
        versions.length,
      ]);
    }
  });

  async function blockOf(fields: Record<string, unknown>): Promise<{ id: string }> {
    const privateWrites = recordWrites('Observation', fields);
    await fixture.block({ privateWrites });
    return privateWrites;
  }
});
