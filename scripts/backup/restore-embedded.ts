/**
 * An organisation restored on the embedded network, whose one store is all peers': what is missing of the organisation's
 * private values there is taken from the others' copies and from the backup.
 */
import { join } from 'node:path';
import { decodeBlock, headerHash } from '@telemed-ledger/formats/blocks/block.ts';
import { BlockReader } from '@telemed-ledger/network/embedded/ledger/blocks/block-files.ts';
import { ordererDirectory } from '@telemed-ledger/network/embedded/ledger/directories.ts';
import { type Repair, repairLedger } from '@telemed-ledger/network/embedded/ledger/repair/repair.ts';
import { definedConsortium, organisations } from '../command-line.ts';
import { networkConfigWithoutChaincode } from '../verification/peer-ledger.ts';
import { ReadModelCopies } from '../verification/read-model-copies.ts';
import { type Finding, ledgerFindings } from '../verification/report.ts';
import { IN_ARCHIVE } from './contents.ts';
import type { Place } from './place.ts';
import { BackupCopies } from './private-values.ts';

export class EmbeddedPlace implements Place {
  readonly #dataDir: string;
  readonly #organisation: string;
  #repair: Repair | undefined;

  constructor(dataDir: string, organisation: string) {
    this.#dataDir = dataDir;
    this.#organisation = organisation;
  }

  async hashOf(block: number): Promise<string | undefined> {
    const bytes = new BlockReader(ordererDirectory(join(this.#dataDir, 'network'))).read(block);
    return bytes === undefined ? undefined : headerHash(decodeBlock(bytes).header).toString('hex');
  }

  targets(): string[] {
    return [];
  }

  /** Nothing runs: the data directory is held. */
  async stop(): Promise<void> {}

  async assertReady(): Promise<void> {
    if ((await this.hashOf(0)) === undefined)
      throw new Error(`${this.#dataDir} holds no ledger: there the embedded network's is everybody's`);
  }

  async put(): Promise<void> {}

  async catchUp(staging: string): Promise<string[]> {
    const [dataDir, organisation] = [this.#dataDir, this.#organisation];
    const config = await networkConfigWithoutChaincode(dataDir, definedConsortium());
    const others = organisations().flatMap(({ name }) => (name === organisation ? [] : [name]));
    const readModels = new ReadModelCopies(dataDir, others);
    const backup = new BackupCopies(join(staging, IN_ARCHIVE.privateValues), 'the backup');
    try {
      this.#repair = await repairLedger({ config, organisation, elsewhere: [readModels, backup] });
    } finally {
      readModels.close();
    }
    return this.#repair.taken.map(({ what, from, count }) => `${count.toLocaleString('en')} × ${what} ← ${from}`);
  }

  async finish(): Promise<Finding[]> {
    return ledgerFindings(this.#organisation, this.#repair?.remaining ?? []);
  }
}
