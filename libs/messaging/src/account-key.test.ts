import { nkeys } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { createAccountKey, readAccountKey, verifyServerClaims } from './account-key.ts';

const NOW_MS = Date.parse('2026-03-01T00:00:00.500Z');
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** As a server signs, with the client library's own code. */
function signAsServer(
  claims: object,
  pair = nkeys.createServer(),
  header: object = { alg: 'ed25519-nkey' },
): string {
  const signed = `${encode(header)}.${encode({ ...claims, iss: pair.getPublicKey() })}`;
  return `${signed}.${Buffer.from(pair.sign(Buffer.from(signed))).toString('base64url')}`;
}

test('signs what the client library verifies with the public half', () => {
  const { seed, publicKey } = createAccountKey();
  const key = readAccountKey(seed);
  expect(key.publicKey).toBe(publicKey);
  const jwt = key.sign({ sub: 'UABC', nats: { type: 'user' } }, NOW_MS);
  const [head = '', body = '', signature = ''] = jwt.split('.');
  const isSigned = nkeys
    .fromPublic(publicKey)
    .verify(Buffer.from(`${head}.${body}`), Buffer.from(signature, 'base64url'));
  expect(isSigned).toBe(true);
  expect(JSON.parse(Buffer.from(body, 'base64url').toString())).toEqual({
    sub: 'UABC',
    nats: { type: 'user' },
    iss: publicKey,
    iat: Math.floor(NOW_MS / 1000),
    jti: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test('every new key is another', () => {
  expect(createAccountKey().seed).not.toBe(createAccountKey().seed);
});

const otherSeed = (pair: { getSeed(): Uint8Array }): string => Buffer.from(pair.getSeed()).toString();
test.each([
  ['empty text', ''],
  ['the seed of a user', otherSeed(nkeys.createUser())],
  ['the seed of a curve', otherSeed(nkeys.createCurve())],
  ['a public key', createAccountKey().publicKey],
  ['a seed with a wrong check sum', createAccountKey().seed.replace(/.{4}$/, 'AAAA')],
])('refuses %s without repeating it', (_, text) => {
  expect(() => readAccountKey(text)).toThrow(new RangeError('not the seed of an account key, "SA…"'));
});

test('reads the claims that a server signed', () => {
  const pair = nkeys.createServer();
  expect(verifyServerClaims(signAsServer({ aud: 'a' }, pair))).toEqual({
    aud: 'a',
    iss: pair.getPublicKey(),
  });
});

test('reads no claims that were changed, are signed by no server, or have another form', () => {
  const whole = signAsServer({ aud: 'a' });
  const [head, body, signature] = whole.split('.');
  const claims = JSON.parse(Buffer.from(body ?? '', 'base64url').toString()) as object;
  expect(verifyServerClaims(`${head}.${encode({ ...claims, aud: 'b' })}.${signature}`)).toBeUndefined();
  expect(verifyServerClaims(signAsServer({}, nkeys.createUser()))).toBeUndefined();
  expect(verifyServerClaims(signAsServer({}, nkeys.createServer(), { alg: 'none' }))).toBeUndefined();
  expect(verifyServerClaims(`${whole}.more`)).toBeUndefined();
  for (const text of ['', '..', 'a.b.c', `${head}.${encode(null)}.${signature}`, `${head}.${body}.`]) {
    expect(verifyServerClaims(text)).toBeUndefined();
  }
});
