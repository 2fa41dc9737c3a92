import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const CASES = join(import.meta.dirname, 'cases');
/** The list has 95; see the README for the one that is left out. */
const LEFT_OUT = ['67'];

describe('The conformance table', () => {
  const titles = readdirSync(CASES).flatMap((file) =>
    [...readFileSync(join(CASES, file), 'utf8').matchAll(/\bit\((['"])(.*?)\1, (?:async )?(?:function|\()/g)].map(
      (found) => found[2]?.replace("\\'", "'") ?? '',
    ),
  );

  it('has a row for every case that runs, and says of the others that they are left out', () => {
    const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
    const rows = [...readme.matchAll(/^\| ([A-Z]?\d+ .*?) \| (✓|left out) \| (?:✓|left out) \|/gm)];
    const passing = rows.filter((row) => row[2] === '✓').map((row) => row[1]);
    expect(passing).to.have.members(titles);
    expect(rows.filter((row) => row[2] === 'left out').map((row) => row[1]?.split(' ')[0])).to.deep.equal(LEFT_OUT);
  });

  it('covers the list from 1 to 95', () => {
    const numbers = titles.map((title) => Number(title.split(' ')[0])).filter(Number.isInteger);
    const all = Array.from({ length: 95 }, (_, index) => index + 1);
    expect([...numbers, ...LEFT_OUT.map(Number)]).to.have.members(all);
  });
});
