import { waitFor } from '@tidewire/test-kit';
import { expect } from 'vitest';
import type { Claim } from './transport-claim.ts';
import { untilTold } from './transport-stage.ts';
import type { Talker, Told } from './transport.ts';

/** What only a table's handshake can ask for, and what clients say that can send messages of ours. */
export const MESSAGE_CLAIMS: readonly Claim[] = [
  {
    name: 'a subscription is told back as it was understood',
    about: 'table streams',
    hold: async (stage) => {
      using follower = await stage.follow({
        filter: { field: 'status', operator: 'eq', value: 'nieuw' },
        fields: ['status', 'titel'],
        sort: 'prioriteit:desc,titel:asc',
      });
      expect(follower.account.subscribed).toMatchObject({
        table: stage.place.table,
        filter: 'status:eq:nieuw',
        fields: ['status', 'titel'],
        sort: 'prioriteit:desc,titel:asc',
        sortTypes: ['number', 'text'],
        connectionId: follower.connection,
        eventId: expect.any(String),
      });
      using plain = await stage.follow();
      for (const name of ['filter', 'fields', 'sort', 'sortTypes'])
        expect(plain.account.subscribed).not.toHaveProperty(name);
    },
  },
  {
    name: 'each change has its record’s place in the order that was asked for',
    about: 'table streams',
    hold: async (stage) => {
      using follower = await stage.follow({ fields: ['status'], sort: 'prioriteit:desc,titel:asc' });
      const id = await stage.create({ titel: 'a', status: 'nieuw', prioriteit: 3 });
      await stage.change(id, { prioriteit: 4 });
      await stage.remove(id);
      const told = await untilTold(follower, 3, id);
      expect(told.map(({ raw }) => raw['sortKey'])).toEqual([[3, 'a'], [4, 'a'], undefined]);
    },
  },
  {
    name: 'a client that goes by the types of its order keeps that of the list',
    about: 'table streams',
    hold: async (stage) => {
      const sort = 'prioriteit:desc,titel:asc';
      using follower = await stage.follow({ sort });
      // U+1F600 is behind U+FF5E, but not in the order of UTF-16 units.
      const titles = ['b', '\uff5e', '\u{1f600}', 'B', 'b'];
      const ids: string[] = [];
      for (const titel of titles) ids.push(await stage.create({ titel, status: 'nieuw', prioriteit: 2 }));
      for (const prioriteit of [5, undefined, 1, undefined]) {
        ids.push(await stage.create({ titel: 'c', status: 'nieuw', prioriteit }));
      }
      const told = await untilTold(follower, ids.length, ...ids);
      const types = follower.account.subscribed?.['sortTypes'] as readonly string[];
      const own = told.toSorted((one, other) => compareKeys(one, other, types, ['desc', 'asc']));
      const path = `/api/tables/${stage.place.table}/records?limit=1000&sort=${sort}`;
      const list = await stage.town.as('bob').send<{ records: readonly { id: string }[] }>('GET', path);
      const listed = list.records.map(({ id }) => id).filter((id) => ids.includes(id));
      expect(own.map(({ id }) => id)).toEqual(listed);
    },
  },
  {
    name: 'each change brings the token of its record’s next write, whatever fields were asked for',
    about: 'records',
    hold: async (stage) => {
      using follower = await stage.follow({ fields: ['status'] });
      const id = await stage.create({ titel: 'a', status: 'nieuw' });
      const alice = stage.town.as('alice');
      const path = `/api/tables/${stage.place.table}/records/${id}`;
      const write = async (updatedAt: string, titel: string): Promise<number> =>
        (await alice.ask('PATCH', path, { fields: { titel }, updatedAt })).status;
      const [insert] = await untilTold(follower, 1, id);
      const first = timesIn(insert);
      expect(await write(first.updatedAt, 'b')).toBe(200);
      const [, update] = await untilTold(follower, 2, id);
      const second = timesIn(update);
      expect(await write(first.updatedAt, 'stale')).toBe(409);
      expect(await write(second.updatedAt, 'c')).toBe(200);
      expect(await alice.send('GET', path)).toMatchObject({ createdAt: first.createdAt });
      expect(second.createdAt).toBe(first.createdAt);
      expect(update?.raw['oldRecord']).toEqual({ id, fields: { status: 'nieuw' } });
    },
  },
  {
    name: 'what is no message, or cannot be done, is answered, and nothing else is changed by it',
    about: 'streams',
    needs: 'frames',
    hold: async (stage) => {
      using talker = await stage.talk();
      const garbage = ['', '{', '[]', '7', 'null', '{"type":"nonsense"}', '{"type":"join"}', '{"table":7}'];
      for (const text of garbage) talker.send(text);
      const taken = talker.account.subscribed?.['subscriptionId'];
      talker.send({ ...talker.handshake(stage.place), subscriptionId: taken });
      talker.send({ ...talker.handshake(stage.nowhere), subscriptionId: 'absent' });
      talker.send({ type: 'unsubscribe', subscriptionId: 'never' });
      talker.send({ type: 'token', token: 'nonsense' });
      await waitFor(() => talker.of('error').length === garbage.length + 4, { what: 'all are answered' });
      const errors = talker.of('error').map(({ code, subscriptionId }) => [code, subscriptionId]);
      const codes = new Set(errors.slice(0, garbage.length).map(([code]) => code));
      expect(codes).toEqual(new Set(['BAD_REQUEST', 'VALIDATION_ERROR']));
      expect(errors.slice(garbage.length)).toEqual([
        ['CONFLICT', taken],
        ['NOT_FOUND', 'absent'],
        ['NOT_FOUND', 'never'],
        ['UNAUTHORIZED', undefined],
      ]);
      await pong(talker);
      const id = await stage.create({ titel: 'a', status: 'nieuw' });
      expect(await untilTold(talker, 1, id)).toHaveLength(1);
    },
  },
  {
    name: 'who joins a page is told who is there, and who comes and goes at the other gateway',
    about: 'streams',
    needs: 'frames',
    hold: async (stage) => {
      using bob = await stage.talk();
      using alice = await stage.talk({ as: 'alice', gateway: 1 });
      const page = { pagePath: `/board/${stage.place.table}/` };
      const pagePath = page.pagePath.slice(0, -1);
      bob.send({ type: 'join', ...page });
      const [alone] = await arrived(bob, 'presence-sync', 1);
      expect(alone).toMatchObject({ pagePath, users: [{ name: 'bob', pagePath }] });
      alice.send({ type: 'join', ...page });
      const [both] = await arrived(alice, 'presence-sync', 1);
      const { users } = both as { readonly users: readonly { id: string; name: string }[] };
      expect(new Set(users.map(({ name }) => name))).toEqual(new Set(['alice', 'bob']));
      const [joined] = await arrived(bob, 'join', 1);
      const { id } = users.find(({ name }) => name === 'alice') ?? { id: '' };
      expect(joined).toMatchObject({ user: { id, name: 'alice', pagePath } });
      alice.send({ type: 'leave', ...page });
      const [left] = await arrived(bob, 'leave', 1);
      expect(left).toMatchObject({ userId: id, pagePath });
    },
  },
  {
    name: 'whose edit is overwritten by somebody else is told so, with what it is now, and nobody else is',
    about: 'streams',
    needs: 'frames',
    hold: async (stage) => {
      using bob = await stage.talk();
      using other = await stage.talk();
      const { table } = stage.place;
      const recordId = await stage.create({ titel: 'a', status: 'nieuw', melderEmail: 'hidden@example.org' });
      await untilTold(bob, 1, recordId);
      const path = `/api/tables/${table}/records/${recordId}`;
      const { updatedAt } = await stage.town.as('bob').send<{ updatedAt: string }>('GET', path);
      bob.send({ type: 'pending', table, recordId, fields: ['titel'], updatedAt });
      await pong(bob);
      await stage.change(recordId, { prioriteit: 2 });
      await stage.change(recordId, { titel: 'b' });
      const [conflict] = await arrived(bob, 'conflict', 1);
      expect(conflict).toMatchObject({
        table,
        recordId,
        overwrittenFields: ['titel'],
        overwrittenBy: { name: 'alice' },
        authoritativeRecord: { id: recordId, fields: { titel: 'b', prioriteit: 2 } },
      });
      expect(JSON.stringify(conflict)).not.toContain('hidden@');
      bob.send({ type: 'settled', table, recordId });
      await pong(bob);
      await stage.change(recordId, { titel: 'c' });
      await untilTold(bob, 4, recordId);
      await pong(bob);
      await pong(other);
      expect([bob.of('conflict').length, other.of('conflict').length]).toEqual([1, 0]);
    },
  },
];

/** Waits for so many messages of a type. */
async function arrived(
  talker: Talker,
  type: string,
  count: number,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  await waitFor(() => talker.of(type).length >= count, { what: `${type} comes`, timeoutMs: 10_000 });
  return talker.of(type);
}

/** Asks for an answer, and with it for everything that was to come before. */
async function pong(talker: Talker): Promise<void> {
  const before = talker.of('pong').length;
  talker.send({ type: 'ping' });
  await waitFor(() => talker.of('pong').length > before, { what: 'a pong' });
}

function timesIn(told: Told | undefined): { readonly createdAt: string; readonly updatedAt: string } {
  return told?.raw['record'] as { readonly createdAt: string; readonly updatedAt: string };
}

type SortKey = readonly (string | number | null)[];

/** As PROTOCOL.md 5.1 has it, of numbers and texts. */
function compareKeys(
  one: Told,
  other: Told,
  types: readonly string[],
  directions: readonly ('asc' | 'desc')[],
): number {
  const [left, right] = [one, other].map(({ raw }) => raw['sortKey'] as SortKey);
  for (const [index, type] of types.entries()) {
    const [a = null, b = null] = [left?.[index], right?.[index]];
    if (a === b) continue;
    if (a === null) return 1;
    if (b === null) return -1;
    const order = type === 'number' ? Number(a) - Number(b) : compareTexts(`${a}`, `${b}`);
    if (order !== 0) return directions[index] === 'desc' ? -order : order;
  }
  return compareTexts(one.id, other.id);
}

/** UTF-8 has the order of code points. */
function compareTexts(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
