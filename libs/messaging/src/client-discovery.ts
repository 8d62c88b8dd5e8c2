import { randomUUID } from 'node:crypto';
import { formatClientSubject, parseInbox } from '@tidewire/contract';
import type { ClientSubject } from '@tidewire/contract';
import type { Msg } from '@nats-io/transport-node';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';

/** What a service says of itself to whoever looks for micro services of NATS. */
export interface ClientServiceDescription {
  readonly name: string;
  /** Semantic: of what is asked and answered, not of the program. */
  readonly version: string;
  readonly description: string;
  readonly endpoints: readonly { readonly kind: ClientSubject; readonly queue: string }[];
}

const TYPE = 'io.nats.micro.v1';
/** Answers a second, and at once after a while without any. */
const ANSWERS_PER_SECOND = 50;

/**
 * Answers `$SRV.PING` and `$SRV.INFO` (NATS ADR-32). Nobody knows who asks there, so only inboxes of subscribers are answered
 * to, at a bounded rate; a question too many gets no answer. `$SRV.STATS` has none at all: the counts are of everybody's
 * requests. `now`: monotonic milliseconds. Returns how to stop.
 */
export function answerDiscovery(
  bus: MessageBus,
  description: ClientServiceDescription,
  now: () => number,
): () => void {
  const { connection, logger } = linkOf(bus);
  const { name, version, description: text, endpoints } = description;
  const identity = { name, id: randomUUID(), version, metadata: {} };
  const answers = {
    PING: { type: `${TYPE}.ping_response`, ...identity },
    INFO: {
      type: `${TYPE}.info_response`,
      ...identity,
      description: text,
      endpoints: endpoints.map(({ kind, queue }) => ({
        name: kind,
        subject: formatClientSubject(kind, '*'),
        queue_group: queue,
        metadata: {},
      })),
    },
  };
  const mayAnswer = createAllowance(now);
  const subscriptions = Object.entries(answers).flatMap(([verb, answer]) => {
    const body = JSON.stringify(answer);
    const reply = (message: Msg): void => {
      if (parseInbox(message.reply ?? '') !== undefined && mayAnswer()) message.respond(body);
    };
    return [`$SRV.${verb}`, `$SRV.${verb}.${name}`, `$SRV.${verb}.${name}.${identity.id}`].map((subject) =>
      connection.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) reply(message);
          else logger.error('subscription refused', { subject, error });
        },
      }),
    );
  });
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
}

/** As many as a second has come up with since the last one was taken. */
function createAllowance(now: () => number): () => boolean {
  let left = ANSWERS_PER_SECOND;
  let at = now();
  return () => {
    const moment = now();
    left = Math.min(ANSWERS_PER_SECOND, left + ((moment - at) / 1000) * ANSWERS_PER_SECOND);
    at = moment;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}
