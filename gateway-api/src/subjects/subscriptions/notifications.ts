/**
 * Notifications of topics (hl7.org/fhir/uv/subscriptions-backport/notifications.html, for R4): a history Bundle that begins with the
 * Subscription's status as Parameters, and goes on with what the events are about, as far as it is asked for.
 */
import { randomUUID } from 'node:crypto';
import type { StoredResource } from '../../fhir/repository.ts';
import type { Subscription, SubscriptionEvent } from '../../idempotency/subscriptions.ts';
import { type Content, RECORDED, STATUS_PROFILE } from './backport.ts';

export type NotificationType = 'handshake' | 'heartbeat' | 'event-notification' | 'query-status' | 'query-event';

/** An event with what its owner may read of it now: nothing, where that is nothing. */
export interface ShownEvent {
  event: SubscriptionEvent;
  found: StoredResource | undefined;
  /** Whether there is something, also where it is not asked for. */
  isThere: boolean;
}

export interface Notification {
  row: Pick<Subscription, 'id' | 'status' | 'events' | 'error'>;
  type: NotificationType;
  /** Of the gateway, as its owner knows it. */
  baseUrl: string;
  content?: Content;
  events?: readonly ShownEvent[];
}

const urlOf = ({ type, id }: SubscriptionEvent): string => `${type}/${id}`;

/** `Subscription/<id>/$status`: Parameters of the profile of a subscription's status. */
export function statusOf({ row, type, baseUrl, content, events = [] }: Notification): object {
  const { id, status, events: number, error } = row;
  const told = events.map(({ event, found }) => ({
    name: 'notificationEvent',
    part: [
      { name: 'eventNumber', valueString: String(event.number) },
      { name: 'timestamp', valueInstant: event.at },
      ...(content === 'empty' || found === undefined
        ? []
        : [{ name: 'focus', valueReference: { reference: `${baseUrl}/${urlOf(event)}` } }]),
    ],
  }));
  return {
    ...{ resourceType: 'Parameters', id: randomUUID(), meta: { profile: [STATUS_PROFILE] } },
    parameter: [
      { name: 'subscription', valueReference: { reference: `${baseUrl}/Subscription/${id}` } },
      { name: 'topic', valueCanonical: RECORDED },
      { name: 'status', valueCode: status },
      { name: 'type', valueCode: type },
      { name: 'eventsSinceSubscriptionStart', valueString: String(number) },
      ...told,
      ...(error === null ? [] : [{ name: 'error', valueCodeableConcept: { text: error } }]),
    ],
  };
}

export function notificationOf(notification: Notification): object {
  const { row, baseUrl, content, events = [] } = notification;
  const status = statusOf(notification) as { id: string };
  const shown = content === undefined || content === 'empty' ? [] : events.filter(({ found }) => found !== undefined);
  // A record that several events are about is in it once.
  const records = [...new Map(shown.map((one) => [urlOf(one.event), one])).values()];
  return {
    ...{ resourceType: 'Bundle', type: 'history', timestamp: new Date().toISOString() },
    entry: [
      {
        ...{ fullUrl: `urn:uuid:${status.id}`, resource: status },
        request: { method: 'GET', url: `${baseUrl}/Subscription/${row.id}/$status` },
        response: { status: '200' },
      },
      ...records.map(({ event, found }) => ({
        fullUrl: `${baseUrl}/${urlOf(event)}`,
        ...(content === 'full-resource' ? { resource: found!.resource } : {}),
        request: { method: 'PUT', url: urlOf(event) },
        response: { status: found!.version === 1 ? '201' : '200' },
      })),
    ],
  };
}
