/** Subscriptions to Observations in every way in which their owner can be told of them, for tests. */
import { RECORDED } from './backport.ts';
import type { Endpoint } from './endpoint.fixture.ts';

const IG = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';
const JSON_TYPE = 'application/fhir+json';

export const CHANNELS = ['call', 'resource', 'empty', 'id-only', 'full-resource'] as const;
export type Channel = (typeof CHANNELS)[number];

/** A Subscription that is told at `<origin>/<path>/<channel>`. */
export function subscriptionBy(channel: Channel, { origin }: Pick<Endpoint, 'origin'>, path: string): object {
  const to = { type: 'rest-hook', endpoint: `${origin}/${path}/${channel}` };
  const plain = { resourceType: 'Subscription', status: 'requested', reason: 'x', criteria: 'Observation' };
  if (channel === 'call') return { ...plain, channel: to };
  if (channel === 'resource') return { ...plain, channel: { ...to, payload: JSON_TYPE } };
  return {
    ...{ ...plain, criteria: RECORDED },
    _criteria: { extension: [{ url: `${IG}/backport-filter-criteria`, valueString: 'Observation' }] },
    channel: {
      ...{ ...to, payload: JSON_TYPE },
      _payload: { extension: [{ url: `${IG}/backport-payload-content`, valueCode: channel }] },
    },
  };
}

/** What an endpoint was sent: `handshake`, `call`, an update's path, or of a notification the numbers of its events. */
export const saidTo = ({ got }: Endpoint, path: string, channel: Channel): string[] =>
  got
    .filter((one) => one.path.startsWith(`/${path}/${channel}`))
    .map(({ method, path: at, body }) => {
      if (method === 'PUT') return at.split('/').slice(-2).join('/');
      if (body === '') return 'call';
      const { parameter } = JSON.parse(body).entry[0].resource;
      const value = (name: string) => parameter.find((one: { name: string }) => one.name === name);
      if (value('type').valueCode !== 'event-notification') return value('type').valueCode;
      const events = parameter.filter((one: { name: string }) => one.name === 'notificationEvent');
      return `events ${events.map(({ part }: { part: { valueString?: string }[] }) => part[0]?.valueString).join(' ')}`;
    });
