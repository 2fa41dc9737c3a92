/**
 * That between two anchors of a log of reads a patient was read exactly so often: her leaf of the tree with all its rows and
 * what stands beside it, or what stands where it would be. What checks it is in the verifier's package.
 */
import { digestOf, type LogLeaf, logPaths, logTree, tokenOf } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import type { LeafShown, ReadsProof } from '@telemed-ledger/verifier/reads.ts';
import type { LogAnchors } from './anchors.ts';

/** Undefined where the anchor, or what was anchored, is not here. */
export async function readsProof(
  anchors: Pick<LogAnchors, 'mark' | 'batch'>,
  { organisation, n }: { organisation: string; n: number },
  patient: string,
): Promise<ReadsProof | undefined> {
  const [standing, batch] = [await anchors.mark(organisation, n), await anchors.batch(organisation, n)];
  if (standing === undefined || batch === undefined) return undefined;
  const { statement, secret, rows } = batch;
  const { leaves, root } = logTree(rows, statement.salt, secret);
  if (root !== statement.root) return undefined;
  const token = tokenOf(statement.salt, patient);
  const paths = logPaths(leaves);
  const place = leaves.findIndex((leaf) => leaf.token >= token);
  const index = place < 0 ? leaves.length : place;
  const own = leaves[index]?.token === token ? leaves[index] : undefined;
  const shown = (at: number): LeafShown[] => {
    const leaf = leaves[at];
    return leaf === undefined ? [] : [{ index: at, path: paths[at]!, token: leaf.token, digest: digestOf(leaf) }];
  };
  return {
    ...{ schema: 1, organisation, n, patient, transactionId: standing.transactionId },
    ...{ mark: standing.text, statement, before: shown(index - 1)[0], after: shown(own ? index + 1 : index)[0] },
    ...(own === undefined ? {} : { own: { index, path: paths[index]!, ...opened(own) } }),
  };
}

const opened = ({ blind, rows }: LogLeaf) => ({ blind, rows });
