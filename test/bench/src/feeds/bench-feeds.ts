import { SubscriberClient } from '@tidewire/test-kit';
import type { FeedClient, InboxMessage, Platform } from '@tidewire/test-kit';
import { createApi } from '../../../support/api.ts';

/** Feeds of one subscriber over a few connections, as one server of another team has them. */
export interface BenchFeeds extends AsyncDisposable {
  readonly feeds: readonly FeedClient[];
  readonly clients: readonly SubscriberClient[];
}

const CONNECTIONS = 4;
const EXPIRES_MS = 300_000;

/** Opens feeds and resolves when all of them follow. `onMessage` is called with each message as it comes. */
export async function openFeeds(
  platform: Platform,
  options: {
    readonly token: string;
    readonly topic: string;
    readonly count: number;
    readonly connections?: number;
    readonly onMessage?: (message: InboxMessage, feed: number) => void;
  },
): Promise<BenchFeeds> {
  const { token, topic, count, connections = CONNECTIONS, onMessage = () => undefined } = options;
  const api = createApi(platform.origin, token);
  const { principal } = await api.send<{ principal: { id: string } }>('GET', '/api/auth/me');
  const clients = await Promise.all(
    Array.from({ length: connections }, () =>
      SubscriberClient.open({
        servers: platform.natsServer,
        subscriber: principal.id,
        credential: { token },
        connection: { reconnect: false },
      }),
    ),
  );
  const feeds: FeedClient[] = [];
  for (let number = 0; number < count; number += 1) {
    const client = clients[number % clients.length];
    const feed = await client?.feed(
      { topics: [topic], expires: EXPIRES_MS, heartbeat: 10_000 },
      {
        answer: (message) => {
          onMessage(message, number);
          return '';
        },
      },
    );
    if (feed !== undefined) feeds.push(feed);
    // So many requests of one subscriber are let in at once.
    if (number % 16 === 15) await Promise.all(feeds.map(untilFollowing));
  }
  await Promise.all(feeds.map(untilFollowing));
  return {
    feeds,
    clients,
    [Symbol.asyncDispose]: async () => {
      for (const feed of feeds) feed.leave();
      for (const client of clients) await client[Symbol.asyncDispose]();
    },
  };
}

async function untilFollowing(feed: FeedClient): Promise<void> {
  await feed.until(({ messages }) => messages.length > 0, 'the feed follows');
  const refused = feed.messages.find(({ errorCode }) => errorCode !== '');
  if (refused !== undefined) throw new Error(`refused: ${JSON.stringify(refused.body)}`);
}
