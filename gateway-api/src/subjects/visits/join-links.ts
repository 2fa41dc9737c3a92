/**
 * Where the video call of a visit is joined: each provider has an adapter (adapters/, a file for each), which the gateways of its
 * practitioners and of its patients are given with the same settings. An adapter learns neither the visit's id nor who takes part.
 */
import { existsSync } from 'node:fs';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';

/** What an adapter makes a link of. */
interface Joining {
  /** The same for all who take part in one visit, and for nobody else. */
  room: string;
  /** Who joins, by a name of this visit alone. */
  participant: string;
  isModerator: boolean;
  /** When the link ends, milliseconds since 1970. */
  until: number;
}

type Link = (joining: Joining) => Promise<string>;
/** @throws Error where the settings are not its own */
export type OpenAdapter = (settings: unknown) => Link;

const fileOf = (adapter: string): URL => new URL(`./adapters/${adapter}.ts`, import.meta.url);

/** By names of providers: the adapter, and what it wants to know. */
export const videoSchema = z.record(
  nameSchema,
  z.looseObject({
    adapter: z
      .string()
      .regex(/^[a-z][a-z-]{0,30}$/)
      .refine((name) => existsSync(fileOf(name)), 'is no adapter'),
  }),
);
export type Video = z.infer<typeof videoSchema>;

const LASTS_MS = 2 * 60_000;

export class JoinLinks {
  readonly #links: ReadonlyMap<string, Link>;

  private constructor(links: ReadonlyMap<string, Link>) {
    this.#links = links;
  }

  /** @throws Error where an adapter does not take its settings */
  static async open(video: Video): Promise<JoinLinks> {
    const links = new Map<string, Link>();
    for (const [provider, settings] of Object.entries(video)) {
      const { open } = (await import(fileOf(settings.adapter).href)) as { open: OpenAdapter };
      links.set(provider, open(settings));
    }
    return new JoinLinks(links);
  }

  /**
   * The link for one who takes part, and when it ends; undefined where the provider has no adapter here.
   * @param who `Type/id`
   */
  async to(visit: { provider: string; id: string; who: string }): Promise<{ link: string; until: number } | undefined> {
    const { provider, id, who } = visit;
    const make = this.#links.get(provider);
    if (make === undefined) return undefined;
    const until = Date.now() + LASTS_MS;
    const nameOf = (what: string): string => sha256Hex(`${what}/${provider}/${id}`).slice(0, 32);
    const isModerator = who.startsWith('Practitioner/');
    return { link: await make({ room: nameOf('room'), participant: nameOf(who), isModerator, until }), until };
  }
}
