import type { Counter, Metrics } from '@tidewire/service-kit';

export interface AuthzMetrics {
  readonly authentications: Counter<'outcome'>;
  readonly refusals: Counter<'type' | 'reason'>;
  readonly accessTokenRefusals: Counter<'reason'>;
  readonly expired: Counter<never>;
  readonly policyRefusals: Counter<never>;
  readonly connects: Counter<'outcome'>;
  readonly connectRefusals: Counter<'reason'>;
  readonly connectsEnded: Counter<never>;
}

/** The metrics of this service. */
export function createAuthzMetrics(metrics: Metrics): AuthzMetrics {
  return {
    authentications: metrics.counter({
      name: 'authentications_total',
      help: 'Credentials looked up in the database, by outcome: accepted or refused.',
      labels: ['outcome'],
    }),
    refusals: metrics.counter({
      name: 'credentials_refused_total',
      help: 'Credentials and logins that were refused, by how they were presented and the true reason.',
      labels: ['type', 'reason'],
    }),
    accessTokenRefusals: metrics.counter({
      name: 'access_tokens_refused_total',
      help: 'Access tokens of issuers that were refused, by the true reason, which the caller is not told.',
      labels: ['reason'],
    }),
    expired: metrics.counter({
      name: 'credentials_expired_total',
      help: 'Credentials that were ended because their time was over.',
    }),
    policyRefusals: metrics.counter({
      name: 'policies_refused_total',
      help: 'Policies that were refused because of their content.',
    }),
    connects: metrics.counter({
      name: 'nats_connects_total',
      help: 'Clients whom a NATS server asked about, by outcome: accepted or refused.',
      labels: ['outcome'],
    }),
    connectRefusals: metrics.counter({
      name: 'nats_connects_refused_total',
      help: 'Clients that were not let in to NATS, by the true reason, which they are not told.',
      labels: ['reason'],
    }),
    connectsEnded: metrics.counter({
      name: 'nats_connections_ended_total',
      help: 'Connections of subscribers to NATS that were ended because their credential or principal was.',
    }),
  };
}
