import type { z } from 'zod';
import { MESSAGES } from '../message-catalogue.ts';
import { createJsonSchemas } from '../operations/json-schema.ts';
import type { JsonSchemas } from '../operations/json-schema.ts';
import { MESSAGE_EXAMPLES } from './message-example.ts';
import type { PublicMessageName } from './message-example.ts';

export type Json = Readonly<Record<string, unknown>>;

/** What one message is: one of the catalogue, or one that only a framing of somebody else's protocol has. */
export interface MessageDescription {
  /** Its key among the components. */
  readonly key: string;
  readonly name: string;
  readonly summary: string;
  readonly schema: z.ZodType;
  readonly examples: readonly unknown[];
  readonly contentType: string;
  /** Headers that tell its kind, in NATS; absent: it has none to look at. */
  readonly headers?: Json;
}

/** A place where messages go by, and what goes by there in which direction. */
export interface ChannelDescription {
  readonly key: string;
  readonly server: ServerName;
  readonly address: string;
  readonly title: string;
  readonly description: string;
  readonly parameters?: Json;
  readonly bindings?: Json;
  readonly extensions?: Json;
  readonly messages: readonly MessageDescription[];
  readonly operations: readonly ChannelOperation[];
}

/** From where Tidewire stands: `receive` is what clients send. */
export interface ChannelOperation {
  readonly id: string;
  readonly action: 'send' | 'receive';
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly string[];
  readonly messages: readonly MessageDescription[];
  readonly bindings?: Json;
  /** What comes back, and where. */
  readonly reply?: { readonly channel: string; readonly messages: readonly MessageDescription[] };
}

export type ServerName = 'nats' | 'https' | 'wss';

/** A message of the catalogue with its example. */
export function catalogueMessage(name: PublicMessageName): MessageDescription {
  const { schema, summary } = MESSAGES[name];
  return {
    key: name,
    name,
    summary: `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    schema,
    examples: [MESSAGE_EXAMPLES[name]],
    contentType: 'application/json',
  };
}

/** The name under which the catalogue has a schema; undefined: it is none of those for clients. */
export function messageNameOf(schema: z.ZodType): PublicMessageName | undefined {
  const names = Object.keys(MESSAGE_EXAMPLES) as PublicMessageName[];
  return names.find((name) => MESSAGES[name].schema === schema);
}

/** A translator of all schemas of these channels. */
export function schemasOf(channels: readonly ChannelDescription[]): JsonSchemas {
  return createJsonSchemas(
    channels.flatMap(({ messages }) => messages.map(({ schema }) => schema)),
    '#/components/schemas/',
  );
}

/** A message as the components hold it. */
export function describeMessage(message: MessageDescription, schemas: JsonSchemas): Json {
  const { name, summary, schema, examples, contentType, headers } = message;
  return {
    name,
    title: name,
    summary,
    contentType,
    ...(headers && { headers }),
    payload: asDraft7(schemas.of(schema)),
    examples: examples.map((payload) => ({ payload })),
  };
}

/**
 * The same schema for readers of draft 7, which is what AsyncAPI is made of: there nothing beside a `$ref` counts. Members
 * that draft 7 does not know are not used by the translator.
 */
export function asDraft7(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(asDraft7);
  if (node === null || typeof node !== 'object') return node;
  const { $ref, ...rest } = node as { $ref?: unknown };
  const siblings = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, asDraft7(value)]));
  if ($ref === undefined) return siblings;
  return Object.keys(siblings).length === 0 ? { $ref } : { allOf: [{ $ref }], ...siblings };
}
