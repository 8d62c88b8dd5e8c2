import { expect, test } from 'vitest';
import { addressOf, conditionsOf, parseQuestion, requestOf } from './explain-query.ts';
import type { Question } from './explain-query.ts';

const questions: readonly Question[] = [
  { principal: 'bob', about: 'event', name: 'evt-mwrd70tk-000000000042', filter: '' },
  { principal: '', about: 'topic', name: 'register/shop', filter: 'status:eq:new\ntotal:gte:5' },
  {
    principal: 'a&b',
    about: 'table',
    name: 'orders',
    filter: '[{"field":"a","operator":"eq","value":"b=c"}]',
  },
];

test.each(questions)('%j survives its address', (question) => {
  const { searchParams } = new URL(addressOf(question), 'https://tidewire.example');
  expect(parseQuestion(searchParams)).toEqual(question);
});

test('an address that asks nothing is a question about an event without a name', () => {
  expect(parseQuestion(new URLSearchParams())).toEqual({
    principal: '',
    about: 'event',
    name: '',
    filter: '',
  });
});

test('conditions of a topic are the parameters of a stream, those of a table go as they are', () => {
  const [, topic, table] = questions.map(
    (question) => new URL(requestOf(question), 'https://tidewire.example'),
  );
  expect([...(topic?.searchParams ?? [])]).toEqual([
    ['topic', 'register/shop'],
    ['filter[status][eq]', 'new'],
    ['filter[total][gte]', '5'],
  ]);
  expect(table?.searchParams.get('filter')).toBe(questions[2]?.filter);
  expect(table?.searchParams.get('principal')).toBe('a&b');
});

test('a condition keeps the colons of its value, and has equality where it names no operator', () => {
  expect(conditionsOf(' at:gte:12:30:00 \n\nstatus:new\nstatus')).toEqual([
    ['filter[at][gte]', '12:30:00'],
    ['filter[status][eq]', 'new'],
    ['filter[status]', ''],
  ]);
});
