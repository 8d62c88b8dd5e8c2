import { ClientError } from '@tidewire/client';
import { expect, test } from 'vitest';
import { describeLink } from './link-words.ts';

test('says why events do not come, in the words of the server where it has some', () => {
  expect(describeLink({ state: 'offline', error: null })).toBe('This machine has no network.');
  const error = new ClientError('TOO_MANY_CONNECTIONS', 'Too many connections.');
  expect(describeLink({ state: 'refused', error })).toBe(
    'The server refused the connection. Too many connections.',
  );
});
