import { TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { normalisePagePath } from './page-path.ts';

test.each([
  ['/', '/'],
  ['/dashboard', '/dashboard'],
  ['/dashboard/', '/dashboard'],
  ['/dashboard?tab=2#top', '/dashboard'],
  ['/dashboard#a?b', '/dashboard'],
  ['/?x', '/'],
  ['//evil.example/a', '/evil.example/a'],
  ['/a//b/../c', '/a/c'],
  ['/a/./b/.', '/a/b'],
  ['/../../a', '/a'],
  ['/a/%2e%2E/b', '/b'],
  ['/a/%2e/b', '/a/b'],
  ['/a/%252e%252e/b', '/a/%252e%252e/b'],
  ['/a%2Fb', '/a%2Fb'],
  ['/a%2fb', '/a%2Fb'],
  ['/%64ashboard', '/dashboard'],
  ['/a b', '/a%20b'],
  ['/a%3Fb%23c', '/a%3Fb%23c'],
  ['/caf\u00e9', '/caf%C3%A9'],
  ['/caf%c3%a9', '/caf%C3%A9'],
  ['/\u{1f30a}', '/%F0%9F%8C%8A'],
  ['/a:b@c$d&e+f,g;h=i!j~k', '/a:b@c$d&e+f,g;h=i!j~k'],
  ['/a%3Ab%2Bc', '/a:b+c'],
  ['/a\\b', '/a%5Cb'],
  ['/__proto__', '/__proto__'],
  ['/constructor', '/constructor'],
  ['/Tables/Orders', '/Tables/Orders'],
])('the path of %j is %j, and stays so', (text, path) => {
  expect(normalisePagePath(text)).toBe(path);
  expect(normalisePagePath(path)).toBe(path);
});

test.each([
  ['nothing', '', "must begin with '/'"],
  ['a relative path', 'dashboard', "must begin with '/'"],
  ['an address', 'https://example.org/dashboard', "must begin with '/'"],
  ['only a query', '?pagePath=/a', "must begin with '/'"],
  ['a space first', ' /a', "must begin with '/'"],
  ['a NUL', '/a\0b', 'control characters'],
  ['an encoded NUL', '/a%00b', 'control characters'],
  ['a line break', '/a\r\nb', 'control characters'],
  ['half a percent', '/100%', "'%'"],
  ['what is not UTF-8', '/%ff', "'%'"],
  ['an overlong slash', '/%c0%af', "'%'"],
  ['half a surrogate pair', '/\ud83c', 'well-formed'],
  ['10 kB', `/${'a'.repeat(10_240)}`, 'at most 2048'],
  ['a path that is too long', `/${'a'.repeat(512)}`, 'at most 512'],
  ['emoji that are too long encoded', `/${'\u{1f30a}'.repeat(43)}`, 'at most 512'],
])('refuses %s with what is wrong', (_name, text, message) => {
  const attempt = (): string => normalisePagePath(text);
  expect(attempt).toThrow(TidewireError);
  expect(attempt).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }));
  expect(attempt).toThrow(message);
});

test('a long query does not count, and the longest path passes', () => {
  const path = `/${'a'.repeat(511)}`;
  expect(normalisePagePath(`${path}/?${'q'.repeat(1000)}`)).toBe(path);
});
