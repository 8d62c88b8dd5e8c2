import { REQUEST_SUBJECTS } from '@tidewire/contract';
import { connectBus } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import { createHealth, createPool, drainServer, listen, resolveDependencies } from '@tidewire/service-kit';
import type { HttpServer, Service, ServiceDependencies } from '@tidewire/service-kit';
import { AuditStreams } from './audit/audit-streams.ts';
import { createAuthenticator } from './authenticator.ts';
import { openCallout } from './callout/callout.ts';
import type { Callout } from './callout/callout.ts';
import type { AuthzConfig } from './config.ts';
import { createCredentials } from './credentials.ts';
import { createExpirySweep } from './expiry-sweep.ts';
import type { ExpirySweep } from './expiry-sweep.ts';
import { answerAuthenticate } from './handlers/authenticate.ts';
import { answerPrincipal } from './handlers/principal.ts';
import { answerRightsState } from './handlers/rights-state.ts';
import { answerSetPolicy } from './handlers/set-policy.ts';
import { createAuthzMetrics } from './metrics.ts';
import { createAccessTokenAuthenticator } from './oidc/access-token-authenticator.ts';
import { createIssuerKeys } from './oidc/issuer-keys.ts';
import { createRecordsClient } from './records-client.ts';
import { createRightsWriter } from './rights-writer.ts';
import { createServer } from './server.ts';

/**
 * Composes authz. Start: bus, then request subjects and HTTP, then the sweep. Drain: HTTP requests finish first,
 * because their writes still poke the relay over the bus.
 */
export function createService(config: AuthzConfig, given: Partial<ServiceDependencies> = {}): Service {
  const dependencies = resolveDependencies('authz', config, given);
  const { logger, metrics, clock } = dependencies;
  const authzMetrics = createAuthzMetrics(metrics);
  const health = createHealth();
  const pool = createPool({
    databaseUrl: config.DATABASE_URL,
    service: 'authz',
    logger,
    maxConnections: config.TIDEWIRE_DATABASE_CONNECTIONS,
  });
  let bus: MessageBus | undefined;
  let app: HttpServer | undefined;
  let sweep: ExpirySweep | undefined;
  let streams: AuditStreams | undefined;
  let callout: Callout | undefined;
  let address: string | undefined;
  health.add('bus', () => bus?.connected === true || 'not connected');
  health.add('database', () => sweep?.reachedDatabase === true || 'not reached');

  return {
    get address() {
      return address;
    },
    ready: () => health.ready(),
    async start() {
      bus = await connectBus({ url: config.NATS_URL, user: 'authz', logger });
      const writer = createRightsWriter(pool, bus);
      const findAccessToken = createAccessTokenAuthenticator({
        pool,
        writer,
        keys: createIssuerKeys({ fetch, clock, logger }),
        clock,
        logger,
        refusals: authzMetrics.accessTokenRefusals,
      });
      const credentials = createCredentials({ config, pool, writer, clock, logger, metrics: authzMetrics });
      const authenticate = createAuthenticator({
        pool,
        clock,
        logger,
        metrics: authzMetrics,
        findAccessToken,
        findSession: credentials.findSession,
        findBasic: (pair, from) => credentials.verifier.findBasic(pair, from),
      });
      bus.respond(REQUEST_SUBJECTS.authenticate, answerAuthenticate(authenticate));
      bus.respond(REQUEST_SUBJECTS.principal, answerPrincipal(pool, clock));
      bus.respond(REQUEST_SUBJECTS.rightsState, answerRightsState(pool));
      bus.respond(REQUEST_SUBJECTS.setPolicy, answerSetPolicy(writer, authzMetrics));
      sweep = createExpirySweep({
        pool,
        bus,
        clock,
        logger,
        metrics: authzMetrics,
        attempts: credentials.limit,
        intervalMs: config.TIDEWIRE_EXPIRY_SWEEP_MS,
      });
      sweep.start();
      streams = new AuditStreams({ pool, bus, clock, logger });
      streams.start();
      const ready = (): ReturnType<typeof health.ready> => health.ready();
      app = createServer({
        ...dependencies,
        config,
        pool,
        writer,
        streams,
        records: createRecordsClient(bus),
        authenticate,
        credentials,
        authzMetrics,
        onCredentialEnded: async (ended) => await callout?.endNow(ended),
        ready,
      });
      callout = await openCallout({
        ...dependencies,
        config,
        pool,
        bus,
        authenticate,
        metrics: authzMetrics,
      });
      address = await listen(app, config.TIDEWIRE_HOST, config.TIDEWIRE_PORT);
    },
    async drain() {
      streams?.stop();
      await callout?.stop();
      if (app !== undefined) await drainServer(app, { timeoutMs: config.TIDEWIRE_DRAIN_MS, clock });
      await sweep?.stop();
      await bus?.drain();
    },
    async stop() {
      streams?.stop();
      if (app !== undefined) await drainServer(app, { timeoutMs: 0, clock });
      await callout?.stop();
      await sweep?.stop();
      await bus?.close();
      await pool.end();
    },
  };
}
