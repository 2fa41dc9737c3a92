/** Says what became of what was sent in bulk. */
import type { Billed } from './claims.ts';

/** A line for each. */
export function linesOf(file: string, all: readonly Billed[]): void {
  for (const { name, did, outcome, reason } of all)
    console.log([file, name, outcome, reason, ...did].filter((part) => part !== undefined).join(' | '));
}

/** Counts by what became of them and why, and by what was done to them. */
export function reportOf(what: string, all: readonly Billed[]): void {
  const count = (texts: readonly string[]): [string, number][] =>
    [...Map.groupBy(texts, (text) => text)]
      .map(([text, { length }]): [string, number] => [text, length])
      .sort((a, b) => b[1] - a[1]);
  console.log(`${all.length} ${what}`);
  for (const [text, times] of count(
    all.map(({ outcome, reason }) => (reason === undefined ? outcome : `${outcome}: ${reason}`)),
  ))
    console.log(`${String(times).padStart(6)}  ${text}`);
  const done = count(all.flatMap(({ did }) => did));
  if (done.length > 0) console.log('What was done to them:');
  for (const [text, times] of done) console.log(`${String(times).padStart(6)}  ${text}`);
}
