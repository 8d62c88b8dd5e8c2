import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { nkeys } from '@nats-io/transport-node';

/** Signs in the name of an account of NATS: `auth_callout.issuer` of the server's configuration is its public key. */
export interface AccountKey {
  /** `A…` */
  readonly publicKey: string;
  /**
   * Claims as a JWT of NATS, with `iss`, `iat` and `jti` added.
   *
   * @param nowMs milliseconds since 1970.
   */
  sign(claims: Readonly<Record<string, unknown>>, nowMs: number): string;
}

/** DER of an Ed25519 key up to the 32 bytes of the key itself (RFC 8410). */
const PRIVATE_KEY_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_KEY_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_BYTES = 32;
const HEADER = encodePart({ typ: 'JWT', alg: 'ed25519-nkey' });

/** A new key: its seed (`SA…`, secret) and its public half. */
export function createAccountKey(): { readonly seed: string; readonly publicKey: string } {
  const pair = nkeys.createAccount();
  return { seed: Buffer.from(pair.getSeed()).toString('ascii'), publicKey: pair.getPublicKey() };
}

/**
 * The key of a seed. Signing is the platform's: the client library's own, in JavaScript, takes 30 ms.
 *
 * @throws RangeError for anything but the seed of an account; it says nothing of what was given.
 */
export function readAccountKey(seed: string): AccountKey {
  const publicKey = publicKeyOf(seed);
  // Two bytes say that it is a seed and of what, two at the end are its check sum.
  const raw = decodeBase32(seed).subarray(2, 2 + KEY_BYTES);
  const key = createPrivateKey({
    key: Buffer.concat([PRIVATE_KEY_HEAD, raw]),
    format: 'der',
    type: 'pkcs8',
  });
  return {
    publicKey,
    sign: (claims, nowMs) => {
      const body: Record<string, unknown> = { ...claims, iss: publicKey, iat: Math.floor(nowMs / 1000) };
      body['jti'] = createHash('sha256').update(JSON.stringify(body)).digest('hex');
      const signed = `${HEADER}.${encodePart(body)}`;
      return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
    },
  };
}

function publicKeyOf(seed: string): string {
  try {
    const publicKey = nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
    if (publicKey.startsWith('A')) return publicKey;
  } catch {
    // Said below: an error of the library may name a part of the seed.
  }
  throw new RangeError('not the seed of an account key, "SA…"');
}

/**
 * The claims of a JWT of NATS that its own `iss` signed; undefined for anything else. It says that the text is whole and
 * whose it is, not that this somebody may say so.
 */
export function verifyServerClaims(jwt: string): Readonly<Record<string, unknown>> | undefined {
  const [head, body, signature, ...rest] = jwt.split('.');
  if (head === undefined || body === undefined || signature === undefined || rest.length > 0)
    return undefined;
  const header = decodePart(head);
  const claims = decodePart(body);
  if (header?.['alg'] !== 'ed25519-nkey' || claims === undefined) return undefined;
  const key = serverKey(claims['iss']);
  if (key === undefined) return undefined;
  const isSigned = verify(null, Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'));
  return isSigned ? claims : undefined;
}

/** Keys of servers that asked; a server has another one after each start. */
const serverKeys = new Map<string, KeyObject>();
const MOST_SERVER_KEYS = 100;

/** Public keys of servers are `N…`. */
function serverKey(text: unknown): KeyObject | undefined {
  if (typeof text !== 'string' || !/^N[A-Z2-7]{55}$/.test(text)) return undefined;
  const known = serverKeys.get(text);
  if (known !== undefined) return known;
  const raw = decodeBase32(text).subarray(1, 1 + KEY_BYTES);
  const key = createPublicKey({ key: Buffer.concat([PUBLIC_KEY_HEAD, raw]), format: 'der', type: 'spki' });
  if (serverKeys.size >= MOST_SERVER_KEYS) serverKeys.clear();
  serverKeys.set(text, key);
  return key;
}

function encodePart(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decodePart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** RFC 4648 without padding, of text that holds nothing else. */
function decodeBase32(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text) {
    value = (value << 5) | BASE32.indexOf(character);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >>> bits) & 0xff);
    value &= (1 << bits) - 1;
  }
  return Buffer.from(bytes);
}
