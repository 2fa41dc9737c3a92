/**
 * SMART Health Links (hl7.org/fhir/uv/smart-health-cards-and-links): a patient shares a summary as it is now, encrypted under a key
 * that stands in the link alone, until a time, behind a passcode where she wants one, and takes it back when she likes.
 */
import { createHash, createHmac, randomBytes, randomUUID, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { CompactEncrypt } from 'jose';
import type { HealthLink, HealthLinkJournal } from '../../idempotency/health-links.ts';

const derive = promisify(scrypt) as (passcode: string, salt: Buffer, length: number) => Promise<Buffer>;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** Wrong passcodes in all. */
const ATTEMPTS = 10;
/** For how long a file may be fetched after its manifest. */
const FILE_MS = 5 * 60_000;

/** What a link is made with. */
export interface NewLink {
  patient: string;
  /** What is shared, as JSON. */
  content: object;
  passcode?: string | undefined;
  /** ISO 8601 UTC. */
  expiresAt?: string | undefined;
  label?: string | undefined;
}

/** What came of a look at a link. */
export type Look =
  | { outcome: 'shown'; link: HealthLink }
  /** The passcode is wrong or missing. */
  | { outcome: 'refused'; link: HealthLink; remaining: number }
  /** There is none, it has ended, or no tries are left: which of them is not told. */
  | { outcome: 'absent'; link?: HealthLink };

export const isOpen = ({ ended_at: endedAt, expires_at: expiresAt }: HealthLink, now: Date): boolean =>
  endedAt === null && (expiresAt === null || expiresAt > now.toISOString());

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

export class HealthLinks {
  readonly #journal: HealthLinkJournal;
  readonly #now: () => Date;
  /** Of tickets to files: those of another process are not known here. */
  readonly #ticketKey = randomBytes(KEY_BYTES);

  constructor(journal: HealthLinkJournal, now = () => new Date()) {
    this.#journal = journal;
    this.#now = now;
  }

  /** @returns the link to be handed on, which is known here no more after this. @param base of this gateway */
  async make(
    { patient, content, passcode, expiresAt, label }: NewLink,
    base: string,
  ): Promise<{ id: string; uri: string }> {
    const now = this.#now().toISOString();
    await this.#journal.expire(now);
    const [key, token, id] = [randomBytes(KEY_BYTES), randomBytes(KEY_BYTES).toString('base64url'), randomUUID()];
    const file = await new CompactEncrypt(Buffer.from(JSON.stringify(content)))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', cty: 'application/fhir+json' })
      .encrypt(key);
    await this.#journal.add({
      ...{ id, token_hash: hashOf(token), patient, file, label: label ?? null },
      ...{ passcode: passcode === undefined ? null : await sealed(passcode), attempts: ATTEMPTS, fetches: 0 },
      ...{ created_at: now, expires_at: expiresAt ?? null, ended_at: null },
    });
    const payload = {
      ...{ url: `${base}/shl/${token}`, key: key.toString('base64url') },
      ...(expiresAt === undefined ? {} : { exp: Math.floor(Date.parse(expiresAt) / 1000) }),
      ...(passcode === undefined ? {} : { flag: 'P' }),
      ...(label === undefined ? {} : { label }),
      v: 1,
    };
    return { id, uri: `shlink:/${Buffer.from(JSON.stringify(payload)).toString('base64url')}` };
  }

  /** Counts a look; a wrong passcode takes one of the tries, a right one does not. */
  async look(token: string, passcode: string | undefined): Promise<Look> {
    const link = await this.#journal.find({ token_hash: hashOf(token) });
    if (link === undefined) return { outcome: 'absent' };
    if (!isOpen(link, this.#now())) return { outcome: 'absent', link };
    if (link.passcode === null) return this.#shown(link, 0);
    if (passcode === undefined && link.attempts > 0)
      return { outcome: 'refused', link, remaining: Number(link.attempts) };
    // Taken before it is looked at: tries at once do not share one.
    const remaining = await this.#journal.tried(link.id);
    if (remaining === undefined) return { outcome: 'absent', link };
    if (await isPasscode(passcode ?? '', link.passcode)) return this.#shown(link, 1);
    return { outcome: 'refused', link, remaining };
  }

  async #shown(link: HealthLink, triesBack: 0 | 1): Promise<Look> {
    await this.#journal.shown(link.id, triesBack);
    return { outcome: 'shown', link };
  }

  /** Leads to the file for a short while, for whoever was shown the manifest. */
  ticket(token: string): string {
    const until = this.#now().getTime() + FILE_MS;
    return `${until}.${this.#signed(token, until)}`;
  }

  /** The file behind a ticket; undefined where it is not, or no more, of that link. */
  async file(token: string, ticket: string): Promise<HealthLink | undefined> {
    const [until = '', signature = ''] = ticket.split('.');
    const expected = Buffer.from(this.#signed(token, Number(until)));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    if (!(Number(until) > this.#now().getTime())) return undefined;
    const link = await this.#journal.find({ token_hash: hashOf(token) });
    return link !== undefined && isOpen(link, this.#now()) ? link : undefined;
  }

  #signed = (token: string, until: number): string =>
    createHmac('sha256', this.#ticketKey).update(`${until} ${token}`).digest('base64url');

  of(patient: string): Promise<HealthLink[]> {
    return this.#journal.of(patient);
  }

  find(id: string): Promise<HealthLink | undefined> {
    return this.#journal.find({ id });
  }

  /** Takes one back, or all of a patient. */
  end(which: { id: string } | { patient: string }): Promise<void> {
    return this.#journal.end(which, this.#now().toISOString());
  }
}

async function sealed(passcode: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return `${salt.toString('hex')}.${(await derive(passcode, salt, KEY_BYTES)).toString('hex')}`;
}

async function isPasscode(passcode: string, kept: string): Promise<boolean> {
  const [salt = '', hash = ''] = kept.split('.');
  const derived = await derive(passcode, Buffer.from(salt, 'hex'), KEY_BYTES);
  return timingSafeEqual(derived, Buffer.from(hash, 'hex'));
}
