import { expect, test } from 'vitest';
import { DocumentCache } from './document-cache.ts';

test('a document that was kept is not read again', () => {
  const cache = new DocumentCache();
  const known = cache.get('{ a }');
  expect(cache.get('{ a }')).not.toBe(known);
  cache.keep('{ a }', known);
  expect(cache.get('{ a }')).toBe(known);
});

test('is bounded: the oldest are forgotten, long ones are not kept', () => {
  const cache = new DocumentCache();
  const texts = Array.from({ length: 300 }, (_, index) => `{ a${index} }`);
  const first = cache.get('{ first }');
  cache.keep('{ first }', first);
  for (const text of texts) {
    cache.keep(text, cache.get(text));
    expect(cache.get('{ first }')).toBe(first);
  }
  expect(cache.size).toBe(200);
  const long = `{ a } #${'x'.repeat(3000)}`;
  cache.keep(long, cache.get(long));
  expect(cache.size).toBe(200);
  expect(cache.get(long)).not.toBe(cache.get(long));
});

test('says whether a document does nothing but subscribe', () => {
  const cache = new DocumentCache();
  expect(cache.get('subscription A { a } subscription B { ...F } fragment F on X { b }').onlySubscribes).toBe(
    true,
  );
  expect(cache.get('subscription A { a } query B { b }').onlySubscribes).toBe(false);
});
