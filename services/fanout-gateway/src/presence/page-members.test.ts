import { randomUUID } from 'node:crypto';
import type { PresenceEntry } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { PageMembers } from './page-members.ts';
import type { Census, UserChange } from './page-members.ts';

function entry(id: string, second = 0, gateway = 'gateway-a'): PresenceEntry {
  const joinedAt = new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  return { id, name: id, pagePath: '/page', joinedAt, connection: randomUUID(), gateway };
}

function told(changes: readonly UserChange[]): string[] {
  return changes.map((each) => (each.change === 'joined' ? `${each.user.id} joined` : `${each.userId} left`));
}

function census(members: PageMembers, parts: Partial<Census> & { listed: ReadonlySet<string> }): Census {
  return { since: members.mark(), found: [], alive: new Set(['gateway-a']), own: new Set(), ...parts };
}

const ids = (...entries: readonly PresenceEntry[]): Set<string> =>
  new Set(entries.map(({ connection }) => connection));

test('a user comes with the first connection and goes with the last, whichever it is', () => {
  const members = new PageMembers();
  const [first, second] = [entry('ada'), entry('ada', 1)];
  expect(told(members.add(first))).toEqual(['ada joined']);
  expect(told(members.add(second))).toEqual([]);
  expect(told(members.remove(first.connection))).toEqual([]);
  expect(told(members.remove(second.connection))).toEqual(['ada left']);
  expect(told(members.remove(second.connection))).toEqual([]);
});

test('everybody is listed once, since the first of the connections that are there', () => {
  const members = new PageMembers();
  const [early, late] = [entry('ada', 1), entry('ada', 5)];
  for (const each of [late, entry('bob', 3), early]) members.add(each);
  expect(members.users().map(({ id, joinedAt }) => [id, joinedAt.slice(17, 19)])).toEqual([
    ['ada', '01'],
    ['bob', '03'],
  ]);
  members.remove(early.connection);
  expect(members.users().map(({ id, joinedAt }) => [id, joinedAt.slice(17, 19)])).toEqual([
    ['bob', '03'],
    ['ada', '05'],
  ]);
  expect(Object.keys(members.users()[0] ?? {}).toSorted()).toEqual(['id', 'joinedAt', 'name', 'pagePath']);
});

test('who left does not come back by a late word, from wherever', () => {
  const members = new PageMembers();
  const ada = entry('ada');
  members.add(ada);
  members.remove(ada.connection);
  expect(told(members.add(ada))).toEqual([]);
  expect(members.unknown([ada.connection])).toEqual([]);
  const late = census(members, { listed: ids(ada), found: [ada] });
  expect(told(members.settle(late, true))).toEqual([]);
  members.forget();
  expect(told(members.add(ada))).toEqual([]);
});

test('a departure that is heard of before its arrival is kept', () => {
  const members = new PageMembers();
  const ada = entry('ada');
  expect(told(members.remove(ada.connection))).toEqual([]);
  expect(told(members.add(ada))).toEqual([]);
});

test('the store brings who was not heard of and takes who is not there any more', () => {
  const members = new PageMembers();
  const [ada, bob] = [entry('ada'), entry('bob')];
  members.add(ada);
  expect(told(members.settle(census(members, { listed: ids(bob), found: [bob] }), true))).toEqual([
    'bob joined',
    'ada left',
  ]);
});

test('who became known while the store was asked is newer than its answer', () => {
  const members = new PageMembers();
  const asked = census(members, { listed: new Set() });
  members.add(entry('ada'));
  expect(told(members.settle(asked, true))).toEqual([]);
  expect(told(members.settle(census(members, { listed: new Set() }), true))).toEqual(['ada left']);
});

test('nobody is taken away when the store may have lost them', () => {
  const members = new PageMembers();
  members.add(entry('ada'));
  const bob = entry('bob');
  expect(told(members.settle(census(members, { listed: ids(bob), found: [bob] }), false))).toEqual([
    'bob joined',
  ]);
});

test('own connections are there whatever the store says', () => {
  const members = new PageMembers();
  const ada = entry('ada');
  members.add(ada);
  expect(told(members.settle(census(members, { listed: new Set(), own: ids(ada) }), true))).toEqual([]);
});

test('whose gateway is dead is gone, and does not come', () => {
  const members = new PageMembers();
  const [ada, bob] = [entry('ada', 0, 'gateway-b'), entry('bob', 0, 'gateway-b')];
  members.add(ada);
  const asked = census(members, { listed: ids(ada, bob), found: [bob] });
  expect(told(members.settle(asked, true))).toEqual(['ada left']);
  members.add(bob);
  expect(told(members.dropDead(new Set(['gateway-b']), members.mark()))).toEqual([]);
  expect(told(members.dropDead(new Set(['gateway-a']), members.mark()))).toEqual(['bob left']);
});

test('another connection that takes the place of the last one is no coming and going', () => {
  const members = new PageMembers();
  const [before, after] = [entry('ada'), entry('ada', 1)];
  members.add(before);
  expect(told(members.settle(census(members, { listed: ids(after), found: [after] }), true))).toEqual([]);
});

test('names that JavaScript knows are people like others', () => {
  const members = new PageMembers();
  const names = ['constructor', 'hasownproperty', 'valueof'];
  expect(names.flatMap((name) => told(members.add(entry(name))))).toEqual(
    names.map((name) => `${name} joined`),
  );
});

test('a page takes note of a bounded number of connections', () => {
  const members = new PageMembers();
  for (let each = 0; each < 1000; each += 1) members.add(entry(`user-${each}`));
  expect(members.size).toBe(200);
});
