import { SERVICE_PERMISSIONS, TidewireError, stateReplySchema } from '@tidewire/contract';
import { startNats, waitFor } from '@tidewire/test-kit';
import type { TestNats } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BusUnavailableError, MalformedReplyError } from './bus-error.ts';
import { silentLogger } from './logger.ts';
import { connectBus } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import type { Schema } from './schema.ts';
import { loadStates } from './state-loader.ts';

let nats: TestNats;
let bus: MessageBus;

beforeEach(async () => {
  nats = await startNats();
  bus = await connectBus({ url: nats.url, user: 'test', logger: silentLogger });
});

afterEach(async () => {
  await bus.close();
  await nats[Symbol.asyncDispose]();
});

const anything: Schema<unknown> = { safeParse: (data) => ({ success: true, data }) };
const never: Schema<unknown> = {
  safeParse: () => ({ success: false, error: { issues: [{ path: ['name'], message: 'is wrong' }] } }),
};

test('a request is answered by one replica of the queue', async () => {
  const answers = ['a', 'b'].map((name) =>
    bus.respond('hello.v1', {
      queue: 'q',
      requestSchema: anything,
      handle: async (request) => ({ request, name }),
    }),
  );
  const reply = (await bus.request('hello.v1', { x: 1 }, anything)) as { request: unknown };
  expect(reply.request).toEqual({ x: 1 });
  await Promise.all(answers.map((stop) => stop()));
});

test('a request that nobody answers fails as unavailable, at once when nobody listens', async () => {
  const started = performance.now();
  await expect(bus.request('nobody.v1', {}, anything)).rejects.toThrow(BusUnavailableError);
  expect(performance.now() - started).toBeLessThan(1500);
  bus.onSignal('mute.v1', () => undefined);
  await expect(bus.request('mute.v1', {}, anything, { timeoutMs: 50 })).rejects.toThrow(
    'no answer on mute.v1',
  );
});

test('whoever waits for an answer is told at once when the connection is lost', async () => {
  bus.onSignal('mute.v1', () => undefined);
  const waiting = bus
    .request('mute.v1', {}, anything, { timeoutMs: 60_000 })
    .catch((error: unknown) => error);
  await nats.kill();
  expect(await waiting).toMatchObject({ message: 'the connection to NATS was lost' });
  await expect(bus.request('mute.v1', {}, anything)).rejects.toThrow('not connected');
  await nats.restart();
  await waitFor(() => bus.connected, { what: 'the bus is connected again' });
});

test('an error of a handler reaches the asker with its code, any other says nothing about itself', async () => {
  bus.respond('fail.v1', {
    queue: 'q',
    requestSchema: anything,
    handle: async (request) => {
      if (request === 'known') throw new TidewireError('FORBIDDEN', 'no');
      throw new Error('password=hunter2');
    },
  });
  expect(await bus.request('fail.v1', 'known', anything)).toEqual({
    ok: false,
    code: 'FORBIDDEN',
    message: 'no',
  });
  expect(await bus.request('fail.v1', 'other', anything)).toEqual({
    ok: false,
    code: 'INTERNAL_ERROR',
    message: 'Internal error',
  });
});

test('malformed requests and answers are named, not passed on', async () => {
  bus.respond('strict.v1', { queue: 'q', requestSchema: never, handle: async () => ({}) });
  expect(await bus.request('strict.v1', {}, anything)).toMatchObject({
    code: 'BAD_REQUEST',
    message: 'malformed request: name: is wrong',
  });
  await expect(bus.request('strict.v1', {}, never)).rejects.toThrow(MalformedReplyError);
});

test('requests above the limit are refused instead of queued', async () => {
  const gate = Promise.withResolvers<void>();
  bus.respond('slow.v1', {
    queue: 'q',
    requestSchema: anything,
    concurrency: 1,
    handle: async () => {
      await gate.promise;
      return { ok: true };
    },
  });
  const first = bus.request('slow.v1', {}, anything);
  expect(await bus.request('slow.v1', {}, anything)).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  gate.resolve();
  expect(await first).toEqual({ ok: true });
});

test('a signal sent while the server is away is dropped, not delivered later', async () => {
  const heard: unknown[] = [];
  bus.onSignal('poke.v1', (payload) => heard.push(payload));
  bus.signal('poke.v1', 1);
  await waitFor(() => heard.length === 1, { what: 'the signal' });
  await nats.kill();
  await waitFor(() => !bus.connected, { what: 'the loss is noticed' });
  bus.signal('poke.v1', 2);
  await nats.restart();
  await waitFor(() => bus.connected, { what: 'the bus is connected again' });
  bus.signal('poke.v1', 3);
  await waitFor(() => heard.length === 2, { what: 'the later signal' });
  expect(heard).toEqual([1, 3]);
});

test('all pages of a state are loaded and the first position counts', async () => {
  const position = (sequence: number) => ({ epoch: 'epoch001', sequence });
  bus.respond('pages.v1', {
    queue: 'q',
    requestSchema: anything,
    handle: async (request) => {
      const { after } = request as { after: string | null };
      return after === null
        ? { ok: true, position: position(5), items: [], next: 'x' }
        : { ok: true, position: position(9), items: [], next: null };
    },
  });
  expect(await loadStates(bus, 'pages.v1')).toEqual({ position: position(5), items: [] });
  expect(stateReplySchema.safeParse({ ok: false, code: 'FORBIDDEN', message: '' }).success).toBe(true);
});

test('each service can do with its own permissions what the library does for it', async () => {
  const { publish, subscribe } = SERVICE_PERMISSIONS['fanout-gateway'];
  await using guarded = await startNats({
    users: { 'fanout-gateway': { publish: [...publish], subscribe: [...subscribe] } },
  });
  await using gateway = await connectBus({
    url: guarded.urlFor('fanout-gateway'),
    user: 'fanout-gateway',
    logger: silentLogger,
  });
  // Nobody answers, but the reply ("no responders") arrives in the inbox that this user may listen on.
  await expect(gateway.request('authz.v1.state', { after: null }, anything)).rejects.toThrow('no answer');
});
