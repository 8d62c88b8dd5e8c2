export { freePort } from '@tidewire/local';
export type { DatabaseUrls, NatsPermissions } from '@tidewire/local';
export { startNats } from './nats.ts';
export type { NatsCredentials, StartNatsOptions, TestNats } from './nats.ts';
export { startPostgres, startPostgresAlone } from './postgres.ts';
export type { TestDatabase, TestPostgresServer } from './postgres.ts';
export { waitFor } from './wait-for.ts';
export type { WaitForOptions } from './wait-for.ts';
