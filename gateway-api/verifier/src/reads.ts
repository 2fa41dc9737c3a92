/**
 * Checks that between two anchors of an organisation's log of reads a patient was read exactly so often. The anchors' marks are
 * taken as they are shown: that they stand on the ledger is what a receipt of each proves (check.ts).
 */
import { canonicalJson } from './canonical.ts';
import { fromHex, leafHash, rootBy, sha256Hex, toHex } from './tree.ts';

/** A leaf that is not hers: its token and no more. */
export interface LeafShown {
  index: number;
  path: readonly string[];
  token: string;
  digest: string;
}

export interface ReadsProof {
  schema: 1;
  organisation: string;
  n: number;
  /** Id of the Patient. */
  patient: string;
  /** That wrote the mark. */
  transactionId: string;
  /** The mark as it stands on the ledger: JSON. */
  mark: string;
  statement: {
    organisation: string;
    n: number;
    from: { sequence: number; hash: string };
    to: { sequence: number; hash: string };
    size: number;
    root: string;
    salt: string;
  };
  /** What stands before her token, and behind it; absent at an end of the tree. */
  before?: LeafShown | undefined;
  after?: LeafShown | undefined;
  /** Her own leaf, where she was read. */
  own?: { index: number; path: readonly string[]; blind: string; rows: readonly string[] };
}

export interface CheckedReads {
  organisation: string;
  patient: string;
  /** Numbers of the first and the last anchor. */
  from: number;
  to: number;
  /** SHA-256 of each mark, in their order: to be compared with the content of receipts. */
  marks: string[];
  /** What the rows say, in their order: number, time, outcome, interaction, subject, role, user, patient, access, type, records. */
  reads: unknown[][];
  /** Anchors at which the log was begun anew: what stood before may be lost. */
  restarted: number[];
}

/** The proofs do not hold; the message says where. */
export class BadReads extends Error {}

/**
 * @param proofs of one patient and one organisation, of anchors one after the other
 * @throws {BadReads}
 */
export async function checkReads(proofs: readonly ReadsProof[]): Promise<CheckedReads> {
  const [first] = proofs;
  if (first === undefined) throw new BadReads('there is nothing to check');
  const { organisation, patient } = first;
  const found: CheckedReads = {
    organisation,
    patient,
    from: first.n,
    to: first.n,
    marks: [],
    reads: [],
    restarted: [],
  };
  let last: ReadsProof | undefined;
  for (const proof of proofs) {
    const isNext =
      proof.organisation === organisation && proof.patient === patient && proof.n === (last?.n ?? first.n - 1) + 1;
    demand(isNext, proof, 'is not the next of the same patient and organisation');
    const mark = await checkedMark(proof, last);
    if (mark.restarted === true) found.restarted.push(proof.n);
    found.reads.push(...(await checkedLeaves(proof)));
    found.marks.push(await sha256Hex(proof.mark));
    found.to = proof.n;
    last = proof;
  }
  return found;
}

function demand(holds: boolean, { n }: Pick<ReadsProof, 'n'>, why: string): asserts holds {
  if (!holds) throw new BadReads(`anchor ${n} ${why}`);
}

interface Mark {
  organisation: string;
  n: number;
  root: string;
  statement: string;
  previous?: string;
  restarted?: true;
}

/** What is stated is what was anchored, and goes on from the anchor before. */
async function checkedMark(proof: ReadsProof, last: ReadsProof | undefined): Promise<Mark> {
  const { organisation, n, statement } = proof;
  const mark = JSON.parse(proof.mark) as Mark;
  for (const one of [mark, statement])
    demand(one.organisation === organisation && one.n === n, proof, 'is of another log');
  demand(
    (await sha256Hex(canonicalJson(statement))) === mark.statement,
    proof,
    'states something else than was anchored',
  );
  demand(statement.root === mark.root, proof, 'has another root than was anchored');
  if (last === undefined) return mark;
  demand(mark.previous === (await sha256Hex(last.mark)), proof, 'does not follow the one before');
  const goesOn = canonicalJson(last.statement.to) === canonicalJson(statement.from);
  demand(goesOn || mark.restarted === true, proof, 'leaves rows out');
  return mark;
}

/** RFC 6962's root of no leaves: SHA-256 of nothing. */
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Her rows: her leaf is in the tree and holds exactly these, or nothing stands where it would be. */
async function checkedLeaves(proof: ReadsProof): Promise<unknown[][]> {
  const { statement, patient, own, before, after } = proof;
  const { size } = statement;
  demand(size > 0 || statement.root === EMPTY, proof, 'has a root over no leaves');
  const token = await tokenOf(statement.salt, patient);
  const place = own?.index ?? after?.index ?? size;
  const behind = own === undefined ? place : place + 1;
  demand(before === undefined ? place === 0 : before.index === place - 1, proof, 'leaves out what is before');
  demand(after === undefined ? behind === size : after.index === behind, proof, 'leaves out what is behind');
  for (const leaf of [before, after]) if (leaf !== undefined) await demandIncluded(proof, leaf);
  demand(before === undefined || before.token < token, proof, 'is not in order');
  demand(after === undefined || token < after.token, proof, 'is not in order');
  if (own === undefined) return [];
  const digest = await sha256Hex(canonicalJson([own.blind, ...own.rows]));
  await demandIncluded(proof, { ...own, token, digest });
  return own.rows.map((text) => JSON.parse(text) as unknown[]);
}

async function demandIncluded(proof: ReadsProof, { token, digest, index, path }: LeafShown): Promise<void> {
  const { size, root } = proof.statement;
  const leaf = await leafHash(canonicalJson([token, digest]));
  const reached = await rootBy(leaf, index, size, path.map(fromHex));
  demand(reached !== undefined && toHex(reached) === root, proof, 'shows a leaf that is not in its tree');
}

async function tokenOf(salt: string, patient: string): Promise<string> {
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', fromHex(salt), hmac, false, ['sign']);
  return toHex(new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(patient))));
}
