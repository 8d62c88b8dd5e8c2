import { expect, test } from 'vitest';
import { vapidSubjectSchema } from './vapid-subject.ts';

test.each([
  ['mailto:operator@example.org', true],
  ['https://example.org/contact', true],
  ['http://example.org/', false],
  ['https://localhost/', false],
  ['mailto:', false],
  ['mailto:nobody', false],
  ['operator@example.org', false],
  ['', false],
])('%s as a subject: %s', (text, isGood) => {
  expect(vapidSubjectSchema.safeParse(text).success).toBe(isGood);
});
