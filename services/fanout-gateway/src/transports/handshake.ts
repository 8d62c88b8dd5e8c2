import { TidewireError, formatTopic, parseTopic, subscriptionIdSchema } from '@tidewire/contract';
import type { Handshake, TableHandshake, TopicHandshake } from '@tidewire/contract';
import type { WantedLane } from './lanes.ts';
import { readActions } from './stream-actions.ts';
import { queryOfFilter } from './topic-filter.ts';

/** What a client asks for, as what every transport opens. @throws TidewireError MALFORMED_TOPIC, BAD_REQUEST */
export function readHandshake(message: Handshake): WantedLane {
  return 'table' in message ? readTableHandshake(message) : readTopicHandshake(message);
}

/** How a client calls the subscription that a message is about; undefined: by nothing that could be its name. */
export function nameIn({
  subscriptionId,
  table,
  topic,
}: Readonly<Record<string, unknown>>): string | undefined {
  return subscriptionIdSchema.safeParse(subscriptionId ?? table ?? topic).data;
}

function readTableHandshake(message: TableHandshake): WantedLane {
  const { table, filter = '', fields, sort } = message;
  return {
    wanted: {
      from: table,
      wish: { filter: typeof filter === 'string' ? filter : JSON.stringify(filter), fields, sort },
      actions: undefined,
    },
    subscription: message.subscriptionId,
    cursor: message.lastEventId,
  };
}

function readTopicHandshake(message: TopicHandshake): WantedLane {
  const { filter = {}, fields, events } = message;
  const topic = parseTopic(message.topic);
  if (topic === undefined) {
    throw new TidewireError('MALFORMED_TOPIC', `'${message.topic.slice(0, 200)}' is not a topic`);
  }
  return {
    wanted: {
      from: [topic],
      wish: { filter: queryOfFilter(filter), fields },
      actions: events && readActions(events),
    },
    subscription: message.subscriptionId ?? formatTopic(topic),
    cursor: message.lastEventId,
  };
}
