import { expect, test } from 'vitest';
import {
  compareWith,
  knowsActor,
  mayActOn,
  mayReadRow,
  organisationsAbove,
  projected,
  readableProperties,
} from './evaluator.ts';
import type { Question } from './evaluator.ts';
import { messageOf, replayedMessageOf } from './expectation.ts';
import { meetsFilter } from './filter.ts';
import type { Change } from './history.ts';
import type { Image, Policy, Principal, PropertyKind, Rights, Rule, Schema, Scopes } from './rights.ts';

const SCHEMA: Schema = {
  id: 's',
  slug: 'cases',
  registerId: 'r',
  register: 'town',
  table: 'cases',
  properties: new Map<string, PropertyKind>([
    ['status', 'string'],
    ['prio', 'integer'],
    ['until', 'instant'],
    ['constructor', 'string'],
  ]),
};

/** `a` above `b`; `c` beside them. */
const ORGANISATIONS = new Map([
  ['a', { id: 'a', parent: null }],
  ['b', { id: 'b', parent: 'a' }],
  ['c', { id: 'c', parent: null }],
]);

interface Given {
  readonly read?: readonly Rule[] | undefined;
  readonly policy?: Partial<Policy>;
  readonly inherited?: Policy['authorization'];
  /** Of the register. */
  readonly roles?: Policy['roles'];
  readonly me?: Partial<Principal>;
  readonly scopes?: Scopes;
  readonly anonymous?: boolean;
}

function ask({ read, policy = {}, inherited = null, me = {}, ...given }: Given = {}): Question {
  const { scopes, roles = [], anonymous } = given;
  const principal: Principal = {
    id: 'me',
    name: 'Me',
    admin: false,
    organisations: ['b'],
    active: 'b',
    groups: [],
    ...me,
  };
  const rights: Rights = {
    organisations: ORGANISATIONS,
    principals: new Map([['me', principal]]),
    credentials: new Map([['k', { id: 'k', principal: 'me', scopes: scopes ?? null, ended: false }]]),
    policies: new Map([
      ['s', { authorization: read === undefined ? null : { read }, properties: {}, roles: [], ...policy }],
      ['r', { authorization: inherited, properties: {}, roles }],
    ]),
  };
  const asker =
    anonymous === true ? { principal: null, credential: null } : { principal: 'me', credential: 'k' };
  return { rights, asker, schema: SCHEMA, now: Date.parse('2026-01-01T00:00:00Z') };
}

function row(members: Image = {}): Image {
  const system = { _register: 'town', _schema: 'cases', _version: 1, _created: 't', _updated: 't' };
  return { _uuid: 'u', _organisation: 'b', _owner: 'somebody', ...system, status: 'new', ...members };
}

const sees = (given: Given, members?: Image): boolean => mayReadRow(ask(given), row(members));
const when = (match: Readonly<Record<string, unknown>>): Given => ({
  read: [{ group: 'authenticated', match: match as never }],
});

test('the tenant boundary comes before rules and owner, and only an administrator passes it', () => {
  const open = { read: ['public'] };
  expect(sees(open, { _organisation: 'c' })).toBe(false);
  expect(sees(open, { _organisation: 'c', _owner: 'me' })).toBe(false);
  expect(sees(open, { _organisation: null })).toBe(false);
  expect(sees({ ...open, me: { admin: true } }, { _organisation: null })).toBe(true);
  expect(sees({ ...open, me: { active: null } })).toBe(false);
});

test('what is above may be read and not written', () => {
  const question = ask({ read: ['authenticated'] });
  expect(organisationsAbove(question.rights, question.rights.principals.get('me') as Principal)).toEqual([
    'b',
    'a',
  ]);
  expect(mayReadRow(question, row({ _organisation: 'a' }))).toBe(true);
  expect(mayActOn(question, row({ _organisation: 'a' }), 'update')).toBe(false);
  expect(mayActOn(question, row(), 'update')).toBe(true);
});

test('an owner passes the rules of rows and not those of properties', () => {
  const given = {
    read: [],
    policy: { properties: { prio: { read: [] } }, authorization: { read: [], create: [] } },
  };
  expect(sees(given, { _owner: 'me' })).toBe(true);
  expect(sees(given)).toBe(false);
  expect(readableProperties(ask(given), row({ _owner: 'me', prio: 3 })).has('prio')).toBe(false);
  expect(mayActOn(ask(given), row({ _owner: 'me' }), 'create')).toBe(false);
});

test('no rules mean the members of the organisation, no rule in a list means nobody', () => {
  expect(sees({})).toBe(true);
  expect(sees({ anonymous: true })).toBe(false);
  expect(sees({ read: [] })).toBe(false);
  expect(sees({ inherited: { read: [] } })).toBe(false);
  expect(sees({ read: ['authenticated'], inherited: { read: [] } })).toBe(true);
});

test('a group counts on rows of its own organisation, and names that mean something come from nobody', () => {
  const member = (organisation: string, group = 'g'): Given => ({
    read: [group],
    me: { groups: [{ organisation, group }] },
  });
  expect(sees(member('b'))).toBe(true);
  expect(sees(member('a'))).toBe(false);
  expect(sees(member('a'), { _organisation: 'a' })).toBe(true);
  expect(sees(member('b', 'admin'))).toBe(false);
  expect(sees({ read: ['public'], anonymous: true })).toBe(true);
  expect(sees({ read: ['authenticated'], anonymous: true })).toBe(false);
});

test('a credential is worth what it is limited to, and nothing once it ended', () => {
  expect(sees({ scopes: { actions: ['update'] } })).toBe(false);
  expect(sees({ scopes: { topics: ['register/other'] } })).toBe(false);
  expect(sees({ scopes: { topics: ['object/u'] } })).toBe(true);
  const ended = ask();
  const credentials = new Map([['k', { id: 'k', principal: 'me', scopes: null, ended: true }]]);
  expect(mayReadRow({ ...ended, rights: { ...ended.rights, credentials } }, row())).toBe(false);
});

test('a credential that the log does not know yet is worth what it was given, where that is known', () => {
  const { asker, ...rest } = ask();
  const unknown = { ...rest, rights: { ...rest.rights, credentials: new Map() } };
  const given = (limits: string) => ({ ...unknown, asker: { ...asker, limits } });
  expect(mayReadRow({ ...unknown, asker }, row())).toBe(false);
  expect(mayReadRow(given('null'), row())).toBe(true);
  expect(mayReadRow(given('{"actions":["update"]}'), row())).toBe(false);
});

test('a schema whose policy is not known shows nothing', () => {
  const question = ask({ me: { admin: true } });
  expect(mayReadRow({ ...question, rights: { ...question.rights, policies: new Map() } }, row())).toBe(false);
});

test.each<[string, Readonly<Record<string, unknown>>, Image, boolean]>([
  ['a value', { status: 'new' }, {}, true],
  ['another value', { status: 'old' }, {}, false],
  ['a number as a text', { prio: '3' }, { prio: 3 }, false],
  ['another type, negated', { prio: { $ne: '3' } }, { prio: 3 }, false],
  ['a value that is absent, negated', { prio: { $ne: 3 } }, {}, false],
  ['an absent value in no list', { prio: { $nin: [3] } }, {}, false],
  ['a value in no list', { prio: { $nin: [3] } }, { prio: 4 }, true],
  ['a value in a list', { prio: { $in: [3, 4] } }, { prio: 4 }, true],
  ['two operators', { prio: { $gte: 2, $lt: 4 } }, { prio: 4 }, false],
  ['two fields', { prio: 4, status: 'old' }, { prio: 4 }, false],
  ['what exists', { prio: { $exists: true } }, { prio: null }, false],
  ['what does not exist', { prio: { $exists: false } }, { prio: null }, true],
  ['code points, not code units', { status: { $lt: '😀' } }, { status: '～' }, true],
  ['instants as instants', { until: '2001-01-01T00:00:00Z' }, { until: '2001-01-01T02:00:00+02:00' }, true],
  ['now', { until: { $gt: '$now' } }, { until: '2090-01-01T00:00:00Z' }, true],
  ['now, past', { until: { $gt: '$now' } }, { until: '2001-01-01T00:00:00Z' }, false],
  ['who asks', { _owner: '$userId' }, { _owner: 'me' }, true],
  ['for whom', { _organisation: '$organisation' }, { _organisation: 'a' }, false],
  ['a name that every object inherits', { constructor: { $exists: true } }, {}, false],
  ['an operator that there is not', { prio: { $near: 3 } }, { prio: 3 }, false],
  ['nothing at all', {}, {}, false],
])('a rule compares %s', (_what, match, members, expected) => {
  expect(sees(when(match), members)).toBe(expected);
});

test('a variable without a value meets nothing, negated neither', () => {
  const given = { read: [{ group: 'public', match: { _owner: { $ne: '$userId' } } }] };
  expect(sees({ ...given, anonymous: true })).toBe(false);
  expect(sees(given)).toBe(true);
});

test('booleans have no order', () => {
  expect(compareWith('$gte', true, [true], false)).toBe(false);
  expect(compareWith('$eq', true, [true], false)).toBe(true);
});

test('a row is shown with what may be read of it, and with nothing that its schema does not know', () => {
  const given = { policy: { authorization: null, properties: { status: { read: [] } }, roles: [] } };
  expect(Object.keys(projected(ask(given), row({ prio: 1, more: 2 })) ?? {})).toEqual([
    'id',
    '_uuid',
    '_register',
    '_schema',
    '_organisation',
    '_owner',
    '_version',
    '_created',
    '_updated',
    'prio',
  ]);
});

test('who made a change is known inside its organisations only', () => {
  expect(knowsActor(ask(), 'b')).toBe(true);
  expect(knowsActor(ask(), 'a')).toBe(false);
  expect(knowsActor(ask(), null)).toBe(false);
  expect(knowsActor(ask({ me: { admin: true } }), null)).toBe(true);
});

test('a filter sees what its reader sees', () => {
  const term = (field: string, operator: string, ...values: string[]) => [{ field, operator, values }];
  expect(meetsFilter(SCHEMA, term('prio', 'gte', '2'), { prio: 3 })).toBe(true);
  expect(meetsFilter(SCHEMA, term('prio', 'ne', '2'), {})).toBe(false);
  expect(meetsFilter(SCHEMA, term('prio', 'null', 'true'), {})).toBe(true);
  expect(meetsFilter(SCHEMA, term('status', 'in', 'a', 'b'), { status: 'b' })).toBe(true);
  expect(meetsFilter(SCHEMA, term('status', '^', 'ne'), { status: 'new' })).toBe(true);
});

const viewer = {
  asker: { principal: 'me', credential: 'k' },
  interest: { topics: ['register/town'], filter: [], fields: undefined, events: undefined },
};

function changeOf(sequence: number, before: Image | null, after: Image | null): Change {
  const action = before === null ? 'created' : after === null ? 'deleted' : 'updated';
  const rest = { schema: SCHEMA, actor: null, time: 't', correlationId: null };
  return { sequence, action, uuid: 'u', version: sequence, before, after, ...rest };
}

test('a change is told as what it is to the reader', () => {
  const { rights } = ask(when({ status: 'new' }));
  const told = (before: Image | null, after: Image | null) =>
    messageOf(viewer, rights, changeOf(2, before, after));
  const hidden = row({ status: 'old' });
  expect(told(null, hidden)).toBeUndefined();
  expect(told(hidden, null)).toBeUndefined();
  expect(told(hidden, hidden)).toBeUndefined();
  expect(told(null, row())).toMatchObject({ name: 'object.created' });
  expect(told(row(), row({ prio: 1 }))?.data).toMatchObject({ changed: { prio: { old: null, new: 1 } } });
  expect(told(hidden, row())?.data).toMatchObject({ transition: 'entered' });
  expect(told(row(), hidden)?.data).toEqual({
    uuid: 'u',
    register: 'town',
    schema: 'cases',
    transition: 'left',
  });
  expect(told(row(), null)?.data).toEqual({ uuid: 'u', register: 'town', schema: 'cases', version: 2 });
});

test('a past image is told only while the newest may be seen, and a departure once, to who saw the row', () => {
  const { rights } = ask(when({ status: 'new' }));
  const [one, two, three] = [
    changeOf(1, null, row()),
    changeOf(2, row(), row({ prio: 1 })),
    changeOf(3, row({ prio: 1 }), row({ status: 'secret' })),
  ] as const;
  expect(replayedMessageOf(viewer, rights, one, [one, two])).toMatchObject({ name: 'object.created' });
  expect(replayedMessageOf(viewer, rights, one, [one, two, three])).toBeUndefined();
  expect(replayedMessageOf(viewer, rights, three, [one, two, three])).toBeUndefined();
  expect(replayedMessageOf(viewer, rights, two, [two, three])).toBeUndefined();
  expect(replayedMessageOf(viewer, rights, three, [two, three])?.data).toMatchObject({ transition: 'left' });
});

test('a role gives its holders what the register says that it may, and nothing where the register does not know it', () => {
  const policy = { authorization: { roles: { clerk: ['g'], constructor: ['g'] } } };
  const me = { groups: [{ organisation: 'b', group: 'g' }] };
  const clerk = { name: 'clerk', actions: ['read', 'delete'] } as const;
  expect(sees({ policy, me, roles: [clerk] })).toBe(true);
  expect(sees({ policy, roles: [clerk] })).toBe(false);
  // Nothing is said about reading: the members of the organisation.
  expect(sees({ policy, roles: [{ name: 'clerk', actions: ['delete'] }] })).toBe(true);
  expect(mayActOn(ask({ policy, me, roles: [clerk] }), row(), 'delete')).toBe(true);
  expect(mayActOn(ask({ policy, roles: [clerk] }), row(), 'delete')).toBe(false);
  // Beside a rule that says who else may.
  const besides = { authorization: { ...policy.authorization, read: [] } };
  expect(sees({ policy: besides, me, roles: [clerk] })).toBe(true);
  expect(sees({ policy: besides, me })).toBe(false);
});

test('a schema without rules goes by the roles that its register gives', () => {
  const inherited = { roles: { clerk: ['g'] } };
  const roles = [{ name: 'clerk', actions: ['read'] }] as const;
  expect(sees({ inherited, roles })).toBe(false);
  expect(sees({ inherited, roles, me: { groups: [{ organisation: 'b', group: 'g' }] } })).toBe(true);
  expect(sees({ inherited, roles, policy: { authorization: { create: [] } } })).toBe(true);
});
