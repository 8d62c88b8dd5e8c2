import type { Issuer } from '@tidewire/contract';
import { compactVerify, errors } from 'jose';
import type { AccessToken } from './access-token.ts';
import type { KeySet } from './key-set.ts';
import { TokenRefusal } from './token-refusal.ts';

/** What a verified token says that everybody needs; times are milliseconds since 1970. */
export interface VerifiedToken {
  readonly subject: string;
  readonly issuedAtMs: number;
  /** When it stops counting here, the allowed skew included. */
  readonly expiresAtMs: number;
  /** From when on it would be refused whatever the issuer's settings were. */
  readonly forgettableAtMs: number;
  readonly claims: Readonly<Record<string, unknown>>;
}

const SUBJECT = /^[\u0020-\u007e]{1,255}$/;
const MAX_SKEW_MS = 60_000;
/** A token that lasts longer is no access token, and what is known of it would have to be kept as long. */
const MAX_LIFETIME_MS = 366 * 24 * 60 * 60 * 1000;
/** The end of the year 9999, seconds: what a timestamp can say. */
const MAX_NUMERIC_DATE = 253_402_300_799;

/**
 * Verifies the signature with the keys of the issuer. The algorithm must be one that the issuer is allowed, and the key
 * must be of its kind: a public key is never used as a shared secret.
 *
 * @throws TokenRefusal; `key-unknown` when no key of the set is meant, so that newer keys may be looked for.
 */
export async function verifySignature(token: AccessToken, issuer: Issuer, keys: KeySet): Promise<void> {
  const { algorithm: alg, keyId: kid } = token;
  const getKey = (): ReturnType<KeySet> => keys(kid === undefined ? { alg } : { alg, kid });
  try {
    await compactVerify(token.text, getKey, { algorithms: [...issuer.algorithms] });
  } catch (cause) {
    throw new TokenRefusal(refusalOf(cause), { cause });
  }
}

function refusalOf(error: unknown): TokenRefusal['reason'] {
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (error instanceof errors.JWKSNoMatchingKey) return 'key-unknown';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'algorithm';
  if (error instanceof errors.JWSInvalid) return 'malformed';
  // A token without `kid` where several keys could be meant, and keys that are too short or broken.
  return 'key-unusable';
}

/**
 * Judges the claims of a token whose signature was verified, as of `nowMs`.
 *
 * @throws TokenRefusal
 */
export function judgeClaims(token: AccessToken, issuer: Issuer, nowMs: number): VerifiedToken {
  const { claims } = token;
  if (claims['iss'] !== issuer.issuer) throw new TokenRefusal('issuer-unknown');
  requireAccessToken(claims);
  if (!isMeantFor(claims['aud'], issuer.audiences)) throw new TokenRefusal('audience');
  const subject = claims['sub'];
  if (typeof subject !== 'string' || !SUBJECT.test(subject)) throw new TokenRefusal('claims');
  return { subject, claims, ...judgeTimes(claims, issuer, nowMs) };
}

function judgeTimes(
  claims: AccessToken['claims'],
  { clockSkewMs, maxTokenAgeMs }: Issuer,
  nowMs: number,
): Pick<VerifiedToken, 'issuedAtMs' | 'expiresAtMs' | 'forgettableAtMs'> {
  const issuedAtMs = readTime(claims['iat']);
  const endsAtMs = readTime(claims['exp']);
  if (issuedAtMs === undefined || endsAtMs === undefined) throw new TokenRefusal('claims');
  const validFromMs = claims['nbf'] === undefined ? issuedAtMs : readTime(claims['nbf']);
  if (validFromMs === undefined) throw new TokenRefusal('claims');
  if (Math.max(issuedAtMs, validFromMs) > nowMs + clockSkewMs) throw new TokenRefusal('not-yet-valid');
  if (endsAtMs + clockSkewMs <= nowMs) throw new TokenRefusal('expired');
  if (endsAtMs - issuedAtMs > MAX_LIFETIME_MS) throw new TokenRefusal('too-long');
  const agedAtMs = maxTokenAgeMs === null ? endsAtMs : issuedAtMs + maxTokenAgeMs;
  if (agedAtMs + clockSkewMs <= nowMs) throw new TokenRefusal('too-old');
  return {
    issuedAtMs,
    expiresAtMs: Math.min(endsAtMs, agedAtMs) + clockSkewMs,
    forgettableAtMs: endsAtMs + MAX_SKEW_MS,
  };
}

/** A client's proof of who logged in is for the client; some issuers sign it with the same key for the same audience. */
function requireAccessToken(claims: AccessToken['claims']): void {
  const isIdToken = claims['at_hash'] !== undefined || claims['c_hash'] !== undefined;
  if (isIdToken || claims['typ'] === 'ID') throw new TokenRefusal('type');
}

function isMeantFor(audience: unknown, audiences: readonly string[]): boolean {
  const named: readonly unknown[] = Array.isArray(audience) ? audience : [audience];
  return named.some((name) => typeof name === 'string' && audiences.includes(name));
}

function readTime(value: unknown): number | undefined {
  if (typeof value !== 'number' || !(value >= 0 && value <= MAX_NUMERIC_DATE)) return undefined;
  return Math.floor(value * 1000);
}
