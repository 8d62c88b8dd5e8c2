import { FEED_ANSWERS, FEED_HEADERS, CLIENT_SUBJECTS } from '@tidewire/contract';
import type { ClientSubject, CloudEvent, FeedRequest } from '@tidewire/contract';
import { connect, createInbox } from '@nats-io/transport-node';
import type { Msg, NatsConnection, NodeConnectionOptions, Subscription } from '@nats-io/transport-node';
import { waitFor } from './wait-for.ts';

export interface SubscriberOptions {
  /** `nats://host:port`, or several. */
  readonly servers: string | readonly string[];
  /** The subscriber's address: the first token of its inboxes and the last of its subjects. */
  readonly subscriber: string;
  /** By which it is let in: a token, or a user of the server's configuration. */
  readonly credential: { readonly token: string } | { readonly user: string; readonly pass: string };
  /** Further options of the client, such as whether it reconnects. */
  readonly connection?: Omit<NodeConnectionOptions, 'servers'>;
}

/** A message as it came to an inbox. */
export interface InboxMessage {
  readonly contentType: string;
  /** The HTTP status of a refusal. */
  readonly errorCode: string;
  /** Seconds after which a refusal wants to be asked again; undefined: it does not say. */
  readonly retryAfter: string | undefined;
  // eslint-disable-next-line typescript/no-explicit-any -- tests look into messages of every shape
  readonly body: any;
  readonly reply: string;
}

/** A server of another team, with the ordinary NATS client. */
export class SubscriberClient implements AsyncDisposable {
  readonly connection: NatsConnection;
  readonly #subscriber: string;

  private constructor(connection: NatsConnection, subscriber: string) {
    this.connection = connection;
    this.#subscriber = subscriber;
  }

  /** @throws what the client says when it is not let in. */
  static async open(options: SubscriberOptions): Promise<SubscriberClient> {
    const { servers, subscriber, credential, connection = {} } = options;
    const opened = await connect({
      ...connection,
      ...credential,
      servers: typeof servers === 'string' ? servers : [...servers],
      inboxPrefix: `_INBOX.${subscriber}`,
    });
    return new SubscriberClient(opened, subscriber);
  }

  /** An inbox of its own that nobody listens on yet. */
  inbox(): string {
    return createInbox(`_INBOX.${this.#subscriber}`);
  }

  subject(kind: ClientSubject): string {
    return `${CLIENT_SUBJECTS[kind]}.${this.#subscriber}`;
  }

  /** One question, one answer, refusals included. */
  async ask(kind: ClientSubject, request: unknown): Promise<InboxMessage> {
    return readMessage(
      await this.connection.request(this.subject(kind), JSON.stringify(request), { timeout: 10_000 }),
    );
  }

  /** Asks for a stream of messages. Resolves when the question was sent. */
  async feed(request: FeedRequest, options: FeedClientOptions = {}): Promise<FeedClient> {
    const inbox = this.inbox();
    const feed = new FeedClient(this.connection, inbox, options);
    this.connection.publish(this.subject('feed'), JSON.stringify(request), { reply: inbox });
    await this.connection.flush();
    return feed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.connection.isClosed()) await this.connection.close();
  }
}

export interface FeedClientOptions {
  /** What a message that wants an answer is answered with; undefined: nothing, until {@link FeedClient.answer}. */
  readonly answer?: ((message: InboxMessage) => string | undefined) | undefined;
}

/** One stream of messages, with everything that came of it. */
export class FeedClient {
  readonly inbox: string;
  readonly messages: InboxMessage[] = [];
  readonly #connection: NatsConnection;
  readonly #subscription: Subscription;

  constructor(connection: NatsConnection, inbox: string, options: FeedClientOptions) {
    const { answer = () => FEED_ANSWERS.done } = options;
    this.inbox = inbox;
    this.#connection = connection;
    this.#subscription = connection.subscribe(inbox, {
      callback: (error, raw) => {
        if (error !== null) return;
        const message = readMessage(raw);
        this.messages.push(message);
        const text = answer(message);
        if (message.reply !== '' && text !== undefined) this.answer(message, text);
      },
    });
  }

  answer({ reply }: InboxMessage, text: string = FEED_ANSWERS.done): void {
    this.#connection.publish(reply, text);
  }

  get events(): readonly CloudEvent[] {
    return this.messages.filter(({ body }) => 'specversion' in body).map(({ body }) => body as CloudEvent);
  }

  /** Messages with a `type`. */
  ofType(type: string): readonly InboxMessage[] {
    return this.messages.filter(({ body }) => body.type === type);
  }

  get end(): InboxMessage | undefined {
    return this.ofType('end')[0];
  }

  /** Waits for something that has come. */
  async until<T>(find: (feed: FeedClient) => T | undefined | false, what: string): Promise<T> {
    let found: T | undefined | false;
    await waitFor(() => (found = find(this)) !== undefined && found !== false, { what }).catch(
      (error: unknown) => {
        const seen = JSON.stringify(this.messages.slice(-5).map(({ body }) => body));
        throw new Error(`${what}: ${this.messages.length} messages, the last ${seen}`, { cause: error });
      },
    );
    return found as T;
  }

  /** Stops listening, without a word. */
  leave(): void {
    this.#subscription.unsubscribe();
  }
}

function readMessage(message: Msg): InboxMessage {
  const text = message.string();
  return {
    contentType: message.headers?.get(FEED_HEADERS.contentType) ?? '',
    errorCode: message.headers?.get(FEED_HEADERS.errorCode) ?? '',
    retryAfter: message.headers?.get(FEED_HEADERS.retryAfter) || undefined,
    body: text === '' ? {} : (JSON.parse(text) as unknown),
    reply: message.reply ?? '',
  };
}
