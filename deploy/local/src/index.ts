export {
  createDatabase,
  databaseUrls,
  prepareDatabase,
  prepareRoles,
  withDatabase,
} from './postgres/database-postgres.ts';
export { DATABASE_ROLES } from './postgres/database-postgres.ts';
export type {
  DatabasePasswords,
  DatabaseRole,
  DatabaseUrls,
  PrepareDatabaseOptions,
} from './postgres/database-postgres.ts';
export { DataFolderError, openDataFolder } from './data-folder.ts';
export type { DataFolder } from './data-folder.ts';
export { FolderInUseError, stopLeftover } from './folder-claim.ts';
export { freePort } from './free-port.ts';
export { launch, stopLeftovers } from './launcher/launcher.ts';
export type { LaunchOptions, Platform } from './launcher/launcher.ts';
export { BUS_USERS } from './launcher/launcher-servers.ts';
export { startServices } from './launcher/launcher-services.ts';
export type { ServiceDatabases, Services, ServicesOptions } from './launcher/launcher-services.ts';
export { LOCAL_SERVICES } from './launcher/launcher-settings.ts';
export type { LocalService } from './launcher/launcher-settings.ts';
export { NATS_SERVER_SOURCES, NatsServerNotFoundError, findNatsServer } from './nats/nats-server-binary.ts';
export type { FindNatsServerOptions, NatsServerBinary, NatsServerSource } from './nats/nats-server-binary.ts';
export { NATS_MAX_PAYLOAD_BYTES, formatNatsServerConfig } from './nats/nats-server-config.ts';
export type { NatsPermissions, NatsServerSettings, NatsUser } from './nats/nats-server-config.ts';
export { DEMO_ADMINISTRATOR_TOKEN, DEMO_SETTINGS, seedDemo } from './launcher/launcher-demo.ts';
export { openProcessRecord } from './launcher/launcher-record.ts';
export { settingsByService } from './launcher/launcher-settings.ts';
export type { LocalServer } from './local-server.ts';
export { LOWEST_NATS_SERVER_VERSION } from './nats/nats-server-version.ts';
export { startNatsLeafServer, startNatsServer, startNatsServerOfFile } from './nats/nats-server.ts';
export type { NatsFileOptions, NatsLeafOptions, NatsServerOptions } from './nats/nats-server.ts';
export type { NatsTopology } from './nats/nats-topology-config.ts';
export {
  CALLOUT_ISSUER_VARIABLE,
  PRODUCTION_USERS,
  natsPasswordVariable,
} from './nats/nats-production-config.ts';
export { MIGRATED_SERVICES, applyMigrations, migrationFolder } from './postgres/migrations.ts';
export type { MigratedService } from './postgres/migrations.ts';
export { removePostgresData } from './postgres/postgres-account.ts';
export { startPostgresServer } from './postgres/postgres-server.ts';
export type { PostgresServerOptions } from './postgres/postgres-server.ts';
export { describeProcess } from './process-identity.ts';
export type { ProcessIdentity } from './process-identity.ts';
export { createProgress } from './progress.ts';
export type { Progress, ProgressStream } from './progress.ts';
