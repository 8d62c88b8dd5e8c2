export { authenticationPlugin, requirePrincipal } from './authentication.ts';
export type { AuthenticationNeed, AuthenticationOptions, PrincipalContext } from './authentication.ts';
export { Gate, SharedWork, mapBounded } from './bounded-work.ts';
export { createClientAddress, createTrust, proxyConfig } from './client-address.ts';
export type { AddressCarrier, ClientAddress } from './client-address.ts';
export { createManualClock, systemClock } from './clock.ts';
export type { Clock, ManualClock, Timer } from './clock.ts';
export {
  baseConfig,
  booleanSetting,
  busConfig,
  clientsBusConfig,
  databaseConfig,
  databasePoolConfig,
  describeConfig,
  integerSetting,
  natsServers,
  parseConfig,
  printableConfig,
  replicasConfig,
  secret,
} from './config.ts';
export type { BaseConfig, ConfigFault, ConfigResult, ConfigRow, ConfigSchema } from './config.ts';
export { continueTrace, readCorrelation } from './correlation.ts';
export type { Correlation } from './correlation.ts';
export { readCredential } from './credential.ts';
export type { CredentialCarrier, CredentialReading, GivenCredential } from './credential.ts';
export { isAllowedOrigin, requireOwnPage } from './cross-origin.ts';
export { fieldErrors, formatPointer, invalidInput, parseInput } from './field-error.ts';
export { createHealth } from './health.ts';
export type { Health, Readiness } from './health.ts';
export { createHttpServer, drainServer, listen, refuseMalformedHttp } from './http-server.ts';
export type { HttpReply, HttpRequest, HttpServer, HttpServerOptions } from './http-server.ts';
export { listRoutes } from './route-list.ts';
export type { RegisteredRoute } from './route-list.ts';
export { MAX_BODY_DEPTH, parseJsonBody, parseJsonRequest } from './json-body.ts';
export { LOG_FIELDS, createLogger } from './logger.ts';
export type { LogField, LogFields, LogLevel, Logger, LoggerOptions } from './logger.ts';
export { METRICS_MEDIA_TYPE, createMetrics } from './metrics.ts';
export type {
  Counter,
  CounterOptions,
  Gauge,
  GaugeOptions,
  Histogram,
  HistogramOptions,
  MetricOptions,
  MetricRow,
  Metrics,
} from './metrics.ts';
export { runMigrations } from './migrations-postgres.ts';
export type { MigrationOptions } from './migrations-postgres.ts';
export { nearestName } from './nearest-name.ts';
export { allowedOrigins } from './origins-setting.ts';
export { createPool, isDatabaseUnavailable, outageAsUnavailable } from './pool-postgres.ts';
export type { Pool, PoolClient, PoolOptions } from './pool-postgres.ts';
export { toTidewireError } from './problem-mapping.ts';
export { describeError, redactText } from './redaction.ts';
export type { ErrorDescription } from './redaction.ts';
export { formatHelp, readConfigOrExit, runService } from './run-service.ts';
export { resolveDependencies } from './service.ts';
export type { CreateService, Service, ServiceDependencies } from './service.ts';
export { isWebSocketUpgrade, takeSocket, takeUpgrade } from './stream-front.ts';
export type { IsStream } from './stream-front.ts';
export { inTransaction, setProvenance } from './transaction-postgres.ts';
export type { Isolation, Provenance, TransactionOptions } from './transaction-postgres.ts';
