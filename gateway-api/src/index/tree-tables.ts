/** The tables of the ledger's tree, and of what members have signed of it. */

/** The leaves of the ledger's tree: one for every envelope of every block, in their order, the same at every member. */
export interface LeavesTable {
  /** From 0 on. */
  leaf: number;
  block: number;
  position: number;
  /** null where the envelope proves none. */
  transaction_id: string | null;
  /** Its text (verifier/entry.ts). */
  entry: string;
}

/** The nodes over complete subtrees of the ledger's tree (RFC 6962), leaves included: what has been written stays. */
export interface TreeNodesTable {
  /** 0: a leaf. */
  level: number;
  /** It covers the leaves from position × 2^level on. */
  position: number;
  /** Hex. */
  hash: string;
}

/** Who has signed the ledger's tree at which size: the first signature of a member at a size. */
export interface CosignaturesTable {
  size: number;
  msp_id: string;
  /** Hex, as the key and the signature. */
  root: string;
  /** Seconds since 1970. */
  time: number;
  public_key: string;
  signature: string;
  /** The same as COSE has it, hex; null where its member did not say. */
  cose: string | null;
  transaction_id: string;
}

/** The keys that members sign the tree with, vouched for by the certificate that sent the first signature. */
export interface WitnessesTable {
  msp_id: string;
  public_key: string;
  /** Of the statement, seconds since 1970. */
  time: number;
  signature: string;
  /** DER, base64. */
  certificate: string;
  transaction_id: string;
}
