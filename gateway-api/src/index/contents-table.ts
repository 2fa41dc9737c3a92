/** The journal's table of what Binaries hold: see subjects/contents/contents.ts. */
export interface ContentsTable {
  /** SHA-256 of the bytes, hex. */
  hash: string;
  /** A cipher text: its key is in the record on the ledger. */
  bytes: Uint8Array;
}
