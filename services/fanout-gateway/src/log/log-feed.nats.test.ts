import { SIGNAL_SUBJECTS } from '@tidewire/contract';
import { connectBus, silentLogger } from '@tidewire/messaging';
import { createLogger, createMetrics } from '@tidewire/service-kit';
import { waitFor } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { World } from '../../test/world.ts';
import { configSchema } from '../config.ts';
import { createService } from '../service.ts';

test('lets nobody in before the log has told all that rights may have been loaded with', async () => {
  await using world = await World.start();
  const { platform } = world;
  platform.pauseBeats();
  const relay = await connectBus({
    url: platform.nats.urlFor('relay'),
    user: 'relay',
    logger: silentLogger,
  });
  // Something that was committed before the gateway began is still on its way.
  let oldest: number | undefined = Date.now();
  const beats = setInterval(() => {
    const backlogAgeMs = oldest === undefined ? 0 : Date.now() - oldest;
    relay.signal(SIGNAL_SUBJECTS.beat, { head: platform.position, sentAt: Date.now(), backlogAgeMs });
  }, 25);
  const service = createService(
    configSchema.parse({ NATS_URL: platform.nats.urlFor('fanout-gateway'), LOG_LEVEL: 'silent' }),
    {
      logger: createLogger({ service: 'fanout-gateway', level: 'silent' }),
      metrics: createMetrics('fanout-gateway'),
    },
  );
  const staleness = async (): Promise<number> => {
    const text = await (await fetch(`${service.address ?? ''}/metrics`)).text();
    const line = text
      .split('\n')
      .find((each) => each.startsWith('tidewire_fanout_gateway_staleness_seconds '));
    return Number(line?.split(' ').at(-1) ?? Number.NaN);
  };
  try {
    await service.start();
    await waitFor(async () => (await staleness()) < 3600, { what: 'a beat was heard', timeoutMs: 30_000 });
    expect(service.ready()).not.toBe(true);
    oldest = undefined;
    await waitFor(() => service.ready() === true, { what: 'the gateway is ready', timeoutMs: 30_000 });
  } finally {
    clearInterval(beats);
    await service.stop();
    await relay.close();
  }
});
