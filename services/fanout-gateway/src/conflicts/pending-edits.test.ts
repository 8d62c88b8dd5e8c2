import { SOCKET_LIMITS } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { OTHER_ORGANISATION, addSchema, createRights, uuid } from '../../test/fan-out-builder.ts';
import {
  EDITED,
  EditingWorld,
  READ,
  RECORD,
  alice,
  at,
  pending,
  title,
  write,
} from '../../test/pending-edits-builder.ts';
import type { TestPeer } from '../../test/pending-edits-builder.ts';

function start(options: { readonly maxEvents?: number; readonly maxEdits?: number } = {}): {
  readonly world: EditingWorld;
  readonly peer: TestPeer;
} {
  const world = new EditingWorld(createRights(EDITED), options);
  return { world, peer: world.peer(alice) };
}

test('tells each write that comes once, with the record as it is then', () => {
  const { world, peer } = start();
  world.edits.announce(peer, pending(['title']));
  world.write(title('a', 'b'));
  world.write(title('b', 'c', { later: 2 }));
  expect(peer.conflicts.map(({ eventId, updatedAt }) => [eventId.at(-1), updatedAt])).toEqual([
    ['1', at(1)],
    ['2', at(2)],
  ]);
  expect(world.edits.told).toBe(2);
});

test('writes that come at once are told one by one, each with the newest record', () => {
  const { world, peer } = start();
  world.edits.announce(peer, pending(['title', 'status']));
  world.write(
    write({ title: 'a', status: 'x' }, { title: 'b', status: 'x' }),
    write({ title: 'b', status: 'x' }, { title: 'b', status: 'y' }, { later: 2 }),
  );
  expect(peer.conflicts).toMatchObject([
    { overwrittenFields: ['title'], authoritativeRecord: { fields: { title: 'b', status: 'y' } } },
    { overwrittenFields: ['status'], authoritativeRecord: { fields: { title: 'b', status: 'y' } } },
  ]);
});

test('writes since the record was read are told in one conflict, with the newest record', () => {
  const { world, peer } = start();
  world.write(
    write({ title: 'a', status: 'x' }, { title: 'b', status: 'x' }),
    write({ title: 'b', status: 'x' }, { title: 'b', status: 'y' }, { later: 2, actor: null }),
    write({ title: 'b', status: 'y' }, { title: 'b', status: 'y', until: READ }, { later: 3 }),
  );
  world.edits.announce(peer, pending(['title', 'status', 'until'], { updatedAt: at(0) }));
  world.edits.announce(world.peer(alice), pending(['title'], { updatedAt: at(1) }));
  expect(peer.conflicts).toMatchObject([
    {
      overwrittenFields: ['title', 'status', 'until'],
      authoritativeRecord: { fields: { title: 'b', status: 'y', until: READ } },
      updatedAt: at(3),
    },
  ]);
  expect(world.edits.told).toBe(1);
});

test('a row that is hidden by now is not told of, whoever wrote it before', () => {
  const { world, peer } = start();
  world.write(title('a', 'b'), title('b', 'b', { later: 2, to: { organisation: OTHER_ORGANISATION } }));
  world.edits.announce(peer, pending(['title']));
  expect(peer.told).toEqual([]);
});

test('a field that is hidden by now is not named, whenever it was overwritten', () => {
  const { world, peer } = start();
  world.write(
    write({ maybe: 'a', status: 'open' }, { maybe: 'b', status: 'open' }),
    write({ maybe: 'b', status: 'open' }, { maybe: 'b', status: 'closed' }, { later: 2 }),
  );
  world.edits.announce(peer, pending(['maybe']));
  expect(peer.told).toEqual([]);
});

test('what was revoked in the same breath as a write is not told', () => {
  const { world, peer } = start();
  world.edits.announce(peer, pending(['title']));
  world.apply([title('a', 'b')]);
  addSchema(world.view, { ...EDITED, authorization: { read: ['admin'] }, version: 2 });
  world.scheduler.settle();
  expect(peer.told).toEqual([]);
});

test('a reader whose credential ended is told nothing', () => {
  const { world, peer } = start();
  world.edits.announce(peer, pending(['title']));
  world.view.release({ principal: { id: 'alice' }, credential: { id: peer.reader.credentialId ?? '' } });
  world.write(title('a', 'b'));
  expect(peer.told).toEqual([]);
});

test('announcing again replaces what was announced before', () => {
  const { world, peer } = start();
  world.edits.announce(peer, pending(['title']));
  world.edits.announce(peer, pending(['status']));
  world.write(title('a', 'b'));
  expect(peer.told).toEqual([]);
  expect(world.edits.size).toBe(1);
  world.edits.announce(peer, pending(['title'], { updatedAt: at(1) }));
  expect(peer.told).toEqual([]);
  world.edits.announce(peer, pending(['title'], { updatedAt: at(0) }));
  expect(peer.conflicts.length).toBe(1);
});

test('announcing another field finds the write that overwrote it meanwhile', () => {
  // The ring has forgotten the beginning: what was looked at before must be enough.
  const { world, peer } = start({ maxEvents: 3 });
  world.edits.announce(peer, pending(['status']));
  world.write(title('x', 'x', { uuid: uuid('d', 3) }), title('x', 'y', { uuid: uuid('d', 3) }));
  world.write(title('a', 'b'), title('y', 'z', { uuid: uuid('d', 3) }));
  world.edits.announce(peer, pending(['status', 'title']));
  expect(peer.conflicts.map(({ overwrittenFields }) => overwrittenFields)).toEqual([['title']]);
});

test('a write that comes while its edit is announced again is told once', () => {
  const { world, peer } = start({ maxEvents: 3 });
  world.edits.announce(peer, pending(['title']));
  for (let n = 0; n < 5; n += 1) world.write(title('x', 'x', { uuid: uuid('d', 3) }));
  world.apply([title('a', 'b')]);
  world.edits.announce(peer, pending(['title', 'status']));
  world.scheduler.settle();
  expect(peer.conflicts.length).toBe(1);
});

test.each(['t1', uuid('b', 1), uuid('b', 1).toUpperCase()])('settling by %s ends it', (table) => {
  const { world, peer } = start();
  world.edits.announce(peer, pending(['title'], { table: 't1' }));
  world.edits.settle(peer, 'other', RECORD);
  world.edits.settle(world.peer(alice), table, RECORD);
  expect(world.edits.size).toBe(1);
  expect(world.edits.isEditing(peer)).toBe(true);
  world.edits.settle(peer, table, RECORD);
  world.edits.settle(peer, table, RECORD);
  expect(world.edits.isEditing(peer)).toBe(false);
  world.write(title('a', 'b'));
  expect(peer.told).toEqual([]);
  expect(world.edits.size).toBe(0);
});

test('a write that came right before settling is not told any more', () => {
  const { world, peer } = start();
  world.edits.announce(peer, pending(['title']));
  world.apply([title('a', 'b')]);
  world.edits.settle(peer, 't1', RECORD);
  world.scheduler.settle();
  expect(peer.told).toEqual([]);
});

test('a connection that ended is forgotten, and only that one', () => {
  const { world, peer } = start();
  const other = world.peer(alice);
  world.edits.announce(peer, pending(['title']));
  world.edits.announce(other, pending(['title']));
  peer.open = false;
  world.edits.left(peer);
  world.edits.announce(peer, pending(['title']));
  expect(world.edits.size).toBe(1);
  world.write(title('a', 'b'));
  expect([peer.told.length, other.told.length]).toEqual([0, 1]);
});

test('a connection that ends others while it is told does not disturb them', () => {
  const { world, peer } = start();
  const others = [1, 2, 3].map(() => world.peer(alice));
  for (const each of [peer, ...others]) world.edits.announce(each, pending(['title']));
  peer.onTold = () => {
    for (const each of others.slice(0, 2)) {
      each.open = false;
      world.edits.left(each);
    }
  };
  world.write(title('a', 'b'));
  expect([peer, ...others].map(({ told }) => told.length)).toEqual([1, 0, 0, 1]);
  expect(world.edits.size).toBe(2);
});

const refusal = (run: () => void): unknown => {
  try {
    run();
  } catch (error) {
    return { ...(error as object), message: (error as Error).message };
  }
  return undefined;
};

test('a field that may not be read is refused in the words for one that is not there', () => {
  const { world, peer } = start();
  const refused = (field: string) => refusal(() => world.edits.announce(peer, pending(['title', field])));
  const absent = refused('absent');
  expect(absent).toMatchObject({ code: 'UNKNOWN_FIELD', message: "Unknown field 'absent'" });
  expect(JSON.stringify(refused('secret')).replaceAll('secret', 'absent')).toBe(JSON.stringify(absent));
  for (const field of ['id', '_updated', 'updatedAt', 'toString', 'hasOwnProperty']) {
    expect(refused(field)).toMatchObject({ code: 'UNKNOWN_FIELD' });
  }
  expect(world.edits.size).toBe(0);
});

test('a table that may not be read is refused in the words for one that is not there', () => {
  const nobody = { read: ['admin'], create: ['admin'] };
  const world = new EditingWorld(createRights({ ...EDITED, authorization: nobody }));
  const peer = world.peer(alice);
  const refused = (table: string) => refusal(() => world.edits.announce(peer, pending(['title'], { table })));
  expect(refused('t1')).toMatchObject({ code: 'NOT_FOUND' });
  expect(JSON.stringify(refused('t1')).replaceAll('t1', 'xx')).toBe(JSON.stringify(refused('xx')));
});

test('announcing a record tells nothing of whether it is there', () => {
  const { world, peer } = start();
  const hidden = { organisation: OTHER_ORGANISATION };
  world.write(title('a', 'b', { from: hidden, to: hidden }));
  expect(world.edits.announce(peer, pending(['title']))).toBeUndefined();
  expect(world.edits.announce(peer, pending(['title'], { recordId: uuid('d', 7) }))).toBeUndefined();
  expect(peer.told).toEqual([]);
});

test.each(['', 'yesterday', '2026-02-30T00:00:00Z', '2026-01-01'])(
  'refuses %j as a time that was read',
  (updatedAt) => {
    const { world, peer } = start();
    const refused = refusal(() => world.edits.announce(peer, pending(['title'], { updatedAt })));
    expect(refused).toMatchObject({ code: 'VALIDATION_ERROR', errors: [{ field: 'updatedAt' }] });
  },
);

test('a refused announcement leaves the one before it', () => {
  const { world, peer } = start();
  world.edits.announce(peer, pending(['title']));
  refusal(() => world.edits.announce(peer, pending(['absent'])));
  world.write(title('a', 'b'));
  expect(peer.conflicts.length).toBe(1);
});

test('a connection edits a bounded number of records at once', () => {
  const { world, peer } = start();
  const announce = (n: number) => world.edits.announce(peer, pending(['title'], { recordId: uuid('d', n) }));
  for (let n = 0; n < SOCKET_LIMITS.maxPendingRecords; n += 1) announce(n);
  expect(refusal(() => announce(1000))).toMatchObject({ code: 'TOO_MANY_SUBSCRIPTIONS' });
  announce(1);
  world.edits.settle(peer, 't1', uuid('d', 2));
  announce(1000);
  expect(world.edits.size).toBe(SOCKET_LIMITS.maxPendingRecords);
});

test('a process follows a bounded number of edits', () => {
  const { world, peer } = start({ maxEdits: 1 });
  world.edits.announce(peer, pending(['title']));
  const refused = refusal(() => world.edits.announce(world.peer(alice), pending(['title'])));
  expect(refused).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  world.edits.announce(peer, pending(['status']));
});

test('nothing is announced to a process that is behind', () => {
  const { world, peer } = start();
  world.fresh = false;
  for (const table of ['t1', 'absent']) {
    const refused = refusal(() => world.edits.announce(peer, pending(['title'], { table })));
    expect(refused).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  }
});

test('nothing is told while the process is behind, and once it is level nothing is missing', async () => {
  const { world, peer } = start();
  world.edits.announce(peer, pending(['title']));
  world.apply([title('a', 'b')]);
  world.fresh = false;
  await world.rest();
  world.scheduler.advance(500);
  await world.rest();
  expect(peer.told).toEqual([]);
  world.fresh = true;
  world.scheduler.advance(500);
  await world.rest();
  expect(peer.conflicts.length).toBe(1);
});

test('events that were not told of are looked up again, once', async () => {
  const { world, peer } = start();
  const other = world.peer(alice);
  world.edits.announce(peer, pending(['title']));
  world.edits.announce(other, pending(['title'], { recordId: uuid('d', 5) }));
  world.write(title('a', 'b'));
  world.apply([title('b', 'c', { later: 2 })]);
  world.apply([title('c', 'd', { later: 3 })], false);
  world.edits.behind();
  world.write(title('d', 'e', { later: 4 }));
  await world.rest();
  expect(peer.conflicts.map(({ updatedAt }) => updatedAt)).toEqual([at(1), at(4)]);
  world.write(title('e', 'f', { later: 5 }));
  expect(peer.conflicts.map(({ updatedAt }) => updatedAt)).toEqual([at(1), at(4), at(5)]);
  expect(other.told).toEqual([]);
});

test('says that it does not follow an edit whose past cannot be read, and forgets it', async () => {
  const { world, peer } = start({ maxEvents: 1 });
  for (let n = 0; n < 3; n += 1) world.write(title('x', 'x', { uuid: uuid('d', 3) }));
  world.edits.announce(peer, pending(['title']));
  for (let second = 0; second < 25; second += 1) {
    await world.rest();
    world.scheduler.advance(1000);
  }
  await world.rest();
  expect(peer.told).toMatchObject([
    { type: 'error', code: 'SERVICE_UNAVAILABLE', detail: [{ field: 'recordId', message: RECORD }] },
  ]);
  expect(world.edits.size).toBe(0);
});

test('costs nothing where nobody edits the record', () => {
  const { world, peer } = start();
  world.edits.announce(peer, pending(['title'], { recordId: uuid('d', 2) }));
  const message = title('a', 'b');
  const unread = new Proxy(message, {
    get: (of, name, receiver) => {
      if (name !== 'uuid') throw new Error(`looked at ${String(name)}`);
      return Reflect.get(of, name, receiver) as unknown;
    },
  });
  world.edits.onEvent({ epoch: '0abcdefg', sequence: 1, message: unread });
});
