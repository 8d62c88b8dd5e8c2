import { TidewireError } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestSockets } from '../../test/push-socket-harness.ts';

const TOKEN = 'QcGvnXbTwKZyLrHdMfJsPaUeIoCtRmVb';
const UNAVAILABLE = 'err: Error while sending authentication request to nextcloud: try again later';

let server: TestSockets;

beforeEach(async () => {
  server = await TestSockets.start();
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

/** What a client is told that sends these frames, until the socket is closed, and with which code. */
async function refusal(...frames: readonly (string | Buffer)[]): Promise<readonly [string[], number]> {
  using client = await server.client(frames);
  return [client.texts, await client.untilClosed()] as const;
}

/** Whether the sockets know of nobody, and nothing is held of those that were admitted. */
function isNothingLeft(): boolean {
  const { size, strangers } = server.sockets;
  return size + strangers === 0 && server.admissions.every(({ released }) => released === 1);
}

test('a name and a password, both trimmed, let in whom they belong to', async () => {
  using client = await server.client(['  alice\n', ' secret\r\n'], {
    headers: { 'x-forwarded-for': '198.51.100.7' },
  });
  expect(await client.until(1)).toEqual(['authenticated']);
  expect(server.logins).toEqual([{ user: 'alice', password: 'secret', address: '198.51.100.7' }]);
  expect(server.opened.map(({ principalId }) => principalId)).toEqual(['alice']);
  expect(server.redeemed).toEqual([]);
});

test('an empty message and a token, with what is listened for right behind them, let in whom it stands for', async () => {
  server.tokens.set(TOKEN, 'bob');
  const { promise, resolve } = Promise.withResolvers<void>();
  server.before = () => promise;
  using client = await server.client([
    '',
    `${TOKEN} `,
    'listen or-collection-a-b',
    'listen notify_notification',
    '',
  ]);
  await client.roundTrip();
  expect(client.texts).toEqual([]);
  resolve();
  expect(await client.until(1)).toEqual(['authenticated']);
  expect(server.opened.map(({ principalId }) => principalId)).toEqual(['bob']);
  expect(server.logins).toEqual([]);
});

test('a token counts whatever name it comes with; without a name nothing else does', async () => {
  server.tokens.set(TOKEN, 'bob');
  using client = await server.client(['alice', TOKEN]);
  expect(await client.until(1)).toEqual(['authenticated']);
  expect(server.opened.map(({ principalId }) => principalId)).toEqual(['bob']);
  expect(await refusal('', TOKEN)).toEqual([['err: Invalid credentials'], 1005]);
  expect(await refusal('', 'secret')).toEqual([['err: Invalid credentials'], 1005]);
  expect(server.logins).toEqual([]);
});

test('a password that has the form of a token is a password', async () => {
  expect(await refusal('alice', TOKEN)).toEqual([['err: Invalid credentials'], 1005]);
  expect([server.redeemed, server.logins.length]).toEqual([[TOKEN], 1]);
});

test('only credentials that are wrong are said to be', async () => {
  expect(await refusal('alice', 'wrong')).toEqual([['err: Invalid credentials'], 1005]);
  const failures = [
    new TidewireError('SERVICE_UNAVAILABLE', 'the bus is away: secret-detail'),
    new TidewireError('RATE_LIMITED', 'secret-detail'),
    new TidewireError('FORBIDDEN', 'secret-detail'),
    new Error('secret-detail'),
  ];
  for (const failure of failures) {
    server.before = () => Promise.reject(failure);
    expect(await refusal('alice', 'secret')).toEqual([[UNAVAILABLE], 1005]);
    expect(await refusal('', TOKEN)).toEqual([[UNAVAILABLE], 1005]);
  }
  await waitFor(isNothingLeft, { what: 'all are gone' });
});

test('neither passwords nor tokens are logged, whatever goes wrong', async () => {
  server.before = () => Promise.reject(new Error('broken'));
  await refusal('alice', 'pass-w-o-r-d');
  await refusal('', TOKEN);
  const lines = server.lines.join('');
  expect(lines).toContain('login of a socket failed');
  expect(lines).not.toMatch(/pass-w-o-r-d|QcGvnX/);
});

test('a binary message is no part of a login', async () => {
  expect(await refusal(Buffer.from('alice'), 'secret')).toEqual([
    ['err: Invalid authentication message'],
    1005,
  ]);
  expect(await refusal('alice', Buffer.from('secret'))).toEqual([
    ['err: Invalid authentication message'],
    1005,
  ]);
  expect(server.logins).toEqual([]);
});

test('who does not say who it is, or of whom nobody can say, is told after 15 s that it took too long', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.before = () => promise;
  using silent = await server.client(['alice']);
  using asked = await server.client(['alice', 'secret']);
  await waitFor(() => server.logins.length === 1, { what: 'somebody is asked' });
  await silent.roundTrip();
  server.clock.advance(14_999);
  await Promise.all([silent.roundTrip(), asked.roundTrip()]);
  expect([silent.texts, asked.texts]).toEqual([[], []]);
  server.clock.advance(1);
  expect(await Promise.all([silent.untilClosed(), asked.untilClosed()])).toEqual([1005, 1005]);
  expect([silent.texts, asked.texts]).toEqual([['Authentication timeout'], ['Authentication timeout']]);
  resolve();
  await waitFor(() => server.admissions.length === 1 && isNothingLeft(), {
    what: 'the admission is given back',
  });
  expect(server.opened).toEqual([]);
});

test('who was let in is not told later that it took too long', async () => {
  const { client } = await server.login('alice');
  using _ = client;
  for (let second = 0; second < 40; second += 1) {
    server.clock.advance(1000);
    await client.roundTrip();
  }
  expect([client.texts, client.closed]).toEqual([['authenticated'], undefined]);
});

test('a credential that ended while it was asked about lets nobody in', async () => {
  server.mayOpen = () => false;
  expect(await refusal('alice', 'secret')).toEqual([['err: Invalid credentials'], 1005]);
  await waitFor(() => server.admissions.length === 1 && isNothingLeft(), {
    what: 'the admission is given back',
  });
  expect(server.opened).toEqual([]);
});

test('that nobody can say whether a credential still counts is not the fault of who shows it', async () => {
  server.mayOpen = () => {
    throw new TidewireError('SERVICE_UNAVAILABLE', 'secret-detail');
  };
  expect(await refusal('alice', 'secret')).toEqual([[UNAVAILABLE], 1005]);
  await waitFor(() => server.admissions.length === 1 && isNothingLeft(), {
    what: 'the admission is given back',
  });
  expect(server.opened).toEqual([]);
});

test('the admission of a client that has gone meanwhile is given back', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.before = () => promise;
  const client = await server.client(['alice', 'secret']);
  await waitFor(() => server.logins.length === 1, { what: 'somebody is asked' });
  client.socket.terminate();
  await waitFor(() => server.sockets.strangers === 0, { what: 'the client is gone' });
  resolve();
  await waitFor(() => server.admissions.length === 1 && isNothingLeft(), {
    what: 'the admission is given back',
  });
  expect([server.opened, server.ended]).toEqual([[], []]);
});

test('so many frames may come before the answer, and no more', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.before = () => promise;
  const listening = Array.from({ length: 64 }, (_, index) => `listen name-${index}`);
  using patient = await server.client(['alice', 'secret', ...listening]);
  using hasty = await server.client(['alice', 'secret', ...listening, 'listen one-too-many']);
  expect(await hasty.untilClosed()).toBe(1008);
  await patient.roundTrip();
  resolve();
  expect(await patient.until(1)).toEqual(['authenticated']);
  expect(hasty.texts).toEqual([]);
});

test('65 sockets of one principal fit; the next is let in, told why not, and closed', async () => {
  const clients = await Promise.all(Array.from({ length: 65 }, () => server.client(['alice', 'secret'])));
  await Promise.all(clients.map((client) => client.until(1)));
  expect(server.sockets.size).toBe(65);
  const tooMany = 'Error while handling authentication: Connection limit exceeded for user';
  expect(await refusal('alice', 'secret')).toEqual([['authenticated', tooMany], 1005]);
  expect(server.admissions.map(({ released }) => released)).toEqual([...Array<number>(65).fill(0), 1]);
  const { client: other } = await server.login('bob');
  clients[0]?.socket.close();
  await waitFor(() => server.sockets.size === 65, { what: 'one has gone' });
  const { client: late } = await server.login('alice');
  for (const client of [...clients, other, late]) client.socket.terminate();
  await waitFor(isNothingLeft, { what: 'all are gone' });
});
