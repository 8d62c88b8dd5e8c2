import { randomUUID } from 'node:crypto';
import type { LogPosition } from '@tidewire/contract';
import { startNats } from '@tidewire/test-kit';
import type { TestNats } from '@tidewire/test-kit';
import { openLogWriter } from '../src/log-writer.ts';
import type { LogWriter, OutgoingEvent } from '../src/log-writer.ts';
import { encodePayload } from '../src/log-writer.ts';
import { silentLogger } from '../src/logger.ts';
import { connectBus } from '../src/message-bus.ts';
import type { MessageBus } from '../src/message-bus.ts';

/** A server with an empty log of epoch `epoch001`, for the tests of this package. */
export interface TestLog extends AsyncDisposable {
  readonly nats: TestNats;
  readonly bus: MessageBus;
  readonly writer: LogWriter;
  /** Appends so many events and returns the log's end. */
  append(count: number, organisation?: string): Promise<LogPosition>;
  /** Kills the server and starts it again; resolves when the bus has noticed, and is connected anew. */
  restart(): Promise<void>;
}

export const EPOCH = 'epoch001';
export const START: LogPosition = { epoch: EPOCH, sequence: 0 };

export async function startLog(): Promise<TestLog> {
  const nats = await startNats();
  const bus = await connectBus({ url: nats.url, user: 'test', logger: silentLogger });
  const writer = openLogWriter(bus, { maxAgeMs: 3_600_000, maxBytes: 64 * 1024 * 1024, replicas: 1 });
  await writer.create(EPOCH, 0);
  let position = START;
  return {
    nats,
    bus,
    writer,
    append: async (count, organisation = 'none') => {
      for (let left = count; left > 0; left -= 500) {
        const events = Array.from({ length: Math.min(left, 500) }, () => createEvent(organisation));
        const last = await writer.publish({ events, epoch: position.epoch, expectedLast: position.sequence });
        position = { epoch: position.epoch, sequence: last };
      }
      return position;
    },
    restart: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const off = bus.onStatus((status) => {
        if (status === 'reconnected') resolve();
      });
      await nats.restart();
      await promise;
      off();
    },
    [Symbol.asyncDispose]: async () => {
      await bus.close();
      await nats[Symbol.asyncDispose]();
    },
  };
}

export function createEvent(organisation = 'none'): OutgoingEvent {
  const uuid = randomUUID();
  const message = {
    kind: 'object',
    action: 'created',
    uuid,
    register: { id: uuid, slug: 'hr' },
    schema: { id: uuid, slug: 'people' },
    organisation: null,
    version: 1,
    time: '2026-01-01T00:00:00.000Z',
    actor: null,
    correlationId: null,
    traceparent: null,
    before: null,
    after: { _uuid: uuid },
  };
  return {
    subject: `events.${organisation}.hr.people.${uuid}.created`,
    outboxId: randomUUID(),
    payload: encodePayload(JSON.stringify(message)),
  };
}
