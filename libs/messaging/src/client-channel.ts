import {
  FEED_HEADERS,
  feedAnswerFilter,
  formatClientSubject,
  isInboxOf,
  parseClientSubject,
  parseFeedAnswerSubject,
} from '@tidewire/contract';
import type { ClientSubject, FeedAnswerSubject, SubscriberAddress } from '@tidewire/contract';
import { headers } from '@nats-io/transport-node';
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import type { BusStatus } from './bus-link.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';

/** A request of a subscriber. NATS vouches for the address: nobody else may publish on its subject. */
export interface ClientRequest {
  readonly address: SubscriberAddress;
  /** Where the subscriber, or who may ask for it, listens for what it asked for. */
  readonly inbox: string;
  readonly text: string;
}

/** A message for an inbox. */
export interface ClientMessage {
  readonly contentType: string;
  readonly body: Uint8Array | string;
  /** Where an answer is wanted; absent: none is. */
  readonly reply?: string | undefined;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ClientRequestOptions {
  readonly kind: ClientSubject;
  /** Replicas of one queue share the requests. */
  readonly queue: string;
  /** Which inboxes of whom are answered to. Absent: those of the asker's own ({@link isInboxOf}), and no others. */
  readonly mayAnswer?: (address: SubscriberAddress, inbox: string) => boolean;
  readonly handle: (request: ClientRequest) => void;
}

export interface ClientAnswerOptions {
  /** The gateway that is answered to. */
  readonly gateway: string;
  /** `nobody`: the message that wanted the answer reached nobody, because nobody listens there. */
  readonly handle: (answer: FeedAnswerSubject, text: string | typeof NOBODY) => void;
}

/** In place of an answer: NATS says that nobody listens where the message went. */
export const NOBODY = Symbol('nobody');

/** What a service does in the clients' account: takes requests of subscribers, and publishes to their inboxes. */
export interface ClientChannel {
  readonly connected: boolean;
  /** Requests that named an inbox of somebody else, or none: nothing was ever sent for them. */
  readonly foreignInboxes: number;
  onRequest(options: ClientRequestOptions): () => Promise<void>;
  onAnswer(options: ClientAnswerOptions): () => void;
  /** Publishes at once. False while not connected: nothing is kept for later, because rights may be others by then. */
  send(inbox: string, message: ClientMessage): boolean;
  onStatus(listener: (status: BusStatus) => void): () => void;
}

/** The status of what the server answers in place of a subscriber that is not there. */
const NO_RESPONDERS = 503;
/** How often strangers' requests are told of in the log at most. */
const TELL_EVERY_MS = 60_000;

/** Opens the channel on a bus that was connected into the clients' account. `now`: monotonic milliseconds. */
export function openClientChannel(bus: MessageBus, now: () => number): ClientChannel {
  const link = linkOf(bus);
  const heads = new Map<string, MsgHdrs>();
  let foreignInboxes = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  const refuseInbox = (kind: ClientSubject): void => {
    foreignInboxes += 1;
    if (now() - toldAt < TELL_EVERY_MS) return;
    toldAt = now();
    link.logger.warn('a request asked for answers in an inbox that is not its own', {
      subject: formatClientSubject(kind, '*'),
    });
  };
  const take = ({ kind, handle, mayAnswer = isInboxOf }: ClientRequestOptions, message: Msg): void => {
    const address = parseClientSubject(message.subject);
    const inbox = message.reply ?? '';
    if (address === undefined || !mayAnswer(address, inbox)) refuseInbox(kind);
    else handle({ address, inbox, text: message.string() });
  };
  return {
    get connected() {
      return link.connected;
    },
    get foreignInboxes() {
      return foreignInboxes;
    },
    onRequest: (options) => {
      const subject = formatClientSubject(options.kind, '*');
      const subscription = link.connection.subscribe(subject, {
        queue: options.queue,
        callback: (error, message) => {
          if (error === null) take(options, message);
          else link.logger.error('subscription refused', { subject, error });
        },
      });
      return () => subscription.drain();
    },
    onAnswer: ({ gateway, handle }) => {
      const subject = feedAnswerFilter(gateway);
      const subscription = link.connection.subscribe(subject, {
        callback: (error, message) => {
          const answer = error === null ? parseFeedAnswerSubject(message.subject) : undefined;
          const isLost = message.headers?.code === NO_RESPONDERS && message.data.length === 0;
          if (answer !== undefined) handle(answer, isLost ? NOBODY : message.string());
          else if (error !== null) link.logger.error('subscription refused', { subject, error });
        },
      });
      return () => subscription.unsubscribe();
    },
    send: (inbox, { contentType, body, reply, headers: more }) => {
      if (!link.connected || link.connection.isDraining()) return false;
      link.connection.publish(inbox, body, {
        headers: more === undefined ? headOf(heads, contentType) : withHeaders(contentType, more),
        ...(reply !== undefined && { reply }),
      });
      return true;
    },
    onStatus: (listener) => link.onStatus(listener),
  };
}

/** The same for every message of a type: there are few. */
function headOf(heads: Map<string, MsgHdrs>, contentType: string): MsgHdrs {
  let head = heads.get(contentType);
  if (head === undefined) heads.set(contentType, (head = withHeaders(contentType, {})));
  return head;
}

function withHeaders(contentType: string, more: Readonly<Record<string, string>>): MsgHdrs {
  const set = headers();
  set.set(FEED_HEADERS.contentType, contentType);
  for (const [name, value] of Object.entries(more)) set.set(name, value);
  return set;
}
