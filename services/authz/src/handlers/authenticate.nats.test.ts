import { REQUEST_SUBJECTS, authenticateReplySchema } from '@tidewire/contract';
import type { AuthenticateReply } from '@tidewire/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPeople, createPerson, ORGANISATION_A } from '../../test/people.ts';
import { query } from '../../test/owner.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { RunningAuthz } from '../../test/start-authz.ts';

let authz: RunningAuthz;
let people: Awaited<ReturnType<typeof createPeople>>;
beforeAll(async () => {
  authz = await startAuthz();
  people = await createPeople(authz);
});
afterAll(() => authz[Symbol.asyncDispose]());

const authenticate = (secret: string, type = 'token'): Promise<AuthenticateReply> =>
  authz.bus.request(REQUEST_SUBJECTS.authenticate, { type, secret }, authenticateReplySchema);

test('says who holds a token, with everything that decides what they may see', async () => {
  expect(await authenticate(people.alice)).toMatchObject({
    ok: true,
    principal: {
      id: 'alice',
      admin: false,
      organisations: [ORGANISATION_A],
      activeOrganisation: ORGANISATION_A,
      groups: [{ organisation: ORGANISATION_A, group: 'handlers' }],
    },
    credential: { type: 'token', principal: 'alice', endedAt: null },
  });
});

test('answers with the position that its snapshot includes', async () => {
  await query(authz.database.ownerUrl, `UPDATE outbox.relay_state SET epoch = 'k3v9z2pa', sequence = 42`);
  expect(await authenticate(people.alice)).toMatchObject({ position: { epoch: 'k3v9z2pa', sequence: 42 } });
});

test('refuses unknown, expired, revoked and removed alike', async () => {
  const gone = await createPerson(authz, 'gone', ORGANISATION_A, []);
  await authz.ask('DELETE', '/api/principals/gone', ADMIN_TOKEN);
  const expiresAt = new Date(authz.clock.now() + 1_000).toISOString();
  const expired = await authz.ask('POST', '/api/auth/tokens', people.bob, { name: 'x', expiresAt });
  const revoked = await authz.ask('POST', '/api/auth/tokens', people.bob, { name: 'x' });
  await authz.ask('DELETE', `/api/auth/tokens/${revoked.body.id}`, people.bob);
  authz.clock.advance(1_000);
  const replies = await Promise.all([
    authenticate('tw_never-was-one'),
    authenticate(gone),
    authenticate(expired.body.token),
    authenticate(revoked.body.token),
    authenticate(people.bob, 'session'),
    authenticate('A'.repeat(4096)),
  ]);
  for (const reply of replies) {
    expect(reply).toEqual({ ok: false, code: 'UNAUTHORIZED', message: 'The credential is not valid.' });
  }
});

test('answers at once from the primary what was changed a moment ago', async () => {
  for (let round = 0; round < 20; round++) {
    const { body } = await authz.ask('POST', '/api/auth/tokens', people.bob, { name: 'x' });
    expect((await authenticate(body.token)).ok).toBe(true);
    await authz.ask('DELETE', `/api/auth/tokens/${body.id}`, people.bob);
    expect((await authenticate(body.token)).ok).toBe(false);
  }
});

test('refuses a malformed request without repeating it', async () => {
  const reply = await authz.bus.request(
    REQUEST_SUBJECTS.authenticate,
    { type: 'marker-password', secret: 7 },
    authenticateReplySchema,
  );
  expect(reply).toMatchObject({ ok: false, code: 'BAD_REQUEST' });
  expect(JSON.stringify(reply)).not.toContain('marker');
});
