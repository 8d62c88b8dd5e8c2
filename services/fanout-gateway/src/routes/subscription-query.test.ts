import { TOPIC_PATTERNS, TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { parseSubscriptionQuery } from './subscription-query.ts';

const uuid = '550e8400-e29b-41d4-a716-446655440000';
const parse = (query: string): ReturnType<typeof parseSubscriptionQuery> =>
  parseSubscriptionQuery(`/api/realtime/subscribe${query}`, 100);

function refusal(query: string): TidewireError {
  try {
    parse(query);
  } catch (error) {
    if (error instanceof TidewireError) return error;
    throw error;
  }
  throw new Error(`accepted ${query}`);
}

test('reads the three ways to name topics, all four kinds, each once', () => {
  const query = `?topic=register/zaken&topic[]=register/zaken/schema/meldingen&topic%5B%5D=object%2F${uuid.toUpperCase()}&topic=organisation/${uuid}&topic=register/zaken`;
  expect(parse(query).wanted.from).toEqual([
    { kind: 'register', register: 'zaken' },
    { kind: 'schema', register: 'zaken', schema: 'meldingen' },
    { kind: 'object', uuid },
    { kind: 'organisation', uuid },
  ]);
});

test.each([
  'nonsense',
  'register/',
  'register/A',
  'register/a/schema',
  'register/a/schema/b/c',
  'object/12',
  'table/x',
  'register/*',
  'register/a.>',
])('refuses the whole request for the topic %s and names every valid form', (topic) => {
  const error = refusal(`?topic=register/zaken&topic=${encodeURIComponent(topic)}`);
  expect(error.code).toBe('MALFORMED_TOPIC');
  expect(error.message).toContain(topic);
  for (const pattern of TOPIC_PATTERNS) expect(error.message).toContain(pattern);
});

test.each(['', '?', '?topic=', '?lastEventId=x'])('refuses a request without a topic: %s', (query) => {
  expect(refusal(query).code).toBe('MALFORMED_TOPIC');
});

test('reads events, fields and the cursor', () => {
  const query = parse(
    '?topic=register/a&events=object.created,object.deleted&_fields=status,titel&lastEventId=x',
  );
  expect(query.wanted.actions).toEqual(['created', 'deleted']);
  expect(query.wanted.wish.fields).toEqual(['status', 'titel']);
  expect(query.lastEventId).toBe('x');
});

test('leaves events and fields open when they are not given', () => {
  const query = parse('?topic=register/a');
  expect(query.wanted.actions).toBeUndefined();
  expect(query.wanted.wish.fields).toBeUndefined();
});

test.each([
  'events=object.moved',
  'events=',
  'events=__proto__',
  '_fields=',
  '_fields=,',
  '_limit=3',
  '_field=a',
  '_updated[gte]=x',
])('refuses %s', (parameter) => {
  expect(refusal(`?topic=register/a&${parameter}`).code).toBe('BAD_REQUEST');
});

test('bounds the query and the number of topics', () => {
  expect(refusal(`?topic=register/a&x=${'y'.repeat(20_000)}`).code).toBe('BAD_REQUEST');
  const topics = Array.from({ length: 101 }, (_, index) => `topic=register/r${index}`).join('&');
  expect(refusal(`?${topics}`).code).toBe('TOO_MANY_SUBSCRIPTIONS');
});
