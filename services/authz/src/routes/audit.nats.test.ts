import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { AUDIT_BEGINNING, auditEntrySchema, auditPageSchema } from '@tidewire/contract';
import type { AuditEntry } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { query } from '../../test/owner.ts';
import { ORGANISATION_A, createPeople } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { RunningAuthz } from '../../test/start-authz.ts';

let authz: RunningAuthz;
let people: Awaited<ReturnType<typeof createPeople>>;
beforeAll(async () => {
  authz = await startAuthz();
  people = await createPeople(authz);
});
afterAll(() => authz[Symbol.asyncDispose]());

/** One stream as its client sees it. */
interface Reader extends AsyncDisposable {
  readonly status: number;
  readonly text: () => string;
  readonly entries: () => AuditEntry[];
  readonly cursor: () => string | undefined;
  readonly ended: () => boolean;
}

async function read(
  path: string,
  token = ADMIN_TOKEN,
  headers: Record<string, string> = {},
  at: RunningAuthz = authz,
): Promise<Reader> {
  // A socket of its own: fetch opens spare ones, which a server that is drained would wait for.
  const request = get(`${at.service.address}/api/audit/subscribe${path}`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...headers },
    agent: false,
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  let ended = false;
  response.setEncoding('utf8').on('data', (part: string) => (text += part));
  response.on('error', () => undefined);
  response.on('close', () => (ended = true));
  return {
    status: response.statusCode ?? 0,
    text: () => text,
    entries: () =>
      [...text.matchAll(/^data: (\{"id".*)$/gm)].map(([, json]) =>
        auditEntrySchema.parse(JSON.parse(json ?? '')),
      ),
    cursor: () => [...text.matchAll(/^id: (.+)$/gm)].at(-1)?.[1],
    ended: () => ended,
    async [Symbol.asyncDispose]() {
      request.destroy();
      await waitFor(() => ended, { what: 'the connection is closed' });
    },
  };
}

/** Waits while the service's clock goes on, so that its timers fire. */
async function eventually(condition: () => boolean, what: string, at: RunningAuthz = authz): Promise<void> {
  await waitFor(
    () => {
      at.clock.advance(100);
      return condition();
    },
    { what },
  );
}

let count = 0;
async function addOrganisation(): Promise<string> {
  const slug = `org-${++count}`;
  const answer = await authz.ask('POST', '/api/organisations', ADMIN_TOKEN, { slug, name: slug });
  expect(answer.status).toBe(201);
  return answer.body.id as string;
}

test('lists who changed what, page by page, and the last cursor is good for what comes', async () => {
  const change = { groups: [{ organisation: ORGANISATION_A, group: 'night' }] };
  expect((await authz.ask('PATCH', '/api/principals/bob', ADMIN_TOKEN, change)).status).toBe(200);
  const { body } = await authz.ask('GET', '/api/audit?principal=bob&order=newest&limit=1', ADMIN_TOKEN);
  expect(auditPageSchema.parse(body)).toMatchObject({
    entries: [{ kind: 'group', action: 'added', actor: { id: 'admin' }, after: { group: 'night' } }],
    more: true,
    next: body.entries[0].id,
  });
  let cursor = AUDIT_BEGINNING;
  const numbers: number[] = [];
  for (let more = true; more;) {
    const page = await authz.ask('GET', `/api/audit?limit=3&cursor=${cursor}`, ADMIN_TOKEN);
    numbers.push(...page.body.entries.map((entry: AuditEntry) => entry.number));
    ({ next: cursor, more } = page.body);
  }
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  const id = await addOrganisation();
  const { body: polled } = await authz.ask('GET', `/api/audit?cursor=${cursor}`, ADMIN_TOKEN);
  expect(polled.entries).toMatchObject([{ kind: 'organisation', subject: id, action: 'added' }]);
});

test.each([
  ['kind=nonsense', 400],
  ['since=yesterday', 400],
  ['cursor=7f3b2a10-0000-4000-8000-000000000bad', 400],
  ['limit=0', 400],
  ['actor=%00', 400],
  ['principal=a%00b', 400],
  ['limit=1001', 400],
  ['colour=red', 400],
  ['since=2020-01-01T00:00:00%2B01:00', 200],
])('answers ?%s with %i', async (parameters, status) => {
  expect((await authz.ask('GET', `/api/audit?${parameters}`, ADMIN_TOKEN)).status).toBe(status);
});

test('is for administrators with an unlimited credential, list and stream alike', async () => {
  const limited = await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, {
    name: 'limited',
    scopes: { actions: ['read'] },
  });
  for (const path of ['/api/audit', '/api/audit/subscribe']) {
    expect((await authz.ask('GET', path)).status).toBe(401);
    expect((await authz.ask('GET', path, people.alice)).status).toBe(403);
    expect((await authz.ask('GET', path, limited.body.token)).status).toBe(403);
  }
});

test('streams each entry once as it is committed, and a cursor goes on exactly where the stream broke off', async () => {
  const seen: AuditEntry[] = [];
  let cursor: string | undefined;
  const made: string[] = [];
  for (let round = 0; round < 3; round++) {
    await using reader = await read('', ADMIN_TOKEN, cursor === undefined ? {} : { 'last-event-id': cursor });
    await waitFor(() => reader.cursor() !== undefined, { what: 'the stream says where it begins' });
    made.push(await addOrganisation());
    await eventually(
      () => reader.entries().some(({ subject }) => subject === made.at(-1)),
      'the entry comes',
    );
    seen.push(...reader.entries());
    cursor = reader.cursor();
    await reader[Symbol.asyncDispose]();
    // Nobody is listening.
    made.push(await addOrganisation());
  }
  await using last = await read(`?lastEventId=${cursor}`);
  await eventually(() => last.entries().length === 1, 'what was missed comes');
  seen.push(...last.entries());
  expect(seen.map(({ subject }) => subject)).toEqual(made);
  const numbers = seen.map(({ number }) => number);
  expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
});

test('a filtered stream moves its cursor past what it does not tell', async () => {
  await using reader = await read('?kind=policy');
  await waitFor(() => reader.cursor() !== undefined, { what: 'the stream says where it begins' });
  const before = reader.cursor();
  await addOrganisation();
  await eventually(() => reader.cursor() !== before, 'the cursor moves');
  expect(reader.entries()).toEqual([]);
  const { body } = await authz.ask('GET', `/api/audit?cursor=${reader.cursor()}`, ADMIN_TOKEN);
  expect(body.entries).toEqual([]);
});

test.each(['nonsense', '7f3b2a10-0000-4000-8000-000000000bad'])(
  'says that entries may be missing after a cursor of no entry: %s',
  async (cursor) => {
    await using reader = await read('', ADMIN_TOKEN, { 'last-event-id': cursor });
    await waitFor(() => reader.text().includes('event: resync'), { what: 'the resync comes' });
    expect(reader.text()).toContain('"reason":"malformed"');
    const id = await addOrganisation();
    await eventually(() => reader.entries().length > 0, 'the stream goes on');
    expect(reader.entries()).toMatchObject([{ subject: id }]);
  },
);

test('notices what was written by plain SQL, which pokes nobody', async () => {
  await using reader = await read('');
  await waitFor(() => reader.cursor() !== undefined, { what: 'the stream says where it begins' });
  await query(
    authz.database.ownerUrl,
    `INSERT INTO authz.organisations (slug, name) VALUES ('by-hand', 'x')`,
  );
  await eventually(() => reader.entries().length === 1, 'the entry comes');
  expect(reader.entries()).toMatchObject([
    { actor: { id: 'sql:tidewire_owner' }, after: { slug: 'by-hand' } },
  ]);
});

async function createAdmin(id: string): Promise<{ token: string; tokenId: string }> {
  await authz.ask('POST', '/api/principals', ADMIN_TOKEN, { id, name: id });
  await query(authz.database.ownerUrl, `UPDATE authz.principals SET admin = true WHERE id = '${id}'`);
  const expiresAt = new Date(authz.clock.now() + 3_600_000).toISOString();
  const { body } = await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, {
    principal: id,
    name: 'x',
    expiresAt,
  });
  return { token: body.token, tokenId: body.id };
}

test.each([
  [
    'revoked',
    'CREDENTIAL_ENDED',
    (id: string, tokenId: string) => authz.ask('DELETE', `/api/auth/tokens/${tokenId}`, ADMIN_TOKEN),
  ],
  [
    'demoted',
    'FORBIDDEN',
    (id: string) =>
      query(authz.database.ownerUrl, `UPDATE authz.principals SET admin = false WHERE id = '${id}'`),
  ],
  [
    'removed',
    'CREDENTIAL_ENDED',
    (id: string) =>
      query(authz.database.ownerUrl, `UPDATE authz.principals SET removed = true WHERE id = '${id}'`),
  ],
  ['expired', 'CREDENTIAL_ENDED', async () => authz.clock.advance(3_600_001)],
] as const)(
  'ends the stream of an administrator who was %s, and tells nothing that came after',
  async (how, code, end) => {
    const id = `admin-${how}`;
    const { token, tokenId } = await createAdmin(id);
    await using reader = await read('', token);
    await waitFor(() => reader.cursor() !== undefined, { what: 'the stream says where it begins' });
    await end(id, tokenId);
    const later = await addOrganisation();
    await eventually(() => reader.ended(), 'the stream ends');
    expect(reader.text()).toContain('event: end');
    expect(reader.text()).toContain(`{"code":"${code}"`);
    expect(reader.text()).toContain('"reconnect":false');
    expect(reader.text()).not.toContain(later);
  },
);

test('bounds the streams of one principal', async () => {
  await using readers = new AsyncDisposableStack();
  for (let opened = 0; opened < 10; opened++) readers.use(await read(''));
  await using refused = await read('');
  expect(refused.status).toBe(429);
});

test('sends heartbeats, and says that it restarts when the service is drained', async () => {
  await using other = await startAuthz();
  await using reader = await read('', ADMIN_TOKEN, {}, other);
  await eventually(() => reader.text().includes(': heartbeat'), 'a heartbeat comes', other);
  await other.service.drain();
  await waitFor(() => reader.ended(), { what: 'the stream ends' });
  expect(reader.text()).toContain('"code":"DRAINING"');
  expect(reader.text()).toContain('"reconnect":true');
});
