/**
 * Links to a Jitsi Meet server that lets in whoever bears a token of its application's secret, for one room.
 * @see https://github.com/jitsi/lib-jitsi-meet/blob/master/doc/tokens.md
 */
import { readFileSync } from 'node:fs';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { OpenAdapter } from '../join-links.ts';

const SHORTEST_SECRET = 32;

const settingsSchema = z.strictObject({
  adapter: z.literal('jitsi'),
  /** Where rooms are: `https://meet.example`. */
  url: z.url({ protocol: /^https$/ }),
  appId: z.string().min(1).max(200),
  /** Path of a file with the secret, which the server has too. */
  secretFile: z.string().min(1),
});

/** @public It is loaded by the name of its file. @throws Error where a setting, or the file, is missing or not as it should be */
export const open: OpenAdapter = (settings) => {
  const { url, appId, secretFile } = settingsSchema.parse(settings);
  const secret = Buffer.from(readFileSync(secretFile, 'utf8').trim());
  if (secret.length < SHORTEST_SECRET) throw new Error(`the secret has less than ${SHORTEST_SECRET} bytes`);
  const { hostname } = new URL(url);
  return async ({ room, participant, isModerator, until }) => {
    const user = { id: participant, name: isModerator ? 'Practitioner' : 'Patient', moderator: String(isModerator) };
    const token = await new SignJWT({ room, context: { user } })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(appId)
      .setAudience('jitsi')
      .setSubject(hostname)
      .setNotBefore(Math.floor(Date.now() / 1000) - 10)
      .setExpirationTime(Math.floor(until / 1000))
      .sign(secret);
    return `${url.replace(/\/$/, '')}/${room}?jwt=${token}`;
  };
};
