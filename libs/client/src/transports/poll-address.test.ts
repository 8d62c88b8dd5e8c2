import { expect, test } from 'vitest';
import { formatPollAddress } from './poll-address.ts';
import type { Handshake } from './transport.ts';

function queryOf(handshake: Omit<Handshake, 'subscriptionId'>, lastEventId?: string): readonly string[][] {
  const order = { lastEventId, timeoutMs: 5 };
  const url = new URL(
    formatPollAddress('http://here', { ...handshake, subscriptionId: 's1' } as Handshake, order),
  );
  expect(`${url.origin}${url.pathname}`).toBe('http://here/api/realtime/poll');
  return [...url.searchParams];
}

test('a table is polled with its filter as text, and without an order', () => {
  const filter = { and: [{ field: 'status', operator: 'eq', value: 'é&=' }] };
  expect(queryOf({ table: 'orders', filter, fields: ['a', 'b'], sort: 'a:asc' } as never, 'evt-1')).toEqual([
    ['table', 'orders'],
    ['filter', JSON.stringify(filter)],
    ['fields', 'a,b'],
    ['lastEventId', 'evt-1'],
    ['timeoutMs', '5'],
  ]);
  expect(queryOf({ table: 'orders', filter: 'status:eq:new' } as never)).toContainEqual([
    'filter',
    'status:eq:new',
  ]);
});

test('a topic is polled with its conditions in the one form that is never taken for a parameter', () => {
  const filter = { limit: 3, status: 'open', total: { gte: 1, lt: 5 }, done: true };
  const events = ['object.created', 'object.deleted'];
  expect(queryOf({ type: 'subscribe', topic: 'register/zaken', filter, events } as never)).toEqual([
    ['topic', 'register/zaken'],
    ['events', 'object.created,object.deleted'],
    ['filter[limit]', '3'],
    ['filter[status]', 'open'],
    ['filter[total][gte]', '1'],
    ['filter[total][lt]', '5'],
    ['filter[done]', 'true'],
    ['timeoutMs', '5'],
  ]);
});
