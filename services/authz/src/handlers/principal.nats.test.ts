import { REQUEST_SUBJECTS, principalReplySchema } from '@tidewire/contract';
import type { PrincipalReply } from '@tidewire/contract';
import { connectBus, silentLogger } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { query } from '../../test/owner.ts';
import { createPeople, createPerson, ORGANISATION_A } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { RunningAuthz } from '../../test/start-authz.ts';

let authz: RunningAuthz;
/** As the gateway, which is the only one that may ask. */
let gateway: MessageBus;
beforeAll(async () => {
  authz = await startAuthz();
  const url = authz.natsUrlFor('fanout-gateway');
  gateway = await connectBus({ url, user: 'fanout-gateway', logger: silentLogger });
  await createPeople(authz);
});
afterAll(async () => {
  await gateway.close();
  await authz[Symbol.asyncDispose]();
});

const ask = (id: unknown, credential?: string): Promise<PrincipalReply> =>
  gateway.request(REQUEST_SUBJECTS.principal, { id, credential }, principalReplySchema);

const absent = (id: string): PrincipalReply => ({
  ok: false,
  code: 'NOT_FOUND',
  message: `There is no principal '${id}'.`,
});

/** The id of a new token of alice. */
async function createToken(more: object = {}): Promise<string> {
  const body = { principal: 'alice', name: 'feed', ...more };
  return (await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, body)).body.id as string;
}

test('says what decides what a principal may see, at the position of one snapshot, and no credential', async () => {
  await query(authz.database.ownerUrl, `UPDATE outbox.relay_state SET epoch = 'k3v9z2pa', sequence = 42`);
  const reply = await ask('alice');
  expect(reply).toMatchObject({
    ok: true,
    principal: {
      id: 'alice',
      admin: false,
      activeOrganisation: ORGANISATION_A,
      groups: [{ organisation: ORGANISATION_A, group: 'handlers' }],
    },
    position: { epoch: 'k3v9z2pa', sequence: 42 },
  });
  expect(JSON.stringify(reply)).not.toMatch(/credential|hash|tw_/);
});

test('a principal that was removed is answered as one that never was', async () => {
  await createPerson(authz, 'gone', ORGANISATION_A, []);
  await authz.ask('DELETE', '/api/principals/gone', ADMIN_TOKEN);
  expect(await ask('gone')).toEqual({
    ok: false,
    code: 'NOT_FOUND',
    message: "There is no principal 'gone'.",
  });
  expect(await ask('never')).toEqual({
    ok: false,
    code: 'NOT_FOUND',
    message: "There is no principal 'never'.",
  });
});

test.each(['', 'Alice', 'a.b', '*', 7, null])('refuses %j, which is no id of a principal', async (id) => {
  expect(await ask(id)).toMatchObject({ ok: false, code: 'BAD_REQUEST' });
});

test('says with a credential what it limits, from the same snapshot', async () => {
  const scopes = { actions: ['read'], topics: ['register/hr'] };
  const id = await createToken({ scopes });
  expect(await ask('alice', id)).toMatchObject({
    ok: true,
    principal: { id: 'alice' },
    credential: { id, principal: 'alice', scopes, endedAt: null },
    position: { epoch: expect.any(String) },
  });
});

test("answers another's, an ended, an expired and an unknown credential as a principal that never was", async () => {
  const own = await createToken();
  expect(await ask('bob', own)).toEqual(absent('bob'));
  await authz.ask('DELETE', `/api/auth/tokens/${own}`, ADMIN_TOKEN);
  expect(await ask('alice', own)).toEqual(absent('alice'));
  const brief = await createToken({ expiresAt: new Date(authz.clock.now() + 60_000).toISOString() });
  expect(await ask('alice', brief)).toMatchObject({ ok: true });
  authz.clock.advance(60_000);
  expect(await ask('alice', brief)).toEqual(absent('alice'));
  expect(await ask('alice', '7f3b2a10-0000-4000-8000-000000000009')).toEqual(absent('alice'));
});
