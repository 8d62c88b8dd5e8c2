import { newIssuerSchema } from '@tidewire/contract';
import type { Issuer } from '@tidewire/contract';
import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';
import type { JWK } from 'jose';
import { beforeAll, expect, test } from 'vitest';
import { parseAccessToken } from './access-token.ts';
import { judgeClaims, verifySignature } from './access-token-verifier.ts';
import { parseKeySet } from './key-set.ts';
import { TokenRefusal } from './token-refusal.ts';

const NOW = Date.parse('2026-03-21T12:00:00.000Z');
const SECONDS = NOW / 1000;
const ISSUER: Issuer = {
  ...newIssuerSchema.parse({
    slug: 'a',
    issuer: 'https://a.example',
    audiences: ['api', 'other-api'],
    organisations: [],
    clockSkewMs: 10_000,
  }),
  id: '2c9d7b1e-6f0a-4b3c-8d5e-1a2b3c4d5e6f',
  version: 1,
};
const CLAIMS = { iss: 'https://a.example', aud: 'api', sub: 's', iat: SECONDS - 60, exp: SECONDS + 60 };

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
let ours: Pair;
let theirs: Pair;
let jwk: JWK;
beforeAll(async () => {
  [ours, theirs] = await Promise.all([
    generateKeyPair('RS256', { extractable: true }),
    generateKeyPair('RS256'),
  ]);
  jwk = { ...(await exportJWK(ours.publicKey)), kid: 'k' };
});

const sign = (header: Record<string, unknown>, pair = ours): Promise<string> =>
  new SignJWT(CLAIMS).setProtectedHeader({ alg: 'RS256', ...header }).sign(pair.privateKey);

async function reasonOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof TokenRefusal) return error.reason;
    throw error;
  }
  return 'accepted';
}

const verified = (text: string, keys: unknown = { keys: [jwk] }, issuer = ISSUER): Promise<string> =>
  reasonOf(async () => verifySignature(parseAccessToken(text), issuer, parseKeySet(keys)));

test('accepts what the key of the issuer signed, named or the only one', async () => {
  expect(await verified(await sign({ kid: 'k' }))).toBe('accepted');
  expect(await verified(await sign({}))).toBe('accepted');
});

test('refuses a signature of another key, also under the name of the right one', async () => {
  expect(await verified(await sign({ kid: 'k' }, theirs))).toBe('signature');
  expect(await verified(await sign({ kid: 'other' }))).toBe('key-unknown');
});

test('refuses claims that were changed after signing', async () => {
  const [header, , signature] = (await sign({ kid: 'k' })).split('.');
  const changed = Buffer.from(JSON.stringify({ ...CLAIMS, sub: 'admin' })).toString('base64url');
  expect(await verified([header, changed, signature].join('.'))).toBe('signature');
});

test('refuses a token that is not signed at all', async () => {
  for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
    const header = Buffer.from(JSON.stringify({ alg, kid: 'k' })).toString('base64url');
    const claims = Buffer.from(JSON.stringify(CLAIMS)).toString('base64url');
    expect(await verified(`${header}.${claims}.`)).toBe('algorithm');
  }
});

test('refuses the public key as a shared secret', async () => {
  const pem = new TextEncoder().encode(await exportSPKI(ours.publicKey));
  for (const secret of [pem, new TextEncoder().encode(JSON.stringify(jwk))]) {
    const text = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256', kid: 'k' }).sign(secret);
    expect(await verified(text)).toBe('algorithm');
    // Even an issuer whose row somebody tampered with: the key is of another kind.
    const tampered = { ...ISSUER, algorithms: ['HS256'] } as unknown as Issuer;
    expect(await verified(text, { keys: [jwk] }, tampered)).toBe('key-unusable');
  }
});

test('refuses an algorithm that the issuer is not allowed, however well signed', async () => {
  expect(
    await verified(await sign({ kid: 'k' }), { keys: [jwk] }, { ...ISSUER, algorithms: ['ES256'] }),
  ).toBe('algorithm');
});

test('does not use a key for another algorithm or purpose than it is for', async () => {
  expect(await verified(await sign({ kid: 'k' }), { keys: [{ ...jwk, alg: 'PS256' }] })).toBe('key-unknown');
  expect(await verified(await sign({ kid: 'k' }), { keys: [{ ...jwk, use: 'enc' }] })).toBe('key-unknown');
});

test('refuses a token that names no key where several could be meant', async () => {
  expect(await verified(await sign({}), { keys: [jwk, { ...jwk, kid: 'l' }] })).toBe('key-unusable');
});

test('refuses a key that is too short to be trusted', async () => {
  const short = { ...jwk, n: Buffer.alloc(128, 0x81).toString('base64url') };
  expect(await verified(await sign({ kid: 'k' }), { keys: [short] })).toBe('key-unusable');
});

const judged = (claims: Record<string, unknown>, issuer: Issuer = ISSUER): Promise<string> => {
  const text = [{ alg: 'RS256' }, { ...CLAIMS, ...claims }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return reasonOf(() => judgeClaims(parseAccessToken(`${text}.AAAA`), issuer, NOW));
};

test.each([
  ['as they should be', {}, 'accepted'],
  ['one of several audiences', { aud: ['x', 'other-api'] }, 'accepted'],
  ['another audience', { aud: 'api2' }, 'audience'],
  ['no audience', { aud: undefined }, 'audience'],
  ['an audience that is no text', { aud: [['api']] }, 'audience'],
  ['an audience in other letters', { aud: 'API' }, 'audience'],
  ['another issuer', { iss: 'https://a.example/' }, 'issuer-unknown'],
  ['no subject', { sub: undefined }, 'claims'],
  ['an empty subject', { sub: '' }, 'claims'],
  ['a giant subject', { sub: 's'.repeat(256) }, 'claims'],
  ['a subject with control characters', { sub: 'a\u0000b' }, 'claims'],
  ['no end', { exp: undefined }, 'claims'],
  ['an end that is text', { exp: String(SECONDS + 60) }, 'claims'],
  ['an end that no calendar has', { exp: 1e300 }, 'claims'],
  ['no time of issue', { iat: undefined }, 'claims'],
  ['a time of issue that is negative', { iat: -1 }, 'claims'],
  ['a beginning that is text', { nbf: 'now' }, 'claims'],
  ['an end within the skew', { exp: SECONDS - 9 }, 'accepted'],
  ['an end at the skew', { exp: SECONDS - 10 }, 'expired'],
  ['an end long ago', { exp: SECONDS - 3600 }, 'expired'],
  ['a beginning within the skew', { nbf: SECONDS + 10 }, 'accepted'],
  ['a beginning after the skew', { nbf: SECONDS + 11 }, 'not-yet-valid'],
  ['a time of issue within the skew', { iat: SECONDS + 10 }, 'accepted'],
  ['a time of issue after the skew', { iat: SECONDS + 11 }, 'not-yet-valid'],
  ['a time of issue after its beginning and the skew', { iat: SECONDS + 11, nbf: SECONDS }, 'not-yet-valid'],
  ['a life of more than a year', { exp: SECONDS + 367 * 86_400 }, 'too-long'],
  ['the hash that only an ID token has', { at_hash: 'x' }, 'type'],
  ['the hash of a code', { c_hash: 'x' }, 'type'],
  ['the type of an ID token in the claims', { typ: 'ID' }, 'type'],
])('judges claims with %s', async (_what, claims, reason) => {
  expect(await judged(claims)).toBe(reason);
});

test('refuses a token that was issued longer ago than the issuer may', async () => {
  const issuer = { ...ISSUER, maxTokenAgeMs: 60_000 };
  expect(await judged({ iat: SECONDS - 69 }, issuer)).toBe('accepted');
  expect(await judged({ iat: SECONDS - 70 }, issuer)).toBe('too-old');
});

test('a token counts until its end or its greatest age, whichever is sooner, and the skew', () => {
  const parsed = parseAccessToken(
    `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${Buffer.from(JSON.stringify(CLAIMS)).toString('base64url')}.AAAA`,
  );
  expect(judgeClaims(parsed, ISSUER, NOW).expiresAtMs).toBe(NOW + 70_000);
  const aged = judgeClaims(parsed, { ...ISSUER, maxTokenAgeMs: 90_000 }, NOW);
  expect(aged.expiresAtMs).toBe(NOW + 40_000);
  // A greater age may be allowed later: what is known of the token is needed until its own end.
  expect(aged.forgettableAtMs).toBe(NOW + 120_000);
});

test.each([
  ['no object', []],
  ['no list of keys', { keys: {} }],
  ['no keys', { keys: [] }],
  ['symmetric keys only', { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'k' }] }],
  ['a modulus that nobody should verify with', { keys: [{ kty: 'RSA', n: 'A'.repeat(1367), e: 'AQAB' }] }],
  ['an exponent that nobody should verify with', { keys: [{ kty: 'RSA', n: 'AQAB', e: 'A'.repeat(9) }] }],
  ['101 keys', { keys: Array.from({ length: 101 }, () => ({ kty: 'RSA', n: 'AQAB', e: 'AQAB' })) }],
])('refuses a key set with %s', (_what, value) => {
  expect(() => parseKeySet(value)).toThrow(TypeError);
});

test('takes only the public part of a key that was published by mistake', async () => {
  const secret = { ...(await exportJWK(ours.privateKey)), kid: 'k' };
  const key = await parseKeySet({ keys: [secret] })({ alg: 'RS256', kid: 'k' });
  expect(key.type).toBe('public');
});
