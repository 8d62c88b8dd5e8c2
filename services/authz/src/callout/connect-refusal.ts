import type { RefusalReason } from '../authenticator.ts';

/**
 * Why a client is not let in, for logs, metrics and the audit log: it is told nothing. `no-secret`: nothing that could be
 * a token, or two of it. `foreign-user`: a token that counts, with a user name that is another's. `limited`: its address
 * failed too often, and nobody looked at what it showed. `unavailable`: it could not be decided.
 */
export type ConnectRefusalReason = RefusalReason | 'no-secret' | 'foreign-user' | 'limited' | 'unavailable';

/** A client that was not let in. */
export interface ConnectRefusal {
  readonly reason: ConnectRefusalReason;
  /** As the NATS server sees it. */
  readonly address: string;
  /** Whose credential was shown, where that is known. */
  readonly principal?: string | undefined;
}
