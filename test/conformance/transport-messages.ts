import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIENT_MESSAGES, MESSAGES, streamMessageSchema } from '@tidewire/contract';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';

/** A message's name in the contract, which is that of its published schema. */
export type MessageName = keyof typeof MESSAGES;

const folder = join(import.meta.dirname, '../../docs/reference/schemas');
const names = Object.keys(MESSAGES) as MessageName[];

function nameOf(schema: unknown): MessageName {
  const name = names.find((each) => MESSAGES[each].schema === schema);
  if (name === undefined) throw new Error('a message of the contract has no name');
  return name;
}

/** What a server may say on a socket, and on a table's stream, by `type`. */
export const SERVER_MESSAGES: ReadonlyMap<string, MessageName> = new Map(
  streamMessageSchema.options.map((option) => [option.shape.type.value, nameOf(option)]),
);

/** What a client may say on a socket, by `type`; a handshake is of a table or of a topic. */
const { subscribe, ...OTHERS } = CLIENT_MESSAGES;
const CLIENT_NAMES: ReadonlyMap<string, MessageName> = new Map(
  Object.entries(OTHERS).map(([type, schema]) => [type, nameOf(schema)]),
);
export const CLIENT_MESSAGE_NAMES: readonly MessageName[] = [
  ...subscribe.options.map(nameOf),
  ...CLIENT_NAMES.values(),
];

/** The other documents that a transport sends: of topics, of polls, and what is said before or at the end of a stream. */
export const OTHER_DOCUMENTS = [
  'feed-request',
  'feed-end',
  'cloud-event',
  'graphql-result',
  'resync',
  'credential-expiring',
  'stream-end',
  'topic-poll',
  'table-poll',
  'problem',
] as const satisfies readonly MessageName[];

/**
 * Holds everything that was sent to the published JSON Schemas, which is what a client's author has to go by. Servers may
 * send nothing that is not in them; clients may, and are not asked here.
 */
export class MessageCheck {
  readonly seen = new Set<MessageName>();
  readonly faults: string[] = [];
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false });
  readonly #validators = new Map<MessageName, ValidateFunction>();

  /** A message of the server, told by its type. */
  fromServer(message: { readonly type: string }): void {
    const name = SERVER_MESSAGES.get(message.type);
    if (name === undefined) this.faults.push(`the type ${message.type} is not in the contract`);
    else this.document(name, message);
  }

  /** A message of a client, before it is sent. */
  fromClient(message: { readonly type?: string; readonly topic?: string }): void {
    const handshake = message.topic === undefined ? 'table-handshake' : 'topic-handshake';
    this.document(CLIENT_NAMES.get(message.type ?? '') ?? handshake, message);
  }

  /** Any document by its name. */
  document(name: MessageName, value: unknown): void {
    this.seen.add(name);
    let validator = this.#validators.get(name);
    if (validator === undefined) {
      const published = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as object;
      validator = this.#ajv.compile(close(published) as object);
      this.#validators.set(name, validator);
    }
    if (validator(value)) return;
    const [error] = validator.errors ?? [];
    const about = `${error?.instancePath ?? ''} ${error?.message ?? ''} ${JSON.stringify(error?.params)}`;
    this.faults.push(`${name}: ${about} in ${JSON.stringify(value)}`);
  }
}

/** A schema that takes only the members that it names. */
function close(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(close);
  if (typeof schema !== 'object' || schema === null) return schema;
  const closed = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, close(value)]));
  const isObject = closed['type'] === 'object' && closed['properties'] !== undefined;
  return isObject ? { additionalProperties: false, ...closed } : closed;
}
