import { REQUEST_SUBJECTS, authenticateReplySchema } from '@tidewire/contract';
import { SignJWT, exportJWK, exportSPKI, generateKeyPair, importJWK } from 'jose';
import type { CryptoKey } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { query } from '../../test/owner.ts';
import { createPeople, ORGANISATION_A, ORGANISATION_B } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { Answer, RunningAuthz } from '../../test/start-authz.ts';
import { AUDIENCE, startTestIssuer } from '../../test/test-issuer.ts';
import type { TestIssuer } from '../../test/test-issuer.ts';

let authz: RunningAuthz;
let issuer: TestIssuer;
let second: TestIssuer;
/** Answers whoever asks for anything, so that a request that must not be made is seen. */
let stranger: TestIssuer;
let issuerId: string;

const CLAIMS = {
  organisation: { claim: 'org', map: { a: ORGANISATION_A } },
  groups: { claim: 'groups', map: { handler: { organisation: ORGANISATION_A, group: 'handlers' } } },
};

beforeAll(async () => {
  authz = await startAuthz();
  await createPeople(authz);
  const now = (): number => authz.clock.now();
  [issuer, second, stranger] = await Promise.all([
    startTestIssuer({ now, algorithm: 'RS256' }),
    startTestIssuer({ now }),
    startTestIssuer({ now }),
  ]);
  issuerId = (await trust('first', issuer.url, [ORGANISATION_A], CLAIMS)).body.id;
  await trust('second', second.url, [ORGANISATION_B], {});
});
afterAll(async () => {
  await Promise.all([issuer, second, stranger].map((each) => each[Symbol.asyncDispose]()));
  await authz[Symbol.asyncDispose]();
});

async function trust(slug: string, url: string, organisations: string[], claims: unknown): Promise<Answer> {
  const answer = await authz.ask('POST', '/api/issuers', ADMIN_TOKEN, {
    slug,
    issuer: url,
    audiences: [AUDIENCE],
    organisations,
    claims,
  });
  expect(answer.status).toBe(201);
  return answer;
}

const me = (token: string): Promise<Answer> => authz.ask('GET', '/api/auth/me', token);

/** The refusal is the one that everybody gets, over HTTP, in the query and over the bus; why is in the log only. */
async function expectRefused(token: string, reason: string): Promise<void> {
  const before = authz.log().length;
  const unknown = await me('tw_never-was-a-token');
  for (const answer of [await me(token), await authz.ask('GET', `/api/auth/me?token=${token}`)]) {
    expect([answer.status, answer.body]).toEqual([401, unknown.body]);
    expect(answer.body.message).toBe('The credential is not valid.');
    expect(answer.headers.get('www-authenticate')).toBe(unknown.headers.get('www-authenticate'));
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
  }
  const request = { type: 'token', secret: token };
  expect(await authz.bus.request(REQUEST_SUBJECTS.authenticate, request, authenticateReplySchema)).toEqual({
    ok: false,
    code: 'UNAUTHORIZED',
    message: 'The credential is not valid.',
  });
  const logged = authz.log().slice(before);
  expect(logged).toContain(`"reason":"${reason}"`);
  expect(logged).not.toContain(token);
  expect(logged).not.toContain(token.split('.')[1]);
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const seconds = (): number => Math.floor(authz.clock.now() / 1000);
const forged = (): Record<string, unknown> => ({
  iss: issuer.url,
  aud: AUDIENCE,
  sub: 'eve',
  iat: seconds(),
  exp: seconds() + 600,
});

test('a token that is not signed is refused', async () => {
  for (const alg of ['none', 'None', 'nONE']) {
    await expectRefused(`${encode({ alg, typ: 'at+jwt' })}.${encode(forged())}.`, 'algorithm');
    await expectRefused(`${encode({ alg, kid: 'key-1' })}.${encode(forged())}.AAAA`, 'algorithm');
  }
});

test('a token signed with the public key as a shared secret is refused', async () => {
  const [jwk] = issuer.keys;
  const key = await importJWK(jwk ?? {}, 'RS256', { extractable: true });
  const secrets = [await exportSPKI(key as CryptoKey), JSON.stringify(jwk), String(jwk?.n)];
  for (const secret of secrets) {
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      const token = new SignJWT(forged()).setProtectedHeader({ alg, kid: 'key-1', typ: 'at+jwt' });
      // A longer secret than the text would be another one: jose wants so many bytes and takes more.
      await expectRefused(await token.sign(new TextEncoder().encode(secret)), 'algorithm');
    }
  }
});

test('a token of another key is refused, under any name of a key', async () => {
  const { privateKey } = await generateKeyPair('RS256');
  const sign = (header: Record<string, unknown>): Promise<string> =>
    new SignJWT(forged()).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', ...header }).sign(privateKey);
  await expectRefused(await sign({ kid: 'key-1' }), 'signature');
  await expectRefused(await sign({}), 'signature');
  await expectRefused(await sign({ kid: 'key-2' }), 'key-unknown');
});

test('a token that brings its own key is judged by the key of the issuer', async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  const asked = stranger.keyRequests();
  for (const header of [
    { jwk },
    { jku: `${stranger.url}/keys` },
    { x5u: `${stranger.url}/certificate` },
    { x5c: ['MIIB'] },
    { jwk, jku: `${stranger.url}/keys`, kid: 'key-1' },
  ]) {
    const token = new SignJWT(forged()).setProtectedHeader({ alg: 'RS256', ...header });
    await expectRefused(await token.sign(privateKey), 'signature');
  }
  expect(stranger.keyRequests()).toBe(asked);
});

test('the name of a key is compared and nothing else', async () => {
  const asked = issuer.keyRequests();
  for (const kid of [
    '../../../../etc/passwd',
    '/dev/null',
    `${stranger.url}/keys`,
    "key-1' OR '1'='1",
    "'; DROP TABLE authz.issuers; --",
    '| id',
    '__proto__',
    'key-1\u0000',
    '',
  ]) {
    await expectRefused(await issuer.sign({ sub: 'eve' }, { kid }), 'key-unknown');
  }
  // What no key is called is asked for at most once in a while.
  expect(issuer.keyRequests() - asked).toBeLessThanOrEqual(1);
  expect(await query(authz.database.ownerUrl, 'SELECT FROM authz.issuers')).toHaveLength(2);
});

test('a token for somebody else is refused', async () => {
  await expectRefused(await issuer.sign({ aud: 'https://other.test' }), 'audience');
  await expectRefused(await issuer.sign({ aud: undefined }), 'audience');
  await expectRefused(await issuer.sign({ aud: [`${AUDIENCE}/`, `${AUDIENCE}.evil.test`] }), 'audience');
  await expectRefused(await issuer.sign({ at_hash: 'x' }), 'type');
  await expectRefused(await issuer.sign({}, { typ: 'dpop+jwt' }), 'type');
});

test('a token is refused before its time and after it', async () => {
  await expectRefused(await issuer.sign({ exp: seconds() - 31 }), 'expired');
  await expectRefused(await issuer.sign({ nbf: seconds() + 31 }), 'not-yet-valid');
  await expectRefused(await issuer.sign({ iat: seconds() + 31 }), 'not-yet-valid');
  await expectRefused(await issuer.sign({ exp: undefined }), 'claims');
  await expectRefused(await issuer.sign({ iat: undefined }), 'claims');
});

test('a token that demands to be understood in another way is refused', async () => {
  const [header, payload, signature] = (await issuer.sign()).split('.');
  const critical = encode({
    ...JSON.parse(Buffer.from(header ?? '', 'base64url').toString()),
    crit: ['b64'],
    b64: false,
  });
  await expectRefused([critical, payload, signature].join('.'), 'critical');
});

test('a token that is longer than any is refused in the same words, well signed or not', async () => {
  const unknown = await me('tw_never-was-a-token');
  for (const padding of ['x'.repeat(6_200), 'x'.repeat(8_000)]) {
    const answer = await me(await issuer.sign({ padding }));
    expect([answer.status, answer.body]).toEqual([401, unknown.body]);
    expect(answer.headers.get('www-authenticate')).toBe(unknown.headers.get('www-authenticate'));
  }
  expect((await me(await issuer.sign({ padding: 'x'.repeat(5_000) }))).status).toBe(200);
});

test('a token of nobody who is trusted is refused, and nobody is asked about it', async () => {
  const asked = stranger.keyRequests();
  await expectRefused(await stranger.sign(), 'issuer-unknown');
  for (const iss of [
    `${issuer.url}/`,
    issuer.url.toUpperCase(),
    `${issuer.url}#`,
    `${issuer.url} `,
    '',
    "' OR true --",
  ]) {
    await expectRefused(await issuer.sign({ iss }), 'issuer-unknown');
  }
  expect(stranger.keyRequests()).toBe(asked);
});

test('one issuer does not speak for another, whatever its tokens say', async () => {
  await expectRefused(await issuer.sign({ iss: second.url }, { kid: 'key-1', alg: 'RS256' }), 'key-unknown');
  const own = await me(await issuer.sign({ sub: 'shared', org: 'a' }));
  const other = await me(await second.sign({ sub: 'shared', org: 'a' }));
  expect([own.body.principal.organisations, other.body.principal.organisations]).toEqual([
    [ORGANISATION_A],
    [ORGANISATION_B],
  ]);
  expect(own.body.principal.id).not.toBe(other.body.principal.id);
});

test('a claim that names another organisation, or a group that is not mapped, gives nothing', async () => {
  const answer = await me(
    await issuer.sign({
      sub: 'greedy',
      org: ['a', 'b', ORGANISATION_B, 'head-office'],
      groups: ['admin', 'public', 'authenticated', 'handlers', `${ORGANISATION_B}/handlers`, 'handler'],
      organisations: [ORGANISATION_B],
      admin: true,
    }),
  );
  expect(answer.body.principal).toMatchObject({
    admin: false,
    organisations: [ORGANISATION_A],
    groups: [{ organisation: ORGANISATION_A, group: 'handlers' }],
  });
});

test('no issuer can be set up to give what it must not', async () => {
  const patch = (body: unknown): Promise<Answer> =>
    authz.ask('PATCH', `/api/issuers/${issuerId}`, ADMIN_TOKEN, body);
  const outside = { organisation: { claim: 'org', map: { b: ORGANISATION_B } } };
  const group = (name: string, organisation = ORGANISATION_A) => ({
    claims: { groups: { claim: 'groups', map: { 'x/y': { organisation, group: name } } } },
  });
  for (const [body, field] of [
    [{ claims: outside }, '/claims/organisation/map/b'],
    [group('x', ORGANISATION_B), '/claims/groups/map/x~1y/organisation'],
    [group('admin'), '/claims/groups/map/x~1y/group'],
    [group('public'), '/claims/groups/map/x~1y/group'],
    [group('authenticated'), '/claims/groups/map/x~1y/group'],
    [{ algorithms: ['HS256'] }, '/algorithms/0'],
    [{ algorithms: ['none'] }, '/algorithms/0'],
    [{ algorithms: [] }, '/algorithms'],
    [{ audiences: [] }, '/audiences'],
    [{ clockSkewMs: 60_001 }, '/clockSkewMs'],
    [{ jwksUri: 'http://keys.example/keys' }, '/jwksUri'],
    [{ jwksUri: 'file:///etc/passwd' }, '/jwksUri'],
    [{ jwksUri: 'https://user:secret@keys.example' }, '/jwksUri'],
    [{ organisations: ['00000000-0000-4000-8000-000000000000'] }, '/organisations/0'],
    [{ issuer: stranger.url }, '/issuer'],
    [{ slug: 'other' }, '/slug'],
  ] as const) {
    const answer = await patch(body);
    expect([answer.status, answer.body.errors?.[0].field]).toEqual([400, field]);
  }
  expect((await authz.ask('GET', `/api/issuers/${issuerId}`, ADMIN_TOKEN)).body.version).toBe(1);
});

test('issuers are for administrators only', async () => {
  const token = await issuer.sign({ sub: 'curious' });
  for (const [method, path, body] of [
    ['GET', '/api/issuers'],
    ['GET', `/api/issuers/${issuerId}`],
    ['POST', '/api/issuers', { slug: 'x', issuer: stranger.url, audiences: ['x'], organisations: [] }],
    ['PATCH', `/api/issuers/${issuerId}`, {}],
    ['DELETE', `/api/issuers/${issuerId}`],
    ['GET', `/api/issuers/${issuerId}/identities`],
    ['PUT', `/api/issuers/${issuerId}/identities/alice`, { subject: 'curious' }],
    ['DELETE', `/api/issuers/${issuerId}/identities/alice`],
  ] as const) {
    expect([path, (await authz.ask(method, path, token, body)).status]).toEqual([path, 403]);
  }
});

test('no issuer speaks for an administrator, be it linked before or after', async () => {
  const path = `/api/issuers/${issuerId}/identities`;
  expect((await authz.ask('PUT', `${path}/admin`, ADMIN_TOKEN, { subject: 'boss' })).status).toBe(409);
  const token = await issuer.sign({ sub: 'rising' });
  const { body } = await me(token);
  await query(authz.database.ownerUrl, 'UPDATE authz.principals SET admin = true WHERE id = $1', [
    body.principal.id,
  ]);
  await expectRefused(token, 'ended');
  await expectRefused(await issuer.sign({ sub: 'rising', jti: 'next' }), 'administrator');
});

test('a principal that was there before is not taken over by a subject that would get its id', async () => {
  const { body } = await me(await issuer.sign({ sub: 'first of all' }));
  expect(
    (await authz.ask('DELETE', `/api/issuers/${issuerId}/identities/${body.principal.id}`, ADMIN_TOKEN))
      .status,
  ).toBe(204);
  await expectRefused(await issuer.sign({ sub: 'first of all', jti: 'next' }), 'principal-taken');
});

test('the slug of a removed issuer is never used again: its subjects would be the old principals', async () => {
  const passing = await trust('passing', stranger.url, [ORGANISATION_A], {});
  await me(await stranger.sign({ sub: 'x' }));
  expect((await authz.ask('DELETE', `/api/issuers/${passing.body.id}`, ADMIN_TOKEN)).status).toBe(204);
  const again = { slug: 'passing', issuer: stranger.url, audiences: [AUDIENCE], organisations: [] };
  const refused = await authz.ask('POST', '/api/issuers', ADMIN_TOKEN, again);
  expect([refused.status, refused.body.code]).toEqual([409, 'SLUG_RESERVED']);
  const other = await authz.ask('POST', '/api/issuers', ADMIN_TOKEN, { ...again, slug: 'other' });
  expect(other.status).toBe(201);
  expect((await authz.ask('POST', '/api/issuers', ADMIN_TOKEN, { ...again, slug: 'third' })).status).toBe(
    409,
  );
  expect((await authz.ask('DELETE', `/api/issuers/${other.body.id}`, ADMIN_TOKEN)).status).toBe(204);
});

test('an issuer that plain SQL made malformed trusts nobody', async () => {
  const token = await second.sign({ sub: 'unlucky' });
  expect((await me(token)).status).toBe(200);
  const change = (column: string, value: unknown) =>
    query(authz.database.ownerUrl, `UPDATE authz.issuers SET ${column} = $1 WHERE slug = 'second'`, [value]);
  const mapped = (entry: unknown) => JSON.stringify({ groups: { claim: 'g', map: { x: entry } } });
  for (const claims of [
    mapped({ organisation: ORGANISATION_B, group: 'admin' }),
    mapped({ organisation: 'b', group: 'handlers' }),
    mapped({ organisation: ORGANISATION_B, group: 'handlers', admin: true }),
    mapped('handlers'),
    '{"organisation": {"claim": "org"}}',
    '{"organisation": {"claim": "org", "map": {"b": "b"}}}',
    '{"name": 1}',
    '{"admins": {}}',
    '[]',
  ]) {
    await expect(change('claims', claims)).rejects.toThrow(/issuer_claims/);
  }
  await expect(change('algorithms', ['HS256'])).rejects.toThrow(/issuer_algorithms/);
  await change('jwks_uri', 'http://keys.example/keys');
  await expectRefused(await second.sign({ sub: 'unlucky', jti: 'next' }), 'issuer-malformed');
});
