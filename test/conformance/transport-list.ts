import { tableFeed, topicFeed } from './transport-feed.ts';
import { graphqlSocket } from './transport-graphql-socket.ts';
import { graphqlSse } from './transport-graphql-sse.ts';
import { graphqlStream } from './transport-graphql-stream.ts';
import { tablePoll, topicPoll } from './transport-poll.ts';
import { severalSse } from './transport-sse-several.ts';
import { sharedSocket, tableSocket, topicSocket } from './transport-socket.ts';
import { tableSse, topicSse } from './transport-sse.ts';
import type { Transport } from './transport.ts';

/** Every way to be told of changes; those first that wait most. */
export const TRANSPORTS: readonly Transport[] = [
  tablePoll,
  topicPoll,
  tableSocket,
  sharedSocket,
  tableFeed,
  topicFeed,
  tableSse,
  severalSse,
  graphqlSse,
  graphqlStream,
  graphqlSocket,
  topicSocket,
  topicSse,
];
