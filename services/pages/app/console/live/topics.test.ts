import { expect, test } from 'vitest';
import { MOST_TOPICS, chosenTopics, followable } from './topics.ts';
import type { Offered } from './topics.ts';

const offer = (topic: string): Offered => ({
  topic,
  kind: topic.includes('/schema/') ? 'schema' : topic.startsWith('register/') ? 'register' : 'organisation',
  title: topic,
});
const offered = [
  'register/library-annex',
  'register/library/schema/loans',
  'organisation/0b0f7c0e-5b7e-4f7c-9a59-1d9c3e5f0aaa',
  'register/library-annex/schema/books',
  'register/library/schema/books',
  'register/library',
].map(offer);

test('schemas stand after their register, also where another register has a name that begins alike', () => {
  expect(followable(offered).map(({ topic }) => topic)).toEqual([
    'register/library',
    'register/library/schema/books',
    'register/library/schema/loans',
    'register/library-annex',
    'register/library-annex/schema/books',
  ]);
});

test('all registers are followed unless an address names topics, each once, and a bounded number', () => {
  expect(chosenTopics([], followable(offered))).toEqual(['register/library', 'register/library-annex']);
  expect(chosenTopics(['register/a', 'register/a'], offered)).toEqual(['register/a']);
  const many = Array.from({ length: 50 }, (_, index) => `register/r${index}`);
  expect(chosenTopics(many, [])).toHaveLength(MOST_TOPICS);
});
