/**
 * Bulk Data 2.0's `$export` (hl7.org/fhir/uv/bulkdata/export.html): of everything, of all patients, or of those of a Group. What
 * there is of is found out while the client waits; the files themselves are made as they are read.
 */

import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { outcomeOf, refuse } from '../../fhir/outcomes.ts';
import { inTurn } from '../../http/pauses.ts';
import { type Route, type RouteAnswer, type RouteRequest, route } from '../../http/routes.ts';
import { written } from '../../http/streamed-json.ts';
import { withContents } from '../contents/repository.ts';
import { Records } from '../records/records.ts';
import type { Services } from '../services.ts';
import { askedIn, type Query } from './asking.ts';
import type { BulkExport, ExportAsked } from './exports.ts';
import { hasAny, recordsOf } from './reading.ts';

const BASE = '/fhir/R4';
const NDJSON = 'application/fhir+ndjson';
const READS = { type: '*', acts: ['r', 's'] } as const;
const oneOrMore = z.union([z.string(), z.array(z.string())]).optional();
/** What else stands there is refused in askedIn. */
const querySchema = z.looseObject({
  _outputFormat: oneOrMore,
  _since: oneOrMore,
  _type: oneOrMore,
  _typeFilter: oneOrMore,
});
/** Everything of an organisation goes to its systems. */
const ROLES = ['system'] as const;
const ACCEPTED = {
  202: { description: 'Content-Location says where to ask for it; X-Progress how far it is.' },
  400: { description: 'A parameter that this server does not know.' },
};

const ofOne = z.object({ id: z.string() });

type Asking = RouteRequest<{ id?: string }, unknown, Query>;

const kickOff = (
  path: string,
  summary: string,
  patientsOf: (asking: Asking, services: Services) => Promise<string[] | undefined>,
) =>
  route<{ id?: string }, unknown, Query>({
    ...{ method: 'get', path: `${BASE}${path}`, summary, roles: ROLES, scope: READS, answers: ACCEPTED },
    parameters: path.includes(':id') ? ofOne : z.object({}),
    query: querySchema as unknown as z.ZodType<Query>,
    async handle(asking, services) {
      const ofPatients = path !== '/$export';
      const { caller, query, origin, parameters } = asking;
      const wanted = askedIn(query, ofPatients);
      const patients = await patientsOf(asking, services);
      const words = new URLSearchParams(
        Object.entries(query).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one])),
      );
      const request = `${origin}${BASE}${path.replace(':id', parameters.id ?? '')}${words.size === 0 ? '' : `?${words}`}`;
      const asked: ExportAsked = {
        ...{ request, ...wanted, ofPatients, at: new Date().toISOString() },
        ...(patients === undefined ? {} : { patients }),
      };
      const id = await services.bulkExports.begin(caller.subject, asked);
      void lookThrough(id, asked, caller, services);
      return { status: 202, headers: { 'Content-Location': `${origin}${BASE}/$export-status/${id}` }, body: '' };
    },
  });

const nobodyApart = async (): Promise<undefined> => undefined;

/** Who is in a group now. @throws {Refusal} 404 */
async function membersOf({ caller, parameters: { id = '' } }: Asking, services: Services): Promise<string[]> {
  const isId = /^[A-Za-z0-9.-]{1,64}$/.test(id);
  const group = isId ? await new Records(services, {}).read(caller, 'Group', id) : undefined;
  if (group === undefined) return refuse(404, 'not-found', 'This server has no such resource.');
  const members = [group.resource['member'] ?? []].flat() as { entity?: { reference?: string }; inactive?: boolean }[];
  const ids = members
    .filter(({ inactive }) => inactive !== true)
    .flatMap(({ entity }) => /^Patient\/([A-Za-z0-9.-]{1,64})$/.exec(entity?.reference ?? '')?.[1] ?? []);
  return [...new Set(ids)];
}

/** Finds out of which types there is something. One that fails is begun again when it is asked after. */
async function lookThrough(id: string, asked: ExportAsked, caller: Caller, services: Services): Promise<void> {
  const { bulkExports, log } = services;
  if (bulkExports.under.has(id)) return;
  const progress = { done: 0, of: asked.types.length };
  bulkExports.under.set(id, progress);
  try {
    const reading = { records: recordsOfAll(services), caller, inTurn: turnsOf(caller, services) };
    const [types, notes]: [string[], string[]] = [[], []];
    for (const type of asked.types) {
      const found = await hasAny(type, asked, reading);
      if (found === true) types.push(type);
      if (found === undefined) notes.push(`Not shown to this caller: ${type}.`);
      progress.done += 1;
    }
    await bulkExports.done(id, { types, notes });
  } catch (error) {
    log.warn({ export: id, reason: (error as Error).name }, 'an export is to be looked through again');
  } finally {
    bulkExports.under.delete(id);
  }
}

const recordsOfAll = (services: Services) => withContents(new Records(services, {}), services.contents);

const turnsOf =
  ({ subject }: Caller, { reads }: Pick<Services, 'reads'>) =>
  <T>(work: () => Promise<T>): Promise<T> =>
    reads.run(subject, work);

const ofFile = z.object({ id: z.string(), file: z.string() });
const UNKNOWN = { 404: { description: 'There is no such export of this client (any more).' } };

/** @throws {Refusal} 404 */
async function oneOf(id: string, { subject }: Caller, { bulkExports }: Services): Promise<BulkExport> {
  return (await bulkExports.of(subject, id)) ?? refuse(404, 'not-found', 'There is no such export.');
}

const status = route<{ id: string }>({
  ...{ method: 'get', path: `${BASE}/$export-status/:id`, roles: ROLES, scope: READS },
  summary: 'How far an export is, and its files once it is there.',
  parameters: ofOne,
  answers: { 200: { description: 'The manifest.' }, ...ACCEPTED, ...UNKNOWN },
  async handle({ caller, parameters: { id }, origin }, services) {
    const one = await oneOf(id, caller, services);
    if (one.outcome !== undefined) return manifestOf(one, one.outcome, origin);
    void lookThrough(id, one.asked, caller, services);
    const { done = 0, of = 0 } = services.bulkExports.under.get(id) ?? {};
    const headers = { 'X-Progress': `${done} of ${of} types`, 'Retry-After': '1' };
    return { status: 202, headers, body: '' };
  },
});

function manifestOf(
  { id, asked, expiresAt }: BulkExport,
  outcome: NonNullable<BulkExport['outcome']>,
  origin: string,
): RouteAnswer {
  const urlOf = (file: string): string => `${origin}${BASE}/$export-file/${id}/${file}.ndjson`;
  const errors = outcome.notes.length === 0 ? [] : [{ type: 'OperationOutcome', url: urlOf('OperationOutcome') }];
  const body = {
    ...{ transactionTime: asked.at, request: asked.request, requiresAccessToken: true },
    output: outcome.types.map((type) => ({ type, url: urlOf(type) })),
    ...{ deleted: [], error: errors },
  };
  return { body, headers: { Expires: new Date(expiresAt).toUTCString(), 'Cache-Control': 'no-store' } };
}

const file = route<{ id: string; file: string }>({
  ...{ method: 'get', path: `${BASE}/$export-file/:id/:file`, roles: ROLES, scope: READS },
  summary: 'A file of an export: records of one type, one a line.',
  parameters: ofFile,
  answers: { 200: { description: NDJSON, schema: z.string() }, ...UNKNOWN },
  async handle({ caller, parameters: { id, file: name } }, services) {
    const { asked, outcome } = await oneOf(id, caller, services);
    const type = name.replace(/\.ndjson$/, '');
    const isNotes = type === 'OperationOutcome' && (outcome?.notes.length ?? 0) > 0;
    if (outcome === undefined || !(isNotes || outcome.types.includes(type)))
      return refuse(404, 'not-found', 'There is no such file.');
    const headers = { 'Content-Type': NDJSON, 'Cache-Control': 'no-store' };
    if (isNotes) return { headers, body: linesOf(outcome.notes.map(noteOf)) };
    const reading = { records: recordsOfAll(services), caller, inTurn: turnsOf(caller, services) };
    const pages = recordsOf(type, asked, reading);
    return {
      ...{ headers, body: '' },
      stream: async (_request, response) => {
        // What fails after the head is sent ends the connection: a file that breaks off is seen to.
        try {
          for await (const page of pages) {
            const lines = await inTurn(() => linesOf(page));
            if (lines !== '' && !(await written(response, lines))) return;
          }
          response.end();
        } catch (error) {
          response.destroy();
          throw error;
        }
      },
    };
  },
});

const linesOf = (resources: readonly object[]): string => resources.map((one) => `${JSON.stringify(one)}\n`).join('');
const noteOf = (diagnostics: string): object =>
  outcomeOf([{ severity: 'information', code: 'suppressed', diagnostics }]);

const cancel = route<{ id: string }>({
  ...{ method: 'delete', path: `${BASE}/$export-status/:id`, roles: ROLES, scope: READS },
  summary: 'Ends an export, and takes its files away.',
  parameters: ofOne,
  answers: { 202: { description: 'It is gone.' }, ...UNKNOWN },
  async handle({ caller, parameters: { id } }, { bulkExports }) {
    if (!(await bulkExports.forget(caller.subject, id))) return refuse(404, 'not-found', 'There is no such export.');
    return { status: 202, body: '' };
  },
});

export const bulkExport: readonly Route[] = [
  kickOff('/$export', 'Exports all records (Bulk Data).', nobodyApart),
  kickOff('/Patient/$export', 'Exports the records of all patients (Bulk Data).', nobodyApart),
  kickOff('/Group/:id/$export', 'Exports the records of a group’s patients (Bulk Data).', membersOf),
  ...[status, file, cancel],
];
