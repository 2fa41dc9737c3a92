/** Her record, taken along: everything that her custodian has of a patient, with its proofs, as one file. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { ArchivedFile } from '@telemed-ledger/verifier/archive.ts';
import { Archive } from '@telemed-ledger/verifier/archive.ts';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { originOf } from '../../http/origin.ts';
import { route } from '../../http/routes.ts';
import { written } from '../../http/streamed-json.ts';
import { filesOf, gathered } from './files.ts';

export const exportRecord = route({
  method: 'get',
  kind: 'custodian',
  path: '/fhir/R4/Patient/:id/$export-record',
  summary: 'All of a patient’s record with its receipts and her log, as one ZIP file: docs/export.md.',
  roles: ['system', 'patient', 'caretaker'],
  parameters: z.object({ id: z.string() }),
  answers: {
    200: { description: 'application/zip; `npm run verify -- FILE ROOTS` checks it.', schema: z.string() },
    404: { description: 'There is no such patient, or it is another than the one who asks.' },
    429: { description: 'This client has another under way: Retry-After says when to ask again. 503: others have.' },
  },
  async handle({ caller, parameters: { id } }, services) {
    const own = compartmentOf(caller, 'read');
    if (own !== undefined && own !== id) throw new LedgerError('NOT_FOUND', 'there is no such patient');
    const release = services.exports.takeNow(caller.subject);
    const gathering = await gathered(id, caller, services).catch((error: unknown) => {
      release();
      throw error;
    });
    return {
      headers: {
        ...{ 'Content-Type': 'application/zip', 'Cache-Control': 'no-store' },
        'Content-Disposition': 'attachment; filename="record.zip"',
      },
      body: '',
      stream: (request, response) => sendArchive(response, filesOf(gathering, services, baseUrlOf(request)), release),
    };
  },
});

const baseUrlOf = (request: Request): string => `${originOf(request)}/fhir/R4`;

/** Whoever reads nothing for so long has no more of it. */
const STALLED_MS = 30_000;

/** What fails after the head is sent ends the connection: a file that breaks off is seen to. */
async function sendArchive(response: Response, files: AsyncIterable<ArchivedFile>, release: () => void): Promise<void> {
  response.setTimeout(STALLED_MS, () => response.destroy());
  const archive = new Archive();
  try {
    for await (const file of files) {
      for (const piece of [archive.add(file), file.bytes])
        if (piece.length > 0 && !(await written(response, piece))) return;
    }
    response.end(archive.end());
  } catch (error) {
    response.destroy();
    throw error;
  } finally {
    release();
  }
}
