import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startOpenIdProvider } from '../../test/open-id-provider.ts';
import type { OpenIdProvider } from '../../test/open-id-provider.ts';
import { createPeople, ORGANISATION_A } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { RunningAuthz } from '../../test/start-authz.ts';
import { AUDIENCE } from '../../test/test-issuer.ts';

let authz: RunningAuthz;
let provider: OpenIdProvider;
beforeAll(async () => {
  [authz, provider] = await Promise.all([startAuthz(), startOpenIdProvider()]);
  await createPeople(authz);
  const answer = await authz.ask('POST', '/api/issuers', ADMIN_TOKEN, {
    slug: 'provider',
    issuer: provider.url,
    audiences: [AUDIENCE],
    organisations: [ORGANISATION_A],
    claims: {
      name: 'display_name',
      groups: {
        claim: '/realm/roles',
        map: { handler: { organisation: ORGANISATION_A, group: 'handlers' } },
      },
    },
  });
  if (answer.status !== 201) throw new Error(`the provider is not trusted: ${answer.status}`);
});
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await authz[Symbol.asyncDispose]();
});
// The provider has a clock of its own.
beforeEach(() => authz.clock.advance(Math.max(0, Date.now() - authz.clock.now())));

const ANN = {
  id: 'ann@example.org',
  claims: { display_name: 'Ann', realm: { roles: ['handler', 'other'] } },
};
const me = (token: string) => authz.ask('GET', '/api/auth/me', token);

test('who signed in at a real OpenID provider acts here with its access token', async () => {
  const { accessToken } = await provider.signIn(ANN, AUDIENCE);
  expect(decodeProtectedHeader(accessToken)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
  const { body, status } = await me(accessToken);
  expect([status, body]).toMatchObject([
    200,
    {
      principal: {
        id: expect.stringMatching(/^provider-[a-z2-7]{20}$/),
        name: 'Ann',
        activeOrganisation: ORGANISATION_A,
        groups: [{ organisation: ORGANISATION_A, group: 'handlers' }],
      },
      credential: { type: 'access-token' },
    },
  ]);
  const { exp = 0 } = decodeJwt(accessToken);
  expect(Date.parse(body.credential.expiresAt)).toBe((exp + 30) * 1000);
});

test('what the provider says at the next sign-in counts', async () => {
  const before = await me((await provider.signIn(ANN, AUDIENCE)).accessToken);
  const moved = { ...ANN, claims: { display_name: 'Ann B.', realm: { roles: [] } } };
  const after = await me((await provider.signIn(moved, AUDIENCE)).accessToken);
  expect(after.body.principal).toMatchObject({ id: before.body.principal.id, name: 'Ann B.', groups: [] });
});

test('its ID token and its token for another resource are refused', async () => {
  const { idToken } = await provider.signIn(ANN, AUDIENCE);
  const { accessToken } = await provider.signIn(ANN, 'https://other.test');
  expect(decodeJwt(idToken).iss).toBe(decodeJwt(accessToken).iss);
  const unknown = await me('tw_unknown');
  for (const token of [idToken, accessToken]) {
    const refused = await me(token);
    expect([refused.status, refused.body]).toEqual([401, unknown.body]);
  }
});

test('tokens of its next key are accepted as soon as its keys may be asked for again', async () => {
  const { accessToken: old } = await provider.signIn({ id: 'bea', claims: {} }, AUDIENCE);
  expect((await me(old)).status).toBe(200);
  await provider.rotate();
  const { accessToken } = await provider.signIn({ id: 'bea', claims: {} }, AUDIENCE);
  expect(decodeProtectedHeader(accessToken).kid).not.toBe(decodeProtectedHeader(old).kid);
  authz.clock.advance(10_000);
  expect((await me(accessToken)).status).toBe(200);
  // It was judged when its key counted, and counts until its end.
  expect((await me(old)).status).toBe(200);
});
