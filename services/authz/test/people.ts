import { expect } from 'vitest';
import { ADMIN_TOKEN } from './start-authz.ts';
import type { RunningAuthz } from './start-authz.ts';

export const ORGANISATION_A = '7f3b2a10-0000-4000-8000-00000000000a';
export const ORGANISATION_B = '7f3b2a10-0000-4000-8000-00000000000b';
export const HEAD_OFFICE = '7f3b2a10-0000-4000-8000-0000000000ff';

/** Two organisations, the first one below a head office; alice and bob in the first, carol in the second. */
export async function createPeople(
  authz: RunningAuthz,
): Promise<{ alice: string; bob: string; carol: string }> {
  await created(authz, '/api/organisations', { id: HEAD_OFFICE, slug: 'head-office', name: 'Head office' });
  await created(authz, '/api/organisations', {
    id: ORGANISATION_A,
    slug: 'a',
    name: 'A',
    parent: HEAD_OFFICE,
  });
  await created(authz, '/api/organisations', { id: ORGANISATION_B, slug: 'b', name: 'B' });
  return {
    alice: await createPerson(authz, 'alice', ORGANISATION_A, ['handlers']),
    bob: await createPerson(authz, 'bob', ORGANISATION_A, []),
    carol: await createPerson(authz, 'carol', ORGANISATION_B, ['handlers']),
  };
}

/** A principal of one organisation and a token of it. */
export async function createPerson(
  authz: RunningAuthz,
  id: string,
  organisation: string,
  groups: readonly string[],
): Promise<string> {
  await created(authz, '/api/principals', {
    id,
    name: id,
    organisations: [organisation],
    activeOrganisation: organisation,
    groups: groups.map((group) => ({ organisation, group })),
  });
  const { token } = await created(authz, '/api/auth/tokens', { principal: id, name: 'test' });
  return token as string;
}

async function created(authz: RunningAuthz, path: string, body: unknown): Promise<Record<string, unknown>> {
  const answer = await authz.ask('POST', path, ADMIN_TOKEN, body);
  expect(answer.body).toMatchObject({});
  expect(answer.status).toBe(201);
  return answer.body;
}
