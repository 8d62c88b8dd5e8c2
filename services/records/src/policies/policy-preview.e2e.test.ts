import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { PolicyPreview, PrincipalPreview, Rule } from '@tidewire/contract';
import { policyPreviewSchema } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStatus, openSharedPlatform } from '../../test/platform.ts';
import type { Caller, RecordsTestPlatform, TestTable } from '../../test/platform.ts';

let world: RecordsTestPlatform;
let table: TestTable;
let people: Caller[];
beforeAll(async () => {
  world = await openSharedPlatform();
  const head = await world.createOrganisation();
  const branch = await world.createOrganisation(head);
  const other = await world.createOrganisation();
  people = [
    await world.createPrincipal(head, ['managers']),
    await world.createPrincipal(branch, ['managers']),
    await world.createPrincipal(branch),
    await world.createPrincipal(branch),
    await world.createPrincipal(other, ['night']),
    await world.createPrincipal(null),
  ];
  table = await world.createTable({ properties });
  for (const [index, person] of people.slice(0, 5).entries()) {
    for (let row = 0; row < 7; row++) {
      const values = {
        status: ['a', 'b', undefined][row % 3],
        level: [1, 2, 3, undefined][(row + index) % 4],
      };
      const tags = row % 2 === 0 ? { secret: `s${row}` } : {};
      await expectStatus(
        201,
        person.post(table.objects, { ...values, ...tags, assignee: people[row % 5]?.id }),
      );
    }
  }
}, 180_000);
afterAll(() => world[Symbol.asyncDispose]());

const properties = {
  status: { type: 'string' },
  level: { type: 'integer' },
  secret: { type: 'string' },
  assignee: { type: 'string' },
} as const;

const rule: fc.Arbitrary<Rule> = fc.oneof(
  fc.constantFrom('managers', 'night', 'public', 'authenticated'),
  fc.record({
    group: fc.constantFrom('public', 'authenticated', 'managers'),
    match: fc.constantFrom<Exclude<Rule, string>['match'] & object>(
      { status: 'a' },
      { status: { $ne: 'a' } },
      { level: { $gte: 2 } },
      { level: { $exists: false }, status: 'b' },
      { assignee: '$userId' },
      { _organisation: '$organisation' },
      { _created: { $lt: '$now' } },
    ),
  }),
);
const rules = fc.option(fc.array(rule, { maxLength: 3 }), { nil: undefined });
const policy = fc
  .record({ read: rules, list: rules, secret: rules, level: rules })
  .map(({ read, list, secret, level }) => ({
    authorization: { ...(read && { read }), ...(list && { list }) },
    properties: { ...(secret && { secret: { read: secret } }), ...(level && { level: { read: level } }) },
  }));

/** What somebody lists: by uuid the members that have a value. */
type Seen = ReadonlyMap<string, ReadonlySet<string>>;

async function seenBy(caller: Caller): Promise<Seen> {
  const { status, body } = await caller.get(`${table.objects}?_limit=1000`);
  if (status !== 200) return new Map();
  const results = body['results'] as Record<string, unknown>[];
  return new Map(results.map((object) => [String(object['id']), new Set(Object.keys(object))]));
}

function differences(before: Seen, after: Seen): { rows: string[]; properties: string[] } {
  const rows = [...after.keys()].filter((uuid) => !before.has(uuid));
  const gained = [...after].flatMap(([uuid, members]) => [
    ...members.difference(before.get(uuid) ?? members),
  ]);
  return { rows, properties: [...new Set(gained)].sort() };
}

async function preview(content: unknown, action = 'list'): Promise<PolicyPreview> {
  const path = `/api/policies/schema/${table.schemaId}?dryRun=true&action=${action}`;
  const { body } = await expectStatus(200, world.admin.put(path, content));
  return policyPreviewSchema.parse(body);
}

function expectSide(said: PrincipalPreview['gains'], rows: readonly string[]): void {
  expect(said.rows).toBe(rows.length);
  expect(said.sample.map(({ uuid }) => uuid)).toHaveLength(Math.min(10, rows.length));
  expect(rows).toEqual(expect.arrayContaining(said.sample.map(({ uuid }) => uuid)));
}

test('a preview says exactly what lists gain and lose when the policy is then set, whatever the rules', async () => {
  const path = `/api/policies/schema/${table.schemaId}`;
  const callers: (readonly [string | null, Caller])[] = [
    [null, world.anonymous],
    ...people.map((caller) => [caller.id, caller] as const),
  ];
  let changes = 0;
  await fc.assert(
    fc.asyncProperty(policy, policy, async (from, to) => {
      await expectStatus(200, world.admin.put(path, from));
      const before = await Promise.all(callers.map(([, caller]) => seenBy(caller)));
      const said = await preview(to);
      expect(said.truncated).toBe(false);
      await expectStatus(200, world.admin.put(path, to));
      const after = await Promise.all(callers.map(([, caller]) => seenBy(caller)));
      for (const [index, [id]] of callers.entries()) {
        const [old, now] = [before[index] ?? new Map(), after[index] ?? new Map()];
        const gains = differences(old, now);
        const loses = differences(now, old);
        const mine = said.principals.find(({ principal }) => principal === id);
        const changed = [gains, loses].some((side) => side.rows.length + side.properties.length > 0);
        expect(mine !== undefined, String(id)).toBe(changed);
        if (mine === undefined) continue;
        changes += 1;
        expectSide(mine.gains, gains.rows);
        expectSide(mine.loses, loses.rows);
        expect(mine.properties).toEqual({ gains: gains.properties, loses: loses.properties });
      }
    }),
    { numRuns: 15 },
  );
  expect(changes).toBeGreaterThan(10);
}, 120_000);

test('what an administrator does is in the audit log of the origin, as a list and as a stream', async () => {
  const path = `/api/policies/schema/${table.schemaId}`;
  const correlation = { 'x-correlation-id': `audit-${table.schemaId}` };
  const { origin, adminToken } = world.platform;
  const headers = { authorization: `Bearer ${adminToken}`, accept: 'text/event-stream' };
  const stream = get(new URL('/api/audit/subscribe?kind=policy', origin), { headers, agent: false });
  const [response] = (await once(stream, 'response')) as [IncomingMessage];
  let text = '';
  response.setEncoding('utf8').on('data', (part: string) => (text += part));
  response.on('error', () => undefined);
  await waitFor(() => text.includes('id: '), { what: 'the stream says where it begins' });
  await expectStatus(
    200,
    world.admin.call('PUT', path, { authorization: { read: ['managers'] } }, correlation),
  );
  await waitFor(() => text.includes(correlation['x-correlation-id']), { what: 'the entry comes' });
  stream.destroy();
  const { body } = await expectStatus(200, world.admin.get('/api/audit?kind=policy&order=newest&limit=1'));
  const entry = { kind: 'policy', subject: table.schemaId, actor: { id: world.admin.id }, action: 'changed' };
  expect(body['entries']).toMatchObject([
    {
      ...entry,
      correlationId: correlation['x-correlation-id'],
      after: { authorization: { read: ['managers'] } },
    },
  ]);
});

test('a preview of a register counts the rows of the schemas that its rules reach', async () => {
  const [manager, , clerk] = people;
  if (manager === undefined || clerk === undefined) throw new Error('nobody is there');
  await expectStatus(200, world.admin.put(`/api/policies/schema/${table.schemaId}`, {}));
  const { body } = await expectStatus(200, world.admin.get(`/api/registers/${table.register}`));
  const path = `/api/policies/register/${String(body['id'])}?dryRun=true`;
  const closed = policyPreviewSchema.parse(
    (await expectStatus(200, world.admin.put(path, { authorization: { read: [] } }))).body,
  );
  const rows = (await seenBy(clerk)).size;
  // Own rows stay one's own.
  expect(closed.principals.find(({ principal }) => principal === clerk.id)).toMatchObject({
    gains: { rows: 0 },
    loses: { rows: rows - 7 },
  });
  await expectStatus(
    200,
    world.admin.put(`/api/policies/schema/${table.schemaId}`, { authorization: { read: ['authenticated'] } }),
  );
  const hidden = policyPreviewSchema.parse(
    (await expectStatus(200, world.admin.put(path, { authorization: { read: [] } }))).body,
  );
  expect(hidden.principals).toEqual([]);
});

test('a preview is about updating and deleting too', async () => {
  await expectStatus(200, world.admin.put(`/api/policies/schema/${table.schemaId}`, {}));
  const content = {
    authorization: { update: ['managers'], delete: [] },
    properties: { secret: { update: ['managers'] } },
  };
  const [manager, , clerk] = people;
  const ofClerk = (said: PolicyPreview): PrincipalPreview | undefined =>
    said.principals.find(({ principal }) => principal === clerk?.id);
  const update = await preview(content, 'update');
  // Of the rows of its organisation, all but its own 7; on these it can no longer write the property.
  expect(ofClerk(update)).toMatchObject({
    loses: { rows: 14 },
    properties: { gains: [], loses: ['secret'] },
  });
  expect(update.principals.find(({ principal }) => principal === manager?.id)).toBeUndefined();
  expect(ofClerk(await preview(content, 'delete'))).toMatchObject({ loses: { rows: 14 } });
  expect(ofClerk(await preview(content, 'read'))).toBeUndefined();
});

test('rules that name what no schema has are refused wherever they are set, with a pointer into what was sent', async () => {
  const match = { sttaus: 'a' };
  const authorization = { read: [{ group: 'public', match }] };
  const field = '/authorization/read/0/match/sttaus';
  const { body: register } = await expectStatus(200, world.admin.get(`/api/registers/${table.register}`));
  const other = { register: table.register, slug: 'others', properties: { status: { type: 'string' } } };
  const requests = [
    world.admin.put(`/api/policies/schema/${table.schemaId}`, { authorization }),
    world.admin.put(`/api/policies/schema/${table.schemaId}?dryRun=true`, { authorization }),
    world.admin.put(`/api/policies/register/${String(register['id'])}`, { authorization }),
    world.admin.patch(`/api/registers/${table.register}`, { authorization }),
    world.admin.patch(`/api/schemas/${table.schemaId}`, { authorization }),
    world.admin.post('/api/schemas', { ...other, authorization }),
  ];
  for (const request of requests) {
    const { body } = await expectStatus(400, request);
    expect(body).toMatchObject({ code: 'VALIDATION_ERROR', errors: [{ field }] });
  }
  expect((await world.admin.get(`/api/schemas/others`)).status).toBe(404);
  // A property that comes with the rule is there; and none is ever taken away, so the rule stays right.
  const added = { properties: { sttaus: { type: 'string' } }, authorization };
  await expectStatus(200, world.admin.patch(`/api/schemas/${table.schemaId}`, added));
  await expectStatus(200, world.admin.patch(`/api/registers/${table.register}`, { authorization }));
  await expectStatus(
    400,
    world.admin.patch(`/api/schemas/${table.schemaId}`, { properties: { sttaus: null } }),
  );
  await expectStatus(
    200,
    world.admin.patch(`/api/schemas/${table.schemaId}`, { properties: { status: { type: 'string' } } }),
  );
  await expectStatus(200, world.admin.put(`/api/policies/schema/${table.schemaId}`, { authorization }));
});
