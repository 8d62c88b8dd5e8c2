import { MAX_SECRET_LENGTH } from '@tidewire/contract';
import { TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { readCredential } from './credential.ts';
import { isAllowedOrigin } from './cross-origin.ts';

test.each([
  [
    'the query',
    { url: '/x?topic=a&token=s%2B1', headers: {} },
    { type: 'token', secret: 's+1', source: 'query' },
  ],
  [
    'a bearer',
    { url: '/x', headers: { authorization: 'bearer s1' } },
    { type: 'token', secret: 's1', source: 'bearer' },
  ],
  [
    'the session cookie',
    { url: '/x', headers: { cookie: 'a=b; tidewire_session=s1; c=d' } },
    { type: 'session', secret: 's1', source: 'cookie' },
  ],
])('finds a credential in %s', (_where, request, expected) => {
  expect(readCredential(request)).toEqual(expected);
});

test('takes a request without a credential for an anonymous one', () => {
  expect(readCredential({ url: '/x?topic=a', headers: { cookie: 'other=1' } })).toBeUndefined();
});

test('accepts one credential that is given twice', () => {
  expect(readCredential({ url: '/?token=s1', headers: { authorization: 'Bearer s1' } })?.secret).toBe('s1');
});

test.each([
  ['query and bearer', { url: '/?token=s1', headers: { authorization: 'Bearer s2' } }],
  ['token and session', { url: '/?token=s1', headers: { cookie: 'tidewire_session=s1' } }],
  ['two in the query', { url: '/?token=s1&token=s2', headers: {} }],
  [
    'two bearers',
    {
      url: '/',
      headers: { authorization: 'Bearer s1' },
      headersDistinct: { authorization: ['Bearer s1', 'Bearer s2'] },
    },
  ],
  ['two cookies', { url: '/', headers: { cookie: 'tidewire_session=s1; tidewire_session=s2' } }],
  ['another scheme', { url: '/', headers: { authorization: 'Basic czE6czI=' } }],
  ['an empty token', { url: '/?token=', headers: {} }],
])('refuses %s and does not repeat it', (_what, request) => {
  let thrown: unknown;
  try {
    readCredential(request);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(TidewireError);
  expect(thrown).toMatchObject({ code: 'BAD_REQUEST' });
  expect((thrown as TidewireError).message).not.toMatch(/s1|s2|czE6/);
});

test('refuses a giant token as one that is not known', () => {
  const url = `/?token=${'s'.repeat(8193)}`;
  expect(() => readCredential({ url, headers: {} })).toThrow(
    expect.objectContaining({ code: 'UNAUTHORIZED', message: 'The credential is not valid.' }),
  );
  expect(readCredential({ url: url.slice(0, -1), headers: {} })?.secret).toHaveLength(8192);
});

test('allows an origin only by name', () => {
  expect(isAllowedOrigin({ origin: 'https://a.example' }, ['https://a.example'])).toBe(true);
  expect(isAllowedOrigin({ origin: 'https://a.example.evil' }, ['https://a.example'])).toBe(false);
  expect(isAllowedOrigin({}, ['https://a.example'])).toBe(false);
});

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

test('Basic is read only where it is asked for', () => {
  const headers = { authorization: basic('alice:pass:word é') };
  expect(readCredential({ headers }, { basic: true })).toEqual({
    type: 'basic',
    secret: 'alice:pass:word é',
    source: 'basic',
  });
  expect(() => readCredential({ headers })).toThrow('malformed');
  expect(readCredential({ headers: { authorization: 'Bearer s1' } }, { basic: true })?.type).toBe('token');
});

test.each([
  ['no colon', basic('alice')],
  ['text that is not UTF-8', `Basic ${Buffer.from([0xff, 0x3a]).toString('base64')}`],
  ['what is not base64', 'Basic a:b'],
])('Basic with %s is malformed, and is not repeated', (_what, authorization) => {
  expect(() => readCredential({ headers: { authorization } }, { basic: true })).toThrow(
    'The credential is malformed',
  );
});

test('Basic and a cookie are two credentials', () => {
  const headers = { authorization: basic('alice:x'), cookie: 'tidewire_session=alice:x' };
  expect(() => readCredential({ headers }, { basic: true })).toThrow('one credential');
});

test('Basic with more than a credential may have is no credential', () => {
  const headers = { authorization: basic(`alice:${'x'.repeat(MAX_SECRET_LENGTH)}`) };
  expect(() => readCredential({ headers }, { basic: true })).toThrow('The credential is not valid.');
});
