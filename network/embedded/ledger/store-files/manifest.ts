/** LevelDB's manifest: which tables and logs belong to the store (db/version_edit.cc). */
import { readVarint } from './varint.ts';

export interface Manifest {
  /** Sizes in bytes by file number. */
  tables: Map<number, number>;
  /** Logs from this number on hold what is not yet in tables. */
  logNumber: number;
}

const [COMPARATOR, LOG_NUMBER, NEXT_FILE, LAST_SEQUENCE, COMPACT_POINTER, DELETED_FILE, NEW_FILE, PREVIOUS_LOG] = [
  1, 2, 3, 4, 5, 6, 7, 9,
];

/** From the records of the manifest's file, oldest first. @throws Error where one is malformed. */
export function readManifest(records: Buffer[]): Manifest {
  const manifest: Manifest = { tables: new Map(), logNumber: 0 };
  for (const record of records) applyEdit(record, manifest);
  return manifest;
}

function applyEdit(record: Buffer, manifest: Manifest): void {
  let at = 0;
  const number = (): number => {
    const [value, end] = readVarint(record, at);
    at = end;
    return value;
  };
  const skipBytes = (): void => {
    const length = number();
    at += length;
  };
  while (at < record.length) {
    const tag = number();
    if (tag === COMPARATOR) skipBytes();
    else if (tag === LOG_NUMBER) manifest.logNumber = number();
    else if (tag === NEXT_FILE || tag === LAST_SEQUENCE || tag === PREVIOUS_LOG) number();
    else if (tag === COMPACT_POINTER) {
      number();
      skipBytes();
    } else if (tag === DELETED_FILE) {
      number();
      manifest.tables.delete(number());
    } else if (tag === NEW_FILE) {
      number();
      const table = number();
      manifest.tables.set(table, number());
      skipBytes();
      skipBytes();
    } else throw new Error(`unknown entry ${tag} in the manifest`);
  }
}
