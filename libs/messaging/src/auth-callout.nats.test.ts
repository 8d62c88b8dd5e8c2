import { waitFor } from '@tidewire/test-kit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startCalloutServer, userOf } from '../test/callout-server.ts';
import type { CalloutServer } from '../test/callout-server.ts';
import { answerConnects } from './auth-callout.ts';
import type { AdmittedUser, DroppedQuestion } from './auth-callout.ts';
import { processClock } from './clock.ts';
import type { ConnectRequest } from './connect-request.ts';

let server: CalloutServer;
beforeAll(async () => {
  server = await startCalloutServer();
});
afterAll(() => server[Symbol.asyncDispose]());

let requests: ConnectRequest[];
let dropped: DroppedQuestion[];
let decide: (request: ConnectRequest) => Promise<AdmittedUser | undefined>;
let stop: () => Promise<void>;
beforeEach(() => {
  requests = [];
  dropped = [];
  decide = async ({ token }) => (token === 'good' ? userOf('alice') : undefined);
  stop = answerConnects(server.bus, {
    key: server.key,
    queue: 'authz',
    clock: processClock,
    decide: (request) => {
      requests.push(request);
      return decide(request);
    },
    onDropped: (why) => dropped.push(why),
  });
});
afterEach(() => stop());

test('shows what was presented, and lets in whom the answer names', async () => {
  await server.connect({ token: 'good', name: 'worker' });
  expect(requests).toEqual([{ token: 'good', user: undefined, password: undefined, host: '127.0.0.1' }]);
  await expect(server.connect({ user: 'alice', pass: 'other' })).rejects.toThrow(/authorization violation/i);
  expect(requests[1]).toEqual({ token: undefined, user: 'alice', password: 'other', host: '127.0.0.1' });
});

test('what may be subscribed to is what the answer says', async () => {
  const client = await server.connect({ token: 'good' });
  const refusal = Promise.withResolvers<Error>();
  client.subscribe('_INBOX.bob.1', { callback: (error) => void (error !== null && refusal.resolve(error)) });
  expect(String(await refusal.promise)).toMatch(/permissions violation/i);
});

test('a refusal, an error and a missing answer look alike to a client', async () => {
  const texts: string[] = [];
  const attempt = async (): Promise<void> => {
    texts.push(await server.connect({ token: 'bad' }).then(() => 'let in', String));
  };
  await attempt();
  decide = async () => {
    throw new Error('the database knows bad');
  };
  await attempt();
  expect(dropped).toEqual(['failed']);
  await stop();
  await attempt();
  expect(texts[0]).toMatch(/authorization violation/i);
  expect(new Set(texts).size).toBe(1);
});

test('the server ends the connection when its time is over', async () => {
  decide = async () => userOf('alice', { expiresAtMs: Date.now() + 2000 });
  const client = await server.connect({ token: 'good' });
  expect(String(await client.closed())).toMatch(/authentication expired/i);
});

test('a client with a key of its own is refused without a decision', async () => {
  const { nkeys, nkeyAuthenticator } = await import('@nats-io/transport-node');
  const authenticator = nkeyAuthenticator(nkeys.createUser().getSeed());
  await expect(server.connect({ authenticator })).rejects.toThrow(/authorization violation/i);
  expect(requests).toEqual([]);
  expect(dropped).toEqual(['foreign']);
});

test('many at once are decided some at a time, and all of them', async () => {
  let running = 0;
  let most = 0;
  decide = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return userOf('alice');
  };
  await stop();
  stop = answerConnects(server.bus, {
    key: server.key,
    queue: 'authz',
    clock: processClock,
    decide: (request) => decide(request),
    concurrency: 4,
  });
  const clients = await Promise.all(Array.from({ length: 40 }, () => server.connect({ token: 'good' })));
  expect(clients).toHaveLength(40);
  expect(most).toBeLessThanOrEqual(4);
});

test('several that answer in one queue share the questions', async () => {
  await stop();
  const counts = [0, 0];
  const stops = counts.map((_, index) =>
    answerConnects(server.bus, {
      key: server.key,
      queue: 'authz',
      clock: processClock,
      decide: async () => {
        counts[index] = (counts[index] ?? 0) + 1;
        return userOf('alice');
      },
    }),
  );
  for (let count = 0; count < 30; count += 1) await server.connect({ token: 'good' });
  expect(counts.reduce((sum, count) => sum + count)).toBe(30);
  expect(Math.min(...counts)).toBeGreaterThan(0);
  stop = async () => void (await Promise.all(stops.map((one) => one())));
});

test('a user of the configuration is let in while nobody answers', async () => {
  await stop();
  const { user, password } = server.nats.credentialsFor('records-clients');
  const client = await server.connect({ user, pass: password, inboxPrefix: '_INBOX_records-clients' });
  await waitFor(() => !client.isClosed(), { what: 'the user is let in' });
});
