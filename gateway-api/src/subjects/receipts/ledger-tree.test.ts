/** One tree over the channel, computed by every gateway for itself. */
import { expect } from 'chai';
import { pino } from 'pino';
import { FixtureConsortium, until } from '../../consortium.fixture.ts';
import { emptyIndex } from '../../index/stores.ts';

const patient = { resourceType: 'Patient', identifier: [{ system: 'urn:example:mrn', value: 'P-1' }] };

describe('The tree of the ledger', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'patients', 'bank']);
  });
  after(() => consortium?.close());

  const at = async (name: string, size?: number) => {
    const { status, body } = await consortium.send(
      name,
      `GET /ledger-tree${size === undefined ? '' : `?size=${size}`}`,
    );
    return status === 200 ? body : undefined;
  };

  it('has the same root at members who hold different private data, also after a read model is filled anew', async () => {
    for (let count = 0; count < 3; count += 1)
      expect((await consortium.send('hospital', 'POST /fhir/R4/Patient', patient)).status).to.equal(201);
    const now = await at('hospital');
    const { size } = now;
    expect(size).to.be.greaterThan(3);
    for (const name of ['patients', 'bank']) {
      await until(async () => (await at(name, size)) !== undefined);
      expect(await at(name, size), name).to.deep.equal(now);
    }
    await consortium.shut('bank');
    await emptyIndex(await consortium.place('bank'), pino({ level: 'silent' }));
    await consortium.open('bank');
    await until(async () => (await at('bank', size)) !== undefined);
    expect(await at('bank', size)).to.deep.equal(now);
  });

  it('answers earlier sizes as they were, and none that it has not reached', async () => {
    const before = await at('hospital');
    await consortium.send('hospital', 'POST /fhir/R4/Patient', patient);
    const now = await at('hospital');
    expect(now.size).to.be.greaterThan(before.size);
    expect(now.root).not.to.equal(before.root);
    expect(await at('hospital', before.size)).to.deep.equal(before);
    expect(await at('hospital', now.size + 1_000)).to.equal(undefined);
  });
});
