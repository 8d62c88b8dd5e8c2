import type { ConnectionInfo } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { interestsOf, nameTransport, totalsBy } from './connection-totals.ts';

function connectionOf(gateway: string, transport: ConnectionInfo['transport']): ConnectionInfo {
  return {
    id: '7c1e0f5a-3b1d-4a52-8f6e-2d9c1b0a4e77',
    principal: 'alice',
    credential: null,
    organisation: null,
    address: '198.51.100.7',
    transport,
    topics: [],
    tables: [],
    since: '2026-03-21T12:00:00.000Z',
    gateway,
  };
}

test('totals are the most first, and in the order of names where there are as many', () => {
  const all = [
    connectionOf('b', 'sse'),
    connectionOf('c', 'sse'),
    connectionOf('a', 'poll'),
    connectionOf('c', 'nats'),
  ];
  expect(totalsBy(all, ({ gateway }) => gateway)).toEqual([
    { name: 'c', count: 2 },
    { name: 'a', count: 1 },
    { name: 'b', count: 1 },
  ]);
  expect(totalsBy([], ({ gateway }) => gateway)).toEqual([]);
});

test('a transport of a newer server has its own name', () => {
  expect(nameTransport('websocket')).toBe('WebSocket');
  expect(nameTransport('carrier-pigeon' as never)).toBe('carrier-pigeon');
});

test('a table is named once, not also as the topic of its schema', () => {
  const topics = ['register/shop/schema/orders', 'register/library'];
  expect(interestsOf({ topics, tables: ['orders'] })).toEqual(['table orders', 'register/library']);
  expect(interestsOf({ topics, tables: [] })).toEqual(topics);
});
