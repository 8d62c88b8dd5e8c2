import { formatTimestamp } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
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

async function metricsOf(url: string): Promise<string> {
  return await (await fetch(url)).text();
}
