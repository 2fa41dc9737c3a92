/** What resources carry inside (Attachment.data, Binary.data) as files: the same files at whoever makes an export and whoever checks it. */
import type { ArchivedFile } from './archive.ts';
import { fromBase64 } from './checkpoint.ts';

/** Types that no program runs when it opens them; any other is `bin`. */
const EXTENSIONS: Record<string, string> = {
  'application/pdf': 'pdf',
  'application/dicom': 'dcm',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/gif': 'gif',
  'text/plain': 'txt',
  'text/csv': 'csv',
};

interface Carried {
  contentType: string;
  data: string;
}

function* carriedIn(value: unknown): Generator<Carried> {
  if (typeof value !== 'object' || value === null) return;
  const { contentType, data } = value as Partial<Carried>;
  if (typeof data === 'string' && typeof contentType === 'string') yield { contentType, data };
  const members = Array.isArray(value) ? value : Object.keys(value).sort();
  for (const member of members) yield* carriedIn(Array.isArray(value) ? member : (value as Members)[member]);
}
type Members = Record<string, unknown>;

function bytesOf(data: string): Uint8Array | undefined {
  try {
    return fromBase64(data.replace(/\s/g, ''));
  } catch {
    return undefined;
  }
}

/** @param name of the resource's version, of characters that a path may have */
export function attachmentsOf(resource: object, name: string): ArchivedFile[] {
  const files: ArchivedFile[] = [];
  for (const { contentType, data } of carriedIn(resource)) {
    const bytes = bytesOf(data);
    const extension = EXTENSIONS[contentType.split(';')[0]!.trim().toLowerCase()] ?? 'bin';
    if (bytes !== undefined) files.push({ path: `attachments/${name}-${files.length + 1}.${extension}`, bytes });
  }
  return files;
}
