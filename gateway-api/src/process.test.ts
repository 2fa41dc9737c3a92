/** A gateway as a process of its own, on PostgreSQL, by its environment alone. */
import { once } from 'node:events';
import { expect } from 'chai';
import { FixtureConsortium, until } from './consortium.fixture.ts';
import { GatewayProcess } from './gateway-process.fixture.ts';
import { postgresql } from './index/databases.fixture.ts';
import { postgresAbsent } from './index/postgres/postgres.fixture.ts';

const suite = postgresAbsent === undefined ? describe : describe.skip;

suite(`A gateway process${postgresAbsent === undefined ? '' : `: skipped, ${postgresAbsent}`}`, function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  let gateway: GatewayProcess;
  before(async () => {
    consortium = await FixtureConsortium.start(['patients'], postgresql);
    gateway = await GatewayProcess.prepare(consortium, 'hospital');
  });
  after(async () => {
    await gateway?.remove();
    await consortium?.close();
  });

  /** Starts the gateway, waits until it is ready, and answers what /readyz says; then stops it in order. */
  async function readyOnce(): Promise<{ ready: boolean; block: number }> {
    const { child, errors, operations } = await gateway.listen();
    let answer = { ready: false, block: -1 };
    await until(async () => {
      answer = (await (await fetch(`${operations}/readyz`)).json()) as typeof answer;
      return answer.ready;
    }, 20_000);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code, errors()).to.equal(0);
    return answer;
  }

  it('starts, ends when it is told to, and has its read model emptied and filled again', async () => {
    const { block } = await readyOnce();
    expect(block).to.be.at.least(0);
    const { child, lines, errors } = gateway.start('reindex.ts');
    const [code] = await once(child, 'exit');
    expect(code, errors()).to.equal(0);
    expect(lines.at(-1)?.['msg']).to.match(/the read model is empty/);
    expect((await readyOnce()).block).to.be.at.least(block);
  });

  it('says what is wrong with its environment, or with its database, and ends', async () => {
    for (const [more, said] of [
      [{ DATABASE_NAME: '' }, /DATABASE_NAME: missing/],
      [{ DATABASE_NAME: 'nowhere' }, /did not start: the database nowhere at .* cannot be used: .* does not exist/],
    ] as const) {
      const { child, errors } = gateway.start('main.ts', more);
      const [code] = await once(child, 'close');
      expect(code).to.equal(1);
      expect(errors()).to.match(said);
    }
  });
});
