import type { JsonSchemas } from '../operations/json-schema.ts';
import { PROTOCOL_VERSION } from '../http-header.ts';
import { asDraft7, describeMessage, schemasOf } from './description.ts';
import type { ChannelDescription, ChannelOperation, Json, MessageDescription } from './description.ts';
import { eventStreamChannels, socketChannels } from './http-channels.ts';
import { natsChannels } from './nats-channels.ts';

/** The parts of an AsyncAPI 3.0 document that its readers here look at. */
export interface AsyncApiDocument {
  readonly asyncapi: string;
  readonly info: Json;
  readonly defaultContentType: string;
  readonly servers: Readonly<Record<string, Json>>;
  readonly channels: Readonly<Record<string, Json>>;
  readonly operations: Readonly<Record<string, Json>>;
  readonly components: {
    readonly messages: Readonly<Record<string, Json>>;
    readonly schemas: Readonly<Record<string, Json>>;
    readonly securitySchemes: Readonly<Record<string, Json>>;
  };
}

const DESCRIPTION = `Records that stay up to date on every screen and every server, and never show anyone more than they may see.

Told from where Tidewire stands: it *receives* what clients send, and *sends* what clients are told. Requests that are answered
once are in the OpenAPI document; here is what goes on: feeds over NATS, Server-Sent Events and WebSockets.

An event has the same id on every transport, and the id is the cursor: whoever comes back with it, anywhere, is told what it
missed, or told to fetch again (\`resync\`). Events over NATS are CloudEvents 1.0 in the structured mode of its binding for NATS
(1.0.2). Clients ignore members and types of messages that they do not know.`;

const CHOSEN_BY_OPERATOR = 'Wherever the operator has put it.';

const SERVERS: Readonly<Record<ChannelDescription['server'], Json>> = {
  nats: {
    host: '{host}',
    protocol: 'nats',
    description:
      'NATS, in an account that holds nothing but subscribers. The ordinary client of any language, with a token and the ' +
      'inbox prefix `_INBOX.{subscriber}`. Services that answer there are found with `$SRV.PING` and `$SRV.INFO`.',
    variables: { host: { default: 'localhost:4222', description: CHOSEN_BY_OPERATOR } },
  },
  https: {
    host: '{host}',
    protocol: 'https',
    description: 'The one origin, for Server-Sent Events. Without TLS on the machine itself.',
    variables: { host: { default: 'localhost:8080', description: CHOSEN_BY_OPERATOR } },
  },
  wss: {
    host: '{host}',
    protocol: 'wss',
    description: 'The one origin, for WebSockets. Without TLS on the machine itself.',
    variables: { host: { default: 'localhost:8080', description: CHOSEN_BY_OPERATOR } },
  },
};

const SECURITY_SCHEMES: Readonly<Record<string, Json>> = {
  natsToken: {
    type: 'apiKey',
    in: 'password',
    description:
      'A token, as the token or the password of the connection. The name of the user does not matter.',
  },
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'An access token (OAuth 2.0) of an issuer that the installation trusts, wherever a token may stand.',
  },
  bearer: { type: 'http', scheme: 'bearer', description: 'A token: `Authorization: Bearer {token}`.' },
  session: {
    type: 'httpApiKey',
    in: 'cookie',
    name: 'tidewire_session',
    description: 'A session of a browser. A WebSocket must come from a page of this origin.',
  },
  queryToken: {
    type: 'httpApiKey',
    in: 'query',
    name: 'token',
    description: 'A token in the address, for EventSource and others that cannot set headers.',
  },
};

/**
 * The AsyncAPI 3.0 document of everything that streams: made of the subjects, the table of operations and the catalogue of
 * messages. The same text each time, so that it can be compared.
 */
export function createAsyncApi(): AsyncApiDocument {
  const channels = [...natsChannels(), ...eventStreamChannels(), ...socketChannels()];
  const schemas = schemasOf(channels);
  const messages = new Map(
    channels.flatMap((channel) => channel.messages.map((message) => [message.key, message] as const)),
  );
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Tidewire',
      version: PROTOCOL_VERSION,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: SERVERS,
    channels: Object.fromEntries(channels.map((channel) => [channel.key, describeChannel(channel)])),
    operations: Object.fromEntries(
      channels.flatMap((channel) =>
        channel.operations.map((operation) => [operation.id, describeOperation(operation, channel.key)]),
      ),
    ),
    components: describeComponents([...messages.values()], schemas),
  };
}

function describeChannel(channel: ChannelDescription): Json {
  const { server, address, title, description, parameters, bindings, messages, extensions } = channel;
  return {
    address,
    title,
    description,
    servers: [{ $ref: `#/servers/${server}` }],
    ...(parameters && { parameters }),
    messages: Object.fromEntries(messages.map(({ key }) => [key, { $ref: `#/components/messages/${key}` }])),
    ...(bindings && { bindings }),
    ...extensions,
  };
}

function describeOperation(operation: ChannelOperation, channel: string): Json {
  const { action, summary, description, security, messages, bindings, reply } = operation;
  return {
    action,
    channel: { $ref: `#/channels/${channel}` },
    summary,
    ...(description !== undefined && { description }),
    security: security.map((name) => ({ $ref: `#/components/securitySchemes/${name}` })),
    ...(bindings && { bindings }),
    messages: messages.map((message) => messageIn(channel, message)),
    ...(reply && {
      reply: {
        channel: { $ref: `#/channels/${reply.channel}` },
        messages: reply.messages.map((message) => messageIn(reply.channel, message)),
      },
    }),
  };
}

function messageIn(channel: string, { key }: MessageDescription): Json {
  return { $ref: `#/channels/${channel}/messages/${key}` };
}

function describeComponents(
  messages: readonly MessageDescription[],
  schemas: JsonSchemas,
): AsyncApiDocument['components'] {
  const described = messages.map((message) => [message.key, describeMessage(message, schemas)] as const);
  return {
    messages: Object.fromEntries(described),
    schemas: asDraft7(schemas.used()) as Readonly<Record<string, Json>>,
    securitySchemes: SECURITY_SCHEMES,
  };
}
