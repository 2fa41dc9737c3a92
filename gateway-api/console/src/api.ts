/** The gateway's public API: what a page does, an integrator can do. A token goes in a header, never in an address. */
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
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** @throws {Problem} */
async function sent({ method = 'GET', path, body, headers = {}, signal }: Sending): Promise<Response> {
  const bearer = await token();
  const signals = [AbortSignal.timeout(PATIENCE_MS), ...(signal === undefined ? [] : [signal])];
  const isFhir = path.startsWith(FHIR);
  try {
    return await fetch(path, {
      method,
      signal: AbortSignal.any(signals),
      cache: 'no-store',
      headers: {
        ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
        'Accept-Language': language(),
        ...(body === undefined ? {} : { 'Content-Type': isFhir ? 'application/fhir+json' : 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
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

export const fhirPath = (path: string): string => `${FHIR}/${path}`;

/** Hands bytes to the browser to be kept as a file. */
export function keepFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
