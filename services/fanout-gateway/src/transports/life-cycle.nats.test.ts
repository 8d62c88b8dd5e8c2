import { connect } from 'node:net';
import { formatTimestamp } from '@tidewire/contract';
import { credentialOf, objectMessage, policyOf, schemaOf, waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from '../../test/world.ts';

const TOPIC = 'topic=register/zaken/schema/meldingen';

let world: World;
let alice: string;

beforeEach(async () => {
  world = await World.start();
  alice = world.secret(world.alice);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

const isEmptyRetry = /^retry: ([1-8]\d{3})\n\n$/;

test('a temporary condition is no error for an EventSource, and 503 for everybody else', async () => {
  const gateway = await world.gateway();
  world.platform.authzAway = true;
  using stream = await gateway.subscribe(alice, TOPIC);
  expect(stream.status).toBe(200);
  expect(stream.headers['content-type']).toBe('text/event-stream');
  expect(await stream.untilClosed()).toBe('end');
  expect(stream.text).toMatch(isEmptyRetry);
  using other = await gateway.subscribe(alice, TOPIC, { accept: 'application/json' });
  expect(other.status).toBe(503);
  expect(other.headers['retry-after']).toBeDefined();
  world.platform.authzAway = false;
  using again = await gateway.subscribe(alice, TOPIC);
  await world.platform.created(world.row());
  await again.until(1);
});

test(
  'a gateway without NATS keeps its streams, lets nobody in, and goes on without loss',
  { timeout: 60_000 },
  async () => {
    const gateway = await world.gateway({ TIDEWIRE_STALENESS_LIMIT_MS: '1000' });
    using stream = await gateway.subscribe(alice, TOPIC);
    await world.platform.created(world.row({ titel: 'a' }));
    await stream.until(1);
    world.platform.pauseBeats();
    await world.platform.nats.kill();
    await waitFor(
      async () => {
        using refused = await gateway.subscribe(alice, TOPIC);
        await refused.untilClosed();
        return refused.status === 200 && isEmptyRetry.test(refused.text);
      },
      { what: 'new streams are told to come again', timeoutMs: 10_000 },
    );
    await world.platform.nats.restart();
    await waitFor(
      async () => {
        try {
          await world.platform.created(world.row({ titel: 'b' }));
          return true;
        } catch {
          return false;
        }
      },
      { what: 'the log takes events again', timeoutMs: 20_000 },
    );
    world.platform.resumeBeats();
    const events = await stream.until(2);
    expect(events.map(({ data }) => data.data.object.titel)).toEqual(['a', 'b']);
    expect(stream.closed).toBeUndefined();
  },
);

test(
  'a stale gateway delivers nothing, and judges what it held under the rights that came with it',
  { timeout: 60_000 },
  async () => {
    const gateway = await world.gateway({ TIDEWIRE_STALENESS_LIMIT_MS: '1000' });
    using stream = await gateway.subscribe(alice, TOPIC);
    world.platform.pauseBeats();
    await waitFor(async () => !(await fetch(gateway.url('/readyz'))).ok, { what: 'the gateway is stale' });
    const before = stream.text;
    await world.platform.created(world.row({ titel: 'SECRET' }));
    await world.platform.change(world.policy, { authorization: { read: ['directie'] } });
    await world.platform.change(world.policy, { authorization: { read: ['behandelaars'] } });
    await world.platform.created(world.row({ titel: 'open' }));
    using refused = await gateway.subscribe(alice, TOPIC);
    await refused.untilClosed();
    expect(refused.text).toMatch(isEmptyRetry);
    expect(stream.text).toBe(before);
    world.platform.resumeBeats();
    const events = await stream.until(2);
    expect(events.map(({ event, data }) => data.reason ?? event)).toEqual([
      'rights-changed',
      'object.created',
    ]);
    expect(stream.text).not.toContain('SECRET');
  },
);

test(
  'a new epoch of the log ends streams with a resync, and their old cursors get one too',
  { timeout: 60_000 },
  async () => {
    const gateway = await world.gateway();
    using stream = await gateway.subscribe(alice, TOPIC);
    await world.platform.created(world.row());
    const [event] = await stream.until(1);
    await world.platform.startEpoch();
    const resync = await stream.untilNamed('resync');
    expect(resync.data).toMatchObject({ reason: 'epoch' });
    expect(resync.data.current).toContain(world.platform.epoch);
    expect((await stream.untilNamed('end')).data).toMatchObject({ reconnect: true });
    const again = await waitFor(
      async () => {
        const next = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${event?.id ?? ''}`);
        await waitFor(() => next.text !== '', { what: 'the stream begins' });
        return next.comments.length > 0 && next;
      },
      { what: 'the gateway is level with the new log', timeoutMs: 15_000 },
    );
    using resumed = again;
    expect((await resumed.untilNamed('resync')).data).toMatchObject({ reason: 'epoch' });
    await world.platform.created(world.row());
    expect((await resumed.until(2))[1]?.event).toBe('object.created');
  },
);

test('a credential that expires ends the stream', async () => {
  const gateway = await world.gateway();
  const brief = { ...credentialOf('alice'), expiresAt: formatTimestamp(Date.now() + 1500) };
  await world.platform.set(brief);
  using stream = await gateway.subscribe(world.platform.secretOf(brief), TOPIC);
  expect(stream.status).toBe(200);
  expect((await stream.untilNamed('end')).data).toMatchObject({ code: 'CREDENTIAL_ENDED', reconnect: false });
});

test('a stream is told to reconnect at its maximum age', async () => {
  const gateway = await world.gateway({ TIDEWIRE_MAX_CONNECTION_AGE_MS: '1000' });
  using stream = await gateway.subscribe(alice, TOPIC);
  expect((await stream.untilNamed('end')).data).toMatchObject({ code: 'CONNECTION_AGED', reconnect: true });
  expect(await stream.untilClosed()).toBe('end');
});

test('a gateway that stops tells its streams to reconnect, spread over the drain time, and lets nobody in', async () => {
  const gateway = await world.gateway({ TIDEWIRE_DRAIN_MS: '600' });
  const streams = await Promise.all(Array.from({ length: 10 }, () => gateway.subscribe(alice, TOPIC)));
  const cursor = world.platform.position;
  const drained = gateway.service.drain();
  expect(gateway.service.ready()).not.toBe(true);
  using late = await gateway.subscribe(world.secret(world.bob), TOPIC);
  await late.untilClosed();
  expect(late.text).toMatch(isEmptyRetry);
  await drained;
  for (const stream of streams) {
    expect((await stream.untilNamed('end')).data).toMatchObject({ code: 'DRAINING', reconnect: true });
    expect(await stream.untilClosed()).toBe('end');
    expect(stream.lastEventId).toBe(cursor);
  }
});

test(
  'a client that does not read loses nothing silently and delays nobody',
  { timeout: 60_000 },
  async () => {
    const gateway = await world.gateway({ TIDEWIRE_CONNECTION_BUDGET_BYTES: '65536' });
    using slow = await gateway.subscribe(alice, TOPIC);
    using quick = await gateway.subscribe(world.secret(world.bob), TOPIC);
    await waitFor(() => slow.comments.length > 0, { what: 'the slow stream is open' });
    slow.pause();
    const filling = 'x'.repeat(100_000);
    for (let index = 0; index < 150; index += 1) {
      await world.platform.created(world.row({ titel: `r${index}`, status: filling }));
    }
    await quick.until(150);
    slow.resume();
    const resync = await slow.untilNamed('resync');
    expect(resync.data).toMatchObject({ reason: 'behind' });
    const received = slow.named('object.created').length;
    expect(received).toBeLessThan(150);
    await world.platform.created(world.row({ titel: 'after' }));
    await waitFor(() => slow.events.at(-1)?.data.data?.object?.titel === 'after', {
      what: 'the slow stream is live again',
    });
  },
);

test('streams are not opened over HTTP/1.0, which has no chunks', async () => {
  const gateway = await world.gateway();
  const { port } = new URL(gateway.url('/'));
  const socket = connect(Number(port), '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => (answer += data.toString()));
  socket.write(`GET /api/realtime/subscribe?${TOPIC} HTTP/1.0\r\nAuthorization: Bearer ${alice}\r\n\r\n`);
  await waitFor(() => answer.includes('proxy_http_version'), { what: 'the refusal names the setting' });
  expect(answer).toContain(' 400 ');
  socket.destroy();
});

test('a thousand missed events are judged again and written in a fraction of a second', async () => {
  const gateway = await world.gateway();
  const cursor = world.platform.position;
  const rows = Array.from({ length: 1000 }, (_, index) =>
    world.row({ titel: `r${index}`, status: 'x'.repeat(500) }),
  );
  await world.platform.append(rows.map((row) => objectMessage('created', null, row)));
  using warm = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${cursor}`);
  await warm.until(1000);
  const began = performance.now();
  using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=${cursor}`);
  await stream.until(1000);
  const durationMs = performance.now() - began;
  expect(durationMs).toBeLessThan(2000);
});

test('tells its operator how many streams there are, why clients had to fetch again and how it ended streams', async () => {
  const gateway = await world.gateway();
  using stream = await gateway.subscribe(alice, `${TOPIC}&lastEventId=nonsense`);
  await stream.untilNamed('resync');
  using refused = await gateway.subscribe(alice, 'topic=nonsense');
  expect(refused.status).toBe(400);
  using ended = await gateway.subscribe(world.secret(world.bob), TOPIC);
  await world.platform.change(world.bob.principal, { removed: true });
  await ended.untilNamed('end');
  const metrics = await (await fetch(gateway.url('/metrics'))).text();
  for (const line of [
    'tidewire_fanout_gateway_connections 1',
    'tidewire_fanout_gateway_resyncs_total{reason="malformed"} 1',
    'tidewire_fanout_gateway_refusals_total{code="MALFORMED_TOPIC"} 1',
    'tidewire_fanout_gateway_stream_ends_total{code="CREDENTIAL_ENDED"} 1',
  ]) {
    expect(metrics).toContain(line);
  }
  expect(metrics).toMatch(/tidewire_fanout_gateway_staleness_seconds 0\.\d+/);
});

test('only streams whose rules depend on the time are told to fetch again as it passes', async () => {
  const gateway = await world.gateway({ TIDEWIRE_TIME_RULE_RESYNC_MS: '300' });
  await world.platform.change(world.policy, {
    authorization: { read: [{ group: 'behandelaars', match: { zichtbaarTot: { $gt: '$now' } } }] },
  });
  const timeless = schemaOf(world.register, 'tijdloos');
  await world.platform.set(policyOf('schema', timeless.id, { read: ['authenticated'] }), timeless);
  using timed = await gateway.subscribe(alice, TOPIC);
  using other = await waitFor(
    async () => {
      const stream = await gateway.subscribe(alice, 'topic=register/zaken/schema/tijdloos');
      return stream.status === 200 && stream;
    },
    { what: 'the new schema is there' },
  );
  await timed.until(2);
  expect(timed.events.map(({ data }) => data.reason)).toEqual(expect.arrayContaining(['time', 'time']));
  expect(other.events).toEqual([]);
});

test('whoever follows a whole register is told that time passes, also where nothing was written yet', async () => {
  await world.platform.change(world.policy, {
    authorization: { read: [{ group: 'behandelaars', match: { zichtbaarTot: { $gt: '$now' } } }] },
  });
  const gateway = await world.gateway({ TIDEWIRE_TIME_RULE_RESYNC_MS: '300' });
  using timed = await gateway.subscribe(alice, 'topic=register/zaken');
  const [told] = await timed.until(1);
  expect(told?.data.reason).toBe('time');
});

test('anonymous subscribers get what a public rule allows, where they are admitted', async () => {
  const gateway = await world.gateway({ TIDEWIRE_ANONYMOUS_STREAMS: 'true' });
  using hidden = await gateway.subscribe(undefined, TOPIC);
  expect(hidden.status).toBe(404);
  const everybody = { group: 'public', match: { status: 'openbaar' } };
  await world.platform.change(world.policy, { authorization: { read: [everybody] } });
  using stream = await waitFor(
    async () => {
      const opened = await gateway.subscribe(undefined, TOPIC);
      return opened.status === 200 && opened;
    },
    { what: 'the public rule is known' },
  );
  await world.platform.created(world.row({ status: 'intern', titel: 'SECRET' }));
  await world.platform.created(world.row({ status: 'openbaar', titel: 'a' }));
  expect((await stream.until(1)).map(({ data }) => data.data.object.titel)).toEqual(['a']);
  expect(stream.text).not.toContain('SECRET');
});

test('a gateway that is told to stop ends its streams and exits cleanly', { timeout: 60_000 }, async () => {
  const gateway = await world.gatewayProcess({ TIDEWIRE_DRAIN_MS: '200' });
  using stream = await gateway.subscribe(alice, TOPIC);
  const exited = gateway.terminate();
  expect((await stream.untilNamed('end')).data).toMatchObject({ code: 'DRAINING', reconnect: true });
  expect(await exited).toBe(0);
});
