import { expect } from 'chai';
import fc from 'fast-check';
import type { Bundle, Entry } from './bundle.ts';
import { partsOf, TooLarge } from './parts.ts';
import { referenceOrder } from './references.ts';

const ROOMY = { entries: 1000, bytes: 1e6 };
const url = (index: number) => `urn:uuid:${index}`;

/** An entry that refers to others of its Bundle by index. */
const entry = (index: number, refersTo: number[] = []): Entry => ({
  fullUrl: url(index),
  resource: { resourceType: 'Basic', extension: refersTo.map((to) => ({ valueReference: { reference: url(to) } })) },
});

const transaction = (entries: Entry[]): Bundle => ({ resourceType: 'Bundle', type: 'transaction', entry: entries });
const batch = (entries: Entry[]): Bundle => ({ resourceType: 'Bundle', type: 'batch', entry: entries });

const references = fc
  .integer({ min: 1, max: 25 })
  .chain((size) => fc.array(fc.array(fc.nat(size - 1), { maxLength: 3 }), { minLength: size, maxLength: size }));

describe('Parts of a Bundle', () => {
  it('leave a transaction within the limits whole, in its own order', () => {
    expect(partsOf(transaction([entry(0, [1]), entry(1)]), ROOMY)).to.deep.equal([[0, 1]]);
  });

  it('of a longer transaction put what is referred to first', () => {
    const bundle = transaction([entry(0, [2]), entry(1, [0]), entry(2)]);
    expect(partsOf(bundle, { ...ROOMY, entries: 1 })).to.deep.equal([[2], [0], [1]]);
  });

  it('keep entries together that refer to each other', () => {
    const bundle = transaction([entry(0), entry(1, [2]), entry(2, [1]), entry(3, [1])]);
    expect(partsOf(bundle, { ...ROOMY, entries: 2 })).to.deep.equal([[0], [1, 2], [3]]);
  });

  it('respect the size limit, and name what is over it by itself', () => {
    const entries = [entry(0), entry(1), entry(2)];
    const size = JSON.stringify(entries[0]).length;
    expect(partsOf(transaction(entries), { ...ROOMY, bytes: 2 * size })).to.deep.equal([[0, 1], [2]]);
    expect(() => partsOf(transaction(entries), { ...ROOMY, bytes: size - 1 }))
      .to.throw(TooLarge)
      .with.property('indexes')
      .that.deep.equals([0]);
  });

  it('hold every entry once and refer only to themselves and to earlier ones, whatever the references', () => {
    fc.assert(
      fc.property(references, (targets) => {
        const bundle = transaction(targets.map((to, index) => entry(index, to)));
        const groups = referenceOrder(bundle.entry);
        const placeOf = new Map(groups.flatMap((group, place) => group.map((index) => [index, place] as const)));
        expect(groups.flat().sort((a, b) => a - b)).to.deep.equal([...targets.keys()]);
        targets.forEach((to, index) => {
          for (const target of to) expect(placeOf.get(target)).to.be.at.most(placeOf.get(index) ?? -1);
        });
      }),
    );
  });

  it('group only entries that reach each other', () => {
    fc.assert(
      fc.property(references, (targets) => {
        const reach = (from: number) => {
          const seen = new Set<number>();
          const queue = [...(targets[from] ?? [])];
          for (let to = queue.pop(); to !== undefined; to = queue.pop()) {
            if (!seen.has(to)) queue.push(...(targets[to] ?? []));
            seen.add(to);
          }
          return seen;
        };
        for (const group of referenceOrder(targets.map((to, index) => entry(index, to)))) {
          for (const one of group) for (const other of group) if (one !== other) expect(reach(one)).to.include(other);
        }
      }),
    );
  });

  it('survive a chain of references as long as a large Bundle', () => {
    const entries = Array.from({ length: 50_000 }, (_, index) => entry(index, index + 1 < 50_000 ? [index + 1] : []));
    expect(referenceOrder(entries)[0]).to.deep.equal([49_999]);
  });

  it('of a batch separate a conditional reference from what it refers to, and twins of a conditional create', () => {
    const practitioner = (value: string): Entry => ({
      resource: { resourceType: 'Practitioner', identifier: [{ system: 's', value }] },
      request: { method: 'POST', url: 'Practitioner', ifNoneExist: `identifier=s|${value}` },
    });
    const role: Entry = {
      resource: { resourceType: 'PractitionerRole', practitioner: { reference: 'Practitioner?identifier=s|1' } },
    };
    expect(partsOf(batch([practitioner('1'), practitioner('2'), role, entry(3)]), ROOMY)).to.deep.equal([
      [0, 1],
      [2, 3],
    ]);
    expect(partsOf(batch([practitioner('1'), practitioner('1')]), ROOMY)).to.deep.equal([[0], [1]]);
  });
});
