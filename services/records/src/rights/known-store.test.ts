import { expect, test } from 'vitest';
import { KnownStore } from './known-store.ts';

test('the store that the rights were loaded from is known, without any beat', () => {
  const store = new KnownStore();
  store.noteLoaded('a');
  expect(store.isKnown('a', -Infinity, 100)).toBe(true);
  expect(store.isKnown('b', -Infinity, 100)).toBe(false);
});

test('another one is known once the relay tells of a time after it was met, and not by what it told before', () => {
  const store = new KnownStore();
  store.noteLoaded('a');
  expect(store.isKnown('b', 99, 100)).toBe(false);
  expect(store.isKnown('b', 100, 200)).toBe(false);
  expect(store.isKnown('b', 101, 300)).toBe(true);
  expect(store.isKnown('b', -Infinity, 400)).toBe(true);
  expect(store.isKnown('a', 101, 400)).toBe(false);
});

test('one that comes in between has to be told of anew', () => {
  const store = new KnownStore();
  expect(store.isKnown('b', 0, 100)).toBe(false);
  expect(store.isKnown('c', 0, 200)).toBe(false);
  expect(store.isKnown('c', 150, 300)).toBe(false);
  expect(store.isKnown('c', 201, 300)).toBe(true);
});
