import { expect } from 'chai';
import type { Bundle, Entry } from './bundle.ts';
import { dependencies, inOrder, summarise } from './order.ts';

const bundle = (...entry: Entry[]): Bundle => ({ resourceType: 'Bundle', type: 'transaction', entry });
const practitioner = (value: string): Entry => ({
  resource: { resourceType: 'Practitioner', identifier: [{ system: 'http://s', value }] },
});
const encounter = (value: string): Entry => ({
  resource: {
    resourceType: 'Encounter',
    participant: [{ individual: { reference: `Practitioner?identifier=http://s|${value}` } }],
  },
});
const before = (...bundles: Bundle[]) =>
  dependencies(bundles.map((one, index) => summarise([`${index}.json`], String(index), one))).map((set) => [...set]);

describe('Order of Bundles', () => {
  it('puts a Bundle after the one that holds what it refers to conditionally', () => {
    expect(before(bundle(encounter('1')), bundle(practitioner('1')), bundle(practitioner('2')))).to.deep.equal([
      [1],
      [],
      [],
    ]);
  });

  it('asks nothing of others where a Bundle holds it itself', () => {
    expect(before(bundle(encounter('1'), practitioner('1')), bundle(practitioner('2')))).to.deep.equal([[], []]);
  });

  it('does not send two Bundles at once that create the same thing if it does not exist', () => {
    const create: Entry = {
      resource: { resourceType: 'Location' },
      request: { method: 'POST', url: 'Location', ifNoneExist: 'identifier=http%3A%2F%2Fs%7C9' },
    };
    expect(before(bundle(create), bundle(create))).to.deep.equal([[], [0]]);
  });

  it('runs as many at once as allowed, each after what it depends on', async () => {
    const log: string[] = [];
    let running = 0;
    await inOrder(
      [new Set([2]), new Set(), new Set(), new Set([0])],
      2,
      async (index) => {
        running += 1;
        expect(running).to.be.at.most(2);
        log.push(`+${index}`);
        await new Promise(setImmediate);
        log.push(`-${index}`);
        running -= 1;
      },
      () => false,
    );
    expect(log.filter((line) => line.startsWith('+'))).to.have.members(['+0', '+1', '+2', '+3']);
    expect(log.indexOf('+0')).to.be.greaterThan(log.indexOf('-2'));
    expect(log.indexOf('+3')).to.be.greaterThan(log.indexOf('-0'));
  });

  it('sends Bundles that wait for each other in a circle as they were given', async () => {
    const sent: number[] = [];
    await inOrder(
      [new Set([1]), new Set([0])],
      4,
      async (index) => void sent.push(index),
      () => false,
    );
    expect(sent).to.deep.equal([0, 1]);
  });

  it('starts nothing more when it is stopped', async () => {
    const sent: number[] = [];
    await inOrder(
      [new Set(), new Set(), new Set()],
      1,
      async (index) => void sent.push(index),
      () => sent.length >= 1,
    );
    expect(sent).to.deep.equal([0]);
  });
});
