/**
 * What Binaries hold (hl7.org/fhir/R4/binary.html): kept by the organisation that writes them and not on the ledger, which holds
 * the hash and the key of each. The store has cipher texts alone: where the record is erased or purged, the key is gone, and
 * with it what was kept, here and in every backup.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Kysely } from 'kysely';
import { IntegrityFailure } from '../../http/failures.ts';
import type { JournalTables } from '../../index/schema.ts';
import type { FetchContent } from './sources.ts';

/** Beside `Binary.data`, in the place of what it says. */
const KEPT = 'https://telemed-ledger.example/fhir/StructureDefinition/kept-content';
const CIPHER = 'aes-256-gcm';
const TAG_BYTES = 16;
/** A key is used for one text, so that no two have a nonce in common. */
const NONCE = Buffer.alloc(12);

interface Kept {
  /** SHA-256 of the cipher text, hex. */
  hash: string;
  key: Buffer;
  /** Of the content, bytes. */
  size: number;
}

interface Extension {
  url: string;
  extension?: Extension[];
  valueString?: string;
  valueBase64Binary?: string;
  valueUnsignedInt?: number;
}
interface Binary extends Resource {
  data?: string;
  _data?: { extension?: Extension[] };
}

export class Contents {
  readonly #db: Kysely<JournalTables>;

  readonly #fetch: FetchContent;

  /** `db` waits for the disk; `fetch` asks the gateways of others. */
  constructor(db: Kysely<JournalTables>, fetch: FetchContent = async () => undefined) {
    this.#db = db;
    this.#fetch = fetch;
  }

  /** Of a content that is kept here, by the hash. */
  async cipherText(hash: string): Promise<Buffer | undefined> {
    const row = await this.#db.selectFrom('contents').select('bytes').where('hash', '=', hash).executeTakeFirst();
    return row && Buffer.from(row.bytes);
  }

  /** The Binary as it is recorded: kept is what it holds. @throws {LedgerError} INVALID where it says itself that something is kept */
  async taken(resource: Resource): Promise<Resource> {
    const { data, _data, ...rest } = resource as Binary;
    if (_data?.extension?.some(({ url }) => url === KEPT) === true)
      throw new LedgerError('INVALID', 'what is kept is said by the server alone', 'Binary.data');
    if (data === undefined) return resource;
    const content = Buffer.from(data, 'base64');
    const key = randomBytes(32);
    const cipher = createCipheriv(CIPHER, key, NONCE);
    const bytes = Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    const hash = createHash('sha256').update(bytes).digest('hex');
    await this.#db.insertInto('contents').values({ hash, bytes }).execute();
    const extension = [...(_data?.extension ?? []), extensionOf({ hash, key, size: content.length })];
    return { ...rest, _data: { ..._data, extension } } as Resource;
  }

  /**
   * The Binary with what it holds. Where another organisation keeps that, it is asked; where it is not, or does not give it at the
   * moment, the Binary says its hash and size alone.
   * @param author name of the organisation that may be asked
   * @throws {IntegrityFailure} where what is kept is not what was anchored
   */
  async filled(resource: Resource, author?: string): Promise<Resource> {
    const { _data, ...rest } = resource as Binary;
    const kept = keptIn(_data?.extension);
    if (kept === undefined) return resource;
    const others = _data!.extension!.filter(({ url }) => url !== KEPT);
    const { hash, size } = kept;
    const bytes =
      (await this.cipherText(hash)) ??
      (author === undefined ? undefined : await this.#fetch(author, hash, size + TAG_BYTES));
    const beside = bytes === undefined ? [...others, extensionOf({ ...kept, key: undefined })] : others;
    const { extension: _, ...more } = _data!;
    const said = { ...more, ...(beside.length === 0 ? {} : { extension: beside }) };
    return {
      ...rest,
      ...(bytes === undefined ? {} : { data: contentOf(bytes, kept).toString('base64') }),
      ...(Object.keys(said).length === 0 ? {} : { _data: said }),
    } as Resource;
  }
}

function contentOf(bytes: Buffer, { hash, key, size }: Kept): Buffer {
  if (createHash('sha256').update(bytes).digest('hex') !== hash) throw new IntegrityFailure('Binary');
  try {
    const decipher = createDecipheriv(CIPHER, key, NONCE, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const content = Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]);
    if (content.length === size) return content;
  } catch {
    // Said below.
  }
  throw new IntegrityFailure('Binary');
}

const extensionOf = ({ hash, key, size }: Omit<Kept, 'key'> & { key: Buffer | undefined }): Extension => ({
  url: KEPT,
  extension: [
    { url: 'sha256', valueString: hash },
    ...(key === undefined ? [] : [{ url: 'key', valueBase64Binary: key.toString('base64') }]),
    { url: 'size', valueUnsignedInt: size },
  ],
});

function keptIn(extensions: readonly Extension[] = []): Kept | undefined {
  const found = extensions.find(({ url }) => url === KEPT)?.extension;
  const of = (name: string): Extension | undefined => found?.find(({ url }) => url === name);
  const [hash, key, size] = [of('sha256')?.valueString, of('key')?.valueBase64Binary, of('size')?.valueUnsignedInt];
  if (hash === undefined || key === undefined || size === undefined) return undefined;
  return { hash, key: Buffer.from(key, 'base64'), size };
}
