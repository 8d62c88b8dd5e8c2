import { afterAll, beforeAll, expect, test } from 'vitest';
import { readOutbox } from '../../test/outbox.ts';
import { HEAD_OFFICE, ORGANISATION_A, ORGANISATION_B, createPeople } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { Answer, RunningAuthz } from '../../test/start-authz.ts';

let authz: RunningAuthz;
let people: Awaited<ReturnType<typeof createPeople>>;
beforeAll(async () => {
  authz = await startAuthz();
  people = await createPeople(authz);
});
afterAll(() => authz[Symbol.asyncDispose]());

const ABSENT = '00000000-0000-4000-8000-000000000000';
const admin = (method: string, path: string, body?: unknown): Promise<Answer> =>
  authz.ask(method, path, ADMIN_TOKEN, body);
const slugs = (answer: Answer): string[] => answer.body.results.map((entry: { slug: string }) => entry.slug);

test('shows members their organisations and those above, and an administrator all', async () => {
  expect(slugs(await authz.ask('GET', '/api/organisations', people.alice))).toEqual(['a', 'head-office']);
  expect(slugs(await authz.ask('GET', '/api/organisations', people.carol))).toEqual(['b']);
  expect(slugs(await admin('GET', '/api/organisations?_limit=1000'))).toEqual(
    expect.arrayContaining(['a', 'b', 'head-office']),
  );
  expect((await authz.ask('GET', `/api/organisations/${HEAD_OFFICE}`, people.alice)).body).toMatchObject({
    slug: 'head-office',
    parent: null,
  });
});

test('answers for an organisation or principal of others as for one that does not exist', async () => {
  const answers = await Promise.all([
    authz.ask('GET', `/api/organisations/${ORGANISATION_B}`, people.alice),
    authz.ask('GET', `/api/organisations/${ABSENT}`, people.alice),
    authz.ask('PATCH', `/api/organisations/${ORGANISATION_B}`, people.alice, { name: 'x' }),
    authz.ask('PATCH', `/api/organisations/${ABSENT}`, people.alice, { name: 'x' }),
    authz.ask('POST', `/api/organisations/${ORGANISATION_B}/set-active`, people.alice),
    authz.ask('POST', `/api/organisations/${ABSENT}/set-active`, people.alice),
    authz.ask('GET', '/api/principals/bob', people.alice),
    authz.ask('GET', '/api/principals/nobody', people.alice),
    authz.ask('PATCH', '/api/principals/bob', people.alice, { name: 'x' }),
    authz.ask('PATCH', '/api/principals/nobody', people.alice, { name: 'x' }),
    authz.ask('DELETE', '/api/principals/bob', people.alice),
    authz.ask('DELETE', '/api/principals/nobody', people.alice),
  ]);
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 404));
  expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
});

test('lets only an administrator manage, and says so without looking anything up', async () => {
  const answers = await Promise.all([
    authz.ask('POST', '/api/principals', people.alice, { id: 'eve', name: 'Eve' }),
    authz.ask('POST', '/api/principals', people.alice, { id: 'bob', name: 'Taken' }),
    authz.ask('PATCH', '/api/principals/alice', people.alice, { groups: [] }),
    authz.ask('DELETE', '/api/principals/alice', people.alice),
    authz.ask('POST', '/api/organisations', people.alice, { slug: 'a', name: 'Taken' }),
    authz.ask('PATCH', `/api/organisations/${ORGANISATION_A}`, people.alice, { name: 'x' }),
    authz.ask('GET', `/api/groups?organisation=${ORGANISATION_A}`, people.alice),
    authz.ask('PUT', `/api/groups/${ORGANISATION_A}/managers/members/alice`, people.alice),
    authz.ask('PUT', `/api/groups/${ABSENT}/managers/members/nobody`, people.alice),
    authz.ask('DELETE', `/api/groups/${ORGANISATION_A}/handlers/members/alice`, people.alice),
  ]);
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 403));
  expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
});

test('shows somebody who is no administrator only themselves', async () => {
  const { body } = await authz.ask('GET', '/api/principals', people.alice);
  expect([body.total, body.results[0].id]).toEqual([1, 'alice']);
  expect((await admin('GET', '/api/principals')).body.total).toBeGreaterThan(3);
});

test('creates, changes and removes a principal, and its tokens stop working', async () => {
  const created = await admin('POST', '/api/principals', {
    id: 'dave',
    name: 'Dave',
    organisations: [ORGANISATION_B],
  });
  expect([created.status, created.body]).toMatchObject([
    201,
    { id: 'dave', admin: false, organisations: [ORGANISATION_B], activeOrganisation: null, groups: [] },
  ]);
  const token = (await admin('POST', '/api/auth/tokens', { principal: 'dave', name: 'x' })).body.token;
  const changed = await admin('PATCH', '/api/principals/dave', {
    organisations: [ORGANISATION_A, ORGANISATION_B],
    activeOrganisation: ORGANISATION_A,
    groups: [{ organisation: ORGANISATION_A, group: 'managers' }],
  });
  expect(changed.body).toMatchObject({ activeOrganisation: ORGANISATION_A, groups: [{ group: 'managers' }] });
  const left = await admin('PATCH', '/api/principals/dave', { organisations: [ORGANISATION_B] });
  expect(left.body).toMatchObject({ activeOrganisation: null, groups: [], organisations: [ORGANISATION_B] });
  expect((await admin('DELETE', '/api/principals/dave')).status).toBe(204);
  expect((await authz.ask('GET', '/api/auth/me', token)).status).toBe(401);
  expect((await admin('GET', '/api/principals/dave')).status).toBe(404);
  // The id stays taken: a version that began again would lose against the tombstone.
  expect((await admin('POST', '/api/principals', { id: 'dave', name: 'Other' })).status).toBe(409);
});

test.each([
  [
    'an administrator made by request',
    'POST',
    '/api/principals',
    { id: 'eve', name: 'E', admin: true },
    '/admin',
  ],
  [
    'the group admin',
    'PATCH',
    '/api/principals/bob',
    { groups: [{ organisation: ORGANISATION_A, group: 'admin' }] },
    '/groups/0/group',
  ],
  [
    'the group public',
    'PATCH',
    '/api/principals/bob',
    { groups: [{ organisation: ORGANISATION_A, group: 'public' }] },
    '/groups/0/group',
  ],
  [
    'a group of an organisation that is not theirs',
    'PATCH',
    '/api/principals/bob',
    { groups: [{ organisation: ORGANISATION_B, group: 'x' }] },
    '/groups',
  ],
  [
    'an active organisation that is not theirs',
    'PATCH',
    '/api/principals/bob',
    { activeOrganisation: ORGANISATION_B },
    '/activeOrganisation',
  ],
  [
    'a parent that does not exist',
    'PATCH',
    `/api/organisations/${ORGANISATION_B}`,
    { parent: ABSENT },
    '/parent',
  ],
  [
    'a circle of parents',
    'PATCH',
    `/api/organisations/${HEAD_OFFICE}`,
    { parent: ORGANISATION_A },
    '/parent',
  ],
  ['a changed slug', 'PATCH', `/api/organisations/${ORGANISATION_B}`, { slug: 'c' }, '/slug'],
  ['an id that is no slug', 'POST', '/api/principals', { id: 'a.b', name: 'x' }, '/id'],
  ['a list query that nobody knows', 'GET', '/api/principals?_limt=5', undefined, '/_limt'],
  ['a limit above the maximum', 'GET', '/api/principals?_limit=1001', undefined, '/_limit'],
])('refuses %s and points at it', async (_what, method, path, body, field) => {
  const answer = await admin(method, path, body);
  expect([answer.status, answer.body.code, answer.body.errors?.[0].field]).toEqual([
    400,
    'VALIDATION_ERROR',
    field,
  ]);
});

test('refuses an id or slug that is taken with 409', async () => {
  expect((await admin('POST', '/api/principals', { id: 'bob', name: 'x' })).status).toBe(409);
  const slug = await admin('POST', '/api/organisations', { slug: 'a', name: 'x' });
  expect([slug.status, slug.body.code]).toEqual([409, 'SLUG_RESERVED']);
});

test('puts members into the groups of one organisation and takes them out again', async () => {
  const path = `/api/groups/${ORGANISATION_A}/${encodeURIComponent('Team Süd/1')}/members/bob`;
  expect((await admin('PUT', path)).status).toBe(204);
  expect((await admin('PUT', path)).status).toBe(204);
  const listed = await admin('GET', `/api/groups?organisation=${ORGANISATION_A}`);
  expect(listed.body.results).toContainEqual({
    organisation: ORGANISATION_A,
    group: 'Team Süd/1',
    members: ['bob'],
  });
  expect((await authz.ask('GET', '/api/auth/me', people.bob)).body.principal.groups).toEqual([
    { organisation: ORGANISATION_A, group: 'Team Süd/1' },
  ]);
  expect((await admin('DELETE', path)).status).toBe(204);
  expect((await admin('DELETE', path)).status).toBe(404);
  const reserved = await admin('PUT', `/api/groups/${ORGANISATION_A}/authenticated/members/bob`);
  expect(reserved.status).toBe(400);
  const foreign = await admin('PUT', `/api/groups/${ORGANISATION_B}/handlers/members/bob`);
  expect(foreign.status).toBe(400);
});

test('makes another own organisation the active one, as an event that names who did it and in which request', async () => {
  await admin('PATCH', '/api/principals/carol', { organisations: [ORGANISATION_A, ORGANISATION_B] });
  const response = await fetch(`${authz.service.address}/api/organisations/${ORGANISATION_A}/set-active`, {
    method: 'POST',
    headers: { 'authorization': `Bearer ${people.carol}`, 'x-correlation-id': 'switch-1' },
  });
  expect(await response.json()).toMatchObject({ id: 'carol', activeOrganisation: ORGANISATION_A });
  const told = (await readOutbox(authz.database.ownerUrl)).filter(
    (message) => message.correlationId === 'switch-1',
  );
  expect(told).toMatchObject([
    {
      actor: { id: 'carol', name: 'carol', organisation: ORGANISATION_B },
      state: { activeOrganisation: ORGANISATION_A },
    },
  ]);
});

test('does not let an administrator remove the last one', async () => {
  expect((await admin('DELETE', '/api/principals/admin')).status).toBe(409);
});

test('answers everything without a credential with 401', async () => {
  const paths = [
    '/api/auth/me',
    '/api/auth/tokens',
    '/api/principals',
    '/api/organisations',
    '/api/groups',
    '/api/policies',
  ];
  const answers = await Promise.all(paths.map((path) => authz.ask('GET', path)));
  expect(answers.map((answer) => answer.status)).toEqual(paths.map(() => 401));
});

test('takes concurrent requests of one principal without a deadlock', async () => {
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      index % 2 === 0
        ? admin('PATCH', '/api/principals/admin', { name: `Admin ${index}` })
        : admin('PUT', `/api/groups/${ORGANISATION_A}/g${index}/members/bob`),
    ),
  );
  expect(answers.map((answer) => answer.status)).toEqual(
    answers.map((_, index) => (index % 2 === 0 ? 200 : 204)),
  );
});
