import { expect, test } from 'vitest';
import { formatTopic, parseTopic, topicSchema } from './topic.ts';

const uuid = '550e8400-e29b-41d4-a716-446655440000';

test.each([
  'register/zaken',
  'register/schema',
  'register/zaken/schema/meldingen',
  'register/schema/schema/schema',
  `object/${uuid}`,
  `organisation/${uuid}`,
])('%s comes back from its parsed form', (text) => {
  const topic = parseTopic(text);
  expect(topic && formatTopic(topic)).toBe(text);
  expect(topicSchema.safeParse(text).success).toBe(true);
});

test('a UUID may be written in upper case', () => {
  const text = `object/${uuid.toUpperCase()}`;
  expect(parseTopic(text)).toEqual({ kind: 'object', uuid });
  expect(topicSchema.safeParse(text).success).toBe(true);
});

test.each([
  '',
  '/',
  'register',
  'register/',
  'register/a.b',
  'register/*',
  'register/>',
  'register/A',
  'register/a/b',
  'register/a/schema',
  'register/a/schema/',
  'register/a/schema/b/c',
  'register/a%2Fschema%2Fb',
  'register/a b',
  'register/a\u0000',
  `register/${'a'.repeat(64)}`,
  'object/1',
  `object/${'-'.repeat(36)}`,
  `object/${uuid}/x`,
  `objects/${uuid}`,
  'organisation/none',
])('%j is not a topic', (text) => {
  expect(parseTopic(text)).toBeUndefined();
  expect(topicSchema.safeParse(text).success).toBe(false);
});
