export {
  createDatabase,
  databaseUrls,
  prepareDatabase,
  prepareRoles,
  withDatabase,
} from './database-postgres.ts';
export { DATABASE_ROLES } from './database-postgres.ts';
export type {
  DatabasePasswords,
  DatabaseRole,
  DatabaseUrls,
  PrepareDatabaseOptions,
} from './database-postgres.ts';
export { DataFolderError, openDataFolder } from './data-folder.ts';
export type { DataFolder } from './data-folder.ts';
export { FolderInUseError, stopLeftover } from './folder-claim.ts';
export { freePort } from './free-port.ts';
export { launch, stopLeftovers } from './launcher.ts';
export type { LaunchOptions, Platform } from './launcher.ts';
export { startServices } from './launcher-services.ts';
export type { ServiceDatabases, Services, ServicesOptions } from './launcher-services.ts';
export { LOCAL_SERVICES } from './launcher-settings.ts';
export type { LocalService } from './launcher-settings.ts';
export { NATS_SERVER_SOURCES, NatsServerNotFoundError, findNatsServer } from './nats-server-binary.ts';
export type { FindNatsServerOptions, NatsServerBinary, NatsServerSource } from './nats-server-binary.ts';
export { NATS_MAX_PAYLOAD_BYTES, formatNatsServerConfig } from './nats-server-config.ts';
export type { NatsPermissions, NatsServerSettings, NatsUser } from './nats-server-config.ts';
export { DEMO_ADMINISTRATOR_TOKEN, DEMO_SETTINGS, seedDemo } from './launcher-demo.ts';
export { openProcessRecord } from './launcher-record.ts';
export { migrationFolder, settingsByService } from './launcher-settings.ts';
export { LOWEST_NATS_SERVER_VERSION } from './nats-server-version.ts';
export { startNatsServer } from './nats-server.ts';
export type { NatsServer, NatsServerOptions } from './nats-server.ts';
export { removePostgresData } from './postgres-account.ts';
export { startPostgresServer } from './postgres-server.ts';
export type { PostgresServer, PostgresServerOptions } from './postgres-server.ts';
export { describeProcess } from './process-identity.ts';
export type { ProcessIdentity } from './process-identity.ts';
export { createProgress } from './progress.ts';
export type { Progress, ProgressStream } from './progress.ts';
