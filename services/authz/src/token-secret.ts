import { createHash, randomBytes } from 'node:crypto';

/** Marks a text as one of our tokens, so that secret scanners and people recognise it. */
const TOKEN_MARK = 'tw_';
const SECRET_BYTES = 32;
const PREFIX_LENGTH = 8;

/** What is stored of a secret: enough to find it again and to recognise it in a list, not enough to use it. */
export interface StoredSecret {
  readonly hash: Buffer;
  readonly prefix: string;
}

/** A new secret of a token or a session: 256 random bits in URL-safe characters. */
export function createTokenSecret(): string {
  return TOKEN_MARK + randomBytes(SECRET_BYTES).toString('base64url');
}

/** SHA-256 of a secret. Plain, because the secret is random: there is nothing to guess that salt or work would slow. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}

/**
 * What to store of a secret. A chosen one is short and its beginning would say most of it, so it shows no prefix.
 */
export function toStoredSecret(secret: string): StoredSecret {
  const prefix = secret.startsWith(TOKEN_MARK) ? secret.slice(0, PREFIX_LENGTH) : '';
  return { hash: hashSecret(secret), prefix };
}
