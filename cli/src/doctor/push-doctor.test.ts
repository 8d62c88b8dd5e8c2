import { expect, test } from 'vitest';
import { WRITE, examine, namesOf } from './doctor-harness.ts';
import { doctorPush } from './doctor-command.ts';
import { PushServer, TOKEN } from './push-server-harness.ts';

test('finds nothing wrong with an installation that is right, and writes nothing', async () => {
  await using server = await PushServer.start();
  const findings = await examine(server.origin);
  expect([findings.ok, namesOf(findings, 'failed')]).toEqual([true, []]);
  expect(namesOf(findings, 'skipped')).toEqual([
    'write',
    'object-message',
    'reminder',
    'change-found',
    'notification-found',
    'delete',
  ]);
  expect(server.requests.filter((request) => /^(POST|DELETE) \/api/.test(request))).toEqual([]);
});

test('a row that it may write is found again everywhere, and deleted', async () => {
  await using server = await PushServer.start();
  const findings = await examine(server.origin, WRITE);
  expect([findings.ok, namesOf(findings, 'skipped')]).toEqual([true, []]);
  expect([...server.rows]).toEqual([]);
  expect(findings.of('object-message')?.ms).toBeGreaterThan(0);
});

test('knows that reminders are missing', async () => {
  await using server = await PushServer.start({ messages: (id) => [`or-object-${id} {}`] });
  const findings = await examine(server.origin, WRITE);
  expect(namesOf(findings, 'failed')).toEqual(['reminder']);
  expect(findings.of('reminder')?.text).toMatch(/not told that there are notifications/);
});

test('knows that nothing listens, and says so once', async () => {
  const server = await PushServer.start();
  await server[Symbol.asyncDispose]();
  const findings = await examine(server.origin, WRITE);
  expect(namesOf(findings, 'failed')).toEqual(['origin']);
  expect(findings.of('origin')?.text).toMatch(/nothing listens at 127\.0\.0\.1/);
});

test('knows http from https', async () => {
  await using server = await PushServer.start();
  const findings = await examine(server.origin.replace('http:', 'https:'));
  expect(findings.of('origin')?.text).toMatch(/does not speak TLS/);
});

test.each([
  ['https://127.0.0.1', /https:\/\/ in place of|to another origin/],
  ['http://tidewire.example', /another origin: ws:\/\/tidewire\.example\/push\/ws/],
])(
  'knows that TIDEWIRE_PUBLIC_URL is %s, and shows the credential to this origin only',
  async (url, text) => {
    await using server = await PushServer.start();
    const { port } = new URL(server.origin);
    server.publicUrl = url.startsWith('https') ? `${url}:${port}` : url;
    const findings = await examine(server.origin);
    expect(namesOf(findings, 'failed')).toEqual(['endpoints']);
    expect(findings.of('endpoints')?.text).toMatch(text);
    expect(findings.of('endpoints')?.advice).toContain(`TIDEWIRE_PUBLIC_URL=${server.origin}`);
    expect(findings.of('login')?.result).toBe('ok');
  },
);

test('knows a credential that is not good, and opens a socket all the same', async () => {
  await using server = await PushServer.start();
  const findings = await examine(server.origin, { ...WRITE, token: 'wrong' });
  expect(namesOf(findings, 'failed')).toEqual(['credential']);
  expect(findings.of('credential')?.advice).toMatch(/--user and --password/);
  expect(findings.of('upgrade')?.result).toBe('ok');
  expect(findings.of('login')).toMatchObject({
    result: 'skipped',
    text: expect.stringContaining('comes first'),
  });
});

test('a row is deleted even by who is interrupted', async () => {
  const stop = new AbortController();
  await using server = await PushServer.start({
    messages: () => {
      stop.abort();
      return [];
    },
  });
  const findings = await examine(server.origin, WRITE, stop.signal);
  expect([findings.ok, [...server.rows]]).toEqual([false, []]);
  expect(findings.of('delete')?.result).toBe('ok');
});

test('no output has a secret in it', async () => {
  await using server = await PushServer.start();
  let printed = '';
  for (const json of [true, false]) {
    await doctorPush(
      { url: server.origin, token: TOKEN, json, ...WRITE },
      { print: (text) => (printed += text), signal: new AbortController().signal, defaultToken: '' },
    );
  }
  expect(printed).toContain('✓ a token for the WebSocket is given');
  for (const secret of [TOKEN, 'QcGvnXbT']) expect(printed).not.toContain(secret);
});

test.each([
  [{ url: 'tidewire' }, /--url must be/],
  [{ user: 'alice' }, /--user and --password together/],
  [{ user: 'alice', password: 'x' }, /either --token/],
  [{ write: 'reports' }, /REGISTER\/SCHEMA/],
  [{ write: 'reports/potholes' }, /needs --row/],
  [{ ...WRITE, row: '[1]' }, /needs --row/],
  [{ row: '{}' }, /REGISTER\/SCHEMA/],
])('does not begin with %j', async (words, message) => {
  await expect(examine('http://127.0.0.1:1', words)).rejects.toThrow(message);
});
