import { waitFor } from '@tidewire/test-kit';
import { expect } from 'vitest';
import type { Claim } from './transport-claim.ts';
import { toldOf, untilTold } from './transport-stage.ts';
import type { Told } from './transport.ts';

/** What is told of changes, by which rights, and from which place on. */
export const CHANGE_CLAIMS: readonly Claim[] = [
  {
    name: 'a change is told as it is made, with what its reader may see of the record and of what was changed',
    about: 'changes',
    hold: async (stage) => {
      using follower = await stage.follow();
      const id = await stage.create({ titel: 'a', status: 'nieuw', melderEmail: 'hidden@example.org' });
      await untilTold(follower, 1, id);
      await stage.change(id, { titel: 'b', melderEmail: 'other@example.org' });
      const [insert, update] = await untilTold(follower, 2, id);
      expect(insert).toMatchObject({ event: 'insert', fields: { titel: 'a', status: 'nieuw' } });
      expect([insert?.changed, insert?.old]).toEqual([undefined, undefined]);
      expect(update).toMatchObject({ event: 'update', fields: { titel: 'b' }, changed: ['titel'] });
      for (const told of [insert, update]) expect(told?.fields).not.toHaveProperty('melderEmail');
      expect(JSON.stringify([insert?.raw, update?.raw])).not.toContain('@example.org');
    },
  },
  {
    name: 'a change tells what the changed fields were before, as far as its reader may see them',
    about: 'changes',
    needs: 'old values',
    hold: async (stage) => {
      using follower = await stage.follow();
      const id = await stage.create({ titel: 'a', status: 'nieuw', melderEmail: 'hidden@example.org' });
      await stage.change(id, { titel: 'b', melderEmail: 'other@example.org' });
      const [, update] = await untilTold(follower, 2, id);
      expect(update?.old).toMatchObject({ titel: 'a' });
      expect(update?.old).not.toHaveProperty('melderEmail');
    },
  },
  {
    name: 'fields that were not asked for are not told',
    about: 'changes',
    hold: async (stage) => {
      using follower = await stage.follow({ fields: ['titel'] });
      const id = await stage.create({ titel: 'a', status: 'nieuw', prioriteit: 5 });
      const [insert] = await untilTold(follower, 1, id);
      expect(insert?.fields).toEqual({ titel: 'a' });
    },
  },
  {
    name: 'a record that begins to match the filter is an insert, one that ceases to a delete with its id alone',
    about: 'changes',
    hold: async (stage) => {
      using follower = await stage.follow({ filter: { field: 'status', operator: 'eq', value: 'nieuw' } });
      const never = await stage.create({ titel: 'never', status: 'afgehandeld' });
      const id = await stage.create({ titel: 'before', status: 'afgehandeld' });
      await stage.change(id, { titel: 'in', status: 'nieuw' });
      await untilTold(follower, 1, id);
      await stage.change(id, { titel: 'still' });
      await untilTold(follower, 2, id);
      await stage.change(id, { titel: 'outside', status: 'afgehandeld' });
      const [entered, updated, left] = await untilTold(follower, 3, id);
      expect(entered).toMatchObject({ event: 'insert', fields: { titel: 'in' } });
      expect(entered?.old).toBeUndefined();
      expect(updated).toMatchObject({ event: 'update', fields: { titel: 'still' } });
      expectBare(left, 'outside');
      await stage.remove(never);
      await stage.remove(id);
      const last = await stage.create({ titel: 'last', status: 'nieuw' });
      await untilTold(follower, 1, last);
      expect(toldOf(follower, id, never)).toHaveLength(3);
    },
  },
  {
    name: 'a record that comes into the reader’s rights is an insert, one that leaves them a delete with its id alone',
    about: 'changes',
    hold: async (stage) => {
      using follower = await stage.follow();
      const id = await stage.create({ titel: 'secret before', status: 'vertrouwelijk' });
      await stage.change(id, { titel: 'in', status: 'nieuw' });
      await untilTold(follower, 1, id);
      await stage.change(id, { titel: 'secret after', status: 'vertrouwelijk' });
      await untilTold(follower, 2, id);
      await stage.change(id, { titel: 'secret still' });
      await stage.remove(id);
      const last = await stage.create({ titel: 'last', status: 'nieuw' });
      await untilTold(follower, 1, last);
      const [entered, left, ...more] = toldOf(follower, id);
      expect(entered).toMatchObject({ event: 'insert', fields: { titel: 'in' } });
      expectBare(left, 'secret');
      expect(more).toEqual([]);
      expect(JSON.stringify(follower.account.changes)).not.toContain('secret');
    },
  },
  {
    name: 'a deletion tells the id and nothing of the record',
    about: 'changes',
    hold: async (stage) => {
      using follower = await stage.follow();
      const id = await stage.create({ titel: 'was here', status: 'nieuw' });
      await untilTold(follower, 1, id);
      await stage.remove(id);
      const [, deleted] = await untilTold(follower, 2, id);
      expectBare(deleted, 'was here');
    },
  },
  {
    name: 'changes come in the order in which they were made, each with a later cursor',
    about: 'changes',
    hold: async (stage) => {
      using follower = await stage.follow();
      const id = await stage.create({ titel: '0', status: 'nieuw' });
      const titles = Array.from({ length: 12 }, (_, index) => String(index + 1));
      for (const titel of titles) await stage.change(id, { titel });
      const told = await untilTold(follower, titles.length + 1, id);
      expect(told.map(({ fields }) => fields?.['titel'])).toEqual(['0', ...titles]);
      const cursors = follower.account.changes.map(({ cursor }) => cursor);
      expect(cursors).toEqual([...new Set(cursors)].toSorted());
    },
  },
  {
    name: 'after a cursor the other gateway tells what was missed, once, in order, and then what follows',
    about: 'changes',
    hold: async (stage) => {
      const before = await stage.follow();
      const a = await stage.create({ titel: 'a', status: 'nieuw' });
      const [{ cursor } = { cursor: '' }] = await untilTold(before, 1, a);
      before[Symbol.dispose]();
      await stage.change(a, { titel: 'a2' });
      const hidden = await stage.create({ titel: 'hidden', status: 'vertrouwelijk' });
      const b = await stage.create({ titel: 'b', status: 'nieuw' });
      using after = await stage.follow({ gateway: 1, cursor });
      await untilTold(after, 2, a, b);
      await stage.change(b, { titel: 'b2' });
      const told = await untilTold(after, 3, a, b);
      expect(told.map(({ event, fields }) => [event, fields?.['titel']])).toEqual([
        ['update', 'a2'],
        ['insert', 'b'],
        ['update', 'b2'],
      ]);
      expect(toldOf(after, hidden)).toEqual([]);
      expect(after.account.resyncs).toEqual([]);
    },
  },
  {
    name: 'what is told after a cursor is judged by the rights of now',
    about: 'changes',
    hold: async (stage) => {
      const before = await stage.follow();
      const id = await stage.create({ titel: 'a', status: 'nieuw' });
      const [{ cursor } = { cursor: '' }] = await untilTold(before, 1, id);
      before[Symbol.dispose]();
      using witness = await stage.follow({ as: 'alice', gateway: 1 });
      await stage.change(id, { titel: 'was public' });
      await stage.change(id, { titel: 'secret', status: 'vertrouwelijk' });
      await waitFor(() => toldOf(witness, id).at(-1)?.fields?.['titel'] === 'secret', {
        what: 'the other gateway knows',
      });
      using after = await stage.follow({ gateway: 1, cursor });
      const [left, ...more] = await untilTold(after, 1, id);
      expectBare(left, 'secret');
      expect(more).toEqual([]);
      expect(JSON.stringify(left?.raw)).not.toContain('was public');
    },
  },
  {
    name: 'a cursor after which nothing can be told is answered with a resync, and changes follow it',
    about: 'changes',
    hold: async (stage) => {
      for (const [cursor, reason] of [
        ['nonsense', 'malformed'],
        ['evt-00000000-000000000001', 'epoch'],
      ] as const) {
        using follower = await stage.follow({ cursor });
        const { account } = follower;
        await waitFor(() => account.resyncs.length > 0, { what: 'a resync comes' });
        const id = await stage.create({ titel: 'after', status: 'nieuw' });
        const [insert] = await untilTold(follower, 1, id);
        expect(account.resyncs.map((each) => each.reason)).toEqual([reason]);
        expect((insert?.cursor ?? '') > (account.resyncs[0]?.current ?? '')).toBe(true);
      }
    },
  },
  {
    name: 'a change of rights is one resync, after which nothing comes that may not be seen any more',
    about: 'changes',
    hold: async (stage) => {
      const policy = `/api/policies/schema/${stage.town.schemaId}`;
      using follower = await stage.follow();
      const { account } = follower;
      const { admin, rules } = stage.town;
      const properties = { melderEmail: { read: ['behandelaars'] } };
      await admin.send('PUT', policy, { authorization: { read: ['behandelaars'] }, properties });
      await waitFor(() => account.resyncs.length > 0, { what: 'the loss is told' });
      const unseen = await stage.create({ titel: 'unseen', status: 'nieuw' });
      await admin.send('PUT', policy, { authorization: rules, properties });
      await waitFor(() => account.resyncs.length > 1, { what: 'the gain is told' });
      const seen = await stage.create({ titel: 'seen', status: 'nieuw' });
      await untilTold(follower, 1, seen);
      expect(account.resyncs.map(({ reason }) => reason)).toEqual(['rights-changed', 'rights-changed']);
      expect(toldOf(follower, unseen)).toEqual([]);
    },
  },
  {
    name: 'who is told of nothing is told how far that goes',
    about: 'changes',
    hold: async (stage) => {
      using quiet = await stage.follow();
      using witness = await stage.follow({ as: 'alice' });
      const id = await stage.create({ titel: 'unseen', status: 'vertrouwelijk' });
      const [{ cursor } = { cursor: 'none' }] = await untilTold(witness, 1, id);
      await waitFor(() => (quiet.account.cursor ?? '') >= cursor, {
        what: 'the position is told',
        timeoutMs: 10_000,
      });
      expect(toldOf(quiet, id)).toEqual([]);
      // And it is a cursor like any other.
      const reached = quiet.account.cursor ?? '';
      const seen = await stage.create({ titel: 'seen', status: 'nieuw' });
      using after = await stage.follow({ gateway: 1, cursor: reached });
      expect(await untilTold(after, 1, seen)).toHaveLength(1);
      expect(after.account.resyncs).toEqual([]);
    },
  },
];

/** A delete holds nothing of the record, whatever it was or has become. */
function expectBare(told: Told | undefined, secret: string): void {
  expect(told?.event).toBe('delete');
  expect([told?.fields, told?.changed, told?.old]).toEqual([undefined, undefined, undefined]);
  expect(JSON.stringify(told?.raw)).not.toContain(secret);
}
