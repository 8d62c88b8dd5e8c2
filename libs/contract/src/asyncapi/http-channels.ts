import { z } from 'zod';
import { CLIENT_MESSAGES, SOCKET_PROTOCOL } from '../client-message.ts';
import { GRAPHQL_PATHS, GRAPHQL_SOCKET_PROTOCOL, graphqlResultSchema } from '../graphql.ts';
import { graphqlOperationSchema, operationIdSchema } from '../graphql-stream.ts';
import { OPERATIONS } from '../operations/operation-table.ts';
import type { Operation } from '../operations/operation.ts';
import { streamMessageSchema } from '../stream-message.ts';
import { asDraft7, catalogueMessage, messageNameOf } from './description.ts';
import type { ChannelDescription, ChannelOperation, Json, MessageDescription } from './description.ts';
import { MESSAGE_EXAMPLES } from './message-example.ts';

const SECURITY = ['bearer', 'accessToken', 'session', 'queryToken'];

/** The Server-Sent Events of the operations table: one channel for each path. */
export function eventStreamChannels(): readonly ChannelDescription[] {
  const streams = (OPERATIONS as readonly Operation[]).flatMap((operation) => {
    const { events } = operation.answers[200] ?? {};
    return events === undefined ? [] : [{ operation, events }];
  });
  const channels = new Map<string, ChannelDescription>();
  for (const { operation, events } of streams) {
    const { path, id, summary, description = summary } = operation;
    const byName = Object.entries(events).map(
      ([name, schema]) => [name, messagesOf(id, name, schema)] as const,
    );
    const messages = distinct(byName.flatMap(([, members]) => members));
    const keys = byName.map(([name, members]) => [name, members.map(({ key }) => key)] as const);
    const known = channels.get(path);
    channels.set(path, {
      key: known?.key ?? id,
      server: 'https',
      address: path,
      title: known?.title ?? summary,
      description: known?.description ?? description,
      ...parametersOf(operation),
      // Operations of one path need not tell the same.
      messages: distinct([...(known?.messages ?? []), ...messages]),
      // AsyncAPI has no word for the `event:` of a message.
      extensions: {
        'x-events': { ...(known?.extensions?.['x-events'] as Json), ...Object.fromEntries(keys) },
      },
      operations: [...(known?.operations ?? []), streamOperation(operation, messages)],
    });
  }
  return [...channels.values()];
}

function streamOperation(operation: Operation, messages: readonly MessageDescription[]): ChannelOperation {
  const { id, method, summary } = operation;
  const query = queryOf(operation);
  return {
    id,
    action: 'send',
    summary: `${summary}, over Server-Sent Events.`,
    security: SECURITY,
    messages,
    bindings: { http: { method, ...(query && { query }), bindingVersion: '0.3.0' } },
  };
}

/** The WebSockets: two that speak Tidewire's messages, one that speaks those of graphql-ws. */
export function socketChannels(): readonly ChannelDescription[] {
  const told = streamMessageSchema.options.map((schema) => namedMessage(schema));
  const taken = Object.values(CLIENT_MESSAGES)
    .flatMap(membersOf)
    .map((schema) => namedMessage(schema));
  const description =
    `The sub-protocol \`${SOCKET_PROTOCOL}\` may be named. A socket takes subscriptions to tables and to topics alike; every ` +
    'message of the server has a `type`, and types that a client does not know are ignored.';
  return [
    socketChannel(
      'topicSocket',
      'subscribe',
      'A WebSocket for any number of subscriptions',
      description,
      told,
      taken,
    ),
    socketChannel(
      'tableSocket',
      'subscribeToTable',
      'A WebSocket that follows a table',
      description,
      told,
      taken,
    ),
    graphqlSocket(),
  ];
}

function graphqlSocket(): ChannelDescription {
  const id = 's1';
  const query = 'subscription { meldingenEvents { _uuid _event titel } }';
  const frame = (name: string, summary: string, schema: z.ZodType, example: unknown): MessageDescription => ({
    key: `graphql-ws.${name}`,
    name,
    summary,
    schema: z.object({ id: operationIdSchema, type: z.literal(name), payload: schema }),
    examples: [{ id, type: name, payload: example }],
    contentType: 'application/json',
  });
  return socketChannel(
    'graphqlSocket',
    'subscribeWithGraphql',
    'GraphQL over WebSocket',
    `The sub-protocol \`${GRAPHQL_SOCKET_PROTOCOL}\`, whose other messages are those of ` +
      '[its own description](https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md). The cursor of an operation ' +
      'is `extensions.lastEventId`.',
    [frame('next', 'What an operation is told.', graphqlResultSchema, MESSAGE_EXAMPLES['graphql-result'])],
    [frame('subscribe', 'A client sends an operation.', graphqlOperationSchema, { query })],
  );
}

function socketChannel(
  key: string,
  operationId: string,
  title: string,
  description: string,
  told: readonly MessageDescription[],
  taken: readonly MessageDescription[],
): ChannelDescription {
  const operation = operationWith(operationId);
  const query = operation.path === GRAPHQL_PATHS.subscriptions ? undefined : queryOf(operation);
  return {
    key,
    server: 'wss',
    address: operation.path,
    title,
    description,
    ...parametersOf(operation),
    bindings: { ws: { method: 'GET', ...(query && { query }), bindingVersion: '0.1.0' } },
    messages: [...told, ...taken],
    operations: [
      {
        id: `${key}Tells`,
        action: 'send',
        summary: 'What clients are told.',
        security: SECURITY,
        messages: told,
      },
      {
        id: `${key}Takes`,
        action: 'receive',
        summary: 'What clients may say.',
        security: SECURITY,
        messages: taken,
      },
    ],
  };
}

function operationWith(id: string): Operation {
  const operation = (OPERATIONS as readonly Operation[]).find((row) => row.id === id);
  if (operation === undefined) throw new Error(`there is no operation ${id}`);
  return operation;
}

function membersOf(schema: z.ZodType): readonly z.ZodType[] {
  return messageNameOf(schema) === undefined && schema instanceof z.ZodUnion
    ? (schema.options as readonly z.ZodType[])
    : [schema];
}

function messagesOf(operation: string, event: string, schema: z.ZodType): readonly MessageDescription[] {
  return membersOf(schema).map((member) => {
    const name = messageNameOf(member);
    if (name !== undefined) return catalogueMessage(name);
    // A framing of this stream only: the table of operations has its example, as text.
    return {
      key: `${operation}.${event}`,
      name: event,
      summary: `\`event: ${event}\` of this stream.`,
      schema: member,
      examples: [],
      contentType: 'application/json',
    };
  });
}

function namedMessage(schema: z.ZodType): MessageDescription {
  const name = messageNameOf(schema);
  if (name === undefined) throw new Error('a message of the sockets is not in the catalogue');
  return catalogueMessage(name);
}

function distinct(messages: readonly MessageDescription[]): readonly MessageDescription[] {
  return [...new Map(messages.map((message) => [message.key, message])).values()];
}

function parametersOf({ parameters = [] }: Operation): { parameters?: Json } {
  const inPath = parameters.filter((parameter) => parameter.in === 'path');
  if (inPath.length === 0) return {};
  return {
    parameters: Object.fromEntries(
      inPath.map(({ name, description, example }) => [name, { description, examples: [String(example)] }]),
    ),
  };
}

/** What may stand in the query, as a schema: bindings are written out, without references. */
function queryOf({ parameters = [] }: Operation): Json | undefined {
  const inQuery = parameters.filter((parameter) => parameter.in === 'query');
  if (inQuery.length === 0) return undefined;
  const properties = inQuery.map(({ name, description, schema }) => {
    // Names of components would lead out of the binding.
    const { $schema: _dialect, ...body } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
    return [name, { description, ...(asDraft7(body) as Json) }];
  });
  return {
    type: 'object',
    properties: Object.fromEntries(properties) as Json,
    required: inQuery.filter(({ required }) => required).map(({ name }) => name),
  };
}
