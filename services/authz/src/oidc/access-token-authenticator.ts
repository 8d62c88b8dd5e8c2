import { TidewireError, issuerSchema } from '@tidewire/contract';
import type { Issuer } from '@tidewire/contract';
import type { Clock, Counter, Logger, Pool } from '@tidewire/service-kit';
import type { Identity } from '../credential-repository-postgres.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { hashSecret } from '../token-secret.ts';
import { admitAccessToken } from './access-token-admission.ts';
import { findAccessToken } from './access-token-repository-postgres.ts';
import type { KnownAccessToken } from './access-token-repository-postgres.ts';
import { parseAccessToken } from './access-token.ts';
import type { AccessToken } from './access-token.ts';
import { judgeClaims, verifySignature } from './access-token-verifier.ts';
import type { VerifiedToken } from './access-token-verifier.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { findIssuerByUrl } from './issuer-repository-postgres.ts';
import { TokenRefusal } from './token-refusal.ts';

export interface AccessTokenAuthenticatorOptions {
  readonly pool: Pool;
  readonly writer: RightsWriter;
  readonly keys: IssuerKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  /** By why a token was refused. */
  readonly refusals: Counter<'reason'>;
}

/** Says who holds an access token; undefined when it is not accepted, for whatever reason. */
export type AccessTokenAuthenticator = (text: string) => Promise<Identity | undefined>;

/** An issuer that changes while its tokens are judged is looked at once more. */
const ATTEMPTS = 3;

/**
 * Creates an {@link AccessTokenAuthenticator}. The first time a token comes it is verified and becomes a credential;
 * from then on its hash is looked up as any other's. Why a token is refused is in the log and in a metric only.
 */
export function createAccessTokenAuthenticator(
  options: AccessTokenAuthenticatorOptions,
): AccessTokenAuthenticator {
  const { pool, logger, refusals, clock } = options;
  return async (text) => {
    const seen = await findAccessToken(pool, { hash: hashSecret(text) }, clock.now());
    let issuer: string | undefined;
    try {
      if (seen !== undefined) return requireLive(seen);
      const token = parseAccessToken(text);
      return await takeIn(options, token, (trusted) => {
        issuer = trusted.slug;
      });
    } catch (error) {
      if (!(error instanceof TokenRefusal)) throw error;
      const { reason } = error;
      refusals.inc({ reason });
      logger.info('access token refused', { reason, ...(issuer === undefined ? {} : { name: issuer }) });
      return undefined;
    }
  };
}

async function takeIn(
  options: AccessTokenAuthenticatorOptions,
  token: AccessToken,
  onIssuer: (issuer: Issuer) => void,
): Promise<Identity> {
  const { pool, writer, clock } = options;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const issuer = await requireIssuer(pool, token.issuer);
    onIssuer(issuer);
    const verified = await verify(options.keys, issuer, token, clock.now());
    const credential = await refusingRules(() => admitAccessToken(writer, issuer, token, verified));
    if (credential === undefined) continue;
    const admitted = await findAccessToken(pool, { id: credential }, clock.now());
    return requireLive(admitted ?? { live: false });
  }
  throw new TidewireError('SERVICE_UNAVAILABLE', 'The credential cannot be checked at the moment.', {
    retryAfterSeconds: 1,
  });
}

function requireLive(token: KnownAccessToken): Identity {
  if (!token.live) throw new TokenRefusal('ended');
  return token.identity;
}

async function requireIssuer(pool: Pool, url: string): Promise<Issuer> {
  const found = await findIssuerByUrl(pool, url);
  if (found === undefined) throw new TokenRefusal('issuer-unknown');
  const parsed = issuerSchema.safeParse(found);
  if (!parsed.success) throw new TokenRefusal('issuer-malformed', { cause: parsed.error });
  return parsed.data;
}

/** Claims first: what is expired, or for somebody else, is no reason to ask the issuer for anything. */
async function verify(
  keys: IssuerKeys,
  issuer: Issuer,
  token: AccessToken,
  nowMs: number,
): Promise<VerifiedToken> {
  if (!issuer.algorithms.some((algorithm) => algorithm === token.algorithm)) {
    throw new TokenRefusal('algorithm');
  }
  const claimed = judgeClaims(token, issuer, nowMs);
  const known = await keys.get(issuer);
  try {
    await verifySignature(token, issuer, known);
  } catch (error) {
    if (!(error instanceof TokenRefusal) || error.reason !== 'key-unknown') throw error;
    const newer = await keys.getNewer(issuer, known);
    if (newer === known) throw error;
    await verifySignature(token, issuer, newer);
  }
  return claimed;
}

/** What the database refuses on taking a token in is a fault of what the token gives: the caller hears nothing of it. */
async function refusingRules<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    const isRule = cause instanceof TidewireError && !PASSED_ON.has(cause.code);
    throw isRule ? new TokenRefusal('memberships', { cause }) : cause;
  }
}

const PASSED_ON: ReadonlySet<string> = new Set(['RATE_LIMITED', 'SERVICE_UNAVAILABLE']);
