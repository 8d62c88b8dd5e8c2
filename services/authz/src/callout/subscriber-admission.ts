import { MAX_SECRET_LENGTH, TidewireError } from '@tidewire/contract';
import type { AdmittedUser, ConnectRequest } from '@tidewire/messaging';
import { outageAsUnavailable } from '@tidewire/service-kit';
import type { Clock, Logger } from '@tidewire/service-kit';
import { CredentialRefusedError } from '../authenticator.ts';
import type { Authenticator } from '../authenticator.ts';
import type { Identity } from '../credential-repository-postgres.ts';
import type { AuthzMetrics } from '../metrics.ts';
import type { ConnectRefusal } from './connect-refusal.ts';
import type { FailureLimit } from './failure-limit.ts';
import { RecentSecrets } from './recent-secrets.ts';
import { isNameOf, subscriberAddress, toAdmittedUser } from './subscriber-user.ts';

/** Decides whom a client of NATS is let in as; undefined refuses it. */
export type SubscriberAdmission = (request: ConnectRequest) => Promise<AdmittedUser | undefined>;

export interface SubscriberAdmissionOptions {
  readonly authenticate: Authenticator;
  readonly limit: FailureLimit;
  /** Told of each refusal. Must not throw. */
  readonly onRefusal: (refusal: ConnectRefusal) => void;
  readonly metrics: AuthzMetrics;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  readonly userTtlMs: number;
  /** A number from 0 to 1. Default: another one each time. */
  readonly random?: () => number;
}

/** Connections that were made together do not all end together: each lives up to this share shorter. */
const JITTER = 0.2;

/**
 * Creates a {@link SubscriberAdmission}. An API token or an access token counts, given as the token or as the password.
 * In the order of what it costs: form, failures of the address, then the database.
 */
export function createSubscriberAdmission(options: SubscriberAdmissionOptions): SubscriberAdmission {
  const { limit, metrics, onRefusal, logger } = options;
  const recent = new RecentSecrets();
  return async (request) => {
    const address = request.host === '' ? 'unknown' : request.host.slice(0, 64);
    const decided = await decide(options, recent, request, address);
    metrics.connects.inc({ outcome: 'user' in decided ? 'accepted' : 'refused' });
    if ('user' in decided) return decided.user;
    const refusal = { ...decided, address };
    metrics.connectRefusals.inc({ reason: refusal.reason });
    if (refusal.reason === 'unavailable') return undefined;
    if (refusal.reason !== 'limited') {
      limit.note(address);
      logger.info('connection to NATS refused', refusal);
    }
    onRefusal(refusal);
    return undefined;
  };
}

type Decided = { readonly user: AdmittedUser } | Omit<ConnectRefusal, 'address'>;

async function decide(
  options: SubscriberAdmissionOptions,
  recent: RecentSecrets,
  request: ConnectRequest,
  address: string,
): Promise<Decided> {
  const secret = secretOf(request);
  if (secret === undefined) {
    return { reason: options.limit.isExceeded(address) ? 'limited' : 'no-secret' };
  }
  if (options.limit.isExceeded(address) && !recent.has(secret)) return { reason: 'limited' };
  try {
    const presented = { type: 'token', secret, address } as const;
    const identity = await outageAsUnavailable(() => options.authenticate(presented));
    const decided = admit(options, request, identity);
    if ('user' in decided) recent.add(secret);
    return decided;
  } catch (error) {
    if (error instanceof CredentialRefusedError) {
      recent.delete(secret);
      return { reason: error.reason, principal: error.principal };
    }
    if (!(error instanceof TidewireError)) throw error;
    options.logger.warn('a connection to NATS could not be decided', { code: error.code, error });
    return { reason: 'unavailable' };
  }
}

function secretOf({ token, password }: ConnectRequest): string | undefined {
  if (token !== undefined && password !== undefined) return undefined;
  const secret = token ?? password;
  return secret !== undefined && secret.length <= MAX_SECRET_LENGTH ? secret : undefined;
}

function admit(
  { clock, userTtlMs, random = Math.random }: SubscriberAdmissionOptions,
  { user }: ConnectRequest,
  { principal, credential }: Identity,
): Decided {
  if (user !== undefined && !isNameOf(subscriberAddress(principal, credential), user)) {
    return { reason: 'foreign-user', principal: principal.id };
  }
  const nowMs = clock.now();
  const turnMs = nowMs + userTtlMs * (1 - JITTER * random());
  const endMs = credential.expiresAt === null ? Infinity : Date.parse(credential.expiresAt);
  const endsAtMs = Math.floor(Math.min(turnMs, endMs) / 1000) * 1000;
  // Its last second: a server knows whole ones only.
  if (endsAtMs <= nowMs) return { reason: 'expired', principal: principal.id };
  return { user: toAdmittedUser(principal, credential, endsAtMs) };
}
