/**
 * A gateway that is killed between the signature of a shared transaction and its submission: every Idempotency-Key in it
 * is resolved by the next process, and nothing is written twice.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { FixtureConsortium, until } from '../consortium.fixture.ts';
import { GatewayProcess } from '../gateway-process.fixture.ts';

const CALLERS = 30;
/** As many keys must share a transaction for the test to be one. */
const SHARED = 5;
const SYSTEM = 'urn:example:mrn';

describe('A gateway killed while a shared transaction is signed and not submitted', function () {
  this.timeout(120_000);
  let consortium: FixtureConsortium;
  let gateway: GatewayProcess;
  let journalFile: string;
  let authorization: string;
  before(async () => {
    consortium = await FixtureConsortium.start([]);
    gateway = await GatewayProcess.prepare(consortium, 'hospital');
    journalFile = join((await consortium.place('hospital')).dataDir, 'journal.sqlite');
    authorization = `Bearer ${await consortium.token('hospital', 'system')}`;
  });
  after(async () => {
    await gateway?.remove();
    await consortium?.close();
  });

  const listen = async () => {
    const { url, operations } = await gateway.listen();
    await until(async () => (await fetch(`${operations}/readyz`)).ok, 20_000);
    return url;
  };
  const create = (url: string, key: string) =>
    fetch(`${url}/fhir/R4/Patient`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/fhir+json', 'idempotency-key': key },
      body: JSON.stringify({ resourceType: 'Patient', identifier: [{ system: SYSTEM, value: key }] }),
    });
  /** Keys whose transaction is signed and of unknown outcome, by transaction id. */
  const pending = (): Map<string, string[]> => {
    const journal = new DatabaseSync(journalFile, { readOnly: true });
    const rows = journal
      .prepare(
        'select transaction_id, key from idempotency where transaction_id in (select transaction_id from envelopes)',
      )
      .all() as { transaction_id: string; key: string }[];
    journal.close();
    const keys = new Map<string, string[]>();
    for (const { transaction_id: id, key } of rows) keys.set(id, [...(keys.get(id) ?? []), key]);
    return keys;
  };
  const isShared = (): boolean => [...pending().values()].some((keys) => keys.length >= SHARED);

  /**
   * Stops ordering under a stream of writes until several keys wait in one signed transaction. With the orderer stopped
   * nothing that the journal holds can have been ordered.
   */
  async function untilShared(url: string): Promise<string[]> {
    const keys: string[] = [];
    for (let round = 0; round < 20 && !isShared(); round += 1) {
      const some = Array.from({ length: CALLERS }, () => randomUUID());
      keys.push(...some);
      const answers = some.map((key) => create(url, key).catch(() => undefined));
      await Promise.race(answers);
      consortium.network.stopOrderer(true);
      await until(() => pending().size >= 2, 2_000).catch(() => {});
      if (isShared()) return keys;
      consortium.network.stopOrderer(false);
      await Promise.all(answers);
    }
    return keys;
  }

  it('loses and doubles none of the writes in it', async () => {
    const keys = await untilShared(await listen());
    const shared = [...pending()];
    expect(isShared(), 'several keys wait in one transaction').to.equal(true);
    await gateway.kill();
    consortium.network.stopOrderer(false);

    const url = await listen();
    const answers = await Promise.all(keys.map((key) => create(url, key)));
    expect(answers.map(({ status }) => status)).to.deep.equal(keys.map(() => 201));
    const transactionOf = new Map(keys.map((key, index) => [key, answers[index]?.headers.get('x-transaction-id')]));
    for (const [transactionId, members] of shared) {
      for (const key of members) {
        expect(transactionOf.get(key), 'the transaction that was signed before').to.equal(transactionId);
      }
    }
    for (const key of keys) {
      const found = await fetch(`${url}/fhir/R4/Patient?identifier=${SYSTEM}|${key}`, { headers: { authorization } });
      expect(((await found.json()) as { total: number }).total).to.equal(1);
    }
    expect(pending().size).to.equal(0);
  });
});
