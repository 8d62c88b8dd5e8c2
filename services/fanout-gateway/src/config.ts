import {
  CREDENTIAL_WARNING_MS,
  DEFAULT_EVENT_TYPE_PREFIX,
  REALTIME_TRANSPORT_CONFIG,
} from '@tidewire/contract';
import {
  baseConfig,
  booleanSetting,
  busConfig,
  clientsBusConfig,
  integerSetting,
  proxyConfig,
  replicasConfig,
} from '@tidewire/service-kit';
import { z } from 'zod';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

const events = {
  TIDEWIRE_EVENT_SOURCE: z
    .string()
    .min(1)
    .optional()
    .describe('`source` of every event, the same on every replica. Default: the public URL.'),
  TIDEWIRE_EVENT_TYPE_PREFIX: z
    .string()
    .min(1)
    .default(DEFAULT_EVENT_TYPE_PREFIX)
    .describe('What stands before `.object.created` in the type of an event.'),
  TIDEWIRE_SSE_HEARTBEAT_MS: integerSetting(100, 300_000)
    .default(REALTIME_TRANSPORT_CONFIG.sseHeartbeatIntervalMs)
    .describe('How often a quiet SSE stream is told its position, milliseconds.'),
  TIDEWIRE_STALENESS_LIMIT_MS: integerSetting(1000, 600_000)
    .default(10_000)
    .describe('How far behind the log this process may be before it delivers nothing, milliseconds.'),
  TIDEWIRE_STALE_STREAMS_MS: integerSetting(1000, DAY_MS)
    .default(60_000)
    .describe(
      'How long it may deliver nothing before it ends its streams, for them to go on elsewhere, milliseconds.',
    ),
  TIDEWIRE_TIME_RULE_RESYNC_MS: integerSetting(100, DAY_MS)
    .default(60_000)
    .describe('How often streams whose rules depend on the time are told to fetch again, milliseconds.'),
};

const replay = {
  TIDEWIRE_REPLAY_RING_EVENTS: integerSetting(1, 1_000_000)
    .default(1000)
    .describe('Events kept in memory for replay; older ones are read from the log.'),
  TIDEWIRE_REPLAY_RING_BYTES: integerSetting(1024, 4096 * MIB)
    .default(64 * MIB)
    .describe('Bytes of events kept in memory for replay.'),
  TIDEWIRE_REPLAY_LIMIT_EVENTS: integerSetting(1, 1_000_000)
    .default(10_000)
    .describe('Events one replay may read; a client further behind is told to fetch again.'),
  TIDEWIRE_REPLAY_LIMIT_BYTES: integerSetting(1024, 1024 * MIB)
    .default(16 * MIB)
    .describe('Bytes one replay may hold; a client further behind is told to fetch again.'),
  TIDEWIRE_REPLAYS_PER_USER: integerSetting(1, 100)
    .default(2)
    .describe('Replays of one principal at once; further ones wait.'),
  TIDEWIRE_REPLAYS_AT_ONCE: integerSetting(1, 1000)
    .default(8)
    .describe('Replays of this process at once; further ones wait.'),
};

const connections = {
  TIDEWIRE_ANONYMOUS_STREAMS: booleanSetting()
    .default(false)
    .describe('Whether subscribers without a credential get what a `public` rule allows.'),
  TIDEWIRE_MAX_CONNECTIONS_PER_USER: integerSetting(1, 100_000)
    .default(REALTIME_TRANSPORT_CONFIG.maxConnectionsPerUser)
    .describe('Open streams of one principal, over all gateways.'),
  TIDEWIRE_MAX_ANONYMOUS_CONNECTIONS: integerSetting(0, 1_000_000)
    .default(1000)
    .describe('Open streams of anonymous subscribers together, per process.'),
  TIDEWIRE_MAX_CONNECTIONS: integerSetting(1, 1_000_000)
    .default(20_000)
    .describe('Open streams of this process; further ones are told to come again.'),
  TIDEWIRE_MAX_UNKNOWN_SOCKETS: integerSetting(0, 1_000_000)
    .default(1000)
    .describe(
      'GraphQL WebSockets of this process whose client is yet to say who it is; further ones are told to come again.',
    ),
  TIDEWIRE_MAX_UNKNOWN_SOCKETS_PER_ADDRESS: integerSetting(0, 1_000_000)
    .default(50)
    .describe('The same, of one network address (see TIDEWIRE_TRUSTED_PROXIES).'),
  TIDEWIRE_MAX_SUBSCRIPTIONS_PER_CONNECTION: integerSetting(1, 1000)
    .default(100)
    .describe('Topics of one stream.'),
  TIDEWIRE_CREDENTIAL_WARNING_MS: integerSetting(0, DAY_MS)
    .default(CREDENTIAL_WARNING_MS)
    .describe('How long before its credential ends a stream is told to renew it, milliseconds.'),
  TIDEWIRE_CONNECTION_BUDGET_BYTES: integerSetting(16 * 1024, 64 * MIB)
    .default(MIB)
    .describe('Unsent bytes one stream may hold before it is told to fetch again.'),
  TIDEWIRE_MAX_CONNECTION_AGE_MS: integerSetting(1000, 7 * DAY_MS)
    .default(3_600_000)
    .describe('Age at which a stream is told to reconnect, less up to a fifth at random, milliseconds.'),
};

/** Settings of the gateway, by environment variable. */
export const configSchema = z.object({
  ...baseConfig.shape,
  ...busConfig.shape,
  ...clientsBusConfig.shape,
  ...proxyConfig.shape,
  ...replicasConfig.shape,
  ...events,
  ...replay,
  ...connections,
});

export type GatewayConfig = z.infer<typeof configSchema>;
