import {
  baseConfig,
  busConfig,
  clientsBusConfig,
  databasePoolConfig,
  integerSetting,
} from '@tidewire/service-kit';
import { z } from 'zod';
import { INTROSPECTION } from './graphql/introspection.ts';

/** The settings of this service; keys are environment variables. */
export const configSchema = z.object({
  ...baseConfig.shape,
  ...busConfig.shape,
  ...clientsBusConfig.shape,
  ...databasePoolConfig.shape,
  TIDEWIRE_STALENESS_LIMIT_MS: integerSetting(1_000, 300_000)
    .default(10_000)
    .describe(
      'How long after the last beat of the relay requests still wait for newer rights, milliseconds.',
    ),
  TIDEWIRE_RIGHTS_WAIT_MS: integerSetting(100, 30_000)
    .default(2_000)
    .describe('How long a request waits for rights that were changed before it came, milliseconds.'),
  TIDEWIRE_CREDENTIAL_CACHE_MS: integerSetting(0, 600_000)
    .default(60_000)
    .describe(
      'When authz is asked again about a credential, milliseconds; 0: on every request, and nothing is remembered.',
    ),
  TIDEWIRE_CREDENTIAL_CACHE_ENTRIES: integerSetting(1, 1_000_000)
    .default(10_000)
    .describe('Credentials remembered at most.'),
  TIDEWIRE_OUTBOX_MAX_BYTES: integerSetting(1_048_576, Number.MAX_SAFE_INTEGER)
    .default(4_294_967_296)
    .describe('Events waiting for the log above which writes are answered 503, bytes.'),
  TIDEWIRE_TRASH_RETENTION_MS: integerSetting(60_000, 3_153_600_000_000)
    .default(2_592_000_000)
    .describe(
      'How long a deleted object can be restored and its delete be told to pollers, milliseconds (30 days).',
    ),
  TIDEWIRE_LIST_MAX_BYTES: integerSetting(1_048_576, 268_435_456)
    .default(33_554_432)
    .describe('Largest page of a list, bytes of the properties of its objects.'),
  TIDEWIRE_GRAPHQL_MAX_ROWS: integerSetting(100, 1_000_000)
    .default(5_000)
    .describe('Objects that an answer of GraphQL may lead to at most; 20 times as many values.'),
  TIDEWIRE_GRAPHQL_PERSISTED_QUERIES: integerSetting(0, 10_000)
    .default(1_000)
    .describe('Documents of GraphQL that are remembered by their hashes.'),
  TIDEWIRE_GRAPHQL_INTROSPECTION: z
    .enum(INTROSPECTION)
    .default('signed-in')
    .describe('Who may ask for the GraphQL schema, as far as they may see it: all, signed-in or off.'),
});
export type RecordsConfig = z.infer<typeof configSchema>;
