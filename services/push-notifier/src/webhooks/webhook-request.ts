import { WEBHOOK_USER_AGENT } from '@tidewire/contract';
import { CloudEvent, HTTP } from 'cloudevents';
import { signatureHeaders } from './signature.ts';
import type { Endpoint } from './webhook.ts';
import type { WebhookEvent } from './webhook-event.ts';

export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * The request that delivers an event: CloudEvents' HTTP binding, signed over the bytes of the body. The owner's headers come
 * first, so that none of them could take the place of one of ours.
 */
export function formatWebhookRequest(endpoint: Endpoint, event: WebhookEvent, nowMs: number): WebhookRequest {
  const { mode, headers } = endpoint;
  const bound = new CloudEvent<unknown>({ ...event }, false);
  const message = mode === 'binary' ? HTTP.binary(bound) : HTTP.structured(bound);
  const body = Buffer.from(String(message.body), 'utf8');
  const binding = Object.entries(message.headers).map(([given, value]): [string, string] => {
    const name = given.toLowerCase();
    return [name, name.startsWith('ce-') ? encodeAttribute(String(value)) : String(value)];
  });
  return {
    headers: {
      ...headers,
      ...Object.fromEntries(binding),
      'user-agent': WEBHOOK_USER_AGENT,
      ...signatureHeaders(endpoint, { id: messageId(endpoint, event), nowMs, body }),
    },
    body,
  };
}

/** Names the message to its receiver; the same at each attempt, and another one for each webhook that tells of an event. */
export function messageId({ id }: Pick<Endpoint, 'id'>, event: WebhookEvent): string {
  return `${event.id}_${id}`;
}

/** As the binding wants it (3.1.3.2): visible ASCII stays but for quotes and percent signs. */
function encodeAttribute(value: string): string {
  return value.replaceAll(/[^\u0021\u0023-\u0024\u0026-\u007e]/gu, (character) =>
    [...Buffer.from(character, 'utf8')]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
