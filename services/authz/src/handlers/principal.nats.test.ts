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

const ask = (id: unknown): Promise<PrincipalReply> =>
  gateway.request(REQUEST_SUBJECTS.principal, { id }, principalReplySchema);

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
