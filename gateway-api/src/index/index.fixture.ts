/** A read model in a place of its own, filled from fixture blocks, for tests. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { peer } from '@hyperledger/fabric-protos';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { collectionsOfMember } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium, Organisation } from '@telemed-ledger/consortium/members.ts';
import { pino } from 'pino';
import { extraction } from '../fhir/search-parameters.ts';
import { type FixtureTransaction, type FixtureWrite, fixtureBlock } from '../ledger/block.fixture.ts';
import { type ParsedBlock, parseBlock } from '../ledger/block.ts';
import { type DatabaseKind, sqlite } from './databases.fixture.ts';
import { ReadModel } from './read/queries.ts';
import type { Stores } from './schema.ts';
import { Seals } from './seals.ts';
import { openStores } from './stores.ts';
import { Projector } from './write/projector.ts';

export const consortium: Consortium = {
  channel: 'telemed',
  chaincode: 'telemed',
  organisations: [
    { name: 'hospital', mspId: 'HospitalMSP', kind: 'provider' },
    { name: 'clinic', mspId: 'ClinicMSP', kind: 'provider' },
    { name: 'patients', mspId: 'PatientsMSP', kind: 'custodian' },
    { name: 'payer', mspId: 'PayerMSP', kind: 'payer' },
    { name: 'bank', mspId: 'BankMSP', kind: 'bank' },
    { name: 'regulator', mspId: 'RegulatorMSP', kind: 'regulator' },
  ],
};

const sealsNow = (): Seals => new Seals('the secret of a test', extraction());
export const seals = sealsNow();

export const silent = pino({ level: 'silent' });

export class FixtureIndex {
  readonly #organisation: string;
  readonly #place: Awaited<ReturnType<DatabaseKind['place']>>;
  #last: peer.BlockAndPrivateData | undefined;
  #number = 0;
  stores!: Stores;
  projector!: Projector;
  index!: ReadModel;

  private constructor(organisation: string, place: Awaited<ReturnType<DatabaseKind['place']>>) {
    this.#organisation = organisation;
    this.#place = place;
  }

  static async open(organisation = 'hospital', kind: DatabaseKind = sqlite): Promise<FixtureIndex> {
    const made = new FixtureIndex(organisation, await kind.place());
    await made.reopen();
    return made;
  }

  async reopen(): Promise<void> {
    await this.stores?.close();
    this.stores = await openStores(this.#place, silent);
    const seals = sealsNow();
    this.projector = await Projector.open(this.stores.writing, this.member, seals, silent);
    this.index = new ReadModel({
      ...{ db: this.stores.reading, seals, consortium, organisation: this.#organisation, log: silent },
    });
  }

  /** Where the read model lies, in SQLite. */
  get file(): string {
    return join(this.#place.dataDir, 'index.sqlite');
  }

  get isPostgres(): boolean {
    return this.#place.database !== undefined;
  }

  get member(): Organisation {
    return consortium.organisations.find(({ name }) => name === this.#organisation)!;
  }

  /** Applies a block with these transactions and answers how it was delivered. */
  async block(...transactions: FixtureTransaction[]): Promise<peer.BlockAndPrivateData> {
    const delivered = fixtureBlock(this.#number, transactions, this.#last);
    await this.apply(delivered);
    this.#last = delivered;
    this.#number += 1;
    return delivered;
  }

  /** Has the next block of `block` follow this one. */
  startAfter(delivered: peer.BlockAndPrivateData): void {
    this.#last = delivered;
    this.#number += 1;
  }

  apply(delivered: peer.BlockAndPrivateData): Promise<void> {
    return this.projector.apply(this.#parsed(delivered));
  }

  /** What is delivered of an earlier block when it is asked for again; answers how many values arrived. */
  complete(delivered: peer.BlockAndPrivateData): Promise<number> {
    return this.projector.complete(this.#parsed(delivered));
  }

  /** Numbers of the blocks of which values are missing, newest first. */
  async incomplete(): Promise<number[]> {
    return (await this.projector.incomplete()).map(({ block }) => block);
  }

  #parsed(delivered: peer.BlockAndPrivateData): ParsedBlock {
    return parseBlock(delivered, { chaincode: 'telemed', collections: collectionsOfMember(consortium, this.member) });
  }

  async close(): Promise<void> {
    await this.stores.close();
    this.#place.remove();
  }
}

export interface RecordFixture {
  id?: string;
  version?: number;
  author?: string;
  recordedAt?: string;
  [element: string]: unknown;
}

/** The text of a record version as the chaincode anchors it. */
export function anchored(type: string, fields: RecordFixture): { id: string; version: number; text: string } {
  const {
    id = randomUUID(),
    version = 1,
    author = 'HospitalMSP',
    recordedAt = '2026-03-01T10:00:00.000Z',
    ...rest
  } = fields;
  const resource = { resourceType: type, id, ...rest };
  return { id, version, text: canonicalJson({ author, id, version, recordedAt, salt: '00', resource }) };
}

/** The private write of a record version. */
export function recordWrite(
  type: string,
  fields: RecordFixture,
  collection = 'care_hospital',
): FixtureWrite & { id: string } {
  const { id, version, text } = anchored(type, fields);
  return { collection, key: `record/${id}/${version}`, value: text, id };
}
