import { request } from 'node:http';
import { waitFor } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import type { ClientOptions } from 'ws';
import { TestSockets } from '../../test/push-socket-harness.ts';

function from(address: string): ClientOptions {
  return { headers: { 'x-forwarded-for': address } };
}

test('knows who is there by principal and by credential, until they go', async () => {
  await using server = await TestSockets.start();
  const { sockets } = server;
  const alice = await server.login('alice');
  const again = await server.login('alice');
  const bob = await server.login('bob');
  expect([...sockets.all()]).toEqual([alice.socket, again.socket, bob.socket]);
  expect([...sockets.ofPrincipal('alice')]).toEqual([alice.socket, again.socket]);
  expect([...sockets.ofCredential('credential-of-bob')]).toEqual([bob.socket]);
  expect([sockets.size, sockets.users, sockets.counters.opened]).toEqual([3, 2, 3]);
  alice.client.socket.terminate();
  again.client.socket.close();
  await waitFor(() => sockets.size === 1, { what: 'they are gone' });
  expect([...sockets.ofPrincipal('alice'), ...sockets.ofCredential('credential-of-alice')]).toEqual([]);
  expect([sockets.users, sockets.counters.opened, server.ended.length]).toEqual([1, 3, 2]);
  expect(server.admissions.map(({ released }) => released)).toEqual([1, 1, 0]);
});

test('those of a credential can be ended while they are walked through', async () => {
  await using server = await TestSockets.start();
  const { client: one } = await server.login('alice');
  const { client: two } = await server.login('alice');
  for (const socket of server.sockets.ofCredential('credential-of-alice')) socket.end();
  expect(await Promise.all([one.untilClosed(), two.untilClosed()])).toEqual([1005, 1005]);
  expect(server.sockets.size).toBe(0);
});

test('ends all, also those of whom nothing is known, and takes others after it', async () => {
  await using server = await TestSockets.start();
  const { client } = await server.login('alice');
  using stranger = await server.client(['bob']);
  server.sockets.endAll();
  expect(server.sockets.size).toBe(0);
  expect(await Promise.all([client.untilClosed(), stranger.untilClosed()])).toEqual([1005, 1005]);
  expect(stranger.texts).toEqual([]);
  expect((await server.login('alice')).client.texts).toEqual(['authenticated']);
});

test('strangers are bounded, of one address and of all; who is known makes room', async () => {
  const limits = { total: 100, strangers: 3, strangersPerAddress: 2 };
  await using server = await TestSockets.start({ limits });
  const first = await server.client(['alice'], from('198.51.100.1'));
  await server.client([], from('198.51.100.1'));
  await expect(server.client([], from('198.51.100.1'))).rejects.toThrow('429');
  await server.client([], from('198.51.100.2'));
  await expect(server.client([], from('198.51.100.3'))).rejects.toThrow('429');
  expect(server.sockets.strangers).toBe(3);
  first.socket.send('secret');
  await first.until(1);
  expect([server.sockets.strangers, server.sockets.size]).toEqual([2, 1]);
  await server.client([], from('198.51.100.3'));
  server.clock.advance(15_000);
  await waitFor(() => server.sockets.strangers === 0, { what: 'the others had their time' });
  expect(server.sockets.size).toBe(1);
});

test('sockets are bounded, whoever is there; one that was closed makes room', async () => {
  await using server = await TestSockets.start({
    limits: { total: 2, strangers: 100, strangersPerAddress: 100 },
  });
  const { client } = await server.login('alice');
  await server.client();
  await expect(server.client()).rejects.toThrow('429');
  client.socket.terminate();
  await waitFor(() => server.sockets.size === 0, { what: 'one has gone' });
  expect((await server.login('bob')).client.texts).toEqual(['authenticated']);
});

test('a socket lasts as long as it may, less up to a fifth', async () => {
  await using server = await TestSockets.start({ maxAgeMs: 10_000 });
  const { client } = await server.login('alice');
  server.clock.advance(500);
  await client.roundTrip();
  server.clock.advance(8000);
  await client.roundTrip();
  expect(client.closed).toBeUndefined();
  server.clock.advance(500);
  expect(await client.untilClosed()).toBe(1005);
});

test('more open sockets wait longer between two reminders', async () => {
  await using server = await TestSockets.start();
  const { client, socket } = await server.login('alice');
  for (let count = 1; count < 20; count += 1) await server.login(`user-${count}`);
  socket.remind();
  server.clock.advance(100);
  await client.until(2);
  socket.remind();
  server.clock.advance(1999);
  await client.roundTrip();
  expect(client.texts).toHaveLength(2);
  server.clock.advance(1);
  expect(await client.until(3)).toHaveLength(3);
});

/** Status and body of an answer to a GET with these headers. */
async function ask(url: string, headers: Record<string, string>): Promise<readonly [number, string]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly [number, string]>();
  request(url, { headers }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => (body += text));
    response.on('end', () => resolve([response.statusCode ?? 0, body]));
  })
    .on('error', reject)
    .end();
  return await promise;
}

test('what is no handshake is refused in our own words', async () => {
  await using server = await TestSockets.start();
  const upgrade = { connection: 'upgrade', upgrade: 'websocket' };
  const refused = await Promise.all([
    ask(server.url, {}),
    ask(server.url, upgrade),
    ask(server.url, { ...upgrade, 'sec-websocket-version': '12' }),
    ask(server.url, { ...upgrade, 'sec-websocket-version': '13', 'sec-websocket-key': 'short' }),
  ]);
  for (const [status, body] of refused)
    expect([status, body]).toEqual([400, expect.stringContaining('"BAD_REQUEST"')]);
  expect(server.sockets.strangers).toBe(0);
});

test('nobody is let in before the rights are known', async () => {
  await using server = await TestSockets.start();
  server.ready = false;
  await expect(server.client()).rejects.toThrow('503');
});
