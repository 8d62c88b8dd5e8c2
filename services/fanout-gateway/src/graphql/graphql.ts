import { GRAPHQL_STREAMS_BUCKET } from '@tidewire/contract';
import { openReservationStore } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import type { GatewayConfig } from '../config.ts';
import { GraphqlSockets } from './graphql-sockets.ts';
import type { GraphqlSocketsOptions } from './graphql-sockets.ts';
import { GraphqlStreams } from './graphql-streams.ts';

export interface GraphqlOptions extends Omit<
  GraphqlSocketsOptions,
  'maxSubscriptions' | 'anonymousStreams' | 'strangers'
> {
  readonly bus: MessageBus;
  /** This gateway's name among all. */
  readonly instance: string;
}

/** Connections of GraphQL that have several operations each. */
export interface Graphql {
  readonly sockets: GraphqlSockets;
  readonly streams: GraphqlStreams;
}

/** Nothing runs before `streams.start()`. */
export function createGraphql(config: GatewayConfig, options: GraphqlOptions): Graphql {
  const { bus } = options;
  const shared = { ...options, maxSubscriptions: config.TIDEWIRE_MAX_SUBSCRIPTIONS_PER_CONNECTION };
  return {
    sockets: new GraphqlSockets({
      ...shared,
      anonymousStreams: config.TIDEWIRE_ANONYMOUS_STREAMS,
      strangers: {
        total: config.TIDEWIRE_MAX_UNKNOWN_SOCKETS,
        perKey: config.TIDEWIRE_MAX_UNKNOWN_SOCKETS_PER_ADDRESS,
      },
    }),
    streams: new GraphqlStreams({
      ...shared,
      store: openReservationStore(bus, {
        bucket: GRAPHQL_STREAMS_BUCKET,
        replicas: config.TIDEWIRE_LOG_REPLICAS,
      }),
      maxAgeMs: config.TIDEWIRE_MAX_CONNECTION_AGE_MS,
    }),
  };
}
