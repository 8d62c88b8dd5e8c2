import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readOutbox } from '../../test/outbox.ts';
import { query } from '../../test/owner.ts';
import { createPeople, ORGANISATION_A, ORGANISATION_B } from '../../test/people.ts';
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
