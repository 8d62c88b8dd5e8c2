import type { ServerResponse } from 'node:http';
import { waitFor } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { endWith, heartbeat, namesIn, openScene, tell } from '../../test/event-stream-scene.ts';
import { answerJson, answerProblem } from '../../test/odd-server.ts';
import type { OddRequest } from '../../test/odd-server.ts';
import { toTable } from '../../test/witness.ts';

test('asks for all subscriptions in one request, and tells their messages', async () => {
  await using scene = await openScene([toTable('s1', { lastEventId: 'evt-1' }), toTable('s2')]);
  const stream = await scene.stream();
  tell(stream, heartbeat('s2', 'evt-2'));
  await scene.witness.until('heartbeat');
  scene.clock.advance(60_000);
  expect(scene.server.requests).toMatchObject([
    {
      method: 'POST',
      headers: {
        'accept': 'text/event-stream',
        'authorization': 'Bearer secret',
        'content-type': 'application/json',
      },
      body: {
        subscriptions: [
          { type: 'subscribe', table: 'orders', subscriptionId: 's1', lastEventId: 'evt-1' },
          { type: 'subscribe', table: 'orders', subscriptionId: 's2' },
        ],
      },
    },
  ]);
  expect(scene.witness).toMatchObject({ openings: 1, messages: [heartbeat('s2', 'evt-2')], ends: [] });
  expect(scene.witness.signs).toBeGreaterThan(0);
  expect(scene.connection.speaks).toBe(false);
});

test('what is mounted together opens one response, with the cursors of then, after the one before was given up', async () => {
  await using scene = await openScene();
  const { connection, clock, order, server, witness } = scene;
  tell(await scene.stream(), heartbeat('s1', 'evt-1'));
  await witness.until('heartbeat');
  for (const name of ['s2', 's3']) {
    order.set(toTable(name));
    connection.add(toTable(name));
    clock.advance(20);
  }
  order.set(toTable('s1', { lastEventId: 'evt-1' }));
  expect(server.requests).toHaveLength(1);
  clock.advance(30);
  tell(await scene.stream(2), heartbeat('s3', 'evt-2'));
  await witness.until('heartbeat', 2);
  await waitFor(() => server.closed === 1, { what: 'the first response is given up' });
  expect(server.requests).toHaveLength(2);
  expect(server.requests[1]?.body).toMatchObject({
    subscriptions: [
      { subscriptionId: 's2' },
      { subscriptionId: 's3' },
      { subscriptionId: 's1', lastEventId: 'evt-1' },
    ],
  });
  expect(witness).toMatchObject({ openings: 1, ends: [] });
});

test('a set that is the same after all leaves the response alone', async () => {
  await using scene = await openScene();
  const { connection, clock, order, server, witness } = scene;
  const stream = await scene.stream();
  order.set(toTable('s2'));
  connection.add(toTable('s2'));
  order.remove('s2');
  connection.remove('s2');
  clock.advance(1000);
  tell(stream, heartbeat('s1', 'evt-1'));
  await witness.until('heartbeat');
  expect(server.requests).toHaveLength(1);
});

test('a subscription that the server has ended is asked for again when it is added again', async () => {
  await using scene = await openScene([toTable('s1'), toTable('s2')]);
  tell(await scene.stream(), { type: 'unsubscribed', subscriptionId: 's2', table: 'orders' });
  await scene.witness.until('unsubscribed');
  scene.connection.add(toTable('s2'));
  scene.clock.advance(50);
  const [, again] = await scene.server.until(2);
  expect(again && namesIn(again)).toEqual(['s1', 's2']);
});

test('without a subscription no response is held, and the connection lives', async () => {
  await using scene = await openScene([]);
  const { connection, clock, order, server, witness } = scene;
  await witness.untilOpened();
  clock.advance(60_000);
  connection.ping();
  await waitFor(() => witness.signs === 1, { what: 'the server has given a sign of life' });
  expect(server.requests).toMatchObject([{ method: 'GET', path: '/api/auth/me' }]);
  order.set(toTable('s1'));
  connection.add(toTable('s1'));
  clock.advance(50);
  await scene.stream();
  order.remove('s1');
  connection.remove('s1');
  clock.advance(50);
  await waitFor(() => server.closed === 2, { what: 'the response is given up' });
  clock.advance(60_000);
  expect(witness).toMatchObject({ openings: 1, ends: [] });
});

test('a ping opens no other response while one is only beginning', async () => {
  const responses: ServerResponse[] = [];
  await using scene = await openScene(undefined, (_request, response) => responses.push(response));
  await scene.server.until(1);
  scene.connection.ping();
  responses[0]?.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n');
  await waitFor(() => scene.witness.signs === 1, { what: 'it has begun' });
  expect(scene.server.requests).toHaveLength(1);
});

test('a ping opens another response', async () => {
  await using scene = await openScene();
  const { connection, server, witness } = scene;
  await scene.stream();
  await waitFor(() => witness.signs > 0, { what: 'the first one has begun' });
  const { signs } = witness;
  connection.ping();
  await scene.stream(2);
  await waitFor(() => witness.signs > signs, { what: 'the second one has begun' });
  expect(server.requests).toHaveLength(2);
  expect(witness).toMatchObject({ openings: 1, ends: [] });
});

test('another credential takes over the response, and opens those that follow', async () => {
  await using scene = await openScene();
  const { connection, clock, order, server, witness } = scene;
  await scene.stream();
  await witness.untilOpened();
  connection.renew(null);
  connection.renew('another');
  const [, renewal] = await server.until(2);
  expect(renewal).toMatchObject({
    method: 'POST',
    path: '/api/realtime/connections/c1/token',
    headers: { authorization: 'Bearer another' },
    body: undefined,
  });
  order.set(toTable('s2'));
  connection.add(toTable('s2'));
  clock.advance(50);
  await server.until(3);
  expect(server.requests[2]).toMatchObject({ method: 'POST', headers: { authorization: 'Bearer another' } });
  expect(witness.ends).toEqual([]);
});

test('a credential that comes while the response begins takes it over as soon as it has', async () => {
  let begin: (() => void) | undefined;
  await using scene = await openScene(undefined, ({ path }, response) => {
    begin ??= () =>
      response
        .writeHead(200, { 'content-type': 'text/event-stream', 'tidewire-connection': 'c9' })
        .write(':\n');
    if (path.endsWith('/token')) answerProblem(response, 403, 'FORBIDDEN');
  });
  await waitFor(() => begin, { what: 'it is asked for' });
  scene.connection.renew('another');
  begin?.();
  const [, renewal] = await scene.server.until(2);
  expect(renewal).toMatchObject({
    path: '/api/realtime/connections/c9/token',
    headers: { authorization: 'Bearer another' },
  });
  expect(scene.witness.ends).toEqual([]);
});

test.each<[number, string, object]>([
  [401, 'UNAUTHORIZED', { kind: 'unauthorized' }],
  [400, 'BAD_REQUEST', { kind: 'refused' }],
  [403, 'FORBIDDEN', { kind: 'refused' }],
  [404, 'NOT_FOUND', { kind: 'lost', retryAfterMs: undefined }],
  [405, 'METHOD_NOT_ALLOWED', { kind: 'lost' }],
  [413, 'PAYLOAD_TOO_LARGE', { kind: 'lost' }],
  [429, 'TOO_MANY_CONNECTIONS', { kind: 'lost', retryAfterMs: 2000 }],
  [503, 'SERVICE_UNAVAILABLE', { kind: 'lost', retryAfterMs: 2000 }],
])('%s %s: %j', async (status, code, end) => {
  await using scene = await openScene(undefined, (_request, response) =>
    answerProblem(response, status, code, { 'retry-after': '2' }),
  );
  expect(await scene.witness.untilEnded()).toMatchObject({ ...end, error: { code, status } });
  expect(scene.witness.told).toBe(1);
});

test.each([
  ['a page of a proxy', 200, 'text/html', '<html>sign in</html>'],
  ['JSON', 200, 'application/json', '{}'],
  ['a refusal by somebody else', 401, 'text/html', '<html>sign in</html>'],
  ['no type at all', 200, '', 'data: {}\n\n'],
])('%s is no stream', async (_what, status, type, body) => {
  await using scene = await openScene(undefined, (_request, response) =>
    response.writeHead(status, type === '' ? {} : { 'content-type': type }).end(body),
  );
  expect(await scene.witness.untilEnded()).toMatchObject({
    kind: 'lost',
    error: { code: 'UNUSABLE_ANSWER' },
  });
  expect(scene.witness.told).toBe(1);
});

test('a server that cannot now says when to come back', async () => {
  await using scene = await openScene(undefined, (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('retry: 4321\n\n'),
  );
  expect(await scene.witness.untilEnded()).toMatchObject({ kind: 'lost', retryAfterMs: 4321 });
  expect(scene.witness.signs).toBe(0);
});

test.each([
  ['nothing comes', () => undefined],
  [
    'only the head comes',
    (_request: OddRequest, response: ServerResponse) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
  ],
])('a proxy that swallows the stream is lost after eight seconds: %s', async (_what, answer) => {
  await using scene = await openScene(undefined, answer);
  await scene.server.until(1);
  scene.clock.advance(7999);
  expect(scene.witness.ends).toEqual([]);
  scene.clock.advance(1);
  expect(await scene.witness.untilEnded()).toMatchObject({ kind: 'lost', error: { code: 'NETWORK' } });
  await waitFor(() => scene.server.closed === 1, { what: 'the request is given up' });
});

test.each<[string, boolean, object]>([
  ['DRAINING', true, { kind: 'lost', retryAfterMs: undefined }],
  ['SERVICE_UNAVAILABLE', true, { kind: 'lost', retryAfterMs: 3000 }],
  ['CREDENTIAL_ENDED', false, { kind: 'unauthorized' }],
  ['CONNECTION_ENDED', false, { kind: 'refused' }],
  ['OF_LATER_DAYS', false, { kind: 'refused' }],
  // Somebody here still wants what the server has ended.
  ['CONNECTION_IDLE', false, { kind: 'lost' }],
])('the end %s, come again %s: %j', async (code, reconnect, end) => {
  await using scene = await openScene();
  endWith(await scene.stream(), code, reconnect);
  expect(await scene.witness.untilEnded()).toMatchObject({ ...end, error: { code } });
});

test('a stream that ends because nothing is left of it is no end', async () => {
  await using scene = await openScene();
  const { witness, order, clock, connection } = scene;
  const stream = await scene.stream();
  order.remove('s1');
  // Nothing follows an end; what does, in one piece with it, is nobody's.
  const end = JSON.stringify({ code: 'CONNECTION_IDLE', reason: '', reconnect: false });
  stream.end(`event: end\ndata: ${end}\n\ndata: ${JSON.stringify(heartbeat('s1', 'evt-9'))}\n\n`);
  await waitFor(() => scene.server.closed === 1, { what: 'it has ended' });
  order.set(toTable('s2'));
  connection.add(toTable('s2'));
  clock.advance(50);
  tell(await scene.stream(2), heartbeat('s2', 'evt-1'));
  expect(await witness.until('heartbeat')).toMatchObject([{ subscriptionId: 's2' }]);
  expect(witness.ends).toEqual([]);
});

test('when nothing is left of a stream, what has come meanwhile is opened at once', async () => {
  await using scene = await openScene();
  const { witness, order, connection } = scene;
  const stream = await scene.stream();
  order.remove('s1');
  order.set(toTable('s2'));
  connection.add(toTable('s2'));
  endWith(stream, 'CONNECTION_IDLE', false);
  tell(await scene.stream(2), heartbeat('s2', 'evt-1'));
  await witness.until('heartbeat');
  expect(witness.ends).toEqual([]);
});

test.each([
  ['is cut', (stream: ServerResponse) => stream.destroy(), 'NETWORK'],
  ['stops without a word', (stream: ServerResponse) => stream.end(), 'NETWORK'],
  [
    'brings what is not JSON',
    (stream: ServerResponse) => stream.write('data: {"type"\n\n'),
    'UNUSABLE_ANSWER',
  ],
])('a stream that %s is lost', async (_what, spoil, code) => {
  await using scene = await openScene();
  const stream = await scene.stream();
  tell(stream, heartbeat('s1', 'evt-1'));
  await scene.witness.until('heartbeat');
  spoil(stream);
  expect(await scene.witness.untilEnded()).toMatchObject({
    kind: 'lost',
    retryAfterMs: undefined,
    error: { code },
  });
});

test('messages that nobody knows are passed on, and events are signs of life', async () => {
  await using scene = await openScene();
  const stream = await scene.stream();
  await waitFor(() => scene.witness.signs === 1, { what: 'it has begun' });
  tell(stream, { type: 'of-later-days' });
  stream.write('event: of-later-days\ndata: not json\n\n');
  await waitFor(() => scene.witness.signs === 2, { what: 'both are heard' });
  expect(scene.witness).toMatchObject({ messages: [{ type: 'of-later-days' }], ends: [] });
});

test('a handshake that cannot be read is refused alone, and the others are opened', async () => {
  await using scene = await openScene([toTable('s1'), toTable('s2'), toTable('s3')], (request, response) => {
    if (!namesIn(request).includes('s2')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      tell(response, heartbeat('s3', 'evt-1'));
    } else {
      const errors = [{ field: '/subscriptions/1/fields', message: 'is empty' }];
      scene.order.remove('s2');
      answerJson(response, 400, { code: 'VALIDATION_ERROR', message: 'No.', errors });
    }
  });
  await scene.witness.until('heartbeat');
  expect(scene.server.requests.map(namesIn)).toEqual([
    ['s1', 's2', 's3'],
    ['s1', 's3'],
  ]);
  expect(scene.witness.messages.slice(0, 2)).toMatchObject([
    { type: 'error', code: 'VALIDATION_ERROR', subscriptionId: 's2', detail: [{ message: 'is empty' }] },
    { type: 'unsubscribed', subscriptionId: 's2', table: 'orders' },
  ]);
  expect(scene.witness.ends).toEqual([]);
});

test('a handshake that cannot be read and is insisted on ends it', async () => {
  await using scene = await openScene([toTable('s1'), toTable('s2')], (_request, response) => {
    const errors = [{ field: '/subscriptions/1', message: 'is wrong' }];
    answerJson(response, 400, { code: 'VALIDATION_ERROR', message: 'No.', errors });
  });
  expect(await scene.witness.untilEnded()).toMatchObject({
    kind: 'refused',
    error: { code: 'VALIDATION_ERROR' },
  });
  expect(scene.server.requests).toHaveLength(1);
});

test('a connection that is closed by a refusal opens nothing', async () => {
  await using scene = await openScene([toTable('s1'), toTable('s2')], (_request, response) => {
    const errors = [{ field: '/subscriptions/1', message: 'is wrong' }];
    scene.order.remove('s2');
    answerJson(response, 400, { code: 'VALIDATION_ERROR', message: 'No.', errors });
  });
  const { witness, connection, server, clock } = scene;
  witness.onRefusal = () => connection.close();
  await witness.until('error');
  clock.advance(60_000);
  // Whoever asks now is answered after whatever would have been opened.
  await fetch(server.url, { method: 'POST', body: '{"subscriptions":[]}' });
  expect(server.requests).toHaveLength(2);
  expect(witness.ends).toEqual([]);
});

test('more than a stream can have are refused, as on a socket', async () => {
  const handshakes = Array.from({ length: 102 }, (_, index) => toTable(`s${index}`));
  await using scene = await openScene(handshakes);
  const [first] = await scene.server.until(1);
  expect(first && namesIn(first)).toHaveLength(100);
  expect(scene.witness.of('error')).toMatchObject([
    { code: 'TOO_MANY_SUBSCRIPTIONS', subscriptionId: 's100' },
    { code: 'TOO_MANY_SUBSCRIPTIONS', subscriptionId: 's101' },
  ]);
});

test('nothing is told or asked after it was closed', async () => {
  await using scene = await openScene();
  const { connection, clock, server, witness } = scene;
  const stream = await scene.stream();
  await waitFor(() => witness.signs > 0, { what: 'it has begun' });
  connection.add(toTable('s2'));
  tell(stream, heartbeat('s1', 'evt-1'));
  const { told } = witness;
  connection.close();
  connection.close();
  connection.add(toTable('s3'));
  connection.ping();
  connection.renew('another');
  clock.advance(60_000);
  await waitFor(() => server.closed === 1, { what: 'the response is given up' });
  expect(witness.told).toBe(told);
  expect(server.requests).toHaveLength(1);
});

test('a connection that is closed by what it tells tells nothing more', async () => {
  await using scene = await openScene();
  const { witness, connection } = scene;
  const stream = await scene.stream();
  await waitFor(() => witness.signs > 0, { what: 'it has begun' });
  const tellAndClose = witness.message.bind(witness);
  witness.message = (message) => {
    tellAndClose(message);
    connection.close();
  };
  stream.write(`data: ${JSON.stringify(heartbeat('s1', 'evt-1'))}\n\n`.repeat(3));
  await waitFor(() => scene.server.closed === 1, { what: 'the response is given up' });
  expect(witness).toMatchObject({ messages: [{}], ends: [] });
});
