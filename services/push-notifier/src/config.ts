import { DEFAULT_EVENT_TYPE_PREFIX } from '@tidewire/contract';
import {
  baseConfig,
  booleanSetting,
  busConfig,
  clientsBusConfig,
  databasePoolConfig,
  integerSetting,
  proxyConfig,
  replicasConfig,
  secret,
} from '@tidewire/service-kit';
import { z } from 'zod';
import { vapidSubjectSchema } from './vapid/vapid-subject.ts';

const DAY_MS = 86_400_000;

/** The settings of the push notifier. */
export const configSchema = z.object({
  ...baseConfig.shape,
  ...busConfig.shape,
  ...clientsBusConfig.shape,
  ...databasePoolConfig.shape,
  ...proxyConfig.shape,
  ...replicasConfig.shape,
  TIDEWIRE_STALENESS_LIMIT_MS: integerSetting(1000, 600_000)
    .default(10_000)
    .describe('How far behind the log this process may be before it delivers nothing, milliseconds.'),
  TIDEWIRE_PUSH_MAX_SOCKETS: integerSetting(1, 1_000_000)
    .default(10_000)
    .describe('Push sockets of this process.'),
  TIDEWIRE_PUSH_MAX_UNKNOWN_SOCKETS: integerSetting(1, 100_000)
    .default(1000)
    .describe('Push sockets of this process that have not said yet who they are.'),
  TIDEWIRE_PUSH_MAX_UNKNOWN_SOCKETS_PER_ADDRESS: integerSetting(1, 100_000)
    .default(100)
    .describe('Those of one address.'),
  TIDEWIRE_PUSH_MAX_SOCKET_AGE_MS: integerSetting(0, 30 * DAY_MS)
    .default(0)
    .describe('How long a push socket stays open at most, milliseconds. 0: for good.'),
  TIDEWIRE_PUSH_FOLLOWER_IDLE_DAYS: integerSetting(1, 3650)
    .default(90)
    .describe(
      'Days after which nothing is kept any more for somebody who has not asked for changes, nor been connected.',
    ),
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
  TIDEWIRE_PUSH_PRIVATE_TARGETS: booleanSetting()
    .default(false)
    .describe(
      'Whether push services and webhooks may be plain http:, and of networks that are not public. For development and closed networks.',
    ),
  TIDEWIRE_PUSH_VAPID_SUBJECT: vapidSubjectSchema
    .default('mailto:postmaster@example.com')
    .describe('Whom push services may turn to (RFC 8292): mailto: with an address, or an https: URL.'),
  TIDEWIRE_PUSH_DEVICE_TTL_S: integerSetting(0, 28 * 86_400)
    .default(86_400)
    .describe('How long push services keep a message for a device that cannot be reached, seconds.'),
  TIDEWIRE_PUSH_DEVICE_REQUESTS_PER_HOST: integerSetting(1, 64)
    .default(16)
    .describe('Messages for devices that are under way to one push service at once, per process.'),
  TIDEWIRE_NEXTCLOUD_REDIS_URL: secret(z.url({ protocol: /^rediss?$/, hostname: /./ }))
    .optional()
    .describe(
      'Redis of an existing Nextcloud as redis://user:password@host:port, or rediss://, whose own notify_push tells its users. Absent: nothing is passed on.',
    ),
});
export type PushConfig = z.infer<typeof configSchema>;
