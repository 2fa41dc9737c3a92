/**
 * Where a request that is answered later stands, and its answer (hl7.org/fhir/R4/async.html#3.1.6.3). Whoever asks is the caller of
 * the request itself, limited as he was: of anybody else's there is nothing here.
 */
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import type { Files } from '../../fhir/asynchronous.ts';
import { type Failed, outcomeOf, Refusal, refuse } from '../../fhir/outcomes.ts';
import { type Route, type RouteAnswer, route } from '../../http/routes.ts';
import type { Services } from '../services.ts';
import { type AsyncState, LOST } from './requests.ts';

const BASE = '/fhir/R4';
const NDJSON = 'application/fhir+ndjson';
const OUTCOME = 'OperationOutcome';
/** Those by which a client would take the answer for one about its asking, and ask again. */
const ASK_AGAIN = [401, 429, 502, 503, 504];
const ofOne = z.object({ id: z.string() });
const UNKNOWN = { 404: { description: 'There is no such request of this caller (any more).' } };
const KEPT = { 'Cache-Control': 'no-store' };

type Done = Extract<AsyncState, { is: 'done' }>;

/** @throws {Refusal} 404 */
async function stateOf(id: string, caller: Caller, { asyncRequests }: Services): Promise<AsyncState> {
  return (await asyncRequests.of(caller, id)) ?? refuse(404, 'not-found', 'There is no such request.');
}

const status = route<{ id: string }>({
  ...{ method: 'get', path: `${BASE}/$async-status/:id`, scope: 'asked before', parameters: ofOne },
  summary: 'How far a request is that is answered later, and where its answer is.',
  answers: {
    200: { description: 'The manifest; of a request for a Bundle, that.' },
    202: { description: 'Under way; X-Progress says how far.' },
    ...UNKNOWN,
  },
  async handle({ caller, parameters: { id }, origin }, services) {
    const state = await stateOf(id, caller, services);
    if (state.is === 'under way')
      return { status: 202, headers: { ...KEPT, 'X-Progress': state.progress, 'Retry-After': '1' }, body: '' };
    if (state.is === 'lost') throw failed(LOST);
    if (state.is === 'done') return state.isBundle ? bundleOf(state) : manifestOf(id, state, origin);
    return state.isBundle ? failedBundle(state.failed) : Promise.reject(failed(state.failed));
  },
});

function failed({ status, issues }: Failed): Refusal {
  return new Refusal(ASK_AGAIN.includes(status) ? 500 : status, issues);
}

const expiring = ({ expiresAt }: Done): Record<string, string> => ({
  ...KEPT,
  Expires: new Date(expiresAt).toUTCString(),
});

function manifestOf(id: string, done: Done, origin: string): RouteAnswer {
  const { at, request, files } = done;
  const listed = [...files].map(([type, { count }]) => ({
    ...{ type, count, url: `${origin}${BASE}/$async-file/${id}/${type}.ndjson` },
  }));
  const body = {
    ...{ transactionTime: at, request, requiresAccessToken: true },
    output: listed.filter(({ type }) => type !== OUTCOME),
    error: listed.filter(({ type }) => type === OUTCOME),
  };
  return { body, headers: expiring(done) };
}

const FHIR = 'application/fhir+json; charset=utf-8';

const bundleOf = (done: Done): RouteAnswer => ({
  headers: { ...expiring(done), 'Content-Type': FHIR },
  body: textOf(done.files, 'Bundle'),
});

const failedBundle = ({ status, issues }: Failed): RouteAnswer => ({
  headers: { ...KEPT, 'Content-Type': FHIR },
  body: {
    ...{ resourceType: 'Bundle', type: 'batch-response' },
    entry: [{ response: { status: String(status), outcome: outcomeOf(issues) } }],
  },
});

/** @throws {Refusal} 404 */
const textOf = (files: Files, type: string): Buffer =>
  files.get(type)?.text ?? refuse(404, 'not-found', 'There is no such file.');

const file = route<{ id: string; file: string }>({
  ...{ method: 'get', path: `${BASE}/$async-file/:id/:file`, scope: 'asked before' },
  summary: 'A file of an answer: resources of one type, one a line.',
  parameters: z.object({ id: z.string(), file: z.string() }),
  answers: { 200: { description: NDJSON, schema: z.string() }, ...UNKNOWN },
  async handle({ caller, parameters: { id, file: name } }, services) {
    const state = await stateOf(id, caller, services);
    if (state.is !== 'done') return refuse(404, 'not-found', 'There is no such file.');
    const body = textOf(state.files, name.replace(/\.ndjson$/, ''));
    return { headers: { ...expiring(state), 'Content-Type': NDJSON }, body };
  },
});

const cancel = route<{ id: string }>({
  ...{ method: 'delete', path: `${BASE}/$async-status/:id`, scope: 'asked before', parameters: ofOne },
  summary: 'Ends a request that is answered later, and takes its answer away; what it has begun to write is written.',
  answers: { 202: { description: 'It is gone.' }, ...UNKNOWN },
  async handle({ caller, parameters: { id } }, { asyncRequests }) {
    if (!(await asyncRequests.forget(caller, id))) return refuse(404, 'not-found', 'There is no such request.');
    return { status: 202, body: '' };
  },
});

export const asynchronous: readonly Route[] = [status, file, cancel];
