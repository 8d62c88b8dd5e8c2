import type { Counter, Metrics } from '@tidewire/service-kit';

export interface AuthzMetrics {
  readonly authentications: Counter<'outcome'>;
  readonly refusals: Counter<'type' | 'reason'>;
  readonly accessTokenRefusals: Counter<'reason'>;
  readonly expired: Counter<never>;
  readonly policyRefusals: Counter<never>;
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
  };
}
