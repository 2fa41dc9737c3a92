/** The gateway's public API: what a page does, an integrator can do. A token goes in a header, never in an address. */
import { actsFor } from './acting.ts';
import { language } from './language.ts';
import { Problem, problemOf } from './problem.ts';
import { signOut, token } from './sign-in.ts';

const FHIR = '/fhir/R4';
const PATIENCE_MS = 30_000;

export interface Answer<T> {
  status: number;
  body: T;
  headers: Headers;
}

interface Sending {
  method?: 'GET' | 'POST' | 'PUT';
  path: string;
  /** As JSON; with a media type of its own as it is. */
  body?: unknown;
  type?: string;
  /** In the place of a body: what names a person goes in a form, and in no address. */
  form?: Readonly<Record<string, string>>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** For what takes longer than others. */
  patienceMs?: number;
}

/** By what is sent as what: FHIR's resources, other JSON, or a form; nothing where there is nothing to send. */
function payloadOf({ path, body, type: own, form }: Sending): { type?: string; text?: string } {
  if (form !== undefined)
    return { type: 'application/x-www-form-urlencoded', text: new URLSearchParams(form).toString() };
  if (body === undefined) return {};
  if (own !== undefined) return { type: own, text: String(body) };
  const type = path.startsWith(FHIR) ? 'application/fhir+json' : 'application/json';
  return { type, text: JSON.stringify(body) };
}

/** @throws {Problem} */
async function sent(sending: Sending): Promise<Response> {
  const { method = 'GET', path, headers = {}, signal, patienceMs = PATIENCE_MS } = sending;
  const { type, text } = payloadOf(sending);
  const bearer = await token();
  const signals = [AbortSignal.timeout(patienceMs), ...(signal === undefined ? [] : [signal])];
  try {
    return await fetch(path, {
      method,
      signal: AbortSignal.any(signals),
      cache: 'no-store',
      headers: {
        ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
        'Accept-Language': language(),
        ...(actsFor.now === undefined ? {} : { 'X-Patient': actsFor.now.patient }),
        ...(type === undefined ? {} : { 'Content-Type': type }),
        ...headers,
      },
      ...(text === undefined ? {} : { body: text }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new Problem((error as Error).name === 'TimeoutError' ? 'slow' : 'offline', '');
  }
}

/** @throws {Problem} for everything but success */
export async function ask<T>(sending: Sending): Promise<Answer<T>> {
  const response = await sent(sending);
  const text = await response.text();
  const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '');
  const body = isJson && text !== '' ? (JSON.parse(text) as unknown) : text;
  if (response.status === 401) void signOut('ended');
  if (!response.ok) throw problemOf(response.status, body, response.headers.get('x-request-id') ?? undefined);
  return { status: response.status, body: body as T, headers: response.headers };
}

/** A file of the gateway's, as bytes. @throws {Problem} */
export async function file(path: string, headers: Record<string, string> = {}): Promise<Blob> {
  const response = await sent({ path, headers });
  if (!response.ok) throw problemOf(response.status, undefined, response.headers.get('x-request-id') ?? undefined);
  return response.blob();
}

interface Bundle<T> {
  entry?: { resource: T }[];
  link?: { relation: string; url: string }[];
}

export interface Found<T> {
  found: T[];
  /** Path of the next page. */
  next: string | undefined;
}

/** A page of a search. @param path after FHIR's base, or as `next` has it. @throws {Problem} */
export async function search<T>(path: string, signal?: AbortSignal): Promise<Found<T>> {
  const whole = path.startsWith(FHIR) ? path : `${FHIR}/${path}`;
  const { body } = await ask<Bundle<T>>({ path: whole, ...(signal && { signal }) });
  const next = body.link?.find(({ relation }) => relation === 'next')?.url;
  const place = next === undefined ? undefined : new URL(next, location.origin);
  return {
    found: (body.entry ?? []).map(({ resource }) => resource),
    next: place && place.pathname + place.search,
  };
}

/** A search by what names a person, which goes in a form and in no address. @throws {Problem} */
export async function searchByForm<T>(type: string, form: Record<string, string>, signal?: AbortSignal): Promise<T[]> {
  const path = `${FHIR}/${type}/_search`;
  const { body } = await ask<Bundle<T>>({ method: 'POST', path, form, ...(signal && { signal }) });
  return (body.entry ?? []).map(({ resource }) => resource);
}

interface Versioned {
  resourceType: string;
  id?: string;
  meta?: { versionId?: string };
}

/** A next version of a resource as it was read, unless somebody has changed it since. @throws {Problem} */
export function change<T extends Versioned>(resource: T, some: object, key: string): Promise<Answer<T>> {
  const { meta, ...rest } = resource;
  const match = meta?.versionId === undefined ? {} : { 'If-Match': `W/"${meta.versionId}"` };
  return ask<T>({
    ...{ method: 'PUT', path: fhirPath(`${resource.resourceType}/${resource.id}`), body: { ...rest, ...some } },
    headers: { 'Idempotency-Key': key, Prefer: 'return=representation', ...match },
  });
}

/** What was written, by the number of its transaction. */
export const transactionOf = ({ headers }: Answer<unknown>): string | undefined =>
  headers.get('x-transaction-id') ?? undefined;

export const fhirPath = (path: string): string => (path === '' ? FHIR : `${FHIR}/${path}`);

/** Hands bytes to the browser to be kept as a file. */
export function keepFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
