import { ALWAYS, compare, oneOf } from '@tidewire/condition';
import type { Condition } from '@tidewire/condition';
import type { ObjectAction, ObjectImage, Principal, Rule } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import type { Connection } from '../delivery/connection.ts';
import {
  ORGANISATION,
  OTHER_ORGANISATION,
  REGISTER,
  SCHEMA,
  TestSink,
  change,
  createRights,
  createTestFanOut,
  entry,
  image,
  principal,
  request,
  uuid,
} from '../../test/fan-out-builder.ts';
import type { SchemaSpec } from '../../test/fan-out-builder.ts';
import { tell } from '../../test/naive-reading.ts';
import { Random } from '../../test/seeded-random.ts';
import type { Interest, Subscription, SubscriptionRequest } from './subscription.ts';

const SECOND_SCHEMA = uuid('b', 2);
const PROPERTIES = ['status', 'team', 'amount', 'note', '__proto__', 'secret'] as const;
const STATUSES = ['open', 'closed', 'held'] as const;
const TEAMS = ['red', 'blue'] as const;
const GROUPS = ['staff', 'board', 'guests'] as const;
const PEOPLE = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7'] as const;
const OBJECTS = 8;

function randomRules(random: Random): Rule[] {
  const match = (): Rule =>
    random.pick<Rule>([
      { group: random.pick(GROUPS), match: { status: random.pick(STATUSES) } },
      { group: random.pick(GROUPS), match: { team: { $ne: random.pick(TEAMS) } } },
      { group: 'authenticated', match: { team: '$userId' } },
      { group: 'authenticated', match: { amount: { $lt: random.below(10) } } },
      random.pick(GROUPS),
    ]);
  return Array.from({ length: random.below(3) }, match);
}

function randomRights(random: Random): RightsView {
  const spec = (id: string): SchemaSpec => ({
    id,
    properties: PROPERTIES,
    authorization: { read: randomRules(random) },
    propertyRules: Object.fromEntries(
      random.some(PROPERTIES, 0.4).map((name) => [name, { read: randomRules(random) }]),
    ),
  });
  return createRights(spec(SCHEMA), spec(SECOND_SCHEMA));
}

function randomPrincipal(random: Random): Principal {
  const home = random.chance(0.8) ? ORGANISATION : OTHER_ORGANISATION;
  return principal(random.pick(PEOPLE), {
    activeOrganisation: home,
    group: random.some(GROUPS, 0.5),
    admin: random.chance(0.05),
    organisations: random.chance(0.3) ? [ORGANISATION, OTHER_ORGANISATION] : [home],
  });
}

function randomFilter(random: Random): Condition {
  return random.pick([
    ALWAYS,
    ALWAYS,
    compare('eq', 'status', random.pick(STATUSES)),
    oneOf('in', 'team', ['red', random.pick(PEOPLE)]),
    compare('gt', 'amount', random.below(8)),
    compare('ne', 'secret', 'x'),
    compare('eq', '_owner', random.pick(PEOPLE)),
  ]);
}

function randomTopics(random: Random): Interest[] {
  const topics = random.some<Interest>(
    [
      { kind: 'schema', schemaId: SCHEMA },
      { kind: 'schema', schemaId: SECOND_SCHEMA },
      { kind: 'register', registerId: REGISTER },
      { kind: 'organisation', organisationId: ORGANISATION },
      { kind: 'object', uuid: uuid('d', random.below(OBJECTS)) },
      { kind: 'object', uuid: uuid('d', random.below(OBJECTS)) },
    ],
    0.35,
  );
  return topics.length > 0 ? topics : [{ kind: 'schema', schemaId: SCHEMA }];
}

function randomProperties(random: Random): Record<string, unknown> {
  const values: [string, unknown][] = [
    ['status', random.pick(STATUSES)],
    ['team', random.chance(0.3) ? random.pick(PEOPLE) : random.pick(TEAMS)],
    ['amount', random.below(10)],
    ['note', random.pick<unknown>(['a\n\ndata: b', 'ü😀', '', { deep: [1, { a: null }] }])],
    ['__proto__', random.pick<unknown>(['x', { polluted: true }, null])],
    ['secret', random.pick(['x', 'y'])],
    ['unknown', 'not of the schema'],
  ];
  return Object.fromEntries(random.some(values, 0.85));
}

/** The same again, so that nothing but the version changes. */
function propertiesOf(row: ObjectImage): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).filter(([name]) => !name.startsWith('_') || name === '__proto__'),
  );
}

interface Listener {
  readonly who: Principal;
  readonly wish: SubscriptionRequest;
  readonly sink: TestSink;
  readonly connection: Connection;
  readonly subscription: Subscription;
  /** What it must have been told, by the naive reading of the rules. */
  readonly expected: unknown[];
}

/** Enough to see what differs before everything is compared. */
function title(told: unknown): string {
  const { id, event } = told as { id: string; event: string };
  return `${id} ${event}`;
}

/** Positions never run ahead of a frame that comes after them. */
function isOrdered(sink: TestSink): boolean {
  let position = '';
  return sink.messages().every(({ id = '', event }) => {
    const ordered = event === undefined ? id >= position : id > position;
    position = id;
    return ordered;
  });
}

const TRIALS = Array.from({ length: 24 }, (_, trial) => [trial, [1, 3, 7, 100_000][trial % 4] ?? 1] as const);

test.each(TRIALS)(
  'tells every connection exactly what a naive reading of the rules says (%i, slices of %i)',
  (seed, sliceSize) => {
    const random = new Random(seed * 7919 + 1);
    const view = randomRights(random);
    const { fanOut, scheduler, failures } = createTestFanOut({ sliceSize });
    const listeners = new Set<Listener>();
    const everybody: Listener[] = [];
    const open = (): void => {
      const who = randomPrincipal(random);
      const wish = request(view, who, {
        topics: randomTopics(random),
        filter: randomFilter(random),
        fields: random.chance(0.2) ? random.some([...PROPERTIES], 0.5) : undefined,
        events: random.chance(0.15)
          ? random.some<ObjectAction>(['created', 'updated', 'deleted'], 0.7)
          : undefined,
      });
      const sink = new TestSink();
      const connection = fanOut.addConnection({
        id: `k${everybody.length}`,
        principalId: who.id,
        sink,
        wire: 'sse',
        subscription: '',
        tick: random.chance(0.3) ? 1 : 0,
      });
      const subscription = fanOut.subscribe(connection, wish);
      const listener = { who, wish, sink, connection, subscription, expected: [] };
      listeners.add(listener);
      everybody.push(listener);
    };
    for (let n = 0; n < 80; n += 1) open();

    const rows = new Map<number, ObjectImage>();
    const publish = (sequence: number): void => {
      const n = random.below(OBJECTS);
      const before = rows.get(n) ?? null;
      const schema = n % 2 === 0 ? { id: SCHEMA, slug: 's1' } : { id: SECOND_SCHEMA, slug: 's2' };
      const after =
        before !== null && random.chance(0.15)
          ? null
          : image({
              uuid: uuid('d', n),
              schema: schema.id,
              organisation:
                before === null
                  ? random.pick([ORGANISATION, ORGANISATION, OTHER_ORGANISATION, null])
                  : before._organisation,
              owner: before !== null && random.chance(0.6) ? before._owner : random.pick(PEOPLE),
              version: sequence,
              properties:
                before !== null && random.chance(0.1) ? propertiesOf(before) : randomProperties(random),
            });
      if (after === null) rows.delete(n);
      else rows.set(n, after);
      const actor = {
        id: 'writer',
        name: 'Writer',
        organisation: random.pick([ORGANISATION, OTHER_ORGANISATION, null]),
      };
      const message = change(before, after, { schema, actor });
      for (const listener of listeners) {
        const told = tell(view, listener, sequence, message);
        if (told !== undefined) listener.expected.push(told);
      }
      fanOut.publish(entry(sequence, message));
    };

    const held = new Map<Listener, number>();
    let sequence = 0;
    let stale = false;
    for (let step = 0; step < 400; step += 1) {
      const dice = random.next();
      if (dice < 0.55) publish((sequence += 1 + (random.chance(0.1) ? 1 : 0)));
      else if (dice < 0.75) scheduler.turn();
      else if (dice < 0.82) scheduler.advance(random.below(15));
      else if (dice < 0.85) scheduler.advance(8000);
      else if (dice < 0.88) open();
      else if (dice < 0.9) {
        const [gone] = random.some([...listeners], 0.1);
        if (gone !== undefined && !held.has(gone)) {
          // It gets what it was owed; later events are not for it.
          fanOut.unsubscribe(gone.subscription);
          listeners.delete(gone);
        }
      } else if (dice < 0.93) {
        stale = random.chance(0.5);
        fanOut.stale(stale);
      } else if (dice < 0.96) {
        const [waiting] = random.some([...listeners], 0.05);
        // What was owed before must have left: a replay takes the place of everything up to where it ends.
        if (waiting !== undefined && !held.has(waiting) && !stale) {
          fanOut.hold(waiting.connection);
          held.set(waiting, sequence);
        }
      } else {
        for (const [waiting, since] of held) {
          fanOut.release(waiting.connection, since);
          held.delete(waiting);
          break;
        }
      }
    }
    for (const [waiting, since] of held) fanOut.release(waiting.connection, since);
    fanOut.stale(false);
    scheduler.settle();
    scheduler.advance(20);
    scheduler.settle();

    expect(failures).toEqual([]);
    let deliveries = 0;
    for (const { sink, expected } of everybody) {
      const told = sink.events();
      if (!isDeepStrictEqual(told, expected)) {
        expect(told.map(title)).toEqual(expected.map(title));
        expect(told).toEqual(expected);
      }
      expect(isOrdered(sink)).toBe(true);
      deliveries += expected.length;
    }
    expect(deliveries).toBeGreaterThan(500);
    fanOut.stop();
  },
);
