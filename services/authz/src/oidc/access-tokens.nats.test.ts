import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readOutbox } from '../../test/outbox.ts';
import { query } from '../../test/owner.ts';
import { createPeople, ORGANISATION_A } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { RunningAuthz } from '../../test/start-authz.ts';
import { AUDIENCE, startTestIssuer } from '../../test/test-issuer.ts';
import type { TestIssuer } from '../../test/test-issuer.ts';

let authz: RunningAuthz;
let issuer: TestIssuer;
let slug: string;
let id: string;
let count = 0;

beforeAll(async () => {
  authz = await startAuthz();
  await createPeople(authz);
});
afterAll(() => authz[Symbol.asyncDispose]());
beforeEach(async () => {
  issuer = await startTestIssuer({ now: () => authz.clock.now() });
  slug = `issuer-${(count += 1)}`;
  id = await trust({});
  return () => issuer[Symbol.asyncDispose]();
});

const CLAIMS = {
  name: 'name',
  groups: {
    claim: 'groups',
    map: {
      handler: { organisation: ORGANISATION_A, group: 'handlers' },
      chief: { organisation: ORGANISATION_A, group: 'chiefs' },
    },
  },
};

async function trust(settings: Record<string, unknown>): Promise<string> {
  const answer = await authz.ask('POST', '/api/issuers', ADMIN_TOKEN, {
    slug,
    issuer: issuer.url,
    audiences: [AUDIENCE],
    organisations: [ORGANISATION_A],
    claims: CLAIMS,
    ...settings,
  });
  expect([answer.status, answer.body]).toMatchObject([201, { slug }]);
  return answer.body.id;
}

const me = (token: string) => authz.ask('GET', '/api/auth/me', token);

test('a token of a trusted issuer makes its subject a principal, with the groups that are mapped', async () => {
  const answer = await me(await issuer.sign({ name: 'Ann', groups: ['handler', 'unmapped'] }));
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({
    principal: {
      id: expect.stringMatching(new RegExp(`^${slug}-[a-z2-7]{20}$`)),
      name: 'Ann',
      admin: false,
      organisations: [ORGANISATION_A],
      activeOrganisation: ORGANISATION_A,
      groups: [{ organisation: ORGANISATION_A, group: 'handlers' }],
    },
    credential: { type: 'access-token', scopes: null },
  });
});

test('a token is one credential, however often it comes and to however many replicas', async () => {
  const token = await issuer.sign({ groups: ['handler'] });
  await using replica = await startAuthz({ admin: false, database: borrowed(authz.database) });
  const answers = await Promise.all([
    me(token),
    replica.ask('GET', '/api/auth/me', token),
    me(token),
    me(token),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(new Set(answers.map(({ body }) => body.credential.id)).size).toBe(1);
  expect(await credentials(answers[0]?.body.principal.id)).toHaveLength(1);
});

test('stores neither the token nor what it says, and tells neither to the log', async () => {
  const token = await issuer.sign({ groups: ['handler'], email: 'marker-7c1@example.org' });
  const { body } = await me(token);
  const told = JSON.stringify(await readOutbox(authz.database.ownerUrl));
  expect(told).toContain(body.credential.id);
  for (const secret of [...token.split('.'), 'marker-7c1']) {
    expect(told).not.toContain(secret);
    expect(authz.log()).not.toContain(secret);
  }
});

test('says on whose behalf a principal came to be and was given its groups', async () => {
  const { body } = await me(await issuer.sign({ groups: ['handler'] }));
  const told = await readOutbox(authz.database.ownerUrl);
  const own = told.filter(({ state }) => state.id === body.principal.id);
  expect(own.length).toBeGreaterThan(0);
  expect(new Set(own.map(({ actor }) => actor?.id))).toEqual(new Set([`issuer:${slug}`]));
});

test('brings the groups to what the newest token says, and older tokens change nothing', async () => {
  const now = Math.floor(authz.clock.now() / 1000);
  const groupsOf = async (claims: Record<string, unknown>) =>
    (await me(await issuer.sign(claims))).body.principal.groups.map(({ group }: { group: string }) => group);
  expect(await groupsOf({ iat: now - 100, groups: ['handler'] })).toEqual(['handlers']);
  expect(await groupsOf({ iat: now - 50, groups: ['chief'] })).toEqual(['chiefs']);
  expect(await groupsOf({ iat: now - 80, groups: ['handler'] })).toEqual(['chiefs']);
  expect(await groupsOf({ iat: now - 50, groups: [], jti: 'same second' })).toEqual([]);
});

test('a token that says what is so already writes nothing but its credential', async () => {
  const { body } = await me(await issuer.sign({ groups: ['handler'], jti: '1', name: 'Ann' }));
  const before = body.principal.version;
  const again = await me(await issuer.sign({ groups: ['handler'], jti: '2', name: 'Ann' }));
  expect(again.body.credential.id).not.toBe(body.credential.id);
  expect(again.body.principal.version).toBe(before);
});

test('what was given here stays when the issuer takes back what it gave', async () => {
  const { body } = await me(await issuer.sign({ groups: ['handler'], jti: '1' }));
  const principal = body.principal.id;
  const put = (group: string) =>
    authz.ask('PUT', `/api/groups/${ORGANISATION_A}/${group}/members/${principal}`, ADMIN_TOKEN);
  expect((await put('local')).status).toBe(204);
  const taken = await me(await issuer.sign({ groups: ['chief'], jti: '2' }));
  expect(names(taken.body.principal)).toEqual(['chiefs', 'local']);
  // Given here as well: no longer the issuer's to take.
  expect((await put('chiefs')).status).toBe(204);
  const kept = await me(await issuer.sign({ groups: [], jti: '3' }));
  expect(names(kept.body.principal)).toEqual(['chiefs', 'local']);
});

test('a token stops counting at its end, and the log tells everybody', async () => {
  const now = Math.floor(authz.clock.now() / 1000);
  const token = await issuer.sign({ exp: now + 60, groups: ['handler'] });
  const { body } = await me(token);
  expect(Date.parse(body.credential.expiresAt)).toBe((now + 90) * 1000);
  authz.clock.advance(61_000);
  expect((await me(token)).status).toBe(200);
  authz.clock.advance(30_000);
  expect((await me(token)).status).toBe(401);
  await waitFor(
    async () => {
      authz.clock.advance(1_000);
      return (await states(body.credential.id)).at(-1)?.endedAt !== null;
    },
    { what: 'the end is on its way to the log' },
  );
});

test('a revoked token stays revoked, also with another signature of the same key', async () => {
  const claims = { groups: ['handler'], jti: 'revoked' };
  const [token, twin] = [await issuer.sign(claims), await issuer.sign(claims)];
  expect(token).not.toBe(twin);
  const { body } = await me(token);
  expect((await me(twin)).body.credential.id).toBe(body.credential.id);
  expect((await authz.ask('DELETE', `/api/auth/access-tokens/${body.credential.id}`, token)).status).toBe(
    204,
  );
  expect([(await me(token)).status, (await me(twin)).status]).toEqual([401, 401]);
  expect((await me(await issuer.sign({ ...claims, jti: 'new' }))).status).toBe(200);
});

test('lists access tokens to their owner and to administrators, and nobody else can end them', async () => {
  const token = await issuer.sign({ sub: 'one' });
  const stranger = await issuer.sign({ sub: 'two' });
  const { body } = await me(token);
  const list = await authz.ask('GET', '/api/auth/access-tokens', token);
  expect(list.body.results).toMatchObject([{ id: body.credential.id, issuer: id, endedAt: null }]);
  const all = await authz.ask('GET', `/api/auth/access-tokens?principal=${body.principal.id}`, ADMIN_TOKEN);
  expect(all.body.total).toBe(1);
  const refused = [
    await authz.ask('GET', `/api/auth/access-tokens?principal=${body.principal.id}`, stranger),
    await authz.ask('DELETE', `/api/auth/access-tokens/${body.credential.id}`, stranger),
  ];
  expect(refused.map(({ status }) => status)).toEqual([404, 404]);
  expect((await me(token)).status).toBe(200);
});

test('a new key of the issuer is found when a token needs it, and the old one stops counting', async () => {
  expect((await me(await issuer.sign({ jti: '1' }))).status).toBe(200);
  const old = await issuer.sign({ jti: 'signed with the old key' });
  await issuer.rotate();
  const token = await issuer.sign({ jti: '2' });
  // Keys were fetched a moment ago: nobody makes us ask again and again.
  expect((await me(token)).status).toBe(401);
  authz.clock.advance(10_000);
  expect((await me(token)).status).toBe(200);
  expect((await me(old)).status).toBe(401);
  expect(issuer.keyRequests()).toBe(2);
});

test('while the issuer is away its keys go on; without keys it is 503, and tokens that were seen go on', async () => {
  const token = await issuer.sign({ jti: '1' });
  expect((await me(token)).status).toBe(200);
  await issuer.close();
  authz.clock.advance(301_000);
  expect((await me(await issuer.sign({ jti: '2' }))).status).toBe(200);
  // Its settings are others now: no key is known for them.
  expect((await change({ clockSkewMs: 1_000 })).status).toBe(200);
  const another = await issuer.sign({ jti: '3' });
  const answer = await me(another);
  expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([
    503,
    'SERVICE_UNAVAILABLE',
    '2',
  ]);
  await issuer.reopen();
  authz.clock.advance(10_000);
  expect((await me(another)).status).toBe(200);
});

test('a change of the issuer ends its tokens and takes back what it cannot give any more, at once', async () => {
  const token = await issuer.sign({ groups: ['handler', 'chief'] });
  const { body } = await me(token);
  const { handler } = CLAIMS.groups.map;
  const answer = await change({ claims: { groups: { claim: 'groups', map: { handler } } } });
  expect([answer.status, answer.body.version]).toEqual([200, 2]);
  expect((await me(token)).status).toBe(401);
  expect((await states(body.credential.id)).at(-1)?.endedAt).not.toBeNull();
  expect(names(await principal(body.principal.id))).toEqual(['handlers']);
  const next = await me(await issuer.sign({ groups: ['handler', 'chief'], jti: 'next' }));
  expect(names(next.body.principal)).toEqual(['handlers']);
});

test('an access token makes no token that would outlive what its issuer says', async () => {
  const answer = await authz.ask('POST', '/api/auth/tokens', await issuer.sign(), { name: 'mine' });
  expect([answer.status, answer.body.code]).toEqual([403, 'FORBIDDEN']);
});

test('a change that changes nothing ends nothing', async () => {
  const token = await issuer.sign();
  expect((await me(token)).status).toBe(200);
  expect((await change({ audiences: [AUDIENCE] })).body.version).toBe(1);
  expect((await me(token)).status).toBe(200);
});

test('an issuer that is not trusted any more has given nothing, also to other credentials of its principals', async () => {
  const token = await issuer.sign({ groups: ['handler'] });
  const { body } = await me(token);
  const made = { principal: body.principal.id, name: 'for a script' };
  const own = await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, made);
  expect((await authz.ask('DELETE', `/api/issuers/${id}`, ADMIN_TOKEN)).status).toBe(204);
  expect([(await me(token)).status, (await me(await issuer.sign({ jti: 'next' }))).status]).toEqual([
    401, 401,
  ]);
  expect((await me(own.body.token)).body.principal).toMatchObject({
    id: body.principal.id,
    organisations: [],
    groups: [],
  });
  expect((await authz.ask('DELETE', `/api/issuers/${id}`, ADMIN_TOKEN)).status).toBe(404);
});

test('plain SQL that removes an issuer ends its tokens as the API does', async () => {
  const token = await issuer.sign();
  expect((await me(token)).status).toBe(200);
  await query(authz.database.ownerUrl, 'DELETE FROM authz.issuers WHERE id = $1', [id]);
  expect((await me(token)).status).toBe(401);
});

test('links a subject to a principal that there is, whose name and groups stay its own', async () => {
  await change({ provisioning: 'existing' });
  const token = await issuer.sign({ sub: 'bob at work', name: 'Robert', groups: ['handler'] });
  expect((await me(token)).status).toBe(401);
  const path = `/api/issuers/${id}/identities/bob`;
  expect((await authz.ask('PUT', path, ADMIN_TOKEN, { subject: 'bob at work' })).status).toBe(204);
  expect((await authz.ask('PUT', path, ADMIN_TOKEN, { subject: 'bob at work' })).status).toBe(204);
  expect((await authz.ask('PUT', path, ADMIN_TOKEN, { subject: 'other' })).status).toBe(409);
  const linked = await me(token);
  expect(linked.body.principal).toMatchObject({ id: 'bob', name: 'bob' });
  expect(names(linked.body.principal)).toEqual(['handlers']);
  const listed = await authz.ask('GET', `/api/issuers/${id}/identities`, ADMIN_TOKEN);
  expect(listed.body.results).toMatchObject([
    { principal: 'bob', subject: 'bob at work', provisioned: false },
  ]);
  expect((await authz.ask('DELETE', path, ADMIN_TOKEN)).status).toBe(204);
  expect((await me(token)).status).toBe(401);
  // The organisation was given here, the group by the issuer.
  expect(await principal('bob')).toMatchObject({ organisations: [ORGANISATION_A], groups: [] });
});

test('a removed principal does not come back with its next token', async () => {
  const { body } = await me(await issuer.sign());
  expect((await authz.ask('DELETE', `/api/principals/${body.principal.id}`, ADMIN_TOKEN)).status).toBe(204);
  expect((await me(await issuer.sign({ jti: 'next' }))).status).toBe(401);
  expect(authz.log()).toContain('"reason":"principal-removed"');
});

test('forgets tokens that ended long ago, and nothing else that is deleted', async () => {
  const { body } = await me(await issuer.sign({ jti: 'kept' }));
  const insert = (jti: string, days: number) =>
    query(
      authz.database.ownerUrl,
      `WITH c AS (
         INSERT INTO authz.credentials (type, principal, name, prefix, hash, expires_at, ended_at)
         VALUES ('access-token', $1, $2::text, '', sha256(convert_to($2::text, 'UTF8')), now(), now() - make_interval(days => $3)) RETURNING id)
       INSERT INTO authz.access_tokens (credential, issuer, signed, forgettable_at)
       SELECT id, $4, sha256(convert_to($2::text, 'UTF8')), now() - make_interval(days => $3) FROM c`,
      [body.principal.id, jti, days, id],
    );
  for (const jti of ['a', 'b', 'c']) await insert(`long ago ${slug} ${jti}`, 2);
  await insert(`just now ${slug}`, 0);
  await waitFor(
    async () => {
      authz.clock.advance(1_000);
      return (await credentials(body.principal.id)).length === 2;
    },
    { what: 'what ended long ago is forgotten' },
  );
  expect((await me(await issuer.sign({ jti: 'still works' }))).status).toBe(200);
  await query(authz.database.ownerUrl, 'DELETE FROM authz.credentials WHERE id = $1', [body.credential.id]);
  expect((await states(body.credential.id)).at(-1)?.endedAt).not.toBeNull();
  expect((await credentials(body.principal.id)).map((row) => row.id)).toContain(body.credential.id);
});

test('a principal has a bounded number of tokens in force', async () => {
  const { body } = await me(await issuer.sign());
  await query(
    authz.database.ownerUrl,
    `INSERT INTO authz.credentials (type, principal, name, prefix, hash, expires_at)
     SELECT 'access-token', $1, 'x', '', sha256(convert_to($1 || n, 'UTF8')), now() + interval '1 day' FROM generate_series(1, 199) n`,
    [body.principal.id],
  );
  const answer = await me(await issuer.sign({ jti: 'one more' }));
  expect([answer.status, answer.body.code]).toEqual([429, 'RATE_LIMITED']);
});

const names = (of: { groups: { group: string }[] }): string[] => of.groups.map(({ group }) => group);
const change = (patch: Record<string, unknown>) =>
  authz.ask('PATCH', `/api/issuers/${id}`, ADMIN_TOKEN, patch);
const principal = async (wanted: string) =>
  (await authz.ask('GET', `/api/principals/${wanted}`, ADMIN_TOKEN)).body;
const credentials = (of: string) =>
  query<{ id: string }>(
    authz.database.ownerUrl,
    `SELECT id FROM authz.credentials WHERE principal = $1 AND type = 'access-token'`,
    [of],
  );

/** What the log is told of a credential, in order. */
async function states(of: string): Promise<{ endedAt: string | null }[]> {
  const told = await readOutbox(authz.database.ownerUrl);
  return told.flatMap(({ state }) => (state.kind === 'credential' && state.id === of ? [state] : []));
}

/** The same database for a second service, which does not dispose of it. */
function borrowed(database: RunningAuthz['database']): RunningAuthz['database'] {
  return { ...database, [Symbol.asyncDispose]: async () => undefined };
}
