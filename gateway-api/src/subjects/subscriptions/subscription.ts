/**
 * What a Subscription may say here (hl7.org/fhir/R4/subscription.html): that its owner is told by a rest-hook when a request for
 * access is made or something becomes of it, or of a claim, without any content; or of records, which may be sent.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../../auth/caller.ts';
import type { Search } from '../../fhir/repository.ts';
import { parseSearch } from '../../fhir/search-query.ts';
import { supportedType } from '../../fhir/types.ts';
import { filterIn, type Notice, noticeIn, RECORDED } from './backport.ts';

interface Channel {
  type?: unknown;
  endpoint?: unknown;
  payload?: unknown;
  _payload?: unknown;
  extension?: unknown;
  header?: unknown;
}

const KNOWN = [
  'resourceType',
  'id',
  'meta',
  'text',
  'status',
  'contact',
  'end',
  'reason',
  'criteria',
  '_criteria',
  'error',
  'channel',
];
/** Kinds of organisation that take part in requests for access. */
export const SUBSCRIBING: readonly Kind[] = ['custodian', 'provider', 'payer'];

const CHANNELS = ['rest-hook', 'websocket', 'email', 'sms', 'message'];
const MOST_HEADERS = 5;
const HEADER = /^([A-Za-z0-9-]{1,64}): ?([\x20-\x7e]{0,1000})$/;
/** What says where a request goes and how long it is. */
const OWN_HEADERS = /^(?:host|content-length|transfer-encoding|connection|upgrade|expect|te|trailer)$/i;

export type Topic = 'AuditEvent' | 'ClaimResponse' | 'ExplanationOfBenefit' | 'records';
/** Of a provider or payer: its claims and requests for authorization. */
const OF_CLAIMS: Topic = 'ClaimResponse';
/** Of a patient: what becomes of claims for her. */
const OF_HER_CLAIMS: Topic = 'ExplanationOfBenefit';

/** What a Subscription that was taken is about. */
export function topicOf({ criteria }: Record<string, unknown>): Topic {
  if (criteria === OF_CLAIMS) return OF_CLAIMS;
  const text = typeof criteria === 'string' ? criteria : '';
  if (text.startsWith(OF_HER_CLAIMS)) return OF_HER_CLAIMS;
  return text.startsWith('AuditEvent') ? 'AuditEvent' : 'records';
}

/** A Subscription that is sound. */
export interface Asked {
  /** What it is told of: accesses, or what becomes of claims and requests for authorization. */
  topic: Topic;
  /** Of records: those that are to be told of. */
  search?: Search;
  /** Id of the Patient; undefined: all of the organisation's. */
  patient: string | undefined;
  endpoint: URL;
  headers: [name: string, value: string][];
  /**
   * How it is told: `call`, that there is something; `resource`, each record by an update of its own; or by notifications of a topic,
   * with numbers.
   */
  told: 'call' | 'resource' | Notice;
  status: 'requested' | 'off';
  /** ISO 8601 UTC. */
  end: string | undefined;
}

const invalid = (reason: string, element: string): never => {
  throw new LedgerError('INVALID', reason, element === '' ? 'Subscription' : `Subscription.${element}`);
};

/**
 * @param own ids of the caller's Patients; undefined for a caller who sees all of the organisation's
 * @throws {LedgerError} INVALID, which is answered 422
 */
export function askedIn(body: Record<string, unknown>, own: readonly string[] | undefined): Asked {
  if (body['resourceType'] !== 'Subscription') invalid('must be a Subscription', 'resourceType');
  const other = Object.keys(body).find((name) => !KNOWN.includes(name));
  if (other !== undefined) invalid('is not understood here', other);
  const { status, reason, criteria, channel = {}, end } = body as Record<string, unknown> & { channel?: Channel };
  if (status !== 'requested' && status !== 'off')
    return invalid('must be requested, or off: the rest is the server’s to say', 'status');
  if (typeof reason !== 'string' || reason.trim() === '') invalid('is required', 'reason');
  if (typeof channel !== 'object' || channel === null) return invalid('is required', 'channel');
  return {
    status,
    topic: topicOf({ criteria }),
    ...aboutIn(body, own),
    ...channelIn(channel),
    told: toldBy(criteria, channel, own),
    end: end === undefined ? undefined : endIn(end),
  };
}

function endIn(end: unknown): string {
  const time =
    typeof end === 'string' && /^\d{4}-\d{2}-\d{2}T.*(?:Z|[+-]\d{2}:\d{2})$/.test(end) ? Date.parse(end) : NaN;
  if (Number.isNaN(time)) return invalid('must be an instant', 'end');
  return time > Date.now() ? new Date(time).toISOString() : invalid('is over', 'end');
}

/** What is sent is what the organisation's own search finds. */
function toldBy(criteria: unknown, channel: Channel, own: readonly string[] | undefined): Asked['told'] {
  if (criteria === RECORDED) return noticeIn(channel);
  const { payload, _payload, extension } = channel;
  if (_payload !== undefined || extension !== undefined)
    return invalid(
      'is understood with the criteria of a topic alone',
      _payload === undefined ? 'channel.extension' : 'channel.payload',
    );
  if (payload === undefined) return 'call';
  if (own !== undefined || topicOf({ criteria }) !== 'records')
    return invalid('must be absent: a notification of this has no content', 'channel.payload');
  return payload === 'application/fhir+json' ? 'resource' : invalid('must be application/fhir+json', 'channel.payload');
}

function aboutIn(body: Record<string, unknown>, own: readonly string[] | undefined): Pick<Asked, 'patient' | 'search'> {
  const { criteria } = body;
  if (criteria === RECORDED && own === undefined)
    return { patient: undefined, search: searchIn(filterIn(body), 'criteria') };
  if (body['_criteria'] !== undefined) invalid('is understood with the criteria of a topic alone', 'criteria');
  if (own === undefined && criteria === OF_CLAIMS) return { patient: undefined };
  if (own === undefined && topicOf({ criteria }) === 'records')
    return { patient: undefined, search: searchIn(criteria, 'criteria') };
  return { patient: patientIn(criteria, own) };
}

/**
 * `Observation?code=…`: a search of a type of records.
 * @throws {LedgerError} INVALID at the element for what is none
 */
function searchIn(criteria: unknown, element: string): Search {
  const [, name = '', query = ''] =
    /^([A-Z][A-Za-z]+)(?:\?(.*))?$/s.exec(typeof criteria === 'string' ? criteria : '') ?? [];
  const type = supportedType(name);
  if (type?.writer !== 'provider')
    return invalid('must be AuditEvent, ClaimResponse, or a search of a type of records', element);
  try {
    const { search, page, impossible } = parseSearch(type, [...new URLSearchParams(query)], '', false);
    if (page === undefined && !impossible) return search;
  } catch {
    // What is wrong with it is told without what it said.
  }
  return invalid('is no search that is understood here', element);
}

/** `AuditEvent`, of a patient with `patient`: accesses are AuditEvents. Of a patient `ExplanationOfBenefit` as well. */
function patientIn(criteria: unknown, own: readonly string[] | undefined): string | undefined {
  const text = typeof criteria === 'string' ? criteria : '';
  const [, type, query] = /^(AuditEvent|ExplanationOfBenefit)(?:\?(.*))?$/.exec(text) ?? [];
  if (type === undefined || (type === OF_HER_CLAIMS && own === undefined))
    return invalid(
      'must be AuditEvent, of a patient with ?patient=<id>, or her ExplanationOfBenefit, or of an organisation ClaimResponse or a search of its records',
      'criteria',
    );
  const parameters = [...new URLSearchParams(query ?? '')];
  if (parameters.some(([name]) => name !== 'patient') || parameters.length > 1)
    invalid('has no other parameter than patient, once', 'criteria');
  const named = parameters[0]?.[1].replace(/^Patient\//, '');
  if (own === undefined)
    return named === undefined ? undefined : invalid('is about this organisation’s requests', 'criteria');
  if (named !== undefined && !own.includes(named)) invalid('names another patient', 'criteria');
  return named ?? own[0];
}

function channelIn({ type, endpoint, header }: Channel): Pick<Asked, 'endpoint' | 'headers'> {
  if (type !== 'rest-hook')
    invalid(
      CHANNELS.includes(String(type))
        ? `the channel ${String(type)} is not supported: rest-hook is`
        : 'must be rest-hook',
      'channel.type',
    );
  const url =
    typeof endpoint === 'string' && endpoint.length <= 2_000 && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    return invalid('must be an http(s) URL', 'channel.endpoint');
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    invalid('must have no user and no fragment', 'channel.endpoint');
  const lines =
    header === undefined ? [] : Array.isArray(header) ? header : invalid('must be a list', 'channel.header');
  if (lines.length > MOST_HEADERS) invalid(`at most ${MOST_HEADERS}`, 'channel.header');
  const headers = (lines as unknown[]).map((line, at): [string, string] => {
    const [, name = '', value = ''] = HEADER.exec(String(line)) ?? [];
    if (name === '' || OWN_HEADERS.test(name))
      invalid('must be a header such as Authorization: …', `channel.header[${at}]`);
    return [name, value];
  });
  return { endpoint: url, headers };
}

/** Whose subscriptions a caller sees. */
export const ownersOf = ({ role, fhirUser, subject, linked = [] }: Caller): string[] =>
  role === 'patient' ? [fhirUser ?? '', ...linked.map((id) => `Patient/${id}`)] : [subject];
