import { expect, test } from 'vitest';
import { baseConfig, parseConfig } from './config.ts';
import { isAllowedOrigin, requireOwnPage } from './cross-origin.ts';
import { allowedOrigins } from './origins-setting.ts';

const OWN = 'https://tide.example';
const allowed = [OWN, 'http://localhost:*'];

test.each([
  ['http://localhost', true],
  ['http://localhost:3000', true],
  ['http://localhost:', false],
  ['http://localhost:3000.evil.example', false],
  ['http://localhost.evil.example:3000', false],
  ['http://localhost:3000/', false],
  ['https://localhost:3000', false],
  ['https://tide.example:8443', false],
  ['https://tide.example.evil.example', false],
  ['https://TIDE.example', false],
  ['null', false],
  ['', false],
])('a page of %s is allowed: %s', (origin, expected) => {
  expect(isAllowedOrigin({ origin }, allowed)).toBe(expected);
});

test('a write and a WebSocket need an origin; a stream and a login only must not come from another site', () => {
  const passes = (headers: Record<string, string>): string[] =>
    (['write', 'stream', 'login'] as const).filter((use) => {
      try {
        requireOwnPage(headers, allowed, use);
        return true;
      } catch {
        return false;
      }
    });
  expect(passes({ origin: OWN })).toEqual(['write', 'stream', 'login']);
  expect(passes({ 'origin': OWN, 'sec-fetch-site': 'same-site' })).toEqual(['write', 'stream', 'login']);
  expect(passes({})).toEqual(['stream', 'login']);
  expect(passes({ 'sec-fetch-site': 'same-origin' })).toEqual(['stream', 'login']);
  for (const site of ['cross-site', 'same-site', 'something-new']) {
    expect(passes({ 'sec-fetch-site': site }), site).toEqual([]);
  }
  for (const origin of ['https://evil.example', 'null']) expect(passes({ origin }), origin).toEqual([]);
});

test('origins are settings that are read exactly, and only a loopback host may have any port', () => {
  const read = (text: string): readonly string[] | undefined => {
    const result = parseConfig(baseConfig, {
      TIDEWIRE_PUBLIC_URL: 'https://tide.example/somewhere',
      TIDEWIRE_ALLOWED_ORIGINS: text,
    });
    return result.ok ? allowedOrigins(result.config) : undefined;
  };
  expect(read('')).toEqual([OWN]);
  expect(read('https://app.example, http://127.0.0.1:*')).toEqual([
    OWN,
    'https://app.example',
    'http://127.0.0.1:*',
  ]);
  for (const text of [
    '*',
    'https://*',
    'https://app.example:*',
    'https://app.example/',
    'https://App.example',
    'https://app.example:443',
    'app.example',
    'null',
    'https://user@app.example',
  ]) {
    expect(read(text), text).toBeUndefined();
  }
});
