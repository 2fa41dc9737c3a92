/**
 * What a Subscription to a topic says (hl7.org/fhir/uv/subscriptions-backport, for R4): the topic as its criteria, and in extensions
 * what of it, how much of each event, and how often it is told that all is well.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';

const IG = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';
/** Records that a search finds were recorded, or changed. */
export const RECORDED = 'https://telemed-ledger.example/fhir/SubscriptionTopic/recorded';
const CONTENTS = ['empty', 'id-only', 'full-resource'] as const;
export type Content = (typeof CONTENTS)[number];
export const STATUS_PROFILE = `${IG}/backport-subscription-status-r4`;
const DEFAULT_COUNT = 20;
const MOST_COUNT = 100;
const SHORTEST_HEARTBEAT_S = 10;

/** How events are told. */
export interface Notice {
  content: Content;
  /** Events of one notification, at most. */
  count: number;
  /** Between notifications, ms; undefined: as long as there is nothing to tell. */
  heartbeatMs?: number;
}

interface Extended {
  extension?: { url?: unknown; [value: string]: unknown }[];
}

const invalid = (reason: string, element: string): never => {
  throw new LedgerError('INVALID', reason, `Subscription.${element}`);
};

/** Values of extensions by their last word; what is not understood could have asked for less. @throws {LedgerError} INVALID */
function extensionsOf(holder: unknown, known: readonly string[], element: string): Map<string, unknown> {
  const { extension = [], ...rest } = (holder ?? {}) as Extended;
  if (!Array.isArray(extension) || Object.keys(rest).length > 0) invalid('is not understood here', element);
  const found = new Map<string, unknown>();
  for (const [at, one] of extension.entries()) {
    const { url, ...values } = one ?? {};
    const name = known.find((word) => url === `${IG}/${word}`);
    const [value, ...others] = Object.values(values);
    if (name === undefined || found.has(name) || value === undefined || others.length > 0)
      return invalid('is not understood here', `${element}.extension[${at}]`);
    found.set(name, value);
  }
  return found;
}

/** @returns the search of `backport-filter-criteria`. @throws {LedgerError} INVALID */
export function filterIn(body: Record<string, unknown>): unknown {
  const filter = extensionsOf(body['_criteria'], ['backport-filter-criteria'], 'criteria');
  return filter.get('backport-filter-criteria') ?? invalid('needs a filter: Observation?code=…', 'criteria');
}

interface Channel {
  payload?: unknown;
  _payload?: unknown;
  extension?: unknown;
}

/** @throws {LedgerError} INVALID */
export function noticeIn({ payload, _payload, extension }: Channel): Notice {
  if (payload !== undefined && payload !== 'application/fhir+json')
    invalid('must be application/fhir+json', 'channel.payload');
  const kind = extensionsOf(_payload, ['backport-payload-content'], 'channel.payload').get('backport-payload-content');
  const content = CONTENTS.find((one) => one === (kind ?? 'empty'));
  if (content === undefined) return invalid(`must be ${CONTENTS.join(', ')}`, 'channel.payload');
  const known = ['backport-heartbeat-period', 'backport-timeout', 'backport-max-count'];
  const said = extensionsOf(extension === undefined ? undefined : { extension }, known, 'channel');
  const numberOf = (name: string, least: number): number | undefined => {
    const value = said.get(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    return Number.isInteger(number) && number >= least
      ? number
      : invalid(`${name} must be a whole number from ${least}`, 'channel');
  };
  const heartbeat = numberOf('backport-heartbeat-period', 0);
  numberOf('backport-timeout', 0);
  return {
    content,
    count: Math.min(numberOf('backport-max-count', 1) ?? DEFAULT_COUNT, MOST_COUNT),
    ...(heartbeat === undefined || heartbeat === 0
      ? {}
      : { heartbeatMs: Math.max(heartbeat, SHORTEST_HEARTBEAT_S) * 1_000 }),
  };
}
