import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';

interface Reference {
  readonly $ref: string;
}
interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, Reference>>;
}
interface Operation {
  readonly channel: Reference;
  readonly bindings?: { readonly nats?: { readonly queue: string } };
  readonly reply?: { readonly messages: readonly Reference[] };
}
interface Document {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<Record<string, Operation>>;
}

/** Something that came to an inbox. */
export interface CarriedMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: unknown;
}

const ID = 'urn:tidewire:asyncapi';
const file = join(import.meta.dirname, '../../docs/reference/asyncapi.json');

/** The AsyncAPI document as it is published: what a subscriber's author has to go by, and so what messages are held to. */
export class AsyncApi {
  readonly #document = JSON.parse(readFileSync(file, 'utf8')) as Document;
  readonly #ajv = new Ajv({ strict: false, validateFormats: false });

  constructor() {
    this.#ajv.addSchema(this.#document, ID, false, false);
  }

  /** Subject, with `*` for the subscriber, and queue group of each request that subscribers may make. */
  requests(): readonly { readonly subject: string; readonly queue: string }[] {
    return Object.values(this.#document.operations).flatMap(({ channel, bindings }) => {
      const queue = bindings?.nats?.queue;
      if (queue === undefined) return [];
      return [{ subject: this.#channel(channel).address.replace('{subscriber}', '*'), queue }];
    });
  }

  /** Which of the messages that a request is answered with this one is, by name. The document promises exactly one. */
  answersLike(subject: string, message: CarriedMessage): readonly string[] {
    const operation = Object.values(this.#document.operations).find(({ channel, reply }) => {
      const { address } = this.#channel(channel);
      return reply !== undefined && address.startsWith(subject.slice(0, subject.lastIndexOf('.') + 1));
    });
    const keys = (operation?.reply?.messages ?? []).map(({ $ref }) => $ref.slice($ref.lastIndexOf('/') + 1));
    return keys.filter(
      (key) => this.#schema(key, 'headers')(message.headers) && this.#schema(key, 'payload')(message.payload),
    );
  }

  #channel({ $ref }: Reference): Channel {
    const channel = this.#document.channels[$ref.slice($ref.lastIndexOf('/') + 1)];
    if (channel === undefined) throw new Error(`there is no ${$ref}`);
    return channel;
  }

  #schema(message: string, part: 'headers' | 'payload'): ValidateFunction {
    const schema = this.#ajv.getSchema(`${ID}#/components/messages/${message}/${part}`);
    if (schema === undefined) throw new Error(`${message} has no ${part}`);
    return schema;
  }
}
