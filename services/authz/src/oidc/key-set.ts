import { createLocalJWKSet } from 'jose';
import type { CryptoKey, JWK } from 'jose';

/**
 * Finds the one key that a header means, by `kid` and by the kind of key that `alg` needs.
 *
 * @throws JWKSNoMatchingKey and other errors of jose.
 */
export type KeySet = (header: { readonly alg: string; readonly kid?: string }) => Promise<CryptoKey>;

const MAX_KEYS = 100;
/** Characters: a modulus of 8192 bits, which takes as long to verify as anybody should wait for. */
const MAX_MODULUS = 1366;
const MAX_EXPONENT = 8;
/** What a public key is made of. Nothing else is taken over, a private part least of all. */
const PUBLIC_MEMBERS = ['kty', 'kid', 'alg', 'use', 'key_ops', 'crv', 'n', 'e', 'x', 'y'] as const;
const KINDS: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP']);

/**
 * Reads a JSON Web Key Set. Keys of other kinds are left out; a symmetric one would be a published secret.
 *
 * @throws TypeError when it is none, is too large or holds no key that could verify.
 */
export function parseKeySet(value: unknown): KeySet {
  const keys: unknown = isObject(value) ? value['keys'] : undefined;
  if (!Array.isArray(keys)) throw new TypeError('not a key set');
  if (keys.length > MAX_KEYS) throw new TypeError(`more than ${MAX_KEYS} keys`);
  const usable = keys.filter(isObject).filter(isPublicKey).map(publicPart);
  if (usable.length === 0) throw new TypeError('no key that could verify a token');
  return createLocalJWKSet({ keys: usable });
}

function isPublicKey(key: Record<string, unknown>): boolean {
  return KINDS.has(key['kty']) && isShort(key['n'], MAX_MODULUS) && isShort(key['e'], MAX_EXPONENT);
}

function isShort(value: unknown, limit: number): boolean {
  return value === undefined || (typeof value === 'string' && value.length <= limit);
}

function publicPart(key: Record<string, unknown>): JWK {
  const members = PUBLIC_MEMBERS.filter((name) => key[name] !== undefined).map((name) => [name, key[name]]);
  return Object.fromEntries(members) as JWK;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
