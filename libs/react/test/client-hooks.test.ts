// @vitest-environment happy-dom
import { createElement } from 'react';
import type { ReactNode } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, test } from 'vitest';
import { useConnectionStatus } from '../src/connection-status.ts';
import { usePresence } from '../src/presence.ts';
import { useClient } from '../src/provider.ts';
import { Screen } from './screen.ts';

const ADA = { id: '1', name: 'Ada', pagePath: 'orders', joinedAt: '2026-01-01T00:00:00Z' };

test('presence is on the page for as long as somebody is mounted', async () => {
  function People({ page }: { page: string }): ReactNode {
    const { users, state } = usePresence(page);
    return `${state}:${users.map(({ name }) => name).join()}`;
  }
  await using screen = new Screen({ strict: true });
  await screen.show(createElement(People, { page: 'orders' }));
  const orders = screen.client.presence('orders');
  await screen.happen(() => orders.set({ users: [ADA], state: 'present' }));
  expect(screen.text).toBe('present:Ada');
  expect(orders.listeners.size).toBe(1);
  await screen.show(createElement(People, { page: 'customers' }));
  expect(orders.listeners.size).toBe(0);
  await screen.show(null);
  expect(screen.client.listeners).toBe(0);
});

test('the status of the connection is that of the client', async () => {
  function Status(): ReactNode {
    return useConnectionStatus().state;
  }
  await using screen = new Screen();
  await screen.show(createElement(Status));
  expect(screen.text).toBe('idle');
  await screen.happen(() => screen.client.link.set({ state: 'live' }));
  expect(screen.text).toBe('live');
  await screen.show(null);
  expect(screen.client.listeners).toBe(0);
});

test('the client is the one that is provided; without a provider a hook says so', async () => {
  const found: unknown[] = [];
  function Finder(): ReactNode {
    found.push(useClient());
    return null;
  }
  await using screen = new Screen();
  await screen.show(createElement(Finder));
  expect(found).toEqual([screen.client]);
  expect(() => renderToString(createElement(Finder))).toThrow('There is no <TidewireProvider> around');
});
