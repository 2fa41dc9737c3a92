/** How SQLite runs what some work asks, for tests that hold it to its indexes. */
import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { FixtureIndex } from './index.fixture.ts';

/** How SQLite runs each statement that some work prepares. */
export async function plansOf(
  fixture: Pick<FixtureIndex, 'file'>,
  work: () => Promise<unknown>,
): Promise<{ text: string; steps: string[] }[]> {
  const { prepare } = DatabaseSync.prototype;
  const texts = new Set<string>();
  DatabaseSync.prototype.prepare = function (text: string) {
    texts.add(text);
    return prepare.call(this, text);
  };
  try {
    await work();
  } finally {
    DatabaseSync.prototype.prepare = prepare;
  }
  const database = new DatabaseSync(fixture.file, { readOnly: true });
  try {
    return [...texts].map((text) => {
      const parameters = Array.from({ length: text.split('?').length - 1 }, () => randomUUID());
      const rows = database.prepare(`explain query plan ${text}`).all(...parameters) as { detail: string }[];
      return { text, steps: rows.map(({ detail }) => detail) };
    });
  } finally {
    database.close();
  }
}
