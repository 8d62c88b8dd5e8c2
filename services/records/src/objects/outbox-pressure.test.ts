import { createTestClock } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { OutboxPressure } from './outbox-pressure.ts';

test('refuses writes while more waits than may, and admits them again', async () => {
  const clock = createTestClock();
  let bytes = 101;
  let looks = 0;
  const outboxBytes = async (): Promise<number> => {
    looks += 1;
    return bytes;
  };
  const pressure = new OutboxPressure({ maxBytes: 100, clock, outboxBytes });
  for (let write = 0; write < 3; write += 1) {
    await expect(pressure.admit()).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      retryAfterSeconds: 5,
    });
  }
  bytes = 100;
  await expect(pressure.admit()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  expect(looks).toBe(1);
  clock.advance(1000);
  await pressure.admit();
  expect(looks).toBe(2);
});
