import { expect, test } from 'vitest';
import { formatNatsServerConfig } from './nats-server-config.ts';
import type { NatsUser } from './nats-server-config.ts';

const format = (users: NatsUser[]): string => formatNatsServerConfig({ dataFolder: '/d', port: 4222, users });

test('listens on loopback only and syncs what it acknowledges', () => {
  const config = format([{ user: 'a', password: 'b' }]);
  expect(config).toContain('host: "127.0.0.1"');
  expect(config).toContain('sync_interval: always');
  expect(config).not.toContain('no_auth_user');
});

test('an empty list of subjects is nothing, not everything', () => {
  const config = format([{ user: 'a', password: 'b', permissions: { publish: [], subscribe: [] } }]);
  expect(config).toMatch(/publish: \{ deny: \[">"\] \}\s+subscribe: \{ deny: \[">"\] \}/);
});

test.each([
  ['no user', []],
  [
    'a name twice',
    [
      { user: 'a', password: '1' },
      { user: 'a', password: '2' },
    ],
  ],
  ['a quote in a password', [{ user: 'a', password: 'x" }, no_auth_user: "a' }]],
  ['a line break in a name', [{ user: 'a\nb', password: 'x' }]],
  ['a password that reads as a bcrypt hash', [{ user: 'a', password: '$2a$11$abc' }]],
  ['an empty password', [{ user: 'a', password: '' }]],
  ['a blank in a subject', [{ user: 'a', password: 'b', permissions: { publish: ['a b'], subscribe: [] } }]],
])('refuses %s', (_what, users: NatsUser[]) => {
  expect(() => format(users)).toThrow();
});
