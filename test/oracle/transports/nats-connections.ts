import { FEED_ANSWERS } from '@tidewire/contract';
import { SubscriberClient } from '@tidewire/test-kit';
import { Finding } from '../finding.ts';
import type { Random } from '../random.ts';
import type { Rights } from '../rights.ts';
import { bearerToken } from '../tickets.ts';
import type { Ticket } from '../tickets.ts';

/** Whoever is not let in: the credential ended, or nobody answers who would know. */
export const REFUSED = Symbol('refused');

/** A connection that the feeds of one credential share. */
export interface NatsConnection {
  readonly ticket: Ticket;
  readonly client: SubscriberClient;
  /** Told once when it is gone, whoever ended it. */
  readonly onClosed: Set<() => void>;
}

interface Shared {
  readonly ticket: Ticket;
  readonly opening: Promise<NatsConnection | typeof REFUSED>;
  opened: NatsConnection | undefined;
}

const CONNECT_MS = 5_000;
const PRY_MS = 1_000;

/** Whether NATS lets somebody in by this: sessions are for browsers. */
export function isForNats({ principal, type, headers }: Ticket): boolean {
  return principal !== null && type !== 'session' && headers['authorization'] !== undefined;
}

/** Whether a credential has less rights than its principal, and so an address of its own. */
export function isLimited({ limits }: Ticket): boolean {
  return limits !== '' && limits !== 'null';
}

/** As whom a credential subscribes on NATS: as its principal, whichever of the principal's it is, unless it is limited. */
export function asSubscriber(ticket: Ticket): Ticket {
  return isLimited(ticket) ? ticket : { ...ticket, credential: null };
}

/** The first token of a subscriber's inboxes and the last of its subjects. */
export function addressOf(ticket: Ticket): string {
  const { principal, credential } = ticket;
  return isLimited(ticket) ? `${principal}=${credential}` : `${principal}`;
}

/** An inbox of a subscriber that everybody knows. */
function strayInbox(ticket: Ticket): string {
  return `_INBOX.${addressOf(ticket)}.stray`;
}

/** The connections to NATS of all clients, one for each credential. They end when the server ends them. */
export class NatsConnections {
  /** Whether everybody is waited for: who would be slow is not. */
  isHurried = false;
  readonly #server: string;
  readonly #onFinding: (finding: Finding) => void;
  readonly #shared = new Map<string, Shared>();

  /** `server`: its address, without a user. */
  constructor(server: string, onFinding: (finding: Finding) => void) {
    this.#server = server;
    this.#onFinding = onFinding;
  }

  /** The connection of a credential, opened when it is wanted first. */
  async use(ticket: Ticket): Promise<NatsConnection | typeof REFUSED> {
    const key = bearerToken(ticket);
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      shared = { ticket, opening: this.#open(key, ticket), opened: undefined };
      this.#shared.set(key, shared);
    }
    return await shared.opening;
  }

  /** Breaks the connection of some. Returns how many these are. */
  cut(random: Random, probability: number): number {
    const chosen = random.some([...this.#shared.values()], probability);
    for (const { opened } of chosen) void opened?.client.connection.close();
    return chosen.length;
  }

  /** Somebody asks for a feed to be told to somebody else, who would be told what it did not ask for. */
  pry(random: Random, topics: readonly string[]): number {
    const all = [...this.#shared.values()].flatMap(({ opened }) => opened ?? []);
    if (all.length === 0) return 0;
    const prying = random.pick(all);
    const others = all.filter(({ ticket }) => addressOf(ticket) !== addressOf(prying.ticket));
    const text = JSON.stringify({ topics, expires: PRY_MS });
    const { client } = prying;
    for (const { ticket } of others) {
      const reply = strayInbox(ticket);
      if (!client.connection.isClosed()) client.connection.publish(client.subject('feed'), text, { reply });
    }
    return others.length;
  }

  /** Somebody else answers what a worker was given. */
  forge(ticket: Ticket, reply: string): void {
    const others = [...this.#shared.values()].flatMap(({ opened }) => opened ?? []);
    const forger = others.find((one) => addressOf(one.ticket) !== addressOf(ticket));
    const { connection } = forger?.client ?? {};
    if (forger === undefined || connection === undefined || connection.isClosed()) return;
    const subject = reply.replace(`.${addressOf(ticket)}.`, `.${addressOf(forger.ticket)}.`);
    connection.publish(subject, FEED_ANSWERS.done);
  }

  /** The credentials that have ended, by which somebody is connected nevertheless. */
  outliving({ credentials }: Rights): readonly string[] {
    return [...this.#shared.values()].flatMap(({ ticket: { credential }, opened }) => {
      if (credential === null || opened === undefined) return [];
      return credentials.get(credential)?.ended === true ? [credential] : [];
    });
  }

  async close(): Promise<void> {
    const all = [...this.#shared.values()];
    await Promise.all(all.map(async ({ opened }) => await opened?.client[Symbol.asyncDispose]()));
  }

  async #open(key: string, ticket: Ticket): Promise<NatsConnection | typeof REFUSED> {
    try {
      const client = await SubscriberClient.open({
        servers: this.#server,
        subscriber: addressOf(ticket),
        credential: { token: bearerToken(ticket) },
        connection: { reconnect: false, timeout: CONNECT_MS },
      });
      const connection: NatsConnection = { ticket, client, onClosed: new Set() };
      const shared = this.#shared.get(key);
      if (shared !== undefined) shared.opened = connection;
      this.#guard(connection);
      void this.#watch(key, connection);
      return connection;
    } catch {
      this.#shared.delete(key);
      return REFUSED;
    }
  }

  /** Nobody asks for anything to be told there, but those who have no business to. */
  #guard({ client, ticket }: NatsConnection): void {
    client.connection.subscribe(strayInbox(ticket), {
      callback: (_error, message) => {
        const text = message.string();
        this.#onFinding(new Finding('leak', `${addressOf(ticket)} is told what others asked for`, { text }));
      },
    });
  }

  async #watch(key: string, { client, onClosed }: NatsConnection): Promise<void> {
    void this.#listen(client);
    await client.connection.closed();
    this.#shared.delete(key);
    for (const tell of onClosed) tell();
  }

  /** What a client may not do says who it is taken for. */
  async #listen({ connection }: SubscriberClient): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type !== 'error' || !/permissions violation/i.test(String(status.error))) continue;
      this.#onFinding(new Finding('wrong-refusal', `NATS refuses what is allowed: ${String(status.error)}`));
    }
  }
}
