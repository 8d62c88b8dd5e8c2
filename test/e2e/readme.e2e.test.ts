import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  SocketClient,
  SubscriberClient,
  compileCache,
  freePort,
  runFolder,
  waitFor,
} from '@tidewire/test-kit';
import type { FeedRequest } from '@tidewire/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const folder = runFolder('the readme');
const run = promisify(execFile);

/** Commands of the README, in its order, pointed at the test's own port. */
const commands: string[] = [];
let readme = '';
let port = 0;
let started: Started | undefined;

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
}

function start(command: string): Started {
  const child = spawn('sh', ['-c', `exec ${command}`], {
    cwd: root,
    detached: true,
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache() },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (text += String(bytes)));
  return { child, output: () => text };
}

async function stop({ child }: Started): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const ended = new Promise((wake) => {
    child.once('exit', wake);
  });
  process.kill(-child.pid, 'SIGINT');
  await ended;
}

function commandWith(part: string): string {
  const command = commands.find((line) => line.includes(part));
  if (command === undefined) throw new Error(`README.md has no command with "${part}"`);
  return command;
}

beforeAll(async () => {
  port = await freePort();
  readme = readFileSync(join(root, 'README.md'), 'utf8').replaceAll('localhost:8080', `localhost:${port}`);
  for (const block of readme.matchAll(/```sh\n([^]*?)```/g))
    commands.push(...(block[1] ?? '').trim().split('\n'));
  started = start(`${commandWith('npm start')} -- --port ${port} --data-dir '${join(folder, 'data')}'`);
  const { child, output } = started;
  await waitFor(() => child.exitCode !== null || output().includes(`http://localhost:${port}`), {
    what: 'npm start gives its address',
    timeoutMs: 170_000,
  });
  if (child.exitCode !== null) throw new Error(`npm start ended: ${output()}`);
});

afterAll(async () => {
  if (started !== undefined) await stop(started);
  rmSync(folder, { recursive: true, force: true });
});

test('the README holds only commands that are run here', () => {
  const known = [
    /^npm start$/,
    /^npm test$/,
    /^curl -N /,
    /^curl -X POST /,
    /^curl -X PUT /,
    /^curl 'http/,
    /^npm run demo /,
    /^npx tidewire import /,
    /^npx tidewire doctor push /,
    /^npx tidewire types /,
    /^nats /,
  ];
  for (const command of commands)
    expect(
      known.some((pattern) => pattern.test(command)),
      command,
    ).toBe(true);
});

test('watching as Bob shows what Alice writes, without the e-mail address', async () => {
  const watching = start(commandWith('curl -N'));
  await waitFor(() => watching.output().includes(': '), { what: 'the stream is open', timeoutMs: 15_000 });
  const written = await run('sh', ['-c', commandWith('Losse tegel')], { cwd: root });
  const row = JSON.parse(written.stdout) as { readonly id: string };
  await waitFor(() => watching.output().includes(row.id), { what: 'Bob sees the row', timeoutMs: 15_000 });
  expect(watching.output()).toContain('event: object.created');
  expect(watching.output()).toContain('Losse tegel');
  expect(watching.output()).not.toContain('jan@example.org');
  await stop(watching);
});

test('asking why Bob sees no confidential reports names the rules and what they look at', async () => {
  const { stdout } = await run('sh', ['-c', commandWith('/api/explain')]);
  expect(JSON.parse(stdout)).toMatchObject({
    verdict: expect.stringContaining("is for 'bob'"),
    schemas: [
      {
        rows: 'some',
        rules: [
          { outcome: 'skips', groups: ['behandelaars'] },
          { outcome: 'continues', groups: ['authenticated'], fields: ['status'] },
        ],
        unreadable: ['melderEmail'],
      },
    ],
    events: { delivered: 0 },
  });
});

test('the demo makes live changes until it is interrupted', async () => {
  const demo = start(`${commandWith('npm run demo')} --url http://localhost:${port}`);
  await waitFor(() => /changes at 20\/s/.test(demo.output()), {
    what: 'changes are made',
    timeoutMs: 30_000,
  });
  await stop(demo);
  await waitFor(() => /\d+ changes made/.test(demo.output()), {
    what: 'it says what it did',
    timeoutMs: 30_000,
  });
});

test('an upsert creates a record, and changes it when it is sent again', async () => {
  const upsert = async (): Promise<unknown> =>
    JSON.parse((await run('sh', ['-c', commandWith('/records/upsert')])).stdout);
  expect(await upsert()).toMatchObject({ created: 1, updated: 0, records: [{ fields: { stock: 500 } }] });
  expect(await upsert()).toMatchObject({ created: 0, updated: 1 });
});

test('a table is followed by the address that is written there, as a stream and as a socket', async () => {
  const following = start(commandWith('/api/tables/inventory/subscribe/sse'));
  await waitFor(() => following.output().includes('"type":"subscribed"'), {
    what: 'the stream begins',
    timeoutMs: 15_000,
  });
  const script = /new WebSocket\(\s*'([^']*)'/.exec(readme)?.[1] ?? '';
  using socket = await SocketClient.open(script);
  await socket.until('subscribed');
  const body = JSON.stringify({ fields: { sku: 'NUT-9', name: 'Nut M9', stock: 700 } });
  const headers = { 'authorization': 'Bearer demo-alice', 'content-type': 'application/json' };
  await fetch(`http://localhost:${port}/api/tables/inventory/records`, { method: 'POST', headers, body });
  const [change] = await socket.until('change');
  expect(change?.['record']).toMatchObject({ fields: { name: 'Nut M9', stock: 700 } });
  await waitFor(() => following.output().includes('"fields":{"name":"Nut M9","stock":700}'), {
    what: 'the stream brings the same',
    timeoutMs: 15_000,
  });
  await stop(following);
});

/** Where `npm start` says that NATS is. */
const natsAddress = (): string => /nats:\/\/\S+/.exec(started?.output() ?? '')?.[0] ?? '';

test('a server is told on NATS what Bob is told, without the e-mail address, by what the command asks', async () => {
  const [, subscriber = '', body = ''] =
    /feed\.v1\.next\.(\S+) '([^']*)'/.exec(commandWith('nats --server')) ?? [];
  const credential = { token: /--user (\S+)/.exec(commandWith('nats --server'))?.[1] ?? '' };
  await using bob = await SubscriberClient.open({ servers: natsAddress(), subscriber, credential });
  const feed = await bob.feed(JSON.parse(body) as FeedRequest);
  await feed.until(({ messages }) => messages.length > 0, 'the stream begins');
  const written = await run('sh', ['-c', commandWith('Losse tegel')], { cwd: root });
  const row = JSON.parse(written.stdout) as { readonly id: string };
  const event = await feed.until(({ events }) => events.find(({ subject }) => subject === row.id), 'the row');
  expect(event.data.object).toMatchObject({ titel: 'Losse tegel' });
  expect(event.data.object).not.toHaveProperty('melderEmail');
});

test('the nats command prints it', async ({ skip }) => {
  if (spawnSync('sh', ['-c', 'command -v nats']).status !== 0) skip('there is no nats here');
  const following = start(commandWith('nats --server').replace('{address}', natsAddress()));
  await waitFor(() => following.output().includes('"subscribed"'), { what: 'it begins', timeoutMs: 15_000 });
  await run('sh', ['-c', commandWith('Losse tegel')], { cwd: root });
  await waitFor(() => following.output().includes('Losse tegel'), { what: 'the row', timeoutMs: 15_000 });
  await stop(following);
});

test('GraphQL tells what is selected as it changes, with what Bob may not read said to be so, and answers queries', async () => {
  const following = start(commandWith('/api/graphql/subscriptions'));
  await waitFor(() => following.output().includes(': position'), { what: 'it begins', timeoutMs: 15_000 });
  await run('sh', ['-c', commandWith('Losse tegel')], { cwd: root });
  await waitFor(() => following.output().includes('event: next'), { what: 'a result', timeoutMs: 15_000 });
  expect(following.output()).toContain('"_event":"CREATED","titel":"Losse tegel","melderEmail":null');
  expect(following.output()).toContain('FIELD_FORBIDDEN');
  await stop(following);
  const { stdout } = await run('sh', ['-c', commandWith("/api/graphql'")]);
  const answer = JSON.parse(stdout) as { data: { meldingen: { totalCount: number; nodes: unknown[] } } };
  expect(answer).not.toHaveProperty('errors');
  expect(answer.data.meldingen.nodes).toHaveLength(3);
});

test('a register and a schema of one’s own are two requests', async () => {
  const register = await run('sh', ['-c', commandWith('"slug":"library"')]);
  expect(JSON.parse(register.stdout)).toMatchObject({ slug: 'library' });
  const schema = await run('sh', ['-c', commandWith('"slug":"books"')]);
  expect(JSON.parse(schema.stdout)).toMatchObject({ slug: 'books', required: ['title'] });
});

test('a policy is tried before it is set, and the audit log tells of changes as they are made', async () => {
  const list = await fetch(`http://localhost:${port}/api/schemas?token=demo-admin`);
  const { results } = (await list.json()) as { readonly results: readonly { id: string; slug: string }[] };
  const books = results.find(({ slug }) => slug === 'books');
  const tried = await run('sh', ['-c', commandWith('dryRun').replace('{id}', books?.id ?? '')]);
  expect(JSON.parse(tried.stdout)).toMatchObject({ valid: true });
  const following = start(commandWith('/api/audit/subscribe'));
  // It begins with what is made after it: the place where it begins is the first thing that it says.
  await waitFor(() => /^id: /m.test(following.output()), { what: 'the stream begins', timeoutMs: 15_000 });
  await fetch(`http://localhost:${port}/api/auth/tokens?token=demo-admin`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ principal: 'bob', name: 'told of' }),
  });
  await waitFor(() => following.output().includes('"principal":"bob"'), {
    what: 'the new token is told of',
    timeoutMs: 15_000,
  });
  await stop(following);
});

test('who was away asks what changed, and one command checks that push works', async () => {
  const asked = await run('sh', ['-c', commandWith('/api/push/changes')]);
  expect(JSON.parse(asked.stdout)).toMatchObject({
    lastEventId: expect.stringMatching(/^evt-/),
    resync: false,
  });
  const { stdout } = await run('sh', ['-c', commandWith('doctor push')], { cwd: root });
  expect(stdout).toContain('Push works as far as was looked');
});

test('one command imports a file', async () => {
  const file = join(folder, 'my cities.csv');
  writeFileSync(file, 'name,inhabitants\nZwolle,132411\nUtrecht,374238\n');
  const command = commandWith('npx tidewire import').replace('FILE.csv', `'${file}'`);
  const { stdout } = await run('sh', ['-c', `${command} --url http://localhost:${port}`], { cwd: root });
  expect(stdout).toContain('2 rows in register "my-cities"');
});

test('one command writes types of every table', async () => {
  const file = join(folder, 'tidewire.ts');
  const command = commandWith('npx tidewire types').replace('--out tidewire.ts', `--out '${file}'`);
  await run('sh', ['-c', command], { cwd: root });
  const { stdout } = await run('sh', ['-c', `${command} --check`], { cwd: root });
  expect(stdout).toContain('tidewire.ts is what');
  expect(readFileSync(file, 'utf8')).toMatch(/export interface Tables \{[^]*\n {2}inventory: Inventory;\n/);
});

test('the page, the topics and the health of the origin answer', async () => {
  const get = async (path: string): Promise<Response> => fetch(`http://localhost:${port}${path}`);
  expect(await (await get('/')).text()).toContain('Alice and Bob');
  expect((await get('/readyz')).status).toBe(200);
  const topics = (await (await get('/api/realtime/topics?token=demo-bob')).json()) as {
    topics: { topic: string }[];
  };
  expect(topics.topics.map(({ topic }) => topic)).toContain('register/meldingen-register/schema/meldingen');
  expect((await get('/metrics')).status).toBe(404);
});

test('everybody in the demo logs in with the password that is written there, from a page of any port here', async () => {
  for (const username of ['admin', 'alice', 'bob', 'carol']) {
    const answer = await fetch(`http://localhost:${port}/api/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'origin': 'http://localhost:3000' },
      body: JSON.stringify({ username, password: 'demo' }),
    });
    expect([username, answer.status]).toEqual([username, 204]);
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
  }
});
