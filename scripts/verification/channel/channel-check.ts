/**
 * A channel checked through the public services of its organisations' peers, as it is done on Hyperledger Fabric: each
 * peer by itself, and all with each other. A peer that does not answer is away; that is no damage.
 */
import { collectionsOfMember } from '@telemed-ledger/consortium/collections.ts';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { BlockCheck } from './block-check.ts';
import { deliver } from './deliver.ts';
import { checkPeer, type PeerReport } from './peer-check.ts';
import { PeerAway, PeerFault, PeerRefuses, type Reach } from './reach.ts';

export interface ChannelOptions {
  consortium: ConsortiumDefinition;
  /** Each organisation's own way to its own peer. */
  reaches: Reach[];
  /** Whose peers are checked whole; the blocks of the others are read for comparison. */
  chosen: readonly string[];
}

/** Reports of the chosen organisations' peers, in the order of `reaches`. */
export async function checkChannel({ consortium, reaches, chosen }: ChannelOptions): Promise<PeerReport[]> {
  const own = reaches.filter(({ organisation }) => chosen.includes(organisation));
  const reports: PeerReport[] = [];
  for (const reach of own) {
    const collections = new Map(
      [...collectionsOfMember(consortium, { name: reach.organisation })].map((name) => [name, 0]),
    );
    reports.push(await checkPeer(reach, collections).catch((error) => unknownReport(reach.organisation, error)));
  }
  const asker = own[0];
  const others = reaches.filter(({ organisation }) => !chosen.includes(organisation));
  const read = asker ? await Promise.all(others.map((other) => readOther(asker, other))) : [];
  compareAll([...reports, ...read.filter((report) => report !== undefined)]);
  return reports;
}

/** Whether the peer was read. */
export const isKnown = ({ away, refuses }: PeerReport): boolean => away === undefined && refuses === undefined;

/** @throws what is neither PeerAway nor PeerRefuses */
function unknownReport(organisation: string, error: unknown): PeerReport {
  const nothing = { organisation, blocks: 0, values: 0, state: 0, digests: [], findings: [] };
  if (error instanceof PeerAway) return { ...nothing, away: error.message };
  if (error instanceof PeerRefuses) return { ...nothing, refuses: error.message };
  throw error;
}

/** Another organisation's blocks, which any member of the channel may read; undefined where its peer is away. */
async function readOther(asker: Reach, { organisation, connection }: Reach): Promise<PeerReport | undefined> {
  const { endpoint, tlsRootCertificate, tlsServerName } = connection;
  const at = { endpoint, tlsRootCertificate, ...(tlsServerName === undefined ? {} : { tlsServerName }) };
  const reach = { ...asker, connection: { ...asker.connection, ...at } };
  const blocks = new BlockCheck();
  try {
    // Its height is not known, so that what it cannot deliver ends the reading.
    for await (const block of deliver(reach, { from: 0, to: 'newest', withPrivateData: false }))
      await blocks.check(block);
  } catch (error) {
    if (error instanceof PeerAway || error instanceof PeerRefuses) return undefined;
    if (!(error instanceof PeerFault)) throw error;
  }
  const { digests, findings } = blocks;
  return { organisation, blocks: digests.length, values: 0, state: 0, digests, findings };
}

/** Adds to each report what its blocks are not: those that most of the others have. */
function compareAll(reports: PeerReport[]): void {
  const answering = reports.filter(isKnown);
  const height = Math.max(0, ...answering.map(({ digests }) => digests.length));
  for (let number = 0; number < height; number++) {
    for (const part of ['header', 'codes'] as const) {
      const byDigest = Map.groupBy(
        answering.filter(({ digests }) => digests[number] !== undefined),
        ({ digests }) => digests[number]?.[part],
      );
      if (byDigest.size < 2) continue;
      const groups = [...byDigest.values()].sort((a, b) => b.length - a.length);
      const [most = [], next = []] = groups;
      const wrong = most.length > next.length ? groups.slice(1).flat() : groups.flat();
      for (const report of wrong) accuse(report, number, part, most);
    }
  }
}

function accuse(report: PeerReport, number: number, part: 'header' | 'codes', most: PeerReport[]): void {
  const others = most.filter((each) => each !== report).map(({ organisation }) => organisation);
  const what =
    part === 'header' ? 'it is another block than that of' : 'other validation codes or another commit hash than';
  report.findings.push({ part: 'blocks', place: `block ${number}`, what: `${what} ${others.join(', ')}` });
}
