import type { Interest, Viewer } from './expectation.ts';
import { Finding } from './finding.ts';
import type { Random } from './random.ts';
import type { Image, Schema } from './rights.ts';
import type { Listing } from './lists.ts';
import { ShownRows } from './shown-rows.ts';
import { anyOf } from './gateway.ts';
import type { Gateway } from './gateway.ts';
import type { Follower } from './follower.ts';
import type { Ticket } from './tickets.ts';
import type { ReceivedEvent, Transport } from './transport.ts';

export interface SubscriberOptions {
  readonly name: string;
  /** Those that it goes by, one after another in no order. */
  readonly transports: readonly Transport[];
  readonly interest: Interest;
  readonly gateways: readonly Gateway[];
  /** The principal's credential of now. */
  readonly ticket: () => Ticket;
  /** Whether nobody comes back as this one: it was removed, or what it follows. */
  readonly isOver: () => boolean;
  readonly onFinding: (finding: Finding) => void;
  readonly random: Random;
}

/** One connection, for judging what came over it. */
export interface Connection {
  readonly gateway: Gateway;
  readonly transport: string;
  /** The one that it lives by now. */
  ticket: Ticket;
  /** By which it lived since everything that it was told was judged, or made void. */
  tickets: readonly Ticket[];
  /** The place in the log that the client named; undefined: none, everything is live. */
  readonly cursor: number | undefined;
  /** Where its gateway was at least when it opened: what lies before is the past. */
  readonly floor: number;
  /** What lies after this was told live, without exception; undefined: not known yet. */
  liveAfter: number | undefined;
  /** Where its gateway was at least when the server was last let go on; undefined: it goes on by itself. */
  released: number | undefined;
  open: boolean;
}

/** An event with what is needed to judge it. */
export interface Receipt {
  readonly event: ReceivedEvent;
  readonly sequence: number;
  readonly connection: Connection;
  /** Whether a `resync` came before it on its connection: then it is no past. */
  readonly afterResync: boolean;
  /** Where its gateway was at least when it was sent; undefined: that is not known. */
  readonly released: number | undefined;
  /** The credentials by which it may have been told. */
  readonly tickets: readonly Ticket[];
}

/** An answer: everything behind one place, up to another. */
export interface Turn {
  readonly connection: Connection;
  readonly after: number;
  readonly upTo: number;
  /** Whether nothing of it is past: a quiet point lay within it. */
  readonly isLive: boolean;
}

const LONGEST_TRAIL = 12;
const CHANGE_CHANCE = 0.4;
const RETRY_MS = 15;
const LONGEST_RETRY_MS = 150;
const MOST_RETRIES = 400;

/**
 * One client: lists, follows a stream from there, comes back with its cursor, to another gateway, when the connection
 * is lost, and fetches again after a `resync`. Keeps what it was told until that was judged.
 */
export class Subscriber implements Follower {
  readonly options: SubscriberOptions;
  /** Not judged yet. */
  receipts: Receipt[] = [];
  /** Answers to polls that were not judged yet. */
  turns: Turn[] = [];
  /** Rows that it may read and that were in no list when it began: it has them once they change. */
  unlisted: ReadonlySet<string> = new Set();
  /** Judged at the last quiet point: messages of the connection of now come after it without a gap. */
  completeUpTo = 0;
  /** Whether the rows that it has are not worth anything: it was told to fetch again. */
  stale = true;
  /** Why the stream was not opened; undefined: it was, or will be. */
  refusal: { readonly status: number; readonly body: string } | undefined;
  /** Why it was told not to come back. */
  sentAway: string | undefined;
  readonly resyncs: string[] = [];
  /** When it was last told to fetch again, or fetched: from there on it was told all but what time does. */
  freshAt = 0;
  connection: Connection | undefined;
  #close: (() => void) | undefined;
  #gateway: number;
  #transport: Transport;
  /** What the credential was limited to that the cursor was got with. */
  #limits: string | undefined;
  #cursor: string | undefined;
  #last = 0;
  #resynced = false;
  #retries = 0;
  /** What happened to it last, for a finding to tell. */
  readonly trail: string[] = [];
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;
  readonly #rows: ShownRows;

  constructor(options: SubscriberOptions, gateway: number) {
    this.options = options;
    this.#gateway = gateway;
    this.#rows = new ShownRows(options.interest);
    this.#transport = options.random.pick(options.transports);
  }

  get viewer(): Viewer {
    const { principal, credential } = this.connection?.ticket ?? this.options.ticket();
    return { asker: { principal, credential }, interest: this.options.interest };
  }

  /** Whether everything up to a place has been told, or nothing will be. */
  hasReached(sequence: number): boolean {
    const { expiresAt = Infinity } = this.options.ticket();
    if (this.refusal !== undefined || this.sentAway !== undefined || this.isOver || expiresAt <= Date.now())
      return !this.isOpen;
    return this.connection?.open === true && this.#last >= sequence;
  }

  get isOpen(): boolean {
    return this.connection?.open === true;
  }

  get isOver(): boolean {
    return this.options.isOver();
  }

  /** What a failed wait needs to say of it. */
  get state(): string {
    const { name } = this.options;
    const { gateway, transport } = this.connection ?? {};
    const open = this.isOpen ? `open on ${gateway?.name} over ${transport}` : 'not open';
    return `${name}: ${open}, at ${this.#last}, cursor ${this.#cursor}, ${this.#retries} retries`;
  }

  /** The sequence from which a replay would have to begin. */
  get place(): number {
    return this.#cursor === undefined ? 0 : sequenceOf(this.#cursor);
  }

  /** Opens the stream, or again after it was closed; without a cursor, the rows are fetched once it is open. */
  connect(): void {
    const { gateways, interest, ticket } = this.options;
    if (this.#stopped) return;
    this.drop();
    this.refusal = undefined;
    const current = ticket();
    const takes = (one: Transport): boolean => one.takes?.(current) ?? true;
    if (!takes(this.#transport)) {
      const { random, transports } = this.options;
      this.#transport = random.pick(transports.filter(takes));
    }
    const transport = this.#transport;
    // A cursor says nothing of the limits of the credential that it was got with: others are a new beginning.
    if (this.#limits !== undefined && this.#limits !== current.limits) this.forget();
    const cursor = this.#cursor;
    this.#limits = current.limits;
    const wanted = transport.place?.(current, cursor);
    const gateway = gateways.find(({ url }) => url === wanted) ?? gateways[this.#gateway % gateways.length];
    if (gateway === undefined) return;
    const place = transport.anywhere === true ? anyOf(gateways) : gateway;
    const as = transport.as?.(current) ?? current;
    let connection = this.#begin(place, as, false);
    this.#last = connection.cursor ?? 0;
    this.#close = transport.open(
      {
        base: gateway.url,
        ticket: current,
        interest,
        cursor,
        cursorInHeader: this.#retries % 2 === 0,
      },
      {
        opened: () => {
          connection.open = true;
          this.#note(`open on ${place.name} over ${transport.name} after ${cursor} as ${current.credential}`);
          if (connection.cursor === undefined) this.stale = true;
        },
        again: () => {
          if (connection === this.connection) connection = this.#begin(place, as, true);
        },
        event: (event) => this.#receive(connection, event),
        released: () => {
          connection.released = place.reached;
        },
        position: (id) => this.#advance(connection, id),
        answered: () => this.#answered(connection),
        resync: (text) => this.#resync(connection, text),
        renewed: (renewal) => this.#renewed(connection, renewal),
        ended: (text) => this.#ended(connection, text),
        closed: () => this.#closed(connection),
        refused: (status, body) => this.#refused(connection, status, body),
      },
    );
  }

  #begin(gateway: Gateway, ticket: Ticket, open: boolean): Connection {
    const cursor = this.#cursor === undefined ? undefined : sequenceOf(this.#cursor);
    const connection = {
      gateway,
      transport: this.#transport.name,
      ticket,
      tickets: [ticket],
      cursor,
      floor: gateway.reached,
      liveAfter: undefined,
      released: undefined,
      open,
    };
    this.connection = connection;
    this.#resynced = false;
    return connection;
  }

  /** Closes the connection without a word; the cursor stays. */
  drop(): void {
    clearTimeout(this.#retry);
    this.#close?.();
    this.#close = undefined;
    if (this.connection !== undefined) this.connection.open = false;
  }

  /** The next connection goes to another gateway, and perhaps over another transport. */
  moveOn(): void {
    this.#gateway += 1;
    const { random, transports } = this.options;
    if (random.chance(CHANGE_CHANCE)) this.#transport = random.pick(transports);
  }

  /** Forgets everything: the next connection begins as a new client's. */
  forget(): void {
    this.drop();
    this.#cursor = undefined;
    this.#rows.discard();
    this.stale = true;
  }

  /** What it has is not worth anything any more, as it knows by itself. */
  fetchAgain(): void {
    this.stale = true;
    this.freshAt = Date.now();
    this.#rows.discard();
  }

  stop(): void {
    this.#stopped = true;
    this.drop();
  }

  /** Takes what lists say in place of what it had. Events that a list includes are not applied to its rows. */
  restart(listings: readonly Listing[]): void {
    this.#note(`restarts from ${listings.map((one) => `${one.schema.slug} ${one.position}`).join(', ')}`);
    this.#rows.restart(listings);
    this.stale = false;
    this.freshAt = Date.now();
    if (this.connection?.open === true || listings.length === 0) return;
    const oldest = Math.min(...listings.map(({ position }) => position));
    this.#cursor = listings.find(({ position }) => position === oldest)?.positionId;
    this.#last = oldest;
  }

  /** The rows as this client shows them now. */
  view(schemaOf: (register: string, schema: string) => Schema | undefined): ReadonlyMap<string, Image> {
    return this.#rows.view(schemaOf);
  }

  #note(what: string): void {
    this.trail.push(what);
    if (this.trail.length > LONGEST_TRAIL) this.trail.shift();
  }

  #receive(connection: Connection, event: ReceivedEvent): void {
    if (connection !== this.connection) return;
    const sequence = sequenceOf(event.id);
    if (!(sequence > this.#last)) {
      this.options.onFinding(
        new Finding('wrong-order', `${this.options.name} was told ${event.id} after ${this.#last}`, {
          text: event.text,
          cursor: connection.cursor,
        }),
      );
    }
    this.#advance(connection, event.id);
    const { tickets, released } = connection;
    const receipt = { event, sequence, connection, afterResync: this.#resynced, released, tickets };
    this.receipts.push(receipt);
    this.#rows.told(receipt);
  }

  #advance(connection: Connection, id: string): void {
    if (connection !== this.connection) return;
    const sequence = sequenceOf(id);
    this.#retries = 0;
    this.#cursor = id;
    this.#last = Math.max(this.#last, sequence);
    // A gateway that is behind repeats a cursor that it was given: only what lies beyond was its own to say.
    if (sequence > (connection.cursor ?? 0)) {
      connection.gateway.reached = Math.max(connection.gateway.reached, sequence);
    }
  }

  /** A resync leaves nothing to be missed. */
  #answered(connection: Connection): void {
    if (connection !== this.connection || connection.cursor === undefined || this.#resynced) return;
    // What was told up to a quiet point was judged there.
    const isLive = this.completeUpTo > connection.cursor;
    const after = isLive ? this.completeUpTo : connection.cursor;
    this.turns.push({ connection, after, upTo: this.#last, isLive });
  }

  #resync(connection: Connection, text: string): void {
    if (connection !== this.connection) return;
    const { reason, current } = JSON.parse(text) as { readonly reason: string; readonly current: string };
    this.resyncs.push(reason);
    this.#note(`resync ${reason} ${current} on ${connection.gateway.name}`);
    if (['epoch', 'malformed', 'unencodable'].includes(reason)) {
      this.options.onFinding(new Finding('unexpected-resync', `${this.options.name}: ${text}`));
    }
    this.fetchAgain();
    this.#resynced = true;
    this.#advance(connection, current);
    connection.liveAfter = Math.max(connection.liveAfter ?? 0, sequenceOf(current));
    this.completeUpTo = Math.max(this.completeUpTo, sequenceOf(current));
    connection.tickets = [connection.ticket];
    this.#limits = connection.ticket.limits;
  }

  #renewed(connection: Connection, ticket: Ticket): void {
    if (connection !== this.connection) return;
    connection.ticket = ticket;
    connection.tickets = [...connection.tickets, ticket];
    this.#note(`renewed as ${ticket.credential}`);
  }

  #ended(connection: Connection, text: string): void {
    if (connection !== this.connection) return;
    this.#note(`ended: ${text}`);
    const { code, reconnect } = JSON.parse(text) as { readonly code: string; readonly reconnect: boolean };
    // A credential that ended has a successor.
    if (!reconnect && code !== 'CREDENTIAL_ENDED') this.sentAway = text;
  }

  #closed(connection: Connection): void {
    if (connection !== this.connection) return;
    connection.open = false;
    this.#tryAgain();
  }

  #refused(connection: Connection, status: number, body: string): void {
    if (connection !== this.connection) return;
    connection.open = false;
    // Revoked a moment ago, or not ready: neither says anything about the topics.
    if (status === 401 || status === 429 || status >= 500) this.#tryAgain();
    else this.refusal = { status, body };
    this.#note(`refused: ${status} ${body.slice(0, 100)}`);
  }

  #tryAgain(): void {
    if (this.sentAway !== undefined || this.isOver) return;
    this.moveOn();
    this.#retries += 1;
    if (this.#retries > MOST_RETRIES) {
      this.options.onFinding(new Finding('loss', `${this.state}: it is not let in any more`));
      return;
    }
    this.#retry = setTimeout(() => this.connect(), Math.min(RETRY_MS * this.#retries, LONGEST_RETRY_MS));
  }
}

/** The number in a position. @throws Error when it is none. */
export function sequenceOf(id: string): number {
  const match = /^evt-[0-9a-z]{8}-([0-9]{12})$/.exec(id);
  if (match?.[1] === undefined) throw new Error(`'${id}' is not an event id`);
  return Number(match[1]);
}
