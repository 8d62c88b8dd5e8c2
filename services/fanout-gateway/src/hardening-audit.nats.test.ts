import { formatTimestamp } from '@tidewire/contract';
import { credentialOf, register, waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from '../test/world.ts';

const TOPIC = 'topic=register/zaken/schema/meldingen';

let world: World;

beforeEach(async () => {
  world = await World.start();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

test(
  'what waits for a reader that does not read is thrown away with its connection when the credential ends',
  { timeout: 60_000 },
  async () => {
    const gateway = await world.gateway();
    using slow = await gateway.subscribe(world.secret(world.alice), TOPIC);
    using quick = await gateway.subscribe(world.secret(world.bob), TOPIC);
    await waitFor(() => slow.comments.length > 0, { what: 'the slow stream is open' });
    slow.pause();
    const filling = 'x'.repeat(100_000);
    for (let index = 0; index < 100; index += 1) {
      await world.platform.created(world.row({ titel: `r${index}`, status: filling }));
    }
    await quick.until(100);
    await world.platform.change(world.alice.credential, { endedAt: formatTimestamp(Date.now()) });
    // It has still read nothing: the gateway does not wait for it.
    await waitFor(async () => /_connections 1$/m.test(await metricsOf(gateway.url('/metrics'))), {
      what: 'only the other connection is left',
      timeoutMs: 2000,
    });
    slow.resume();
    expect(await slow.untilClosed()).toBe('reset');
    expect(slow.text).not.toContain('"titel":"r99"');
  },
);

test('a limited token of an administrator is told of nothing but what it is for', async () => {
  const gateway = await world.gateway();
  const empty = register('leeg');
  const limited = { ...credentialOf('admin'), scopes: { topics: ['register/zaken/schema/meldingen'] } };
  await world.platform.set(empty, limited);
  const ask = async (secret: string, path: string): Promise<unknown> => {
    const headers = { authorization: `Bearer ${secret}` };
    return await (await fetch(gateway.url(path), { headers })).json();
  };
  const whole = world.secret(world.admin);
  const narrow = world.platform.secretOf(limited);
  await waitFor(
    async () => JSON.stringify(await ask(whole, '/api/realtime/topics')).includes('register/leeg'),
    {
      what: 'the new register is known',
    },
  );
  expect(JSON.stringify(await ask(narrow, '/api/realtime/topics'))).not.toContain('register/leeg');
  expect(await ask(whole, '/api/realtime/status')).toHaveProperty('connections.total');
  expect(await ask(narrow, '/api/realtime/status')).not.toHaveProperty('connections.total');
});

async function metricsOf(url: string): Promise<string> {
  return await (await fetch(url)).text();
}
