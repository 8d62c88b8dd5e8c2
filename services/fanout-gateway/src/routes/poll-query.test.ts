import { POLL_LIMITS, TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { parsePollQuery } from './poll-query.ts';
import type { PollQuery } from './poll-query.ts';

const parse = (query: string): PollQuery => parsePollQuery(`/api/realtime/poll?${query}`, 100);

function refusal(query: string): TidewireError {
  try {
    parse(query);
  } catch (error) {
    if (error instanceof TidewireError) return error;
    throw error;
  }
  throw new Error(`accepted ${query}`);
}

test('reads topics as a stream does, and its own parameters are no conditions', () => {
  const query = parse(
    'topic=register/zaken&status=open&filter[limit]=3&filter[table]=x&limit=7&timeoutMs=0&fields=a,b&events=object.created',
  );
  expect(query).toEqual({
    wanted: {
      from: [{ kind: 'register', register: 'zaken' }],
      wish: {
        filter: [
          ['status', 'open'],
          ['filter[limit]', '3'],
          ['filter[table]', 'x'],
        ],
        fields: ['a', 'b'],
      },
      actions: ['created'],
    },
    lastEventId: undefined,
    timeoutMs: 0,
    limit: 7,
  });
  expect(parse('topic=register/zaken&_fields=c').wanted.wish.fields).toEqual(['c']);
});

test('reads a table with one filter, as a text', () => {
  expect(parse('table=orders&filter=at:gte:2026-01-01T00:00:00Z&fields=a,a&lastEventId=x')).toEqual({
    wanted: {
      from: 'orders',
      wish: { filter: 'at:gte:2026-01-01T00:00:00Z', fields: ['a'] },
      actions: undefined,
    },
    lastEventId: 'x',
    timeoutMs: POLL_LIMITS.defaultTimeoutMs,
    limit: POLL_LIMITS.defaultLimit,
  });
});

test.each([
  'limit=1e2',
  'limit=-1',
  'limit=',
  'limit=1.5',
  'limit=5&limit=6',
  'timeoutMs=55001',
  'timeoutMs=x',
])('refuses %s', (parameter) => {
  const error = refusal(`table=orders&${parameter}`);
  expect(error.code).toBe('BAD_REQUEST');
  expect(error.errors[0]?.field).toBe(parameter.split('=', 1)[0]);
});

test('names the valid parameters when one is unknown', () => {
  for (const parameter of ['_limit', 'status', '__proto__', 'topic[]x']) {
    const { message } = refusal(`table=orders&${encodeURIComponent(parameter)}=1`);
    for (const known of ['table', 'filter', 'fields', 'lastEventId', 'timeoutMs', 'limit']) {
      expect(message).toContain(known);
    }
  }
  const { message } = refusal('topic=register/a&_updated[gte]=1');
  expect(message).toContain('timeoutMs');
  expect(message).toContain('filter[_updated][gte]');
});
