/**
 * `npm run bench -- access-log`: what the access log and the custodian's duties cost with 100 and with 100,000 accesses of
 * others, in a read model of a temporary directory. Needs no consortium.
 */
import { hash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { leafHash } from '@telemed-ledger/chaincode/model/merkle.ts';
import { type Content, leafText, recordIdAt, type Sheet } from '@telemed-ledger/chaincode/model/sheets.ts';
import { ACCESS_STEPS, type AccessState } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { ReadModel } from '@telemed-ledger/gateway-api/index/read/queries.ts';
import type { Stores } from '@telemed-ledger/gateway-api/index/schema.ts';
import { Seals } from '@telemed-ledger/gateway-api/index/seals.ts';
import { openStores } from '@telemed-ledger/gateway-api/index/stores.ts';
import { Projector } from '@telemed-ledger/gateway-api/index/write/projector.ts';
import type { ParsedTransaction, PrivateWrite } from '@telemed-ledger/gateway-api/ledger/block.ts';
import { newLog } from '@telemed-ledger/gateway-api/operations/log.ts';
import { Disclosures } from '@telemed-ledger/gateway-api/subjects/access/disclosures.ts';
import { newestPage } from '@telemed-ledger/gateway-api/subjects/access/newest.ts';
import { Undecided } from '@telemed-ledger/gateway-api/subjects/access/undecided.ts';
import { AuditEvents } from '@telemed-ledger/gateway-api/subjects/audit-events.ts';
import { ReadEvents } from '@telemed-ledger/gateway-api/subjects/log/read-events.ts';
import { ReadLog } from '@telemed-ledger/gateway-api/subjects/reads/read-log.ts';
import type { Services } from '@telemed-ledger/gateway-api/subjects/services.ts';
import { DUTIES } from '@telemed-ledger/gateway-api/subjects/table.ts';
import { table } from '../table.ts';
import { quantile } from './closed-loop.ts';

const SIZES = [100, 100_000];
const RUNS = 200;
const PER_BLOCK = 500;
/** Accesses of the patient whose log is read. */
const OWN = 20;
const SYSTEM = 'urn:example:mrn';
const CARE = collections.care('hospital');
const NOW = new Date().toISOString();

const custodian = { name: 'patients', mspId: 'PatientsMSP', kind: 'custodian' } as const;
const consortium: Consortium = {
  channel: 'telemed',
  chaincode: 'telemed',
  organisations: [
    { name: 'hospital', mspId: 'HospitalMSP', kind: 'provider' },
    { name: 'clinic', mspId: 'ClinicMSP', kind: 'provider' },
    custodian,
  ],
};

/** Milliseconds of each operation, by its name. */
type Costs = Map<string, number[]>;

export async function accessLog(): Promise<void> {
  const costs: Costs[] = [];
  for (const size of SIZES) costs.push(await measured(size));
  const names = [...(costs[0]?.keys() ?? [])];
  const cells = (name: string) =>
    costs.flatMap((one) => [0.5, 0.99].map((share) => quantile(one.get(name) ?? [], share).toFixed(2)));
  const head = SIZES.flatMap((size) => [`${size.toLocaleString('en')} p50`, 'p99']);
  console.log(table([['ms, with accesses of others:', ...head], ...names.map((name) => [name, ...cells(name)])]));
}

async function measured(size: number): Promise<Costs> {
  const dataDir = mkdtempSync(join(tmpdir(), 'telemed-bench-'));
  const log = newLog('bench', 'silent');
  const stores = await openStores({ dataDir }, log);
  try {
    const seals = new Seals(randomBytes(32).toString('hex'));
    const ids = await filled(
      await Projector.open({ db: stores.writing, member: custodian, consortium, seals, log }),
      size,
    );
    const index = new ReadModel({ db: stores.reading, seals, consortium, organisation: custodian.name, log });
    return await timed(index, stores, ids);
  } finally {
    await stores.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

interface Patients {
  /** Without any access. */
  fresh: string;
  /** With OWN accesses among those of others. */
  known: string;
  /** The newest access of the known one. */
  access: string;
}

async function filled(projector: Projector, size: number): Promise<Patients> {
  const [fresh, known] = [patientWrites('fresh'), patientWrites('known')];
  const recorded = transaction([...fresh.writes, ...known.writes], 'HospitalMSP');
  const blocks: ParsedTransaction[][] = [[recorded]];
  const every = Math.max(1, Math.floor(size / OWN));
  let access = '';
  for (let done = 0; done < size; done += PER_BLOCK) {
    const count = Math.min(PER_BLOCK, size - done);
    blocks.push(
      Array.from({ length: count }, (_, index) => {
        const isKnown = (done + index) % every === 0;
        const state = accessState();
        if (isKnown) access = state.id;
        return requestOf(state, isKnown ? 'known' : `P-${done + index}`);
      }).flat(),
    );
  }
  for (const [number, transactions] of blocks.entries()) {
    const at = (one: number) => hash('sha256', `${one}`);
    await projector.apply({ number, hash: at(number), previousHash: at(number - 1), transactions, entries: [] });
  }
  return { fresh: fresh.id, known: known.id, access };
}

/** Granted for long: what is neither to be decided nor to be purged. */
const accessState = (): AccessState => ({
  ...{
    schema: 1,
    salt: newSalt(),
    id: randomUUID(),
    requestor: 'clinic',
    holder: 'hospital',
    custodian: 'patients',
    purpose: 'TREAT',
  },
  ...{ status: 'granted', requestedAt: NOW, decidedAt: NOW, expiresAt: '2999-01-01T00:00:00.000Z' },
  consent: { id: randomUUID(), version: 1 },
});

/** A request, and what its custodian decided. */
function requestOf(state: AccessState, mrn: string): ParsedTransaction[] {
  const request = {
    id: state.id,
    salt: newSalt(),
    holder: state.holder,
    patient: { system: SYSTEM, value: mrn },
    types: [],
    purpose: state.purpose,
  };
  const inbox = collections.inbox(state.requestor);
  const decided = privateKeys.access(state.id, ACCESS_STEPS.granted);
  const places = [inbox, collections.care(state.holder)];
  return [
    transaction([privateWrite(inbox, privateKeys.request(state.id), request)], 'ClinicMSP'),
    transaction(places.map((collection) => privateWrite(collection, decided, state))),
  ];
}

/** A Patient on a sheet of its own. */
function patientWrites(mrn: string): { id: string; writes: PrivateWrite[] } {
  const sheet = randomUUID();
  const id = recordIdAt({ sheet, index: 0 }, 'Patient');
  const resource = { resourceType: 'Patient', id, identifier: [{ system: SYSTEM, value: mrn }] };
  const anchored = { author: 'HospitalMSP', id, version: 1, recordedAt: NOW, salt: newSalt() };
  const text = leafText(anchored, canonicalJson(resource));
  const tree: Sheet = { schema: 1, root: leafHash(text), size: 1, salt: newSalt() };
  const content: Content = { schema: 1, leaves: [text] };
  const writes = [
    privateWrite(CARE, privateKeys.sheet(sheet), tree),
    privateWrite(CARE, privateKeys.content(sheet, 0), content),
  ];
  return { id, writes };
}

const newSalt = (): string => randomBytes(32).toString('hex');

function privateWrite(collection: string, key: string, value: object): PrivateWrite {
  const text = canonicalJson(value);
  const plain = { key, value: text, matches: true };
  return { collection, keyHash: hash('sha256', key), anchor: hash('sha256', text), purged: false, plain };
}

const transaction = (privateWrites: PrivateWrite[], creator = 'PatientsMSP'): ParsedTransaction => ({
  ...{ transactionId: randomBytes(32).toString('hex'), index: 0, code: 0, creator },
  ...{ endorsers: [creator, 'ClinicMSP'], time: NOW, publicWrites: [], privateWrites, elsewhere: [] },
});

async function timed(index: ReadModel, stores: Stores, { fresh, known, access }: Patients): Promise<Costs> {
  const broken = { report: () => {} };
  const refusals = { find: async () => undefined, due: async () => [] };
  const disclosures = new Disclosures(index, custodian, broken, refusals);
  const { own, accesses, concerned } = index;
  const undecided = new Undecided({ own, accesses, concerned, lacks: () => 0 });
  const services = { index, broken, refusals, undecided, organisation: custodian, consortium } as unknown as Services;
  const readLog = new ReadLog(stores.journal, stores.journalLazily);
  const where = { organisation: custodian.name, isCustodian: true };
  const reads = new ReadEvents({ readLog, index, ...where, termsOf: async () => ({}), purposeAt: () => undefined });
  const events = new AuditEvents({
    ...{ disclosures, index, reads, consortium, organisation: custodian.name, broken },
    actorOf: async () => undefined,
  });
  const listed = { disclosures, index, organisation: custodian, broken };
  const search = { type: 'AuditEvent', count: 50 };
  const found = async (name: string): Promise<void> => {
    const duty = DUTIES.find((one) => one.name === name);
    if (duty === undefined) throw new Error(`there is no duty ${name}`);
    for await (const _ of duty.find(services)) throw new Error(`${name} found something`);
  };
  const operations: [string, () => Promise<unknown>][] = [
    ["a new patient's empty log", () => events.search(search, fresh)],
    [`a patient's log of ${OWN}`, () => events.search(search, known)],
    [`the same, searched by the custodian`, () => events.search({ ...search, patients: [known] })],
    ['one access', () => disclosures.read(access)],
    ['a page of 100 of GET /access-requests', () => newestPage(listed, { compartment: undefined, count: 100 })],
    ['50 by date', () => events.search({ ...search, recorded: [{ prefix: 'ge', value: '2026' }] })],
    ['the duty to decide, with nothing to do', () => found('decide access')],
    ['the duty to purge, with nothing to do', () => found('purge copies')],
    ['the duty to report to holders, with nothing to do', () => found('report access')],
  ];
  const { matches } = await events.search(search, known);
  if (matches.length !== OWN) throw new Error(`the patient's log has ${matches.length} entries`);
  const costs: Costs = new Map();
  for (const [name, run] of operations) {
    await run();
    const times: number[] = [];
    for (let turn = 0; turn < RUNS; turn += 1) {
      const from = performance.now();
      await run();
      times.push(performance.now() - from);
    }
    costs.set(name, times);
  }
  return costs;
}
