import { randomUUID } from 'node:crypto';
import { WEBHOOK_EVENT_NAMES, formatEventId, formatTimestamp } from '@tidewire/contract';
import type { CloudEvent, Resync } from '@tidewire/contract';
import type { HeldWebhook } from './webhook.ts';

/** What is said of every event, as the gateways say it. */
export interface EventSettings {
  readonly source: string;
  /** Stands before the rest of every type, and a dot. */
  readonly typePrefix: string;
}

/** Something to deliver: an event of an object, or one about the webhook itself. */
export type WebhookEvent =
  | CloudEvent
  | {
      readonly specversion: '1.0';
      readonly id: string;
      readonly source: string;
      readonly type: string;
      readonly time: string;
      readonly datacontenttype: 'application/json';
      readonly data: Readonly<Record<string, unknown>>;
    };

/**
 * "You may have missed something: fetch again." The id is the same at each attempt, and another one once it was delivered: time
 * may make it necessary again without anything new in the log.
 */
export function resyncEvent(
  settings: EventSettings,
  webhook: Pick<HeldWebhook, 'cursor' | 'settled' | 'topics'>,
  { reason, oldest, current }: Resync,
  nowMs: number,
): WebhookEvent {
  const { cursor, settled, topics } = webhook;
  return about(settings, {
    id: `resync-${formatEventId(cursor).slice('evt-'.length)}-${settled}`,
    name: WEBHOOK_EVENT_NAMES.resync,
    nowMs,
    data: { reason, oldest, current, topics },
  });
}

/** Says that a webhook works. */
export function testEvent(
  settings: EventSettings,
  webhook: { readonly id: string; readonly name: string },
  nowMs: number,
): WebhookEvent {
  return about(settings, {
    id: `test-${randomUUID()}`,
    name: WEBHOOK_EVENT_NAMES.test,
    nowMs,
    data: { webhook: { id: webhook.id, name: webhook.name } },
  });
}

interface Facts {
  readonly id: string;
  readonly name: string;
  readonly nowMs: number;
  readonly data: Readonly<Record<string, unknown>>;
}

function about({ source, typePrefix }: EventSettings, { id, name, nowMs, data }: Facts): WebhookEvent {
  return {
    specversion: '1.0',
    id,
    source,
    type: `${typePrefix}.${name}`,
    time: formatTimestamp(nowMs),
    datacontenttype: 'application/json',
    data,
  };
}
