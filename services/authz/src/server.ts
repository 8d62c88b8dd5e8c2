import {
  allowedOrigins,
  authenticationPlugin,
  createClientAddress,
  createHttpServer,
} from '@tidewire/service-kit';
import type { HttpServer, Pool, Readiness, ServiceDependencies } from '@tidewire/service-kit';
import type { AuditStreams } from './audit/audit-streams.ts';
import type { Authenticator } from './authenticator.ts';
import type { AuthzConfig } from './config.ts';
import type { Credentials } from './credentials.ts';
import type { AuthzMetrics } from './metrics.ts';
import type { RecordsClient } from './records-client.ts';
import type { RightsWriter } from './rights-writer.ts';
import { registerAudit } from './routes/audit.ts';
import { registerAccessTokens } from './routes/access-tokens.ts';
import type { OnCredentialEnded } from './routes/credential-end.ts';
import { registerGroups } from './routes/groups.ts';
import { registerIssuers } from './routes/issuers.ts';
import { registerMe } from './routes/me.ts';
import { registerOrganisations } from './routes/organisations.ts';
import { registerPasswords } from './routes/passwords.ts';
import { registerPolicies } from './routes/policies.ts';
import { registerPrincipals } from './routes/principals.ts';
import { registerSessions } from './routes/sessions.ts';
import { registerTokens } from './routes/tokens.ts';

export interface ServerDependencies extends ServiceDependencies {
  readonly config: AuthzConfig;
  readonly authzMetrics: AuthzMetrics;
  readonly pool: Pool;
  readonly writer: RightsWriter;
  readonly authenticate: Authenticator;
  readonly credentials: Credentials;
  readonly streams: AuditStreams;
  readonly records: RecordsClient;
  readonly onCredentialEnded: OnCredentialEnded;
  readonly ready: () => Readiness;
}

/** The HTTP face of authz; it does not listen. */
export function createServer(dependencies: ServerDependencies): HttpServer {
  const { config, pool, writer, authenticate, credentials, clock, onCredentialEnded: onEnded } = dependencies;
  const origins = allowedOrigins(config);
  const addressOf = createClientAddress(config.TIDEWIRE_TRUSTED_PROXIES);
  const app = createHttpServer({ ...dependencies, allowedOrigins: origins });
  void app.register(authenticationPlugin, {
    authenticate: ({ source: _source, ...presented }) => authenticate(presented),
    allowedOrigins: origins,
    addressOf,
  });
  registerMe(app);
  registerAccessTokens(app, { pool, writer, onEnded });
  registerTokens(app, { pool, writer, clock, chosenSecrets: config.TIDEWIRE_CHOSEN_TOKENS, onEnded });
  registerSessions(app, {
    ...credentials,
    pool,
    writer,
    clock,
    addressOf,
    allowedOrigins: origins,
    cookie: {
      secure: config.TIDEWIRE_PUBLIC_URL.startsWith('https:'),
      maxAgeMs: config.TIDEWIRE_SESSION_MAX_AGE_MS,
    },
  });
  registerPasswords(app, {
    ...credentials,
    pool,
    writer,
    addressOf,
    minLength: config.TIDEWIRE_PASSWORD_MIN_LENGTH,
  });
  registerPrincipals(app, pool, writer);
  registerOrganisations(app, pool, writer);
  registerGroups(app, pool, writer);
  registerAudit(app, { ...dependencies, allowedOrigins: origins });
  registerPolicies(app, dependencies);
  registerIssuers(app, pool, writer);
  return app;
}
