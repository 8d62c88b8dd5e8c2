import { compare, matchText, oneOf } from '@tidewire/condition';
import { TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import {
  EPOCH,
  ORGANISATION,
  REGISTER,
  SCHEMA,
  addSchema,
  change,
  createRights,
  createTestFanOut,
  entry,
  image,
  principal,
  request,
  uuid,
} from '../../test/fan-out-builder.ts';
import type { TestSink } from '../../test/fan-out-builder.ts';
import type { Interest } from './subscription.ts';

const who = principal('reader');
const names = (sink: TestSink): (string | undefined)[] =>
  sink.messages().map(({ event, id, data }) => {
    const reason = event === 'resync' ? ` ${(data as { reason: string }).reason}` : '';
    return `${event ?? 'position'}${reason} ${Number(id?.slice(-12))}`;
  });

test('judges an event once per class and encodes it once per shape, whatever the number of members', () => {
  const rights = createRights({ properties: ['a', 'b'] });
  const { open, publish, fanOut } = createTestFanOut();
  for (let n = 0; n < 30; n += 1) {
    const reader = principal(`reader-${n}`);
    // Three classes, of which two trim in the same way.
    const wish = [{}, { events: ['created' as const] }, { fields: ['a'] }][n % 3];
    open(reader, request(rights, reader, wish));
  }
  publish(entry(1, change(null, image({ properties: { a: 1, b: 2 } }))));
  expect(fanOut.counters()).toMatchObject({ classes: 3, judged: 3, encoded: 2, deliveries: 30, writes: 30 });
});

test('finds filters with an equality by the values of both images, and judges no others', () => {
  const rights = createRights({ properties: ['assignee', 'state'] });
  const { open, publish, fanOut } = createTestFanOut();
  const sinks = Array.from({ length: 500 }, (_, n) => {
    const reader = principal(`reader-${n}`);
    return open(reader, request(rights, reader, { filter: compare('eq', 'assignee', `v${n}`) })).sink;
  });
  const row = (assignee: string) => image({ properties: { assignee } });
  publish(
    entry(1, change(null, row('v7'))),
    entry(2, change(row('v7'), row('v8'))),
    entry(3, change(row('v8'), null)),
  );
  expect(sinks.flatMap((sink, n) => names(sink).map((name) => `${n} ${name}`))).toEqual([
    '7 object.created 1',
    '7 object.deleted 2',
    '8 object.updated 2',
    '8 object.deleted 3',
  ]);
  // Two classes share the first key that was tried, before it was seen that it is the same for all.
  expect(fanOut.counters().judged).toBeLessThan(12);
});

test('keeps a value of one type apart from its look-alike of another', () => {
  const rights = createRights({ properties: ['amount'] });
  const { open, publish } = createTestFanOut();
  const filters = [compare('eq', 'amount', 1), compare('eq', 'amount', '1'), oneOf('in', 'amount', [1, 2])];
  const sinks = filters.map((filter) => open(who, request(rights, who, { filter })).sink);
  publish(entry(1, change(null, image({ properties: { amount: 1 } }))));
  expect(sinks.map((sink) => names(sink).length)).toEqual([1, 0, 1]);
});

test('tells an event once, however many of the topics of a connection hold it', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, publish } = createTestFanOut();
  const topics: Interest[] = [
    { kind: 'schema', schemaId: SCHEMA },
    { kind: 'register', registerId: REGISTER },
    { kind: 'object', uuid: uuid('d', 1) },
    { kind: 'organisation', organisationId: ORGANISATION },
  ];
  const { sink } = open(who, request(rights, who, { topics }));
  publish(entry(1, change(null, image())));
  expect(names(sink)).toEqual(['object.created 1']);
});

test('takes part in a schema that is created later, in the order of the log', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, publish } = createTestFanOut();
  const { sink } = open(who, request(rights, who, { topics: [{ kind: 'register', registerId: REGISTER }] }));
  const later = uuid('b', 2);
  addSchema(rights, { id: later, properties: ['z'] });
  const after = image({ schema: later, properties: { z: 'new' } });
  publish(
    entry(1, change(null, image())),
    entry(2, change(null, after, { schema: { id: later, slug: 's2' } })),
  );
  expect(names(sink)).toEqual(['object.created 1', 'object.created 2']);
  expect(JSON.stringify(sink.events())).toContain('"new"');
});

test('an object topic takes part in the schema of the object only', () => {
  const rights = createRights({ properties: ['a'] }, { id: uuid('b', 2), properties: ['a'] });
  const { open, publish, fanOut } = createTestFanOut();
  const { sink } = open(who, request(rights, who, { topics: [{ kind: 'object', uuid: uuid('d', 1) }] }));
  publish(entry(1, change(null, image({ uuid: uuid('d', 2) }))));
  expect(fanOut.counters().classes).toBe(0);
  publish(entry(2, change(null, image({ uuid: uuid('d', 1) }))));
  expect(names(sink)).toEqual(['object.created 2']);
  expect(fanOut.counters().classes).toBe(1);
});

test('leaves nothing behind when subscriptions and connections go', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, publish, fanOut } = createTestFanOut();
  const { connection, subscription, sink } = open(who, request(rights, who));
  const second = fanOut.subscribe(connection, request(rights, who));
  publish(entry(1, change(null, image())));
  expect(names(sink)).toEqual(['object.created 1']);
  fanOut.unsubscribe(subscription);
  fanOut.unsubscribe(subscription);
  publish(entry(2, change(null, image())));
  expect(names(sink)).toEqual(['object.created 1', 'object.created 2']);
  fanOut.removeConnection(connection);
  fanOut.unsubscribe(second);
  publish(entry(3, change(null, image())));
  expect(names(sink)).toHaveLength(2);
  expect(fanOut.counters()).toMatchObject({
    connections: 0,
    subscriptions: 0,
    classes: 0,
    scannedClasses: 0,
  });
});

test('finds no class any more that everybody left', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, publish, fanOut } = createTestFanOut();
  const filters = [compare('eq', 'a', 'x'), oneOf('in', 'a', ['x', 'y']), matchText('contains', 'a', 'x')];
  const opened = filters.map((filter) => open(who, request(rights, who, { filter })));
  const event = change(null, image({ properties: { a: 'x' } }));
  publish(entry(1, event));
  expect(fanOut.counters().judged).toBe(3);
  for (const { connection } of opened) fanOut.removeConnection(connection);
  publish(entry(2, event));
  expect(fanOut.counters().judged).toBe(3);
});

test('answers an owner once where several subscriptions of the connection see the same', () => {
  const rights = createRights({ properties: ['a'], authorization: { read: [] } });
  const { open, publish, fanOut } = createTestFanOut();
  const { connection, sink } = open(who, request(rights, who));
  fanOut.subscribe(connection, request(rights, who));
  publish(entry(1, change(null, image({ owner: who.id }))));
  expect(names(sink)).toEqual(['object.created 1']);
});

test('limits filters that no index finds, per principal and in all, and says so', () => {
  const rights = createRights({ properties: ['a', 'b'] });
  const { open, fanOut } = createTestFanOut({ scanLimits: { perProcess: 5, perPrincipal: 3 } });
  const scan = (id: string, n: number) => {
    const reader = principal(id);
    return open(reader, request(rights, reader, { filter: matchText('contains', 'a', `x${n}`) }));
  };
  const refusal = (run: () => unknown): unknown => {
    try {
      run();
      return undefined;
    } catch (error) {
      return error instanceof TidewireError ? error.code : error;
    }
  };
  const first = scan('p1', 1);
  scan('p1', 2);
  scan('p1', 3);
  expect(refusal(() => scan('p1', 4))).toBe('TOO_MANY_SUBSCRIPTIONS');
  scan('p2', 5);
  scan('p2', 6);
  expect(refusal(() => scan('p3', 7))).toBe('TOO_MANY_SUBSCRIPTIONS');
  open(who, request(rights, who, { filter: compare('eq', 'a', 'x') }));
  open(who, request(rights, who));
  open(
    who,
    request(rights, who, {
      filter: matchText('contains', 'a', 'y'),
      topics: [{ kind: 'object', uuid: uuid('d', 1) }],
    }),
  );
  expect(fanOut.counters()).toMatchObject({ scannedClasses: 5, subscriptions: 8 });
  fanOut.unsubscribe(first.subscription);
  scan('p1', 4);
});

test('an event without its images makes all of its schema fetch again, and nobody else', () => {
  const rights = createRights({ properties: ['a'] }, { id: uuid('b', 2), properties: ['a'] });
  const { open, publish } = createTestFanOut();
  const { sink } = open(who, request(rights, who, { filter: compare('eq', 'a', 'x') }));
  const topics: Interest[] = [{ kind: 'schema', schemaId: uuid('b', 2) }];
  const other = open(who, request(rights, who, { topics })).sink;
  publish(
    entry(1, change(null, image({ properties: { a: 'x' } }))),
    entry(2, change(image(), null, { action: 'updated', before: null, unencodable: true })),
    entry(3, change(null, image({ properties: { a: 'x' } }))),
  );
  expect(names(sink)).toEqual(['object.created 1', 'resync unencodable 2', 'object.created 3']);
  expect(names(other)).toEqual([]);
});

test('new rights apply from the next event on, with one resync', () => {
  const rights = createRights({ properties: ['a', 'secret'] });
  const { open, publish, fanOut } = createTestFanOut();
  const { sink, subscription } = open(who, request(rights, who));
  const row = image({ properties: { a: 'x', secret: 's' } });
  publish(entry(1, change(null, row)));
  addSchema(rights, { properties: ['a', 'secret'], propertyRules: { secret: { read: [] } }, version: 2 });
  fanOut.advance({ epoch: EPOCH, sequence: 2 });
  fanOut.renew(subscription);
  publish(entry(3, change(row, image({ properties: { a: 'y', secret: 't' } }))));
  expect(names(sink)).toEqual(['object.created 1', 'resync rights-changed 2', 'object.updated 3']);
  expect(JSON.stringify(sink.messages()[0])).toContain('secret');
  expect(JSON.stringify(sink.messages()[2])).not.toContain('secret');
});

test('frames judged under old rights and not yet written are dropped when rights change', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, fanOut, scheduler } = createTestFanOut();
  const { sink, subscription } = open(who, request(rights, who));
  fanOut.publish(entry(1, change(null, image())));
  fanOut.renew(subscription);
  scheduler.settle();
  expect(names(sink)).toEqual(['resync rights-changed 1']);
});

test('subscriptions whose rules depend on the time are told to fetch again now and then', () => {
  const rights = createRights(
    {
      properties: ['until'],
      authorization: { read: [{ group: 'public', match: { until: { $gt: '$now' } } }] },
    },
    { id: uuid('b', 2), properties: ['a'] },
  );
  const { open, scheduler } = createTestFanOut({ heartbeatIntervalMs: 1_000_000 });
  const { sink } = open(who, request(rights, who));
  const topics: Interest[] = [{ kind: 'schema', schemaId: uuid('b', 2) }];
  const other = open(who, request(rights, who, { topics })).sink;
  scheduler.advance(60_000);
  scheduler.settle();
  expect(names(sink)).toEqual(['resync time 0']);
  expect(names(other)).toEqual([]);
});

test('a log that begins anew makes everybody fetch again, and its numbers count from there', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, publish, fanOut, scheduler } = createTestFanOut();
  const { sink } = open(who, request(rights, who));
  publish(entry(100, change(null, image())));
  fanOut.reset({ epoch: '0abcdefz', sequence: 3 });
  scheduler.settle();
  publish(entry(4, change(null, image()), '0abcdefz'));
  expect(names(sink)).toEqual(['object.created 100', 'resync epoch 3', 'object.created 4']);
  expect(fanOut.evaluatedPosition()).toEqual({ epoch: '0abcdefz', sequence: 4 });
});

test('an event that comes twice is told once', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, publish } = createTestFanOut();
  const { sink } = open(who, request(rights, who));
  const event = entry(5, change(null, image()));
  publish(event, event, entry(4, change(null, image())));
  expect(names(sink)).toEqual(['object.created 5']);
});

test('writes what is owed before it stops', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, fanOut } = createTestFanOut({ sliceSize: 1 });
  const sinks = [open(who, request(rights, who)).sink, open(who, request(rights, who), 1).sink];
  fanOut.publish(entry(1, change(null, image())));
  fanOut.stop();
  expect(sinks.map(names)).toEqual([['object.created 1'], ['object.created 1']]);
});
