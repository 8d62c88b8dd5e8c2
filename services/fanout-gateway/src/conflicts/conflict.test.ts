import { SOMEBODY, recordConflictSchema } from '@tidewire/contract';
import type { ObjectMessage, Principal } from '@tidewire/contract';
import { describe, expect, test } from 'vitest';
import {
  ORGANISATION,
  OTHER_ORGANISATION,
  change,
  createRights,
  image,
  principal,
  uuid,
} from '../../test/fan-out-builder.ts';
import type { SchemaSpec } from '../../test/fan-out-builder.ts';
import {
  EDITED,
  EditingWorld,
  READ,
  RECORD,
  alice,
  at,
  bob,
  pending,
  reads,
  title,
  write,
} from '../../test/pending-edits-builder.ts';

/** As a client's JSON makes it: `__proto__` is a member like any other. */
const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

interface Case {
  readonly name: string;
  readonly reader?: Principal | null;
  readonly schema?: SchemaSpec;
  readonly fields?: readonly string[];
  readonly writes: readonly ObjectMessage[];
  /** What is told; undefined: nothing. */
  readonly told?: {
    readonly overwritten: readonly string[];
    readonly by?: unknown;
    readonly record?: Readonly<Record<string, unknown>>;
  };
}

const overwritten = { overwritten: ['title'], record: { title: 'b', status: 'open' } };
const own = { from: { owner: 'alice' }, to: { owner: 'alice' } };

const CASES: readonly Case[] = [
  { name: "somebody else's write", writes: [title('a', 'b')], told: { ...overwritten, by: 'bob' } },
  {
    name: 'a write of the principal itself, over another connection',
    writes: [title('a', 'b', { actor: { id: 'alice', name: 'Alice', organisation: ORGANISATION } })],
  },
  {
    name: 'plain SQL, which names nobody',
    writes: [title('a', 'b', { actor: null })],
    told: { ...overwritten, by: SOMEBODY },
  },
  {
    name: 'somebody of another organisation',
    writes: [title('a', 'b', { actor: { ...bob, organisation: OTHER_ORGANISATION } })],
    told: { ...overwritten, by: SOMEBODY },
  },
  {
    name: 'somebody of no organisation',
    writes: [title('a', 'b', { actor: { ...bob, organisation: null } })],
    told: { ...overwritten, by: SOMEBODY },
  },
  {
    name: 'somebody of another organisation, told to an administrator',
    reader: principal('root', { admin: true }),
    writes: [title('a', 'b', { actor: { ...bob, organisation: OTHER_ORGANISATION } })],
    told: { ...overwritten, by: 'bob' },
  },
  { name: 'a write of another field', writes: [write({ title: 'a' }, { title: 'a', status: 'x' })] },
  { name: 'a write that changes nothing', writes: [title('a', 'a')] },
  {
    name: 'fields that are not being edited',
    fields: ['title', 'status'],
    writes: [write({ title: 'a', until: READ, status: 'x' }, { title: 'b', until: at(9), status: 'x' })],
    told: { overwritten: ['title'], record: { title: 'b', until: at(9), status: 'x' } },
  },
  {
    name: 'a field that was taken away',
    writes: [write({ title: 'a', status: 'x' }, { status: 'x' })],
    told: { overwritten: ['title'], record: { status: 'x' } },
  },
  { name: 'a field that was absent and is null', writes: [write({}, { title: null })] },
  { name: 'a write of the very millisecond that was read', writes: [title('a', 'b', { later: 0 })] },
  { name: 'a creation', writes: [change(null, image({ properties: { title: 'b' }, updated: at(1) }))] },
  { name: 'a deletion', writes: [change(image({ properties: { title: 'b' } }), null, { time: at(1) })] },
  {
    name: 'a record of another schema',
    writes: [title('a', 'b', { schema: { id: uuid('b', 9), slug: 's9' } })],
  },
  { name: 'another record', writes: [title('a', 'b', { uuid: uuid('d', 2) })] },
  {
    name: 'an event whose images are not in the log',
    writes: [{ ...title('a', 'b'), before: null, after: null, unencodable: true }],
  },
  {
    name: 'a hidden field beside an overwritten one',
    writes: [write({ title: 'a', secret: '1' }, { title: 'b', secret: '2' })],
    told: { overwritten: ['title'], record: { title: 'b' } },
  },
  {
    name: 'a field that may be read before and after',
    fields: ['maybe'],
    writes: [write({ maybe: 'a', status: 'open' }, { maybe: 'b', status: 'open' })],
    told: { overwritten: ['maybe'], record: { maybe: 'b', status: 'open' } },
  },
  {
    name: 'a field that may not be read any more',
    fields: ['maybe'],
    writes: [write({ maybe: 'a', status: 'open' }, { maybe: 'b', status: 'closed' })],
  },
  {
    name: 'a field that could not be read before',
    fields: ['maybe'],
    writes: [write({ maybe: 'a', status: 'closed' }, { maybe: 'b', status: 'open' })],
  },
  {
    name: 'a row of another organisation',
    writes: [
      title('a', 'b', {
        from: { organisation: OTHER_ORGANISATION },
        to: { organisation: OTHER_ORGANISATION },
      }),
    ],
  },
  {
    name: 'a row that went to another organisation',
    writes: [title('a', 'b', { to: { organisation: OTHER_ORGANISATION } })],
  },
  {
    name: 'a row that came from another organisation',
    writes: [title('a', 'b', { from: { organisation: OTHER_ORGANISATION } })],
  },
  {
    name: 'a row that only its owner may read, told to the owner',
    schema: reads([{ group: 'authenticated', match: { status: 'never' } }]),
    writes: [title('a', 'b', own)],
    told: { ...overwritten, by: 'bob' },
  },
  {
    name: 'a row that its owner lost',
    schema: reads([{ group: 'authenticated', match: { status: 'never' } }]),
    writes: [title('a', 'b', { from: { owner: 'alice' }, to: { owner: 'bob' } })],
  },
  {
    name: "somebody else's own row",
    reader: principal('carol'),
    schema: reads([{ group: 'authenticated', match: { status: 'never' } }]),
    writes: [title('a', 'b', own)],
  },
  {
    name: 'a row that time has hidden',
    schema: reads([{ group: 'authenticated', match: { until: { $gt: '$now' } } }]),
    writes: [write({ title: 'a', until: at(-1) }, { title: 'b', until: at(-1) })],
  },
  {
    name: 'a public row, told to somebody who has not said who it is',
    reader: null,
    schema: reads(['public']),
    writes: [title('a', 'b')],
    told: { ...overwritten, by: SOMEBODY },
  },
  {
    name: 'a row that is not public',
    reader: null,
    schema: reads([{ group: 'public', match: { status: 'public' } }]),
    writes: [title('a', 'b')],
  },
  {
    name: 'fields with the names of what objects have',
    fields: ['__proto__', 'constructor', 'title'],
    writes: [
      write(
        json('{"__proto__": {"a": 1}, "constructor": 1, "title": "a"}'),
        json('{"__proto__": {"a": 2}, "constructor": 2, "title": "a"}'),
      ),
    ],
    told: {
      overwritten: ['__proto__', 'constructor'],
      record: json('{"__proto__": {"a": 2}, "constructor": 2, "title": "a"}'),
    },
  },
  {
    name: 'values that are equal but for the order of their members',
    writes: [write({ title: { a: 1, b: 2 } }, { title: { b: 2, a: 1 } })],
  },
];

describe.each(['a write that comes', 'a write that was there already'])('%s', (when) => {
  test.each(CASES)('tells nothing but what may be told of $name', (each) => {
    const { reader = alice, schema = EDITED, fields = ['title'], writes, told } = each;
    const world = new EditingWorld(createRights(schema));
    const peer = world.peer(reader);
    if (when === 'a write that comes') world.edits.announce(peer, pending(fields));
    world.write(...writes);
    if (when !== 'a write that comes') world.edits.announce(peer, pending(fields));
    expect(world.errors).toEqual([]);
    if (told === undefined) {
      expect(peer.told).toEqual([]);
      return;
    }
    expect(peer.told.length).toBe(1);
    const [conflict] = peer.conflicts;
    expect(recordConflictSchema.parse(conflict)).toEqual(conflict);
    expect(conflict?.overwrittenFields.toSorted()).toEqual(told.overwritten.toSorted());
    const by = told.by === 'bob' ? { id: 'bob', name: 'Bob' } : told.by;
    if (by !== undefined) expect(conflict?.overwrittenBy).toEqual(by);
    expect(JSON.stringify(sorted(conflict?.authoritativeRecord.fields))).toBe(
      JSON.stringify(sorted(told.record)),
    );
    expect(conflict).toMatchObject({
      table: 't1',
      recordId: RECORD,
      authoritativeRecord: { id: RECORD },
      updatedAt: at(1),
      eventId: 'evt-0abcdefg-000000000001',
    });
  });
});

function sorted(members: Readonly<Record<string, unknown>> = {}): unknown {
  return Object.entries(members).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
