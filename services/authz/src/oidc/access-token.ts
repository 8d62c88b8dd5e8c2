import { createHash } from 'node:crypto';
import { TokenRefusal } from './token-refusal.ts';

/** An access token taken apart. Nothing of it is believed before its signature is verified. */
export interface AccessToken {
  readonly text: string;
  readonly algorithm: string;
  readonly keyId: string | undefined;
  /** Whom it says that it comes from. */
  readonly issuer: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /**
   * SHA-256 of what the signature is over. The text does not name a token: of an elliptic signature there are always
   * two, and a token that was revoked must not come back with the other one.
   */
  readonly signed: Buffer;
}

const SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;
const MAX_LENGTH = 8192;
const MAX_KEY_ID = 500;
/** Access tokens by their own name (RFC 9068) and tokens that do not say what they are. */
const TYPES: ReadonlySet<string> = new Set(['at+jwt', 'jwt']);

/** Whether a secret has the form of a signed JWT. No token of ours has: they hold no dots. */
export function isJwtShaped(secret: string): boolean {
  return SHAPE.test(secret);
}

/**
 * Takes a token apart. Headers that would choose a key (`jku`, `x5u`, `jwk`, `x5c`) are not read at all.
 *
 * @throws TokenRefusal when it is not a JWT that could be verified.
 */
export function parseAccessToken(text: string): AccessToken {
  const [header64 = '', claims64 = '', signature64 = ''] = text.split('.');
  if (text.length > MAX_LENGTH || !isJwtShaped(text)) throw new TokenRefusal('malformed');
  if (![header64, claims64, signature64].every(isCanonical)) throw new TokenRefusal('malformed');
  const header = parseObject(header64);
  const claims = parseObject(claims64);
  const { alg, kid, iss } = { alg: header['alg'], kid: header['kid'], iss: claims['iss'] };
  if (typeof alg !== 'string') throw new TokenRefusal('algorithm');
  // Whatever is critical is nothing that is understood here (RFC 7515, 4.1.11).
  if (header['crit'] !== undefined) throw new TokenRefusal('critical');
  if (!isAccessTokenType(header['typ'])) throw new TokenRefusal('type');
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KEY_ID)) {
    throw new TokenRefusal('malformed');
  }
  if (typeof iss !== 'string') throw new TokenRefusal('issuer-unknown');
  const signed = createHash('sha256').update(`${header64}.${claims64}`).digest();
  return { text, algorithm: alg, keyId: kid, issuer: iss, claims, signed };
}

/** The last character of base64 may hold bits that mean nothing: one token would have several texts. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

function parseObject(part: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url')));
  } catch (cause) {
    throw new TokenRefusal('malformed', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TokenRefusal('malformed');
  }
  return value as Record<string, unknown>;
}

function isAccessTokenType(type: unknown): boolean {
  if (type === undefined) return true;
  return typeof type === 'string' && TYPES.has(type.toLowerCase().replace(/^application\//, ''));
}
