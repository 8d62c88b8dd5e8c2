import type { Connection } from '../delivery/connection.ts';
import { and, compare, matchText, oneOf } from '@tidewire/condition';
import type { ObjectImage } from '@tidewire/contract';
import { expect, test } from 'vitest';
import {
  ORGANISATION,
  OTHER_ORGANISATION,
  REGISTER,
  SCHEMA,
  change,
  createRights,
  createTestFanOut,
  decide,
  entry,
  image,
  principal,
  request,
  uuid,
} from '../../test/fan-out-builder.ts';
import type { TestSink } from '../../test/fan-out-builder.ts';
import { keyOf } from './view-class.ts';
import type { SubscriptionRequest } from './subscription.ts';

const dataOf = (sink: TestSink | undefined): unknown[] =>
  (sink?.events() ?? []).map((each) => (each.data as { data: unknown }).data);

test('a filter on a hidden field tells nothing by entering, leaving or staying silent', () => {
  // `salary` may be read on public rows only; whoever filters by it must not hear when a hidden value matches.
  const rights = createRights({
    properties: ['salary', 'public', 'name'],
    propertyRules: { salary: { read: [{ group: 'public', match: { public: 'yes' } }] } },
  });
  const who = principal('spy');
  const row = (salary: string, shown: string): ObjectImage =>
    image({ properties: { salary, public: shown, name: 'n' } });
  // What is seen may only depend on what is shown: both secrets must look alike.
  const told = (['high', 'low'] as const).map((secret) => {
    const { open, publish } = createTestFanOut();
    const filters = [
      compare('eq', 'salary', 'high'),
      compare('ne', 'salary', 'high'),
      oneOf('nin', 'salary', ['high', 'other']),
      matchText('contains', 'salary', 'h'),
      compare('gt', 'salary', 'l'),
    ];
    const sinks = filters.map((filter) => open(who, request(rights, who, { filter })).sink);
    const steps = [
      row(secret, 'no'),
      row('low', 'yes'),
      row(secret, 'no'),
      row('high', 'yes'),
      row(secret, 'no'),
    ];
    steps.forEach((after, index) => {
      publish(entry(index + 1, change(steps[index - 1] ?? null, after)));
    });
    publish(entry(9, change(row(secret, 'no'), null)));
    return sinks.map((sink) => sink.events());
  });
  expect(told[0]).toEqual(told[1]);
  expect(told.flat(2).length).toBeGreaterThan(0);
});

test('rights see the whole row, hidden fields included', () => {
  const rights = createRights({
    properties: ['state', 'text'],
    authorization: { read: [{ group: 'public', match: { state: 'open' } }] },
    propertyRules: { state: { read: [] } },
  });
  const { open, publish } = createTestFanOut();
  const who = principal('reader');
  const { sink } = open(who, request(rights, who));
  const shown = image({ properties: { state: 'open', text: 'a' } });
  publish(
    entry(1, change(null, shown)),
    entry(2, change(shown, image({ properties: { state: 'shut', text: 'b' } }))),
  );
  expect(sink.events().map(({ event }) => event)).toEqual(['object.created', 'object.deleted']);
  expect(JSON.stringify(dataOf(sink))).not.toContain('state');
});

test('no value of a filter, field or id can imitate the key of another class', () => {
  const rights = createRights({ properties: ['a', 'b', 'a,b', 'a"],["b'] });
  const who = principal('reader');
  const decision = decide(rights, who);
  if (!decision.allowed) throw new Error('denied');
  const wishes: Partial<SubscriptionRequest>[] = [
    {},
    { filter: compare('eq', 'a', 'x') },
    { filter: compare('eq', 'a', '"x"') },
    { filter: compare('eq', 'a', 'x"],["eq","b","y') },
    { filter: and(compare('eq', 'a', 'x'), compare('eq', 'b', 'y')) },
    { filter: compare('eq', 'a', 1) },
    { filter: compare('eq', 'a', '1') },
    { filter: compare('eq', 'a', true) },
    { filter: compare('eq', 'a', 'true') },
    { fields: ['a', 'b'] },
    { fields: ['a,b'] },
    { fields: ['a"],["b'] },
    { fields: [] },
    { events: ['created'] },
    { events: [] },
    { actorOrganisations: [] },
    { actorOrganisations: [OTHER_ORGANISATION] },
    { actorOrganisations: 'all' },
    { actorOrganisations: ['all'] },
    { table: 'orders' },
  ];
  const keys = wishes.map((wish) => {
    const topics = compare('eq', '_uuid', uuid('d', 1));
    return keyOf({ request: request(rights, who, wish), decision, topics, wire: 'sse', subscription: '' });
  });
  expect(new Set(keys).size).toBe(wishes.length);
});

test('readers with other rights, tenants or scopes never share a class', () => {
  const rights = createRights({
    properties: ['a'],
    authorization: { read: ['staff', { group: 'board', match: { a: '$userId' } }] },
    propertyRules: { a: { read: ['staff'] } },
  });
  const { open, fanOut, publish } = createTestFanOut();
  const people = [
    principal('staff', { group: ['staff'] }),
    principal('board', { group: ['board'] }),
    principal('board-too', { group: ['board'] }),
    principal('both', { group: ['staff', 'board'] }),
    principal('outside', { group: ['staff'], activeOrganisation: OTHER_ORGANISATION }),
    principal('root', { admin: true }),
  ];
  const sinks = people.map((who) => open(who, request(rights, who)).sink);
  const narrow = principal('staff', { group: ['staff'] });
  const scoped = open(narrow, {
    ...request(rights, narrow),
    decisionFor: () => decide(rights, narrow, SCHEMA, { topics: [`object/${uuid('d', 2)}`] }),
  });
  // Rules that come to the same, as for `staff` and `both`, are the same class: it goes by rights, not by names.
  expect(fanOut.counters().classes).toBe(6);
  publish(entry(1, change(null, image({ properties: { a: 'board' } }))));
  expect(sinks.map((sink) => sink.events().length)).toEqual([1, 1, 0, 1, 0, 1]);
  expect(scoped.sink.events()).toEqual([]);
  expect(JSON.stringify(sinks[1]?.events())).not.toContain('"a"');
});

test('an owner is told of own rows in place of what the class is told', () => {
  const rights = createRights({
    properties: ['state'],
    authorization: { read: [{ group: 'authenticated', match: { state: 'open' } }] },
  });
  const { open, publish, fanOut } = createTestFanOut();
  const [owner, reader] = [principal('owner'), principal('reader')];
  const own = open(owner, request(rights, owner)).sink;
  const other = open(reader, request(rights, reader)).sink;
  expect(fanOut.counters().classes).toBe(1);
  const row = (state: string, whose: string | null): ObjectImage =>
    image({ owner: whose, properties: { state } });
  publish(
    entry(1, change(null, row('draft', 'owner'))),
    entry(2, change(row('draft', 'owner'), row('open', 'owner'))),
    entry(3, change(row('open', 'owner'), row('draft', 'owner'))),
    entry(4, change(row('draft', 'owner'), row('draft', null))),
    entry(5, change(row('draft', null), row('draft', 'owner'))),
    entry(6, change(row('draft', 'owner'), null)),
  );
  const names = (sink: TestSink): string[] =>
    sink.events().map(({ event, data }) => {
      const { transition } = (data as { data: { transition?: string } }).data;
      return `${event}${transition === undefined ? '' : ` ${transition}`}`;
    });
  expect(names(own)).toEqual([
    'object.created',
    'object.updated',
    'object.updated',
    'object.deleted left',
    'object.updated entered',
    'object.deleted',
  ]);
  expect(names(other)).toEqual(['object.updated entered', 'object.deleted left']);
});

test('an owner outside the tenant boundary, and the rules of properties, give an owner nothing more', () => {
  const rights = createRights({
    properties: ['state', 'secret'],
    authorization: { read: [] },
    propertyRules: { secret: { read: [] } },
  });
  const { open, publish } = createTestFanOut();
  const [inside, outside] = [
    principal('owner'),
    principal('owner', { activeOrganisation: OTHER_ORGANISATION }),
  ];
  const [own, none] = [inside, outside].map((who) => open(who, request(rights, who)).sink);
  publish(entry(1, change(null, image({ owner: 'owner', properties: { state: 'x', secret: 'hidden' } }))));
  expect(own?.events()).toHaveLength(1);
  expect(JSON.stringify(own?.events())).not.toContain('hidden');
  expect(none?.events()).toEqual([]);
});

test('a row that time hid is reported as left at its next write, and its old image is shown to nobody', () => {
  const rights = createRights({
    properties: ['until', 'text'],
    authorization: { read: [{ group: 'public', match: { until: { $gt: '$now' } } }] },
  });
  const { open, publish, scheduler } = createTestFanOut();
  const who = principal('reader');
  const { sink } = open(who, request(rights, who));
  const row = (until: string, text: string): ObjectImage =>
    image({ updated: '2026-01-01T00:00:00.000Z', properties: { until, text } });
  const short = row('2026-01-01T00:00:10.000Z', 'old');
  publish(entry(1, change(null, short)));
  scheduler.advance(20_000);
  publish(entry(2, change(short, row('2026-01-01T00:00:10.000Z', 'x'))));
  publish(entry(3, change(short, row('2026-01-02T00:00:00.000Z', 'new'))));
  publish(entry(4, change(short, null)));
  expect(dataOf(sink)).toMatchObject([
    { object: { text: 'old' } },
    { transition: 'left' },
    { transition: 'entered', object: { text: 'new' } },
    { uuid: short._uuid },
  ]);
  expect(JSON.stringify(dataOf(sink).slice(1))).not.toContain('"old"');
});

test('an event without an organisation reaches administrators only, and actors their own organisations', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, publish } = createTestFanOut();
  const people = [principal('reader'), principal('root', { admin: true })];
  const [reader, root] = people.map((who) => open(who, request(rights, who)).sink);
  const foreign = { id: 'agent', name: 'Agent', organisation: OTHER_ORGANISATION };
  publish(
    entry(1, change(null, image({ organisation: null, uuid: uuid('d', 1) }))),
    entry(2, change(null, image({ uuid: uuid('d', 2) }), { actor: foreign })),
    entry(3, change(null, image({ uuid: uuid('d', 3) }))),
  );
  expect(dataOf(reader).map((each) => (each as { actor?: { id: string } }).actor?.id)).toEqual([
    undefined,
    'writer',
  ]);
  expect(root?.events()).toHaveLength(3);
  expect(JSON.stringify(root?.events())).toContain('"agent"');
  expect(JSON.stringify(root?.events())).not.toContain(`"organisation":"${OTHER_ORGANISATION}"`);
});

test('a class that throws on an event costs its members a resync and nobody else anything', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, publish, failures } = createTestFanOut();
  const [good, bad] = [principal('good'), principal('bad')];
  const well = open(good, request(rights, good)).sink;
  const poisoned = request(rights, bad, { actorOrganisations: [] });
  const ill = open(bad, {
    ...poisoned,
    decisionFor: () => {
      const decision = decide(rights, bad);
      if (!decision.allowed) throw new Error('denied');
      return {
        ...decision,
        // Rights of its own: equal ones are shared with the others.
        tenants: [...decision.tenants, OTHER_ORGANISATION],
        get ownerPasses() {
          return true;
        },
        reads: {
          ...decision.reads,
          get always(): number {
            throw new Error('broken rule');
          },
        },
      };
    },
  }).sink;
  publish(entry(1, change(null, image({ owner: 'bad' }))), entry(2, change(image(), image())));
  expect(well.events()).toHaveLength(2);
  expect(ill.messages().map(({ event, id }) => [event, id?.slice(-1)])).toEqual([
    ['resync', '1'],
    ['resync', '2'],
  ]);
  expect(failures.length).toBeGreaterThan(0);
});

test('a decision that cannot be made counts as none, and stops neither the log nor a request of others', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, publish, failures, fanOut } = createTestFanOut();
  const [good, bad] = [principal('good'), principal('bad')];
  const decisionFor = (): never => {
    throw new Error('no rights today');
  };
  expect(() => open(bad, request(rights, bad, { decisionFor }))).toThrow('no rights today');
  expect(fanOut.counters().subscriptions).toBe(0);
  const topics = [{ kind: 'organisation', organisationId: ORGANISATION }] as const;
  const ill = open(bad, request(rights, bad, { decisionFor, topics })).sink;
  const well = open(good, request(rights, good, { topics })).sink;
  publish(entry(1, change(null, image())));
  expect(well.events()).toHaveLength(1);
  expect(ill.messages().map(({ event }) => event)).toEqual(['resync']);
  expect(failures).toHaveLength(1);
});

test('an event of a schema that the reader has no decision for reaches nobody', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, publish } = createTestFanOut();
  const who = principal('reader');
  const { sink } = open(
    who,
    request(rights, who, { topics: [{ kind: 'organisation', organisationId: ORGANISATION }] }),
  );
  publish(entry(1, change(null, image(), { schema: { id: uuid('b', 9), slug: 's9' } })));
  expect(sink.messages()).toEqual([]);
});

/** A filter that no index finds, over all schemas of a register: it takes part in a schema when it first meets it. */
const wideScan = (value: string): Partial<SubscriptionRequest> => ({
  topics: [{ kind: 'register', registerId: REGISTER }],
  filter: matchText('contains', 'a', value),
});

test('a wide filter that meets a schema where there is no room is ended, not left without a word', () => {
  const rights = createRights({ properties: ['a'] });
  const ended: Connection[] = [];
  const { open, publish, fanOut, failures } = createTestFanOut({
    scanLimits: { perProcess: 2, perPrincipal: 200 },
    onNoRoom: (connection) => {
      ended.push(connection);
      fanOut.removeConnection(connection);
    },
  });
  const who = principal('p1');
  const streams = ['1', '2', '3', '4'].map((value) => open(who, request(rights, who, wideScan(value))));
  expect(fanOut.counters().scannedClasses).toBe(0);
  publish(entry(1, change(null, image({ properties: { a: '1234' } }))));
  expect(fanOut.counters()).toMatchObject({ scannedClasses: 2, connections: 2, subscriptions: 2 });
  expect(ended).toEqual(streams.slice(2).map(({ connection }) => connection));
  expect(streams.map(({ sink }) => sink.events().length)).toEqual([1, 1, 0, 0]);
  // Sharing a class that runs already needs no room.
  const shared = open(who, request(rights, who, wideScan('1')));
  publish(entry(2, change(null, image({ properties: { a: '1' } }))));
  expect(shared.sink.events()).toHaveLength(1);
  expect(failures).toEqual([]);
});

test('rights that part readers of one filter end those for whom there is no room', () => {
  const rights = createRights({ properties: ['a'] });
  const ended: Connection[] = [];
  const { open, fanOut } = createTestFanOut({
    scanLimits: { perProcess: 1, perPrincipal: 200 },
    onNoRoom: (connection) => {
      ended.push(connection);
      fanOut.removeConnection(connection);
    },
  });
  const wish = { filter: matchText('contains', 'a', '1') };
  open(principal('p1'), request(rights, principal('p1'), wish));
  let who = principal('p2');
  const moved = open(who, {
    ...request(rights, who, wish),
    decisionFor: ({ schemaId }) => decide(rights, who, schemaId),
  });
  who = principal('p2', { activeOrganisation: OTHER_ORGANISATION });
  fanOut.renew(moved.subscription);
  expect(ended).toEqual([moved.connection]);
  expect(fanOut.counters()).toMatchObject({ scannedClasses: 1, connections: 1 });
});

test('a class that everybody has left is not judged any more, while others of its schema run', () => {
  const rights = createRights({ properties: ['a'] });
  const { open, publish, fanOut } = createTestFanOut();
  // An administrator has no tenant to be found by: one class is in the index, the other in the list that is scanned.
  const who = principal('p1', { admin: true });
  const stays = open(who, request(rights, who, { filter: compare('eq', 'a', 'other') }));
  const leave = [compare('eq', 'a', 'x'), matchText('contains', 'a', 'x')].map((filter) =>
    open(who, request(rights, who, { filter })),
  );
  publish(entry(1, change(null, image({ properties: { a: 'x' } }))));
  const { judged } = fanOut.counters();
  for (const { connection } of leave) fanOut.removeConnection(connection);
  publish(entry(2, change(null, image({ properties: { a: 'x' } }))));
  expect(fanOut.counters()).toMatchObject({ judged: judged + judged - leave.length, classes: 1 });
  publish(entry(3, change(null, image({ properties: { a: 'other' } }))));
  expect(stays.sink.events()).toHaveLength(1);
});
