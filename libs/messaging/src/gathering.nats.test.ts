import { CONNECTIONS_BUCKET, REQUEST_SUBJECTS, SERVICE_PERMISSIONS } from '@tidewire/contract';
import { startNats, waitFor } from '@tidewire/test-kit';
import type { TestNats } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BusUnavailableError } from './bus-error.ts';
import { processClock } from './clock.ts';
import { openLeases } from './leases.ts';
import { silentLogger } from './logger.ts';
import { connectBus } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import type { Schema } from './schema.ts';

const USER = 'fanout-gateway';
const SUBJECT = REQUEST_SUBJECTS.connections;
let nats: TestNats;
let buses: MessageBus[];

beforeEach(async () => {
  const { publish, subscribe } = SERVICE_PERMISSIONS[USER];
  nats = await startNats({ users: { [USER]: { publish: [...publish], subscribe: [...subscribe] } } });
  buses = [];
});

afterEach(async () => {
  await Promise.all(buses.map((bus) => bus.close()));
  await nats[Symbol.asyncDispose]();
});

async function connect(): Promise<MessageBus> {
  const bus = await connectBus({ url: nats.url, user: USER, logger: silentLogger });
  buses.push(bus);
  return bus;
}

const anything: Schema<unknown> = { safeParse: (data) => ({ success: true, data }) };
const text: Schema<string> = {
  safeParse: (data) =>
    typeof data === 'string'
      ? { success: true, data }
      : { success: false, error: { issues: [{ path: [], message: 'is no text' }] } },
};

/** Answers with a name; `answer` decides when, and with what. */
async function answerAs(
  name: string,
  answer: () => Promise<unknown> = async () => name,
): Promise<MessageBus> {
  const bus = await connect();
  bus.respond(SUBJECT, { requestSchema: anything, handle: answer });
  // The server takes the commands of a connection in their order: after this it knows of the subscription.
  await bus.gather(SUBJECT, {}, text, { isComplete: () => true, timeoutMs: 50 });
  return bus;
}

test('everybody who listens answers, the asker included, and the wait ends with the last one expected', async () => {
  const asker = await answerAs('a');
  await answerAs('b');
  await answerAs('c');
  // A minute would be the test's own end.
  const answers = await asker.gather(SUBJECT, {}, text, {
    isComplete: (all) => all.length === 3,
    timeoutMs: 60_000,
  });
  expect(answers.toSorted()).toEqual(['a', 'b', 'c']);
});

test('one that is silent, fails or talks nonsense is missing, and the others are there when the time is over', async () => {
  const asker = await answerAs('a');
  await answerAs('silent', () => new Promise(() => undefined));
  await answerAs('failing', async () => {
    throw new Error('broken');
  });
  await answerAs('nonsense', async () => ({ name: 'nonsense' }));
  const answers = await asker.gather(SUBJECT, {}, text, { isComplete: () => false, timeoutMs: 300 });
  expect(answers).toEqual(['a']);
});

test('takes no more answers than it was told to', async () => {
  const asker = await connect();
  await Promise.all(['a', 'b', 'c', 'd'].map((name) => answerAs(name)));
  const answers = await asker.gather(SUBJECT, {}, text, {
    isComplete: () => false,
    timeoutMs: 60_000,
    maxAnswers: 2,
  });
  expect(answers.length).toBe(2);
});

test('is over at once where nobody listens, and fails where there is no server', async () => {
  const asker = await connect();
  const options = { isComplete: () => false, timeoutMs: 60_000 };
  expect(await asker.gather(SUBJECT, {}, text, options)).toEqual([]);
  await answerAs('silent', () => new Promise(() => undefined));
  const asked = asker.gather(SUBJECT, {}, text, options);
  asked.catch(() => undefined);
  await nats.kill();
  await expect(asked).rejects.toThrow(BusUnavailableError);
});

test('who is alive is known as of now: those that came, and not those that left in order', async () => {
  const [first, second] = await Promise.all(
    ['gateway-a', 'gateway-b'].map(async (instance) =>
      openLeases(await connect(), { bucket: CONNECTIONS_BUCKET, instance, clock: processClock }),
    ),
  );
  expect([...((await first?.listAlive()) ?? [])].toSorted()).toEqual(['gateway-a', 'gateway-b']);
  await second?.close();
  await waitFor(async () => (await first?.listAlive())?.size === 1, { what: 'the one that left is gone' });
  await first?.close();
});
