import { expect, test } from 'vitest';
import { isJwtShaped, parseAccessToken } from './access-token.ts';
import { TokenRefusal } from './token-refusal.ts';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const CLAIMS = { iss: 'https://a.example' };
const token = (header: unknown, claims: unknown = CLAIMS, signature = 'AAAA'): string =>
  `${encode(header)}.${encode(claims)}.${signature}`;

function refusal(text: string): string {
  try {
    parseAccessToken(text);
  } catch (error) {
    if (error instanceof TokenRefusal) return error.reason;
    throw error;
  }
  return 'accepted';
}

test.each(['a.b.c', 'eyJ.eyJ.', 'A-_9.b.c'])('takes %s for the form of a JWT', (text) => {
  expect(isJwtShaped(text)).toBe(true);
});

test.each(['', 'tw_abc', 'demo-alice', 'a.b', 'a.b.c.d.e', 'a..c', '.b.c', 'a.b.c ', 'a.b=.c'])(
  'does not take "%s" for the form of a JWT',
  (text) => {
    expect(isJwtShaped(text)).toBe(false);
  },
);

test('reads who issued a token, and with which key and algorithm', () => {
  const parsed = parseAccessToken(token({ alg: 'ES256', kid: 'k', typ: 'at+jwt' }));
  expect(parsed).toMatchObject({ algorithm: 'ES256', keyId: 'k', issuer: 'https://a.example' });
});

test('does not read headers that would choose a key', () => {
  const header = {
    alg: 'ES256',
    jku: 'https://evil.example',
    x5u: 'https://evil.example',
    jwk: {},
    x5c: ['x'],
  };
  expect(JSON.stringify(parseAccessToken(token(header)))).not.toContain('evil.example"');
  expect(Object.keys(parseAccessToken(token(header))).toSorted()).toEqual(
    ['algorithm', 'claims', 'issuer', 'keyId', 'signed', 'text'].toSorted(),
  );
});

test.each([undefined, 'JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt'])(
  'accepts the type %s',
  (typ) => {
    expect(refusal(token({ alg: 'ES256', typ }))).toBe('accepted');
  },
);

test.each([
  ['no algorithm', token({}), 'algorithm'],
  ['an algorithm that is no text', token({ alg: ['ES256'] }), 'algorithm'],
  ['a critical header', token({ alg: 'ES256', crit: ['exp'], exp: 1 }), 'critical'],
  ['an empty list of critical headers', token({ alg: 'ES256', crit: [] }), 'critical'],
  ['the type of a logout token', token({ alg: 'ES256', typ: 'logout+jwt' }), 'type'],
  ['a type that is no text', token({ alg: 'ES256', typ: 1 }), 'type'],
  ['a key id that is no text', token({ alg: 'ES256', kid: { toString: 'k' } }), 'malformed'],
  ['a giant key id', token({ alg: 'ES256', kid: 'k'.repeat(501) }), 'malformed'],
  ['no issuer', token({ alg: 'ES256' }, {}), 'issuer-unknown'],
  ['an issuer that is no text', token({ alg: 'ES256' }, { iss: ['https://a.example'] }), 'issuer-unknown'],
  ['a header that is a list', token(['ES256']), 'malformed'],
  ['claims that are null', token({ alg: 'ES256' }, null), 'malformed'],
  ['a header that is no JSON', `${Buffer.from('{').toString('base64url')}.e30.AAAA`, 'malformed'],
  ['broken UTF-8', `${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}.e30.AAAA`, 'malformed'],
  ['a part too few', 'e30.e30', 'malformed'],
  ['encryption', 'e30.e30.e30.e30.e30', 'malformed'],
  ['more than 8192 characters', token({ alg: 'ES256' }, { iss: 'x'.repeat(6200) }), 'malformed'],
  [
    'a signature whose last character says more than it means',
    token({ alg: 'ES256' }, CLAIMS, 'AB'),
    'malformed',
  ],
])('refuses %s', (_what, text, reason) => {
  expect(refusal(text)).toBe(reason);
});

test('names a token by what is signed, whatever the signature', () => {
  const [one, other] = [token({ alg: 'ES256' }), token({ alg: 'ES256' }, CLAIMS, 'BBBB')].map(
    parseAccessToken,
  );
  expect(one?.signed).toEqual(other?.signed);
  expect(one?.signed).not.toEqual(parseAccessToken(token({ alg: 'ES256', kid: 'k' })).signed);
});
