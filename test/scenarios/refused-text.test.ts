/**
 * What transactions that were ordered and refused would have written lies in the private stores of their collections' members: it is
 * taken away by itself, and nothing that was taken goes with it. On the embedded network it leaves every file of everybody; the files
 * of Fabric's peers are an operator's to rewrite (docs/erasure.md), so there it is what the peers deliver.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { common } from '@hyperledger/fabric-protos';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { qualifiedName, TRANSIENT_KEY, type TransactionName } from '@telemed-ledger/chaincode/model/transactions.ts';
import { expect } from 'chai';
import { until } from '../../gateway-api/src/consortium.fixture.ts';
import { filesWith } from '../faults/erasable.fixture.ts';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { Attacker, refusalOf } from './forgery.fixture.ts';

const VALID = 0;
const MVCC_READ_CONFLICT = 11;
const LONG_MS = 90_000;
/** Between two searches of every file. */
const SEARCH_MS = 1_000;
/** Without a beginning that LevelDB would compress. */
const newText = (): string => randomBytes(24).toString('base64url');
const newSalt = (): string => randomBytes(32).toString('hex');

describe('What is ordered and refused', function () {
  this.timeout(2 * LONG_MS);
  let scene: Scene;
  let hospital: Attacker;
  let patients: Attacker;
  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium('refused');
    hospital = new Attacker(scene.dataDir, 'hospital');
    patients = new Attacker(scene.dataDir, 'patients');
  });
  after(() => {
    hospital?.close();
    patients?.close();
  });

  const at = (organisation: string) => scene.parties.of(organisation, 'system');
  /** Where the text is found: files, or peers that deliver it. */
  async function holding(text: string): Promise<string[]> {
    if (process.env['TEST_NETWORK'] !== 'fabric') return filesWith(scene.dataDir, text);
    const found = [];
    for (const peer of [hospital, patients]) if ((await delivered(peer)).includes(text)) found.push('a peer');
    return found;
  }

  /** All that a peer delivers of private data, in one text. */
  async function delivered({ network }: Attacker): Promise<string> {
    const info = await network.getContract('qscc').evaluateTransaction('GetChainInfo', 'telemed');
    const last = common.BlockchainInfo.deserializeBinary(info).getHeight() - 1;
    const blocks = await network.getBlockAndPrivateDataEvents({ startBlock: 0n });
    const texts: string[] = [];
    for await (const block of blocks) {
      block.getPrivateDataMapMap().forEach((set) => {
        texts.push(Buffer.from(set.serializeBinary()).toString('latin1'));
      });
      if (block.getBlock()?.getHeader()?.getNumber() === last) break;
    }
    blocks.close();
    return texts.join();
  }
  const isGone = (text: string): Promise<void> =>
    until(async () => (await holding(text)).length === 0, LONG_MS, SEARCH_MS);
  /** A version of a record, on a sheet of its own. */
  const version = (id: string, number: number, text: string) => {
    const resource = canonicalJson({ resourceType: 'Basic', id, code: { text } });
    const record = { id, version: number, salt: newSalt(), resource };
    return { sheets: [{ id: randomUUID(), salt: newSalt(), records: [record] }] };
  };
  /** The id of a new record. */
  async function recorded(): Promise<string> {
    const id = randomUUID();
    const code = await hospital.submit('RecordVersions', {}, version(id, 1, 'example'), ['hospital', 'patients']);
    expect(code).to.equal(VALID);
    return id;
  }
  const second = (id: string, text: string) => version(id, 2, text);

  /** Endorsed one after the other before any is ordered, so that the first alone is taken; the codes of all. */
  async function together(name: TransactionName, input: object, tries: readonly object[]): Promise<number[]> {
    const contract = hospital.contract;
    const endorsed = [];
    for (const hidden of tries)
      endorsed.push(
        await contract
          .newProposal(qualifiedName(name), {
            arguments: [JSON.stringify(input)],
            transientData: { [TRANSIENT_KEY]: JSON.stringify(hidden) },
            endorsingOrganizations: ['HospitalMSP', 'PatientsMSP'],
          })
          .endorse(),
      );
    const codes: number[] = [];
    for (const transaction of endorsed) codes.push((await (await transaction.submit()).getStatus()).code);
    return codes;
  }

  it('is held by nobody some moments later, and what was taken is', async () => {
    const id = await recorded();
    const [taken, refused, another] = [newText(), newText(), newText()];
    const tries = [taken, refused, another].map((text) => second(id, text));
    expect(await together('RecordVersions', {}, tries)).to.deep.equal([VALID, MVCC_READ_CONFLICT, MVCC_READ_CONFLICT]);
    for (const text of [refused, another]) await isGone(text);
    expect(await holding(taken)).not.to.deep.equal([]);
    for (const name of ['hospital', 'patients']) {
      const shown = await at(name).find<object>({ path: `/fhir/R4/Basic/${id}/_history/2` }, 'what was taken');
      expect(shown, name).to.deep.include({ code: { text: taken } });
    }
  });

  it('of tries under the same keys goes with the one that was taken', async () => {
    const sheet = { id: randomUUID(), salt: newSalt() };
    const [first, last] = [newText(), newText()];
    const id = await recorded();
    const tries = [first, last].map((text) => ({ sheets: [{ ...second(id, text).sheets[0]!, ...sheet }] }));
    expect(await together('RecordVersions', {}, tries)).to.deep.equal([VALID, MVCC_READ_CONFLICT]);
    await at('patients').find({ path: `/fhir/R4/Basic/${id}/_history/2` }, 'what was taken');
    const { status } = await at('hospital').send({ method: 'POST', path: `/fhir/R4/Basic/${id}/$erase` });
    expect(status).to.be.oneOf([200, 202]);
    for (const text of [first, last]) await isGone(text);
  });

  it('is no way to take away what stands', async () => {
    const id = await recorded();
    const text = newText();
    const draft = second(id, text);
    const sheet = draft.sheets[0]!.id;
    expect(await hospital.submit('RecordVersions', {}, draft, ['hospital', 'patients'])).to.equal(VALID);
    const purge = (key: string) =>
      hospital.submit('PurgeRefused', { collection: 'care_hospital' }, { keys: [key] }, ['hospital', 'patients']);
    for (const key of [`sheet/${sheet}`, `content/${sheet}/0`, `version/${id}/2`])
      expect(await refusalOf(purge(key)), key).to.equal('CONFLICT');
    // Endorsed while nothing stands there, and ordered behind what writes it.
    const free = second(await recorded(), text);
    const keys = { keys: [`content/${free.sheets[0]!.id}/0`] };
    const late = await hospital.contract
      .newProposal(qualifiedName('PurgeRefused'), {
        arguments: [JSON.stringify({ collection: 'care_hospital' })],
        transientData: { [TRANSIENT_KEY]: JSON.stringify(keys) },
        endorsingOrganizations: ['HospitalMSP', 'PatientsMSP'],
      })
      .endorse();
    expect(await hospital.submit('RecordVersions', {}, free, ['hospital', 'patients'])).to.equal(VALID);
    expect((await (await late.submit()).getStatus()).code).to.equal(MVCC_READ_CONFLICT);
    const { records } = free.sheets[0]!;
    for (const one of [id, records[0]!.id])
      await at('patients').find({ path: `/fhir/R4/Basic/${one}/_history/2` }, 'what stands');
  });
});
