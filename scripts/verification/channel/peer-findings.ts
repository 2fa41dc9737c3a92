/** What is found of one organisation's peer: places name blocks, transactions and hashes of keys. */
export type PeerPart = 'blocks' | 'private data' | 'state' | 'index';

export interface PeerFinding {
  part: PeerPart;
  place: string;
  what: string;
}
