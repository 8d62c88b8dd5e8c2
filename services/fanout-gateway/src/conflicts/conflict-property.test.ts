import { SOMEBODY, SYSTEM_FIELDS } from '@tidewire/contract';
import type {
  Actor,
  Authorization,
  ObjectImage,
  ObjectMessage,
  PendingEdit,
  Principal,
} from '@tidewire/contract';
import { isVisibleAt, maskNames, intersectMasks, projectRow } from '@tidewire/policy';
import type { Granted } from '@tidewire/policy';
import { decideRead } from '@tidewire/rights';
import type { Arbitrary } from 'fast-check';
import { array, assert, constantFrom, property, record, subarray } from 'fast-check';
import { expect, test } from 'vitest';
import {
  ORGANISATION,
  OTHER_ORGANISATION,
  SCHEMA,
  change,
  createRights,
  image,
  principal,
} from '../../test/fan-out-builder.ts';
import { EditingWorld } from '../../test/pending-edits-builder.ts';
import type { TestPeer } from '../../test/pending-edits-builder.ts';
import { NO_WISH, createJudgedClasses } from '../explain/explained-reader.ts';
import { judge } from '../fanout/judge.ts';

const FIELDS = ['title', 'maybe', 'owned', 'status', '__proto__', 'until'] as const;
const START = Date.parse('2026-01-01T00:00:00.000Z');
const at = (ms: number): string => new Date(START + ms).toISOString();

const READERS: readonly (Principal | null)[] = [
  principal('alice'),
  principal('erin', { group: ['editors'] }),
  principal('olga', { activeOrganisation: OTHER_ORGANISATION }),
  principal('root', { admin: true }),
  null,
];
const ACTORS: readonly (Actor | null)[] = [
  { id: 'alice', name: 'Alice', organisation: ORGANISATION },
  { id: 'olga', name: 'Olga', organisation: OTHER_ORGANISATION },
  { id: 'robot', name: 'Robot', organisation: null },
  null,
];
const open = { status: 'open' };
const AUTHORIZATIONS: readonly Authorization[] = [
  {},
  { read: ['authenticated'] },
  { read: ['public'] },
  { read: [{ group: 'authenticated', match: open }] },
  { read: [{ group: 'public', match: { until: { $gt: '$now' } } }] },
  { read: [] },
];

interface State {
  readonly organisation: string | null;
  readonly owner: string | null;
  readonly values: Readonly<Record<string, string>>;
}

const states = array(
  record({
    organisation: constantFrom(ORGANISATION, ORGANISATION, OTHER_ORGANISATION, null),
    owner: constantFrom('alice', 'olga', null),
    values: record({
      title: constantFrom('a', 'b'),
      maybe: constantFrom('a', 'b'),
      owned: constantFrom('a', 'b'),
      status: constantFrom('open', 'open', 'closed'),
      ['__proto__']: constantFrom('a', 'b'),
      until: constantFrom(at(-1000), at(1_000_000)),
    }),
  }),
  { minLength: 2, maxLength: 6 },
);

const stories = record({
  reader: constantFrom(...READERS),
  authorization: constantFrom(...AUTHORIZATIONS),
  states,
  actors: array(constantFrom(...ACTORS), { minLength: 5, maxLength: 5 }),
  fields: subarray([...FIELDS], { minLength: 1 }),
  /** Writes that came before the announcement. */
  announcedAfter: constantFrom(0, 1, 2, 9),
  /** Which of the states was read. */
  read: constantFrom(0, 0, 1),
});

type Story = typeof stories extends Arbitrary<infer Value> ? Value : never;

function imageOf({ organisation, owner, values }: State, ms: number): ObjectImage {
  return image({ organisation, owner, properties: values, updated: at(ms) });
}

function play(
  story: Story,
): { readonly world: EditingWorld; readonly peer: TestPeer; readonly writes: ObjectMessage[] } | undefined {
  const view = createRights({
    properties: FIELDS,
    authorization: { ...story.authorization, create: ['public', 'authenticated'] },
    propertyRules: {
      maybe: { read: [{ group: 'authenticated', match: open }] },
      owned: { read: ['editors', { group: 'public', match: { title: 'a' } }] },
    },
  });
  const world = new EditingWorld(view);
  const peer = world.peer(story.reader);
  const writes = story.states.slice(1).map((state, index) => {
    const before = story.states[index];
    if (before === undefined) throw new TypeError('there is a state before');
    const actor = story.actors[index] ?? null;
    return change(imageOf(before, index), imageOf(state, index + 1), { actor, time: at(index + 1) });
  });
  const edit: PendingEdit = {
    type: 'pending',
    table: 't1',
    recordId: writes[0]?.uuid ?? '',
    fields: [...story.fields],
    updatedAt: at(story.read),
  };
  const announced = Math.min(story.announcedAfter, writes.length);
  world.write(...writes.slice(0, announced));
  try {
    world.edits.announce(peer, edit);
  } catch {
    return undefined;
  }
  for (const write of writes.slice(announced)) world.write(write);
  expect(world.errors).toEqual([]);
  return { world, peer, writes };
}

function decisionOf({ view }: EditingWorld, peer: TestPeer): Granted | undefined {
  const decision = decideRead(view, peer.reader, SCHEMA);
  return decision.allowed ? decision : undefined;
}

function mayKnow(reader: Principal | null, { organisation }: Actor): boolean {
  if (reader === null) return false;
  return reader.admin || (organisation !== null && reader.organisations.includes(organisation));
}

test('a conflict never holds a row, a field or a name that its reader may not see', () => {
  let told = 0;
  const never = property(stories, (story) => {
    const played = play(story);
    if (played === undefined) return;
    const { world, peer, writes } = played;
    const decision = decisionOf(world, peer);
    const nowMs = world.scheduler.now();
    for (const conflict of peer.conflicts) {
      told += 1;
      const newest = writes.find(({ after }) => after?._updated === conflict.updatedAt)?.after;
      if (decision === undefined || newest === undefined || newest === null)
        throw new Error('nothing to see');
      expect(isVisibleAt(decision, newest, nowMs)).toBe(true);
      const visible = projectRow(decision, newest, nowMs);
      const { fields } = conflict.authoritativeRecord;
      const shown = Object.keys(visible).filter(
        (name) => !(SYSTEM_FIELDS as readonly string[]).includes(name) && name !== '_uuid',
      );
      expect(Object.keys(fields).toSorted()).toEqual(shown.toSorted());
      for (const name of shown) expect(fields[name]).toBe(visible[name]);
      for (const name of conflict.overwrittenFields) {
        expect(story.fields).toContain(name);
        expect(shown).toContain(name);
      }
      const write = writes.find((_, index) => conflict.eventId.endsWith(String(index + 1)));
      const { actor = null } = write ?? {};
      if (actor === null || !mayKnow(story.reader, actor)) expect(conflict.overwrittenBy).toEqual(SOMEBODY);
      expect(actor?.id).not.toBe(story.reader?.id ?? 'nobody');
    }
  });
  assert(never, { numRuns: 1000 });
  expect(told).toBeGreaterThan(150);
});

test('a write that comes is a conflict exactly where the change of the object would name a field that is being edited', () => {
  let told = 0;
  const same = property(stories, (story) => {
    const played = play({ ...story, announcedAfter: 0, read: 0 });
    if (played === undefined) return;
    const { world, peer, writes } = played;
    const classOf = createJudgedClasses(
      { view: world.view, reader: peer.reader, nowMs: world.scheduler.now() },
      { interests: [{ kind: 'schema', schemaId: SCHEMA }], ...NO_WISH },
    );
    const expected = writes.flatMap((message, index) => {
      const viewClass = classOf(message);
      if (viewClass === undefined || message.actor?.id === peer.reader.principalId) return [];
      const ownerId = peer.reader.principalId ?? undefined;
      const judgement = judge(viewClass, message, { nowMs: world.scheduler.now(), ownerId });
      if (judgement?.transition !== 'updated') return [];
      const both = maskNames(viewClass.decision.reads, intersectMasks(judgement.before, judgement.after));
      const changed = both.filter(
        (name) => story.fields.includes(name as never) && message.before?.[name] !== message.after?.[name],
      );
      const { actor } = message;
      const by = judgement.withActor && actor !== null ? { id: actor.id, name: actor.name } : SOMEBODY;
      return changed.length === 0 ? [] : [{ sequence: index + 1, changed, by }];
    });
    told += expected.length;
    expect(
      peer.conflicts.map((conflict) => ({
        sequence: Number(conflict.eventId.slice(-12)),
        changed: conflict.overwrittenFields,
        by: conflict.overwrittenBy,
      })),
    ).toEqual(expected);
  });
  assert(same, { numRuns: 600 });
  expect(told).toBeGreaterThan(150);
});
