import { DEAD_LETTERS_STREAM, SERVICE_PERMISSIONS, deadLetterSchema } from '@tidewire/contract';
import type { DeadLetter } from '@tidewire/contract';
import { startNats } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { openDeadLetters } from './dead-letters.ts';
import { silentLogger } from './logger.ts';
import { connectBus } from './message-bus.ts';
import { requestStreamApi } from './stream-api.ts';

test('what was given up is in a stream, which the first letter makes, by the rights of the notifier', async () => {
  await using nats = await startNats({
    users: { ...SERVICE_PERMISSIONS, reader: { publish: ['>'], subscribe: ['>'] } },
  });
  await using bus = await connectBus({
    url: nats.urlFor('push-notifier'),
    user: 'push-notifier',
    logger: silentLogger,
  });
  await using reader = await connectBus({ url: nats.urlFor('reader'), user: 'reader', logger: silentLogger });
  const letters: readonly DeadLetter[] = [
    {
      kind: 'device',
      id: 'd',
      principal: 'alice',
      reason: '410',
      attempts: 3,
      time: '2026-09-01T10:00:00.000Z',
    },
    {
      kind: 'webhook',
      id: 'w',
      principal: 'bob',
      reason: 'evt-1',
      attempts: 9,
      time: '2026-09-01T11:00:00.000Z',
    },
  ];
  const store = openDeadLetters(bus, { replicas: 1 });
  for (const letter of letters) await store.add(letter);
  const stored = await Promise.all(
    [1, 2].map(async (seq) => {
      const { message } = await requestStreamApi<{ readonly message: { readonly data: string } }>(
        reader,
        `STREAM.MSG.GET.${DEAD_LETTERS_STREAM}`,
        { seq },
      );
      return deadLetterSchema.parse(JSON.parse(Buffer.from(message.data, 'base64').toString()));
    }),
  );
  expect(stored).toEqual(letters);
});
