import type { SubjectPermissions } from '@tidewire/contract';
import type { Msg } from '@nats-io/transport-node';
import type { AccountKey } from './account-key.ts';
import type { BusLink } from './bus-link.ts';
import type { BusClock } from './clock.ts';
import { readServerQuestion } from './connect-request.ts';
import type { ConnectRequest, ServerQuestion } from './connect-request.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';

/** Whom a client is let in as. */
export interface AdmittedUser {
  /** Told to whoever lists connections, as `authorized_user`. */
  readonly name: string;
  /** The name of the account. */
  readonly account: string;
  /** When the server ends the connection, milliseconds since 1970; rounded down to seconds. */
  readonly expiresAtMs: number;
  readonly permissions: SubjectPermissions;
  /** Subscriptions of the connection at most. Servers without operators (2.15) keep only the account's limits, not these. */
  readonly maxSubscriptions: number;
  /** Bytes of a message that it publishes. */
  readonly maxPayloadBytes: number;
}

/**
 * Why a question got no user. `foreign`: about no client that shows a secret, such as a leaf node. `late`: its turn came
 * when nobody waited any more. `failed`: `decide` threw.
 */
export type DroppedQuestion = 'malformed' | 'foreign' | 'overloaded' | 'late' | 'failed';

export interface AuthCalloutOptions {
  /** `auth_callout.issuer` of the servers. */
  readonly key: AccountKey;
  /** Instances of one queue share the questions. */
  readonly queue: string;
  /** Says whom the client is let in as; undefined refuses it. What it throws refuses it too. */
  readonly decide: (request: ConnectRequest) => Promise<AdmittedUser | undefined>;
  readonly onDropped?: (why: DroppedQuestion) => void;
  readonly clock: BusClock;
  /** Decided at once. Default 64. */
  readonly concurrency?: number;
}

/** Questions that wait for their turn: a second or two of work, as when every client comes back at once. */
const MAX_WAITING = 2000;
/** A server waits for 5 seconds (its `authorization.timeout`): an answer after that is about nobody. */
const PATIENCE_MS = 4000;
const DEFAULT_CONCURRENCY = 64;
const QUESTIONS = '$SYS.REQ.USER.AUTH';
/** The client hears "Authorization Violation" from its server, whatever is said here. */
const REFUSAL = 'refused';
/** Not leaf nodes, which would bring an account of their own, nor MQTT, which needs streams. */
const CONNECTION_TYPES = ['STANDARD', 'WEBSOCKET'];

/**
 * Answers servers that ask who a client is whom their configuration does not know (auth callout). Questions are taken in
 * their order, so many at once; one that nobody waits for any more is dropped. Returns how to stop: what is being decided
 * is still answered.
 */
export function answerConnects(bus: MessageBus, options: AuthCalloutOptions): () => Promise<void> {
  const callout = new Callout(linkOf(bus), options);
  return callout.start();
}

interface Waiting {
  readonly message: Msg;
  readonly since: number;
}

class Callout {
  readonly #link: BusLink;
  readonly #options: AuthCalloutOptions;
  /** A ring would be faster than shifting; 2000 pointers are moved in a microsecond. */
  readonly #waiting: Waiting[] = [];
  #running = 0;

  constructor(link: BusLink, options: AuthCalloutOptions) {
    this.#link = link;
    this.#options = options;
  }

  start(): () => Promise<void> {
    const { queue } = this.#options;
    const subscription = this.#link.connection.subscribe(QUESTIONS, {
      queue,
      callback: (error, message) => {
        if (error !== null) this.#link.logger.error('subscription refused', { subject: QUESTIONS, error });
        else this.#take(message);
      },
    });
    return async () => {
      if (!subscription.isClosed()) await subscription.drain();
    };
  }

  #take(message: Msg): void {
    const { clock, concurrency = DEFAULT_CONCURRENCY } = this.#options;
    if (this.#running < concurrency) void this.#answer(message);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push({ message, since: clock.monotonic() });
    else this.#drop(message, 'overloaded');
  }

  async #answer(message: Msg): Promise<void> {
    this.#running += 1;
    try {
      await this.#decide(message);
    } catch (error) {
      this.#link.logger.error('answer not sent', { subject: QUESTIONS, error });
    } finally {
      this.#running -= 1;
      this.#takeNext();
    }
  }

  #takeNext(): void {
    const { clock } = this.#options;
    for (;;) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (clock.monotonic() - next.since <= PATIENCE_MS) return void this.#answer(next.message);
      this.#options.onDropped?.('late');
    }
  }

  async #decide(message: Msg): Promise<void> {
    const question = readServerQuestion(message.data);
    if (question === undefined) return this.#drop(message, 'malformed');
    const { request } = question;
    if (request === undefined) return this.#drop(message, 'foreign');
    let user: AdmittedUser | undefined;
    try {
      user = await this.#options.decide(request);
    } catch (error) {
      this.#link.logger.error('a connection could not be decided', { error });
      this.#options.onDropped?.('failed');
    }
    this.#respond(message, question, user);
  }

  #respond(message: Msg, { userKey, server }: ServerQuestion, user: AdmittedUser | undefined): void {
    const { key, clock } = this.#options;
    const nowMs = clock.now();
    const answer = user === undefined ? { error: REFUSAL } : { jwt: signUser(key, userKey, user, nowMs) };
    message.respond(
      key.sign(
        { sub: userKey, aud: server, nats: { ...answer, type: 'authorization_response', version: 2 } },
        nowMs,
      ),
    );
  }

  /** A malformed question says nobody to answer about: its server refuses the client when its patience is over. */
  #drop(message: Msg, why: DroppedQuestion): void {
    this.#options.onDropped?.(why);
    const question = why === 'malformed' ? undefined : readServerQuestion(message.data);
    if (question !== undefined) this.#respond(message, question, undefined);
  }
}

function signUser(key: AccountKey, userKey: string, user: AdmittedUser, nowMs: number): string {
  const { publish, subscribe } = user.permissions;
  return key.sign(
    {
      name: user.name,
      sub: userKey,
      aud: user.account,
      exp: Math.floor(user.expiresAtMs / 1000),
      nats: {
        type: 'user',
        version: 2,
        pub: allowing(publish),
        sub: allowing(subscribe),
        subs: user.maxSubscriptions,
        payload: user.maxPayloadBytes,
        data: -1,
        allowed_connection_types: CONNECTION_TYPES,
      },
    },
    nowMs,
  );
}

/** Nothing at all has to be said as a denial: an empty list of what is allowed means that there is no limit. */
function allowing(subjects: readonly string[]): object {
  return subjects.length === 0 ? { deny: ['>'] } : { allow: subjects };
}
