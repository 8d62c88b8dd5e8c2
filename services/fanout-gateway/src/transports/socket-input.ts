import { CLIENT_MESSAGES, TidewireError, tableHandshakeSchema } from '@tidewire/contract';
import type { ClientMessage } from '@tidewire/contract';
import { parseInput, parseJsonBody } from '@tidewire/service-kit';
import { nameIn } from './handshake.ts';

const TYPES: ReadonlyMap<string, (typeof CLIENT_MESSAGES)[keyof typeof CLIENT_MESSAGES]> = new Map(
  Object.entries(CLIENT_MESSAGES),
);

/**
 * Reads a client's message.
 *
 * @throws TidewireError BAD_REQUEST for what is no message, VALIDATION_ERROR for one that is not as it should be.
 */
export function readClientMessage(text: string): ClientMessage {
  const message = parseJsonBody(text);
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw new TidewireError('BAD_REQUEST', 'A message is a JSON object');
  }
  const { type, table } = message as { readonly type?: unknown; readonly table?: unknown };
  if (type === undefined && table !== undefined) return parseInput(tableHandshakeSchema, message, 'message');
  const schema = typeof type === 'string' ? TYPES.get(type) : undefined;
  if (schema === undefined) {
    const known = [...TYPES.keys()].join(', ');
    throw new TidewireError('BAD_REQUEST', `The type of a message is one of ${known}`);
  }
  return parseInput(schema, message, 'message');
}

/** A handshake may come without a type. What else names a table, such as a pending edit, is about no subscription. */
const ABOUT_SUBSCRIPTIONS: ReadonlySet<unknown> = new Set([undefined, 'subscribe', 'unsubscribe']);

/** The subscription that a message is about, whether or not it can be read; undefined: none that could be named. */
export function findSubscription(text: string): string | undefined {
  try {
    const message = (JSON.parse(text) ?? {}) as Record<string, unknown>;
    return ABOUT_SUBSCRIPTIONS.has(message['type']) ? nameIn(message) : undefined;
  } catch {
    return undefined;
  }
}
