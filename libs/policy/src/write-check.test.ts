import type { Action } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { governedView, ORG_A, ORG_B, principal, row, SCHEMA } from '../test/rights-builder.ts';
import { decideAccess } from './decide-access.ts';
import type { Granted } from './decision.ts';
import { changedFields, checkWrite } from './write-check.ts';

const view = governedView(
  { status: { type: 'string' }, note: { type: 'string' }, budget: { type: 'number' } },
  {
    authorization: { update: [{ group: 'authenticated', match: { status: { $in: ['new', 'open'] } } }] },
    properties: {
      budget: { update: ['managers'] },
      note: { update: [{ group: 'authenticated', match: { status: 'open' } }] },
    },
  },
);

function decide(action: Action, groups: string[] = []): Granted {
  const decision = decideAccess({ view, principal: principal('bob', ORG_A, groups), schema: SCHEMA, action });
  if (!decision.allowed) throw new Error('denied');
  return decision;
}

const open = row({ status: 'open', note: 'n', budget: 1 });
const check = (action: Action, before: object | null, after: object | null, groups: string[] = []) =>
  checkWrite({
    decision: decide(action, groups),
    before: before as Record<string, unknown> | null,
    after: after as Record<string, unknown> | null,
    nowMs: 0,
  });

test('a patch that the rule allows before and after is allowed', () => {
  expect(check('update', open, { ...open, status: 'new' })).toEqual({ ok: true });
});

test('a patch may neither take a row out of its rule nor pull one in', () => {
  expect(check('update', open, { ...open, status: 'closed' })).toEqual({ ok: false, reason: 'row' });
  expect(check('update', { ...open, status: 'closed' }, open)).toEqual({ ok: false, reason: 'row' });
});

test('making oneself the owner opens no row, nor does any other system member move it', () => {
  const closed = { ...open, status: 'closed', _owner: 'eve' };
  expect(check('update', closed, { ...closed, _owner: 'bob' })).toEqual({ ok: false, reason: 'row' });
  expect(check('update', open, { ...open, _owner: 'bob' })).toEqual({
    ok: false,
    reason: 'system',
    fields: ['_owner'],
  });
  expect(check('update', open, { ...open, _organisation: ORG_B })).toEqual({ ok: false, reason: 'row' });
  const renamed = { ...open, _schema: 'other', _register: 'other' };
  expect(check('update', open, renamed)).toMatchObject({ ok: false, fields: ['_register', '_schema'] });
});

test('the owner passes the rule on its own row, but no property rule', () => {
  const own = { ...open, status: 'closed', _owner: 'bob' };
  expect(check('update', own, { ...own, status: 'other' })).toEqual({ ok: true });
  expect(check('update', own, { ...own, budget: 2 })).toEqual({
    ok: false,
    reason: 'fields',
    fields: ['budget'],
  });
});

test('the owner can move no row out of the boundary', () => {
  const own = { ...open, status: 'closed', _owner: 'bob' };
  expect(check('update', own, { ...own, _organisation: ORG_B })).toEqual({ ok: false, reason: 'row' });
});

test('a property that may not be written is named; one that does not change is not', () => {
  expect(check('update', open, { ...open, budget: 2 })).toEqual({
    ok: false,
    reason: 'fields',
    fields: ['budget'],
  });
  expect(check('update', open, { ...open, budget: 1, note: 'm' })).toEqual({ ok: true });
  expect(check('update', open, { ...open, budget: 2 }, ['managers'])).toEqual({ ok: true });
});

test('of what may not be read, a value that does not change is refused like one that does', () => {
  const guarded = governedView(
    { status: { type: 'string' }, salary: { type: 'number' } },
    {
      authorization: {
        read: [{ group: 'authenticated', match: { status: 'open' } }],
        update: ['authenticated'],
      },
      properties: { salary: { read: ['managers'], update: ['managers'] } },
    },
  );
  const by = (action: Action, groups: string[]): Granted => {
    const asked = { view: guarded, principal: principal('bob', ORG_A, groups), schema: SCHEMA, action };
    const decision = decideAccess(asked);
    if (!decision.allowed) throw new Error('denied');
    return decision;
  };
  const guess = (salary: number, status = 'open', groups: string[] = []): unknown => {
    const before = row({ status, salary: 5 });
    const sent = { names: ['salary'], read: by('read', groups) };
    return checkWrite({
      decision: by('update', groups),
      before,
      after: { ...before, salary },
      sent,
      nowMs: 0,
    });
  };
  const refused = { ok: false, reason: 'fields', fields: ['salary'] };
  expect(guess(5)).toEqual(refused);
  expect(guess(6)).toEqual(refused);
  expect(guess(5, 'shut')).toEqual(refused);
  expect(guess(5, 'open', ['managers'])).toEqual({ ok: true });
  expect(guess(6, 'open', ['managers'])).toEqual({ ok: true });
});

test('a property rule with a match has to hold before and after', () => {
  const fresh = { ...open, status: 'new' };
  expect(check('update', fresh, { ...open, note: 'm' })).toMatchObject({ ok: false, fields: ['note'] });
  expect(check('update', open, { ...fresh, note: 'm' })).toMatchObject({ ok: false, fields: ['note'] });
});

test('property rights govern creating too', () => {
  expect(check('create', null, row({ status: 'open', budget: 5 }))).toMatchObject({
    ok: false,
    fields: ['budget'],
  });
  expect(check('create', null, row({ status: 'open', note: 'n' }))).toEqual({ ok: true });
  expect(check('create', null, row({ _organisation: ORG_B }))).toEqual({ ok: false, reason: 'row' });
});

test('being its owner does not let one create a row', () => {
  const strict = governedView({}, { authorization: { create: [] } });
  const who = principal('bob', ORG_A);
  expect(decideAccess({ view: strict, principal: who, schema: SCHEMA, action: 'create' }).allowed).toBe(
    false,
  );
});

test('a property that the schema does not know may not be written', () => {
  expect(check('update', open, { ...open, extra: 1 })).toEqual({
    ok: false,
    reason: 'fields',
    fields: ['extra'],
  });
});

test('deleting looks at the row as it is', () => {
  expect(check('delete', open, null)).toEqual({ ok: true });
  expect(check('delete', { ...open, _organisation: ORG_B }, null)).toEqual({ ok: false, reason: 'row' });
});

test('changes are found by value', () => {
  const before = { a: { x: 1, y: [1, 2] }, b: null, c: 1, _version: 1 };
  const after = { a: { y: [1, 2], x: 1 }, c: '1', d: undefined, _version: 2 };
  expect(changedFields(before, after)).toEqual(['c']);
  expect(changedFields({}, JSON.parse('{"__proto__": 1}') as Record<string, unknown>)).toEqual([]);
});
