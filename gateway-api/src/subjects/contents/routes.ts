/** Cipher texts of what Binaries hold, for gateways of organisations that were given the record, and with it hash and key. */
import { z } from 'zod';
import { refuse } from '../../fhir/outcomes.ts';
import { route } from '../../http/routes.ts';

export const cipherText = route<{ hash: string }>({
  method: 'get',
  path: '/contents/:hash',
  summary: 'What a Binary holds that is kept here, encrypted. Only who has the record knows its hash, and its key.',
  open: true,
  parameters: z.object({ hash: z.string().meta({ description: 'SHA-256 of the cipher text, hex.' }) }),
  answers: {
    200: { description: 'application/octet-stream', schema: z.string() },
    404: { description: 'It is not here.' },
  },
  async handle({ parameters: { hash } }, { contents }) {
    const bytes = /^[0-9a-f]{64}$/.test(hash) ? await contents.cipherText(hash) : undefined;
    if (bytes === undefined) return refuse(404, 'not-found', 'There is no such content here.');
    const headers = { 'Content-Type': 'application/octet-stream', 'Cache-Control': 'no-store' };
    return { headers: { ...headers, 'Content-Disposition': 'attachment' }, body: bytes };
  },
});
