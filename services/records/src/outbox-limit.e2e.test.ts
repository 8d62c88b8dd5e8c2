import { randomBytes } from 'node:crypto';
import { waitFor } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { expectStatus, openTestPlatform } from '../test/platform.ts';

const LIMIT_BYTES = 1024 * 1024;

test('above the limit of the outbox writes are refused until the relay is back, and reads go on', async () => {
  await using world = await openTestPlatform({ TIDEWIRE_OUTBOX_MAX_BYTES: String(LIMIT_BYTES) });
  const alice = await world.createPrincipal(await world.createOrganisation());
  const { objects } = await world.createTable({ properties: { inhoud: { type: 'string' } } });
  const write = () => alice.post(objects, { inhoud: randomBytes(75_000).toString('base64') });
  await expectStatus(201, write());
  await world.platform.kill('relay');
  let written = 0;
  const refused = await waitFor(
    async () => {
      const answer = await write();
      if (answer.status === 201) written += 1;
      return answer.status === 201 ? undefined : answer;
    },
    { what: 'a write is refused', timeoutMs: 60_000 },
  );
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(written).toBeGreaterThan(1);
  const list = await expectStatus(200, alice.get(`${objects}?_limit=1`));
  expect(list.body['total']).toBe(written + 1);
  await world.platform.restart('relay', 'SIGKILL');
  await waitFor(async () => (await write()).status === 201, {
    what: 'a write is made again',
    timeoutMs: 60_000,
  });
});
