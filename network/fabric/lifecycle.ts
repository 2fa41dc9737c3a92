/**
 * Fabric's chaincode lifecycle through its own `peer lifecycle chaincode` commands, every organisation acting by its own
 * administrator on its own peer. See https://hyperledger-fabric.readthedocs.io/en/release-3.1/chaincode_lifecycle.html
 */
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { asAdministrator, throughOrderer } from './channel.ts';
import { CommandError, run } from './command.ts';
import { addressOf, type Layout, type OrdererLayout, type PeerLayout } from './layout.ts';
import { authoritiesOf, type Material } from './material.ts';

/** What the organisations agree on. */
export interface Definition {
  name: string;
  version: string;
  sequence: number;
  packageId: string;
  /** A signature policy. */
  endorsementPolicy: string;
}

export interface Committed {
  sequence: number;
  version: string;
}

/**
 * An organisation's approval is private to it: a peer whose ledger was made anew has its hash, by which it runs the chaincode,
 * and gets the record from nobody.
 */
export const LOST = Symbol('the record of an approval is lost');

export class Lifecycle {
  readonly #layout: Layout;
  readonly #material: Material;
  readonly #binaries: Pick<Binaries, 'peer'>;
  readonly #channel: string;

  constructor(layout: Layout, channel: string, material: Material, binaries: Pick<Binaries, 'peer'>) {
    this.#layout = layout;
    this.#channel = channel;
    this.#material = material;
    this.#binaries = binaries;
  }

  /** Path of the collections' definition that `approve` and `commit` send. */
  get collectionsFile(): string {
    return join(this.#layout.chaincodeDirectory, 'collections.json');
  }

  async isInstalled(peer: PeerLayout, packageId: string): Promise<boolean> {
    const { stdout } = await this.#run(peer, 'queryinstalled', ['--output', 'json']);
    const { installed_chaincodes: installed = [] } = JSON.parse(stdout) as {
      installed_chaincodes?: { package_id: string }[];
    };
    return installed.some((one) => one.package_id === packageId);
  }

  async install(peer: PeerLayout, packageFile: string): Promise<void> {
    await this.#run(peer, 'install', [packageFile]).catch(ignore(/already successfully installed/));
  }

  /** What the channel has agreed on so far, as this peer knows it. */
  async committed(peer: PeerLayout, name: string): Promise<Committed | undefined> {
    const args = ['-C', this.#channel, '-n', name, '--output', 'json'];
    try {
      return JSON.parse((await this.#run(peer, 'querycommitted', args)).stdout) as Committed;
    } catch (error) {
      if (error instanceof CommandError && /is not defined/.test(error.output)) return undefined;
      throw error;
    }
  }

  /** The package that the organisation approved for a sequence; LOST where its peer has lost the record of that. */
  async approved(peer: PeerLayout, name: string, sequence: number): Promise<string | typeof LOST | undefined> {
    const args = ['-C', this.#channel, '-n', name, '--sequence', String(sequence), '--output', 'json'];
    try {
      const answer = JSON.parse((await this.#run(peer, 'queryapproved', args)).stdout) as {
        source?: { Type?: { LocalPackage?: { package_id?: string } } };
      };
      return answer.source?.Type?.LocalPackage?.package_id;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (/could not fetch approved chaincode definition/.test(error.output)) return undefined;
      if (/private data matching public hash version is not available/.test(error.output)) return LOST;
      throw error;
    }
  }

  async approve(peer: PeerLayout, definition: Definition): Promise<void> {
    const args = [...this.#definitionArguments(definition), '--package-id', definition.packageId];
    await this.#order(peer, 'approveformyorg', args, /with unchanged content/);
  }

  /** MSP ids of those who have not approved exactly this. */
  async missingApprovals(peer: PeerLayout, definition: Definition): Promise<string[]> {
    const args = [...this.#definitionArguments(definition), '--output', 'json'];
    const { approvals } = JSON.parse((await this.#run(peer, 'checkcommitreadiness', args)).stdout) as {
      approvals: Record<string, boolean>;
    };
    return Object.entries(approvals).flatMap(([mspId, has]) => (has ? [] : [mspId]));
  }

  async commit(definition: Definition): Promise<void> {
    const peers = this.#layout.everywhere.peers.flatMap((peer) => [
      '--peerAddresses',
      addressOf(peer),
      '--tlsRootCertFiles',
      this.#tlsRootOf(peer.organisation.name),
    ]);
    const args = [...this.#definitionArguments(definition), ...peers];
    await this.#order(this.#layout.peers[0]!, 'commit', args, /requested sequence is \d+, but new definition/);
  }

  #definitionArguments({ name, version, sequence, endorsementPolicy }: Definition): string[] {
    return [
      ...['-C', this.#channel, '-n', name, '--version', version, '--sequence', String(sequence)],
      ...['--signature-policy', endorsementPolicy, '--collections-config', this.collectionsFile],
    ];
  }

  /**
   * Has a transaction ordered by the first orderer that takes it. `done` is what a peer answers when an earlier attempt
   * that was given no answer had succeeded. @throws CommandError of the last orderer where none takes it.
   */
  async #order(peer: PeerLayout, action: string, args: string[], done: RegExp): Promise<void> {
    const { orderers } = this.#layout.everywhere;
    for (const [index, orderer] of orderers.entries()) {
      try {
        await this.#run(peer, action, [...args, ...this.#through(orderer)]).catch(ignore(done));
        return;
      } catch (error) {
        const isTheirs = error instanceof CommandError && NOT_ORDERED.test(error.output);
        if (!isTheirs || index === orderers.length - 1) throw error;
      }
    }
  }

  #through(orderer: OrdererLayout): string[] {
    return throughOrderer(orderer, this.#tlsRootOf(orderer.organisation));
  }

  #tlsRootOf(organisation: string): string {
    return authoritiesOf(this.#material, organisation).tlsCaCertificateFile;
  }

  #run(peer: PeerLayout, action: string, args: string[]): Promise<{ stdout: string }> {
    const environment = asAdministrator(peer, this.#tlsRootOf(peer.organisation.name));
    return run(this.#binaries.peer, ['lifecycle', 'chaincode', action, ...args], environment);
  }
}

/**
 * `peer` could not hand its transaction to the orderer, or no peer had it in a block in time; or an attempt that was given
 * up is in a block after all, before this one, and the next answer says so.
 */
const NOT_ORDERED = new RegExp(
  [
    'orderer client failed',
    'could not send to orderer',
    'failed to send transaction',
    'timed out waiting for txid',
    'error receiving from deliver filtered',
    'MVCC_READ_CONFLICT',
  ].join('|'),
);

/** For answers that mean an earlier, interrupted run had got this far. */
const ignore =
  (done: RegExp) =>
  (error: unknown): undefined => {
    if (!(error instanceof CommandError) || !done.test(error.output)) throw error;
  };
