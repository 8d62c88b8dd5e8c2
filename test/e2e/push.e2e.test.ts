import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PUSH_PATHS } from '@tidewire/contract';
import type { Capabilities, PushChanges } from '@tidewire/contract';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createApi } from '../support/api.ts';

const MELDINGEN = 'register/meldingen-register/schema/meldingen';

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({
    notifiers: 2,
    demo: true,
    settings: { TIDEWIRE_PUSH_PRIVATE_TARGETS: 'true' },
  });
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

/** As a desktop does it: with a user name, a password and nothing else. */
class Desktop implements Disposable {
  readonly told: string[] = [];
  closed = false;
  readonly #authorization: string;
  readonly #user: string;
  readonly #password: string;
  #socket: WebSocket | undefined;

  constructor(user: string, password: string) {
    this.#user = user;
    this.#password = password;
    this.#authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }

  async ask(method: string, path: string): Promise<Response> {
    const headers = { 'authorization': this.#authorization, 'OCS-APIRequest': 'true' };
    return await fetch(`${platform.origin}${path}`, { method, headers });
  }

  async capabilities(): Promise<Capabilities['ocs']['data']['capabilities']> {
    const answer = await this.ask('GET', `${PUSH_PATHS.capabilities}?format=json`);
    return ((await answer.json()) as Capabilities).ocs.data.capabilities;
  }

  /** Connects where the capabilities say; `at`: to that notifier in place of the origin. */
  async connect(at?: string): Promise<void> {
    const { notify_push: push } = await this.capabilities();
    const url =
      at === undefined ? push?.endpoints.websocket : `${at.replace('http', 'ws')}${PUSH_PATHS.socket}`;
    const socket = new WebSocket(url ?? '');
    this.#socket = socket;
    socket.on('message', (data: Buffer) => void this.told.push(data.toString()));
    socket.on('close', () => (this.closed = true));
    await once(socket, 'open');
    socket.send(this.#user);
    socket.send(this.#password);
    await waitFor(() => this.told.length > 0, { what: 'the socket answers', timeoutMs: 15_000 });
  }

  /** The topics of its notifications. */
  async notifications(): Promise<readonly string[]> {
    const answer = await this.ask('GET', PUSH_PATHS.notifications);
    const { ocs } = (await answer.json()) as { ocs: { data: { object_id: string }[] } };
    return ocs.data.map(({ object_id: topic }) => topic);
  }

  async dismissAll(): Promise<void> {
    await this.ask('DELETE', PUSH_PATHS.notifications);
  }

  [Symbol.dispose](): void {
    this.#socket?.terminate();
  }
}

async function report(titel: string): Promise<string> {
  const alice = createApi(platform.origin, 'demo-alice');
  const path = '/api/objects/meldingen-register/meldingen';
  return (await alice.send<{ id: string }>('POST', path, { titel, status: 'nieuw' })).id;
}

test.each(['demo', 'demo-alice'])(
  'a desktop that knows a user name and “%s” is woken, and finds what to look at',
  async (password) => {
    using desktop = new Desktop('alice', password);
    await desktop.dismissAll();
    await desktop.connect();
    expect(desktop.told).toEqual(['authenticated']);
    const id = await report('Losse tegel');
    await waitFor(() => desktop.told.includes('notify_notification'), {
      what: 'the desktop is woken',
      timeoutMs: 15_000,
    });
    expect(await desktop.notifications()).toEqual([MELDINGEN]);
    const body = {
      action: 'create',
      register: 'meldingen-register',
      schema: 'meldingen',
      uuid: id,
      version: '1',
    };
    expect(desktop.told).toContain(`or-object-${id} ${JSON.stringify(body)}`);
    expect(desktop.told.join()).not.toContain('tegel');
  },
);

test('a wrong password is told in the words that desktops know, and so is a password of somebody else', async () => {
  for (const password of ['wrong', 'demo-bob']) {
    using desktop = new Desktop('alice', 'demo');
    const { notify_push: push } = await desktop.capabilities();
    const socket = new WebSocket(push?.endpoints.websocket ?? '');
    const told: string[] = [];
    socket.on('message', (data: Buffer) => void told.push(data.toString()));
    await once(socket, 'open');
    socket.send('alice');
    socket.send(password);
    await once(socket, 'close');
    expect(told).toEqual(['err: Invalid credentials']);
  }
});

test('who shows no credential learns of no push', async () => {
  const answer = await fetch(`${platform.origin}${PUSH_PATHS.capabilities}?format=json`);
  expect([answer.status, ((await answer.json()) as Capabilities).ocs.data.capabilities]).toEqual([200, {}]);
});

test('a page gets a token with its session, and any notifier lets it in with it, once', async () => {
  const login = await fetch(`${platform.origin}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'origin': platform.origin },
    body: JSON.stringify({ username: 'alice', password: 'demo' }),
  });
  const [cookie = ''] = login.headers.getSetCookie();
  const [one, other] = platform.notifiers;
  const issued = await fetch(`${one?.url ?? ''}${PUSH_PATHS.preAuth}`, {
    method: 'POST',
    headers: {
      'cookie': cookie.split(';')[0] ?? '',
      'origin': platform.origin,
      'requesttoken': 'x',
      'X-Requested-With': 'XMLHttpRequest',
    },
  });
  const token = await issued.text();
  expect([issued.status, issued.headers.get('content-type')?.startsWith('text/plain')]).toEqual([200, true]);
  expect(token).toMatch(/^[A-Za-z]{32}$/);
  const told: string[][] = [];
  for (const { url } of [other, one].flatMap((replica) => replica ?? [])) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}${PUSH_PATHS.socket}`);
    const heard: string[] = [];
    socket.on('message', (data: Buffer) => void heard.push(data.toString()));
    await once(socket, 'open');
    // In one go, as the library of pages does.
    for (const text of ['', token, 'listen or-collection-meldingen-register-meldingen']) socket.send(text);
    await waitFor(() => heard.length > 0, { what: 'the socket answers', timeoutMs: 15_000 });
    told.push([...heard]);
    socket.terminate();
  }
  expect(told).toEqual([['authenticated'], ['err: Invalid credentials']]);
});

test('a webhook is posted what its owner may see, signed, and nothing else', async () => {
  const received: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => (body += text));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const bob = createApi(platform.origin, 'demo-bob');
  const { secret, id } = await waitFor(
    async () => {
      const webhook = { name: 'zaaksysteem', url: `http://127.0.0.1:${port}/hook`, topics: [MELDINGEN] };
      const answer = await bob.ask('POST', '/api/webhooks', webhook);
      return answer.status === 201 && (answer.body as { secret: string; id: string });
    },
    { what: 'the webhook is registered', timeoutMs: 15_000 },
  );
  const alice = createApi(platform.origin, 'demo-alice');
  const path = '/api/objects/meldingen-register/meldingen';
  await alice.send('POST', path, { titel: 'Geheim', status: 'vertrouwelijk' });
  await alice.send('POST', path, { titel: 'Losse tegel', status: 'nieuw', melderEmail: 'jan@example.org' });
  await waitFor(() => received.length > 0, { what: 'the webhook is posted', timeoutMs: 15_000 });
  const [{ headers, body } = { headers: {}, body: '' }, ...more] = received;
  expect(more).toEqual([]);
  expect(JSON.parse(body)).toMatchObject({ specversion: '1.0', data: { object: { titel: 'Losse tegel' } } });
  expect(body).not.toMatch(/jan@|Geheim/);
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  expect(headers['webhook-signature']).toBe(
    `v1,${createHmac('sha256', key).update(signed).digest('base64')}`,
  );
  expect((await alice.ask('GET', `/api/webhooks/${id}`)).status).toBe(404);
  expect((await bob.ask('DELETE', `/api/webhooks/${id}`)).status).toBe(204);
  server.closeAllConnections();
  server.close();
});

test('a notifier that is killed costs nobody anything: the other one goes on with its work', async () => {
  const [one, other] = platform.notifiers;
  using dies = new Desktop('alice', 'demo');
  using lives = new Desktop('bob', 'demo');
  await dies.connect(one?.url);
  await lives.connect(other?.url);
  const bob = createApi(platform.origin, 'demo-bob');
  const { lastEventId } = await bob.send<PushChanges>('GET', PUSH_PATHS.changes);
  for (let count = 0; count < 20; count += 1) await report(`before ${count}`);
  await platform.kill(one?.name ?? 'push-notifier-1');
  await waitFor(() => dies.closed, { what: 'the socket is gone' });
  for (let count = 0; count < 20; count += 1) await report(`after ${count}`);
  await waitFor(() => lives.told.filter((text) => text.startsWith('or-object-')).length === 40, {
    what: 'bob is told of all',
    timeoutMs: 60_000,
  });
  const changes = await waitFor(
    async () => {
      const found = await bob.send<PushChanges>('GET', `${PUSH_PATHS.changes}?since=${lastEventId}`);
      return found.changes.length > 0 && found;
    },
    { what: 'what changed is known', timeoutMs: 60_000 },
  );
  expect(changes.changes.map(({ topic }) => topic)).toEqual([MELDINGEN]);
  await platform.restart(one?.name ?? 'push-notifier-1', 'SIGKILL');
  using back = new Desktop('alice', 'demo');
  await back.connect(one?.url);
  expect(back.told).toEqual(['authenticated']);
});
