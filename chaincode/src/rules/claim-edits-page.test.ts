import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CLAIM_SIGNALS } from './claim-signals.ts';
import { CLAIM_EDITS } from './claims.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'claim-edits.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| `'));

describe('docs/claim-edits.md', () => {
  it('has each edit, and no other', () => {
    const [first = ''] = page.split('## Signals');
    const named = [...first.matchAll(/^\| (.*?) \|/gm)].flatMap(
      ([, cell = '']) => cell.match(/(?<=`)[a-z-]+(?=`)/g) ?? [],
    );
    expect(new Set(named)).to.deep.equal(new Set(CLAIM_EDITS.map(({ name }) => name)));
  });

  it('has each signal with the limit and the weight that it has where the payer says nothing', () => {
    for (const { name, limit, weight } of CLAIM_SIGNALS) {
      const cells = rows
        .find((row) => row.startsWith(`| \`${name}\` |`))
        ?.split('|')
        .map((cell) => cell.trim());
      expect(cells?.at(-3), name).to.equal(String(limit ?? ''));
      expect(cells?.at(-2), name).to.equal(String(weight));
    }
  });
});
