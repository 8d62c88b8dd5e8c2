import { REQUEST_SUBJECTS, setPolicyReplySchema } from '@tidewire/contract';
import type { SetPolicyReply } from '@tidewire/contract';
import { loadStates } from '@tidewire/messaging';
import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readOutbox } from '../../test/outbox.ts';
import { query } from '../../test/owner.ts';
import { createPeople } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { Answer, RunningAuthz } from '../../test/start-authz.ts';

let authz: RunningAuthz;
let people: Awaited<ReturnType<typeof createPeople>>;
beforeAll(async () => {
  authz = await startAuthz();
  people = await createPeople(authz);
});
afterAll(() => authz[Symbol.asyncDispose]());

let count = 0;
const nextId = (): string => `7f3b2a10-0000-4000-8000-${String(++count).padStart(12, '0')}`;
const put = (id: string, body: unknown, target = 'schema'): Promise<Answer> =>
  authz.ask('PUT', `/api/policies/${target}/${id}`, ADMIN_TOKEN, body);
const request = (principal: string, content: object): Promise<SetPolicyReply> =>
  authz.bus.request(
    REQUEST_SUBJECTS.setPolicy,
    {
      principal,
      correlationId: 'c-1',
      traceparent: null,
      target: 'schema',
      authorization: null,
      properties: {},
      roles: [],
      removed: false,
      ...content,
    },
    setPolicyReplySchema,
  );
/** A schema's id, with the policy that it gets when it is made. */
async function govern(): Promise<string> {
  const id = nextId();
  expect(await request('admin', { id })).toMatchObject({ ok: true });
  return id;
}
const rules = {
  read: [
    'public',
    'authenticated',
    'admin',
    { group: 'x', match: { status: { $ne: 'secret' }, until: { $gt: '$now' } } },
  ],
  create: [],
};

test('sets, shows, lists and removes the rules of a schema; a tombstone keeps them for what is deleted with it', async () => {
  const id = await govern();
  const set = await put(id, { authorization: rules, properties: { bsn: { read: ['x'] } } });
  expect([set.status, set.body]).toMatchObject([
    200,
    { target: 'schema', id, version: 2, authorization: rules },
  ]);
  expect((await authz.ask('GET', `/api/policies/schema/${id}`, ADMIN_TOKEN)).body).toEqual(set.body);
  expect((await authz.ask('GET', '/api/policies?target=schema', ADMIN_TOKEN)).body.results).toContainEqual(
    set.body,
  );
  expect((await authz.ask('DELETE', `/api/policies/schema/${id}`, ADMIN_TOKEN)).status).toBe(204);
  expect((await authz.ask('GET', `/api/policies/schema/${id}`, ADMIN_TOKEN)).status).toBe(404);
  const told = (await readOutbox(authz.database.ownerUrl)).map((message) => message.state);
  expect(told.filter((state) => state.id === id)).toMatchObject([
    { version: 1, removed: false },
    { version: 2, removed: false, authorization: rules },
    { version: 3, removed: true, authorization: rules },
  ]);
  expect((await put(id, { authorization: rules })).status).toBe(200);
});

test('sets no rules of a register or schema that nobody has made', async () => {
  const unknown = nextId();
  const schema = await govern();
  expect((await put(unknown, { authorization: rules })).status).toBe(404);
  expect((await put(schema, { authorization: rules }, 'register')).status).toBe(404);
  const stored = await authz.pool.query('SELECT FROM authz.policies WHERE id = $1', [unknown]);
  expect(stored.rowCount).toBe(0);
});

const withRead = (...read: unknown[]): object => ({ authorization: { read } });
test.each([
  ['an unknown action', { authorization: { fly: [] } }, '/authorization/fly'],
  [
    'an unknown operator',
    withRead('x', { group: 'x', match: { a: { $regex: '.' } } }),
    '/authorization/read/1/match/a',
  ],
  [
    'an unknown variable',
    withRead({ group: 'x', match: { a: '$everybody' } }),
    '/authorization/read/0/match/a',
  ],
  [
    'a variable in a list of instants',
    withRead({ group: 'x', match: { a: { $in: ['$now'] } } }),
    '/authorization/read/0/match/a',
  ],
  ['a match without a condition', withRead({ group: 'x', match: {} }), '/authorization/read/0/match'],
  ['rules of a system field', { properties: { _owner: { read: [] } } }, '/properties/_owner'],
  ['rules of the member id', { properties: { id: { read: [] } } }, '/properties/id'],
  ['an unknown right to a property', { properties: { a: { delete: [] } } }, '/properties/a/delete'],
  [
    'an unknown operator on a property',
    { properties: { 'a/b': { update: [{ group: 'x', match: { c: { $x: 1 } } }] } } },
    '/properties/a~1b/update/0/match/c',
  ],
  ['roles on a schema', { roles: [{ name: 'r', actions: ['read'] }] }, '/roles'],
  [
    'a condition that a parser would drop',
    withRead({ group: 'x', match: JSON.parse('{"__proto__": 1, "a": 1}') }),
    '',
  ],
  ['a text that cannot be stored', withRead({ group: 'x', match: { a: 'b\u0000' } }), ''],
  ['half a character', withRead({ group: 'x', match: { a: '\ud800' } }), ''],
  ['more than fits', withRead({ group: 'x', match: { a: 'x'.repeat(70_000) } }), ''],
])('refuses %s and points at it, over HTTP and over the bus', async (_what, content, field) => {
  const id = nextId();
  const answer = await put(id, content);
  expect([answer.status, answer.body.errors?.[0].field]).toEqual([400, field]);
  const reply = await request('admin', { id, ...content });
  expect(reply).toMatchObject({ ok: false, code: 'VALIDATION_ERROR', errors: answer.body.errors });
  const stored = await authz.pool.query('SELECT FROM authz.policies WHERE id = $1', [id]);
  expect(stored.rowCount).toBe(0);
});

test('refuses property rules on a register, where they would have no effect', async () => {
  const answer = await put(nextId(), { properties: { bsn: { read: ['x'] } } }, 'register');
  expect([answer.status, answer.body.errors[0].field]).toEqual([400, '/properties']);
});

test('refuses rules that name what the schema does not have, by what records says, and changes nothing', async () => {
  const id = await govern();
  const { names } = authz.records;
  try {
    authz.records.names = (asked) => ({
      schemas: 1,
      properties: asked.map((name) => ({ name, definitions: name === 'status' ? [{ type: 'string' }] : [] })),
    });
    const rule = (name: string): object => withRead({ group: 'x', match: { [name]: 'a' } });
    expect((await put(id, rule('status'))).status).toBe(200);
    const refused = await put(id, rule('sttaus'));
    expect([refused.status, refused.body.code]).toEqual([400, 'VALIDATION_ERROR']);
    expect(refused.body.errors).toEqual([
      { field: '/authorization/read/0/match/sttaus', message: 'is no property of the schema' },
    ]);
    expect((await authz.ask('GET', `/api/policies/schema/${id}`, ADMIN_TOKEN)).body).toMatchObject({
      version: 2,
      ...rule('status'),
    });
    const schemas = { schemas: 1, properties: [{ name: 'sttaus', definitions: [] }] };
    expect(await request('admin', { id: nextId(), ...rule('sttaus'), names: schemas })).toMatchObject({
      ok: false,
      errors: refused.body.errors,
    });
    authz.records.names = () => null;
    expect((await put(id, rule('status'))).status).toBe(404);
  } finally {
    authz.records.names = names;
  }
});

test('takes rules that name no property while records is away, and says 503 to others', async () => {
  await using alone = await startAuthz();
  const id = nextId();
  const content = { principal: 'admin', correlationId: null, traceparent: null, target: 'schema', id };
  const given = { ...content, authorization: null, properties: {}, roles: [], removed: false };
  await alone.bus.request(REQUEST_SUBJECTS.setPolicy, given, setPolicyReplySchema);
  await alone.bus.close();
  const path = `/api/policies/schema/${id}`;
  expect((await alone.ask('PUT', path, ADMIN_TOKEN, rules)).status).toBe(400);
  expect((await alone.ask('PUT', path, ADMIN_TOKEN, { authorization: rules })).status).toBe(503);
  expect((await alone.ask('PUT', `${path}?dryRun=true`, ADMIN_TOKEN, {})).status).toBe(503);
  const closed = await alone.ask('PUT', path, ADMIN_TOKEN, {
    authorization: { read: [{ group: 'x', match: { _owner: '$userId' } }] },
  });
  expect(closed.status).toBe(200);
});

test('a preview asks about everybody but administrators, those with the same rights together, and writes nothing', async () => {
  const id = await govern();
  const content = { authorization: { read: ['handlers'] } };
  const before = await authz.pool.query('SELECT count(*) AS entries FROM authz.audit');
  const answer = await authz.ask(
    'PUT',
    `/api/policies/schema/${id}?dryRun=true&action=list`,
    ADMIN_TOKEN,
    content,
  );
  expect([answer.status, answer.body]).toEqual([
    200,
    { valid: true, action: 'list', principals: [], unchanged: 0, truncated: false },
  ]);
  const asked = authz.records.previews.at(-1);
  expect(asked).toMatchObject({ target: 'schema', id, action: 'list', ...content });
  expect(asked?.profiles[0]).toEqual({ activeOrganisation: null, groups: [], principals: [null] });
  const ids = asked?.profiles.flatMap(({ principals }) => principals);
  expect(ids).toEqual(expect.arrayContaining(['alice', 'bob', 'carol']));
  expect(ids).not.toContain('admin');
  expect((await authz.pool.query('SELECT count(*) AS entries FROM authz.audit')).rows).toEqual(before.rows);
  expect((await authz.ask('GET', `/api/policies/schema/${id}`, ADMIN_TOKEN)).body.version).toBe(1);
  for (const [path, token, status] of [
    [`schema/${nextId()}?dryRun=true`, ADMIN_TOKEN, 404],
    [`schema/${id}?dryRun=true`, people.alice, 403],
    [`schema/${id}?dryRun=maybe`, ADMIN_TOKEN, 400],
    [`schema/${id}?dryRun=true&action=create`, ADMIN_TOKEN, 400],
  ] as const) {
    expect((await authz.ask('PUT', `/api/policies/${path}`, token, content)).status).toBe(status);
  }
});

test('takes names that objects have by birth as data', async () => {
  const id = await govern();
  const properties = { constructor: { read: ['x'] }, toString: { update: ['y'] } };
  const set = await put(id, { properties, authorization: { read: ['constructor'] } });
  expect([set.status, set.body.properties]).toEqual([200, properties]);
});

test('writes a policy on behalf of an administrator only, and says 403 to others before it looks at the rules', async () => {
  const id = nextId();
  const broken = { authorization: { read: [{ group: 'x', match: { a: { $regex: '.' } } }] } };
  for (const principal of ['alice', 'nobody']) {
    const reply = await request(principal, { id, ...broken });
    expect(reply).toMatchObject({ ok: false, code: principal === 'alice' ? 'FORBIDDEN' : 'UNAUTHORIZED' });
  }
  expect(await request('admin', { id, authorization: rules })).toMatchObject({
    ok: true,
    policy: { id, version: 1 },
  });
  const told = (await readOutbox(authz.database.ownerUrl)).find((message) => message.state.id === id);
  expect(told).toMatchObject({ actor: { id: 'admin' }, correlationId: 'c-1' });
});

test('changes nothing when the same policy is written again, so a request without an answer may be repeated', async () => {
  const id = nextId();
  const first = await request('admin', { id, authorization: rules });
  expect(await request('admin', { id, authorization: rules })).toEqual(first);
  const other = await request('admin', { id, target: 'register' });
  expect(other).toMatchObject({ ok: false, code: 'CONFLICT' });
});

test('does not write with a right that was taken away while the write waited', async () => {
  await query(
    authz.database.ownerUrl,
    `INSERT INTO authz.principals (id, name, admin) VALUES ('deputy', 'D', true)`,
  );
  const id = nextId();
  const holder = await authz.pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query(`UPDATE authz.principals SET admin = false WHERE id = 'deputy'`);
    const reply = request('deputy', { id, authorization: rules });
    const waits = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await waitFor(async () => (await query(authz.database.adminUrl, waits)).length > 0, {
      what: 'the write waits',
    });
    await holder.query('COMMIT');
    expect(await reply).toMatchObject({ ok: false, code: 'FORBIDDEN' });
  } finally {
    holder.release();
  }
});

test('hides policies from everybody but administrators, those that do not exist too', async () => {
  const id = await govern();
  const answers = await Promise.all([
    authz.ask('GET', '/api/policies', people.alice),
    authz.ask('GET', `/api/policies/schema/${id}`, people.alice),
    authz.ask('GET', `/api/policies/schema/${nextId()}`, people.alice),
    authz.ask('PUT', `/api/policies/schema/${id}`, people.alice, {}),
    authz.ask('DELETE', `/api/policies/schema/${id}`, people.alice),
  ]);
  expect(answers.map((answer) => answer.status)).toEqual([403, 403, 403, 403, 403]);
});

test('gives all organisations and policies page by page, each page small enough for the bus and with its position', async () => {
  await query(
    authz.database.ownerUrl,
    `INSERT INTO authz.policies (id, target, property_rules)
     SELECT gen_random_uuid(), 'schema', jsonb_build_object(repeat('p', 2000), '{"read": ["x"]}'::jsonb)
     FROM generate_series(1, 1200)`,
  );
  await query(authz.database.ownerUrl, `UPDATE outbox.relay_state SET epoch = 'k3v9z2pa', sequence = 7`);
  const pages: number[] = [];
  const counting = {
    ...authz.bus,
    request: async (...given: Parameters<typeof authz.bus.request>) => {
      const page = (await authz.bus.request(...given)) as { items: unknown[] };
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(1024 * 1024);
      pages.push(page.items.length);
      return page;
    },
  } as typeof authz.bus;
  const loaded = await loadStates(counting, REQUEST_SUBJECTS.rightsState);
  const [stored] = await query<{ count: string }>(
    authz.database.ownerUrl,
    'SELECT (SELECT count(*) FROM authz.policies) + (SELECT count(*) FROM authz.organisations) AS count',
  );
  expect(loaded.position).toEqual({ epoch: 'k3v9z2pa', sequence: 7 });
  expect(new Set(loaded.items.map((state) => state.kind))).toEqual(new Set(['organisation', 'policy']));
  expect(new Set(loaded.items.map((state) => ('id' in state ? state.id : ''))).size).toBe(
    Number(stored?.count),
  );
  expect(loaded.items).toHaveLength(Number(stored?.count));
  expect(pages.length).toBeGreaterThan(2);
  expect(Math.max(...pages)).toBeLessThanOrEqual(500);
});

test('refuses a continuation that no page gave', async () => {
  for (const after of ['x', 'principal/alice', `policy/${nextId()}/x`, "policy/' OR true"]) {
    const reply = await authz.bus.request(REQUEST_SUBJECTS.rightsState, { after }, setPolicyReplySchema);
    expect(reply).toMatchObject({ ok: false, code: 'BAD_REQUEST' });
  }
});
