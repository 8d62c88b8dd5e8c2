import { isDeepStrictEqual } from 'node:util';
import type { ErrorCode } from '@tidewire/contract';
import type { MessageCheck } from './transport-messages.ts';

/** A condition on one field; each transport writes it in its own words. */
export interface Condition {
  readonly field: string;
  readonly operator: 'eq' | 'gt';
  readonly value: string;
}

/** What is followed, under the names that all faces have for it. */
export interface Place {
  readonly table: string;
  readonly topic: string;
  readonly graphql: GraphqlNames;
}

/** A field of GraphQL's subscriptions, and all that can be selected of it: nobody is told there what they do not name. */
export interface GraphqlNames {
  readonly events: string;
  readonly properties: readonly string[];
}

/** A wish to follow something. */
export interface Order {
  /** Base URL of a gateway. */
  readonly base: string;
  /** The one origin of everything else. */
  readonly origin: string;
  /** Where subscribers reach NATS. */
  readonly nats: string;
  readonly token: string | undefined;
  readonly place: Place;
  readonly filter?: Condition | undefined;
  readonly fields?: readonly string[] | undefined;
  /** Of tables only. */
  readonly sort?: string | undefined;
  readonly cursor?: string | undefined;
  readonly check: MessageCheck;
}

/** A change, whatever it was told in. */
export interface Told {
  readonly event: 'insert' | 'update' | 'delete';
  readonly id: string;
  /** The cursor after it. */
  readonly cursor: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  /** Names of what an update changed. */
  readonly changed: readonly string[] | undefined;
  /** What the record was before, its changed fields at least; undefined where nothing tells. */
  readonly old: Readonly<Record<string, unknown>> | undefined;
  /** As it came. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Undefined where it is a message and no answer. */
  readonly retryAfter: string | undefined;
}

/** Why it is over: for the subscription, or for the connection with it. */
export interface End {
  /** Undefined: it just ended, which says that one can come back. */
  readonly code: string | undefined;
  readonly reconnect: boolean;
  /** Of a WebSocket that was closed. */
  readonly closeCode?: number;
}

/** What one follower was told, in the order in which it came. */
export class Account {
  readonly changes: Told[] = [];
  readonly resyncs: { readonly reason: string; readonly current: string }[] = [];
  /** The position up to which everything was told; undefined before the first. */
  cursor: string | undefined;
  /** The answer to a subscription, where the transport has one. */
  subscribed: Readonly<Record<string, unknown>> | undefined;
  readonly statuses: string[] = [];
  /** When the credential will end. */
  readonly expiring: string[] = [];
  refusal: Refusal | undefined;
  end: End | undefined;
  /** Whether it is being told of changes. */
  get live(): boolean {
    return this.refusal === undefined && this.end === undefined;
  }
}

/** One subscription that was asked for. Nothing is told after it was refused or ended. */
export interface Follower extends Disposable {
  readonly account: Account;
  /** Id of the connection; empty where it has none. */
  readonly connection: string;
  /** Goes on by another credential of the same principal. */
  readonly renew: (token: string) => Promise<void>;
}

/** Both ends of a transport that takes messages of its client. */
export interface Talker extends Follower {
  /** Sends a message, or a text that is none. */
  readonly send: (message: Readonly<Record<string, unknown>> | string) => void;
  /** The messages of a type so far. */
  readonly of: (type: string) => readonly Readonly<Record<string, unknown>>[];
  /** A handshake for what the follower itself asked for, without an id. */
  readonly handshake: (place: Place) => Readonly<Record<string, unknown>>;
}

/** A connection that takes more subscriptions than the one that it was opened with. */
export interface Host extends Follower {
  /** Resolves when the subscription is told of changes, or was refused. */
  readonly also: (followed: Followed) => Promise<Guest>;
}

/** What a subscription is to, whoever asks and wherever. */
export type Followed = Omit<Order, 'base' | 'origin' | 'nats' | 'token' | 'check'>;

/** A subscription of somebody's connection. */
export interface Guest {
  readonly account: Account;
  /** Ends the subscription; its connection stays. */
  readonly leave: () => Promise<void>;
}

/** A way to follow a table or a topic. A new one is an adapter, and a line in `transport-list.ts`. */
export interface Transport {
  readonly name: string;
  readonly face: 'table' | 'topic' | 'graphql';
  /** A stream lasts; a poll is one question after another. */
  readonly kind: 'stream' | 'poll';
  /** Opens a follower; resolves when it is told of changes, or was refused. */
  readonly open: (order: Order) => Promise<Follower>;
  /** Undefined: a connection is one subscription. */
  readonly host: ((order: Order) => Promise<Host>) | undefined;
  /** Undefined: it cannot send frames of ours. */
  readonly talk: ((order: Order) => Promise<Talker>) | undefined;
  /** Whether an update tells what the changed fields were before. */
  readonly tellsOldValues: boolean;
  /** Whether one can ask which fields there are, those included that one may not read. */
  readonly showsAllNames: boolean;
  /** Whether it says why, when it ends and one can come back. */
  readonly tellsWhyToComeBack: boolean;
  /** Which code a connection is closed with. Undefined: it has none. */
  readonly closeCodeOf: ((code: ErrorCode) => number | undefined) | undefined;
  /** It is one question after another, so that an end may be the refusal of the next one. */
  readonly asksAgain?: true;
  /** That the credential will end is not said: the connection that lives by it is somebody else's. */
  readonly expiresUnsaid?: true;
}

/** The query of a table's stream or poll. */
export function tableQuery({ filter, fields, sort }: Order): URLSearchParams {
  const query = new URLSearchParams();
  if (filter !== undefined) query.set('filter', filterText(filter));
  if (fields !== undefined) query.set('fields', fields.join(','));
  if (sort !== undefined) query.set('sort', sort);
  return query;
}

export function filterText({ field, operator, value }: Condition): string {
  return `${field}:${operator}:${value}`;
}

/** The query of topics, of a stream or a poll. */
export function topicQuery({ place, filter, fields }: Order): URLSearchParams {
  const query = new URLSearchParams({ topic: place.topic });
  if (filter !== undefined) query.set(`filter[${filter.field}][${filter.operator}]`, filter.value);
  if (fields !== undefined) query.set('_fields', fields.join(','));
  return query;
}

interface TableChange extends Readonly<Record<string, unknown>> {
  readonly event: Told['event'];
  readonly recordId: string;
  readonly eventId: string;
  readonly record?: { readonly fields: Told['fields'] };
  readonly oldRecord?: { readonly fields: Told['fields'] };
}

/** A `change` of a table. */
export function readTableChange(raw: Readonly<Record<string, unknown>>): Told {
  const { event, recordId, eventId, record, oldRecord } = raw as TableChange;
  const [fields, old] = [record?.fields, oldRecord?.fields];
  return {
    event,
    id: recordId,
    cursor: eventId,
    fields,
    changed: old && changedNames(old, fields),
    old,
    raw,
  };
}

function changedNames(
  old: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, unknown>> = {},
): readonly string[] {
  const names = new Set([...Object.keys(old), ...Object.keys(fields)]);
  return [...names].filter((name) => !isDeepStrictEqual(old[name], fields[name]));
}

interface CloudEvent extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly type: string;
  readonly data: {
    readonly uuid: string;
    readonly transition?: string;
    readonly object?: Readonly<Record<string, unknown>>;
    readonly changed?: Readonly<Record<string, { readonly old?: unknown }>>;
  };
}

/** A CloudEvent of a topic. */
export function readCloudEvent(raw: Readonly<Record<string, unknown>>): Told {
  const { id, type, data } = raw as CloudEvent;
  const { object, changed } = data;
  return {
    event: eventOf(type, data.transition),
    id: data.uuid,
    cursor: id,
    fields: object && propertiesOf(object),
    changed: changed && Object.keys(changed),
    old: changed && Object.fromEntries(Object.entries(changed).map(([name, { old }]) => [name, old])),
    raw,
  };
}

function eventOf(type: string, transition: string | undefined): Told['event'] {
  if (type.endsWith('.deleted')) return 'delete';
  return type.endsWith('.created') || transition === 'entered' ? 'insert' : 'update';
}

function propertiesOf(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== 'id' && !/^[_@]/.test(name)));
}
