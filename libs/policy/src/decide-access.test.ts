import { compileSql, evaluate, NEVER } from '@tidewire/condition';
import type {
  Action,
  Authorization,
  Principal,
  Property,
  PropertyAuthorization,
  Role,
  Scopes,
} from '@tidewire/contract';
import { expect, test } from 'vitest';
import {
  CHILD,
  governedView,
  id,
  ORG_A,
  ORG_B,
  organisation,
  policy,
  principal,
  register,
  row,
  SCHEMA,
  schema,
} from '../test/rights-builder.ts';
import { decideAccess } from './decide-access.ts';
import type { Granted } from './decision.ts';
import { RightsView } from './rights-view.ts';
import { projectedFields } from './sql-fields.ts';
import {
  isVisibleAt,
  meetsFilter,
  projectRow,
  readableOnAnyRow,
  seesActor,
  visibleFields,
  visibleRows,
  wasVisibleDuring,
} from './visibility.ts';
import { parseQueryFilter } from '@tidewire/condition';

const properties: Record<string, Property> = {
  status: { type: 'string' },
  secret: { type: 'string' },
  publishFrom: { type: 'string', format: 'date-time' },
  publishUntil: { type: 'string', format: 'date-time' },
};

interface Rules {
  own?: Authorization | null;
  registers?: Authorization | null;
  roles?: Role[];
  fields?: Record<string, PropertyAuthorization>;
}

function viewOf({ own = null, registers = null, roles = [], fields = {} }: Rules): RightsView {
  return governedView(
    properties,
    { authorization: own, properties: fields },
    { authorization: registers, roles },
  );
}

function ask(rules: Rules, who: Principal | null, action: Action = 'read', scopes: Scopes | null = null) {
  return decideAccess({ view: viewOf(rules), principal: who, schema: SCHEMA, action, scopes });
}

function granted(
  rules: Rules,
  who: Principal | null,
  action: Action = 'read',
  scopes: Scopes | null = null,
): Granted {
  const decision = ask(rules, who, action, scopes);
  if (!decision.allowed) throw new Error('denied');
  return decision;
}

const sees = (decision: Granted, image: Record<string, unknown>, now = 0): boolean =>
  isVisibleAt(decision, image, now);
const bob = principal('bob', ORG_A);

test('an action without rules is for the members of the organisation of the object', () => {
  expect(sees(granted({}, bob), row({}))).toBe(true);
  expect(sees(granted({}, bob), row({ _organisation: ORG_B }))).toBe(false);
  expect(ask({}, null).allowed).toBe(false);
});

test('an empty list of rules denies everybody but the owner', () => {
  const decision = granted({ own: { read: [] } }, bob);
  expect(decision.rows).toBe(NEVER);
  expect(sees(decision, row({}))).toBe(false);
  expect(sees(decision, row({ _owner: 'bob' }))).toBe(true);
});

test("rules of a schema replace its register's as a whole", () => {
  const registers: Authorization = { read: ['auditors'], update: ['auditors'] };
  expect(sees(granted({ registers }, bob), row({}))).toBe(false);
  expect(sees(granted({ registers, own: {} }, bob), row({}))).toBe(false);
  const own = granted({ registers, own: { read: ['authenticated'] } }, bob, 'update');
  expect(sees(own, row({}))).toBe(true);
});

test('without the policy of the schema, or of the register it falls back to, everything is denied', () => {
  for (const missing of ['schema', 'register'] as const) {
    const view = new RightsView();
    const other = missing === 'schema' ? 'register' : 'schema';
    view.loadState([organisation(ORG_A), register(), schema(properties), policy(other)], 1);
    const admin = { ...bob, admin: true };
    for (const who of [bob, admin]) {
      expect(decideAccess({ view, principal: who, schema: SCHEMA, action: 'read' }).allowed).toBe(false);
    }
  }
  expect(decideAccess({ view: viewOf({}), principal: bob, schema: id(99), action: 'read' }).allowed).toBe(
    false,
  );
});

test('a group of one organisation means nothing in another', () => {
  const own: Authorization = { read: ['managers'] };
  const elsewhere = { ...bob, groups: [{ organisation: ORG_B, group: 'managers' }] };
  expect(sees(granted({ own }, elsewhere), row({}))).toBe(false);
  expect(sees(granted({ own }, principal('eve', ORG_A, ['managers'])), row({}))).toBe(true);
});

test('a group of a child organisation means nothing on the rows of its parent', () => {
  const own: Authorization = { read: ['managers', { group: 'authenticated', match: { status: 'public' } }] };
  const child = principal('kid', CHILD, ['managers']);
  const decision = granted({ own }, child);
  expect(sees(decision, row({ _organisation: CHILD }))).toBe(true);
  expect(sees(decision, row({ _organisation: ORG_A }))).toBe(false);
  expect(sees(decision, row({ _organisation: ORG_A, status: 'public' }))).toBe(true);
});

test('children read what their ancestors hold, write only their own, and parents see no child', () => {
  const child = principal('kid', CHILD);
  expect(sees(granted({}, child), row({ _organisation: ORG_A }))).toBe(true);
  expect(sees(granted({}, child, 'update'), row({ _organisation: ORG_A }))).toBe(false);
  expect(sees(granted({}, bob), row({ _organisation: CHILD }))).toBe(false);
});

test('the owner outside of the boundary is nobody', () => {
  expect(sees(granted({ own: { read: [] } }, bob), row({ _owner: 'bob', _organisation: ORG_B }))).toBe(false);
});

test('an active organisation that the principal is no member of, or that is unknown, opens nothing', () => {
  expect(ask({}, { ...bob, organisations: [] }).allowed).toBe(false);
  expect(ask({}, { ...bob, activeOrganisation: null }).allowed).toBe(false);
  expect(ask({}, principal('bob', id(77))).allowed).toBe(false);
  expect(ask({}, { ...bob, removed: true }).allowed).toBe(false);
});

test.each(['admin', 'public', 'authenticated'])('membership of a group called %s gives nothing', (name) => {
  const impostor = principal('eve', ORG_A, [name]);
  expect(sees(granted({ own: { read: ['admin'] } }, impostor), row({}))).toBe(false);
  expect(impostor.admin).toBe(false);
});

test('a public rule is for everybody inside the boundary and for anonymous readers, of rows of an organisation', () => {
  const own: Authorization = { read: [{ group: 'public', match: { status: 'public' } }], update: ['public'] };
  const anonymous = granted({ own }, null);
  expect(sees(anonymous, row({ status: 'public' }))).toBe(true);
  expect(sees(anonymous, row({ status: 'draft' }))).toBe(false);
  expect(sees(anonymous, row({ status: 'public', _organisation: null }))).toBe(false);
  expect(sees(granted({ own }, bob), row({ status: 'public', _organisation: ORG_B }))).toBe(false);
  expect(ask({ own }, null, 'update').allowed).toBe(false);
  expect(ask({ own: { read: ['authenticated'] } }, null).allowed).toBe(false);
});

test('roles give their actions to groups; a role that the register does not define gives none', () => {
  const roles: Role[] = [{ name: 'viewer', actions: ['read'] }];
  const own: Authorization = {
    roles: { viewer: ['guests'], ghost: ['authenticated'] },
    update: ['authenticated'],
  };
  expect(sees(granted({ own, roles }, principal('gus', ORG_A, ['guests'])), row({}))).toBe(true);
  expect(sees(granted({ own, roles }, bob), row({}))).toBe(false);
  expect(sees(granted({ own, roles }, bob, 'update'), row({}))).toBe(true);
});

test('an administrator crosses organisations and may choose one', () => {
  const admin = { ...principal('root', null), admin: true };
  expect(sees(granted({ own: { read: [] } }, admin), row({ _organisation: null }))).toBe(true);
  const view = viewOf({});
  const chosen = decideAccess({
    view,
    principal: admin,
    schema: SCHEMA,
    action: 'read',
    organisation: ORG_B,
  });
  expect(chosen.allowed && sees(chosen, row({}))).toBe(false);
  expect(chosen.allowed && sees(chosen, row({ _organisation: ORG_B }))).toBe(true);
});

test('scopes narrow actions and rows, for administrators too', () => {
  const admin = { ...bob, admin: true };
  for (const who of [bob, admin]) {
    expect(ask({}, who, 'update', { actions: ['read'] }).allowed).toBe(false);
    expect(ask({}, who, 'list', { actions: ['read'] }).allowed).toBe(true);
    expect(ask({}, who, 'read', { topics: [] }).allowed).toBe(false);
    expect(ask({}, who, 'read', { topics: ['register/other', 'nonsense'] }).allowed).toBe(false);
    const schemaOnly = granted({}, who, 'read', { topics: ['register/zaken/schema/meldingen'] });
    expect(sees(schemaOnly, row({}))).toBe(true);
    const one = granted({}, who, 'read', { topics: [`object/${id(5)}`, `organisation/${ORG_B}`] });
    expect(sees(one, row({ _uuid: id(5) }))).toBe(true);
    expect(sees(one, row({ _owner: 'bob' }))).toBe(false);
  }
});

test('listing asks for its own rule and for reading', () => {
  const own: Authorization = {
    read: ['authenticated'],
    list: [{ group: 'authenticated', match: { status: 'open' } }],
  };
  expect(sees(granted({ own }, bob, 'list'), row({ status: 'open' }))).toBe(true);
  expect(sees(granted({ own }, bob, 'list'), row({ status: 'x' }))).toBe(false);
  expect(sees(granted({ own: { read: ['authenticated'] } }, bob, 'list'), row({ status: 'x' }))).toBe(true);
});

test('variables are those of who asks', () => {
  const own: Authorization = {
    read: [{ group: 'authenticated', match: { status: '$userId', _organisation: '$organisation' } }],
  };
  expect(sees(granted({ own }, bob), row({ status: 'bob' }))).toBe(true);
  expect(sees(granted({ own }, bob), row({ status: 'alice' }))).toBe(false);
});

test('property rules bind the owner, count per organisation, and hide what no rule knows', () => {
  const fields = { secret: { read: ['managers'] } };
  const image = row({ status: 'a', secret: 's', _owner: 'bob', leftover: 1 });
  const seen = projectRow(granted({ fields }, bob), image, 0);
  expect(Object.keys(seen)).not.toContain('secret');
  expect(Object.keys(seen)).not.toContain('leftover');
  expect(seen['status']).toBe('a');
  const child = granted({ fields }, principal('kid', CHILD, ['managers']));
  expect(projectRow(child, { ...image, _organisation: CHILD }, 0)['secret']).toBe('s');
  expect('secret' in projectRow(child, image, 0)).toBe(false);
});

test('a field that is readable on no row is refused like an unknown one, on some rows it is accepted', () => {
  const hidden = granted({ fields: { secret: { read: ['managers'] } } }, bob);
  expect(readableOnAnyRow(hidden, 'secret')).toBe(false);
  const refused = (field: string) => parseQueryFilter([[field, 'x']], hidden.types);
  expect(JSON.stringify(refused('secret')).replaceAll('secret', 'absent')).toBe(
    JSON.stringify(refused('absent')),
  );
  const some = granted(
    { fields: { secret: { read: [{ group: 'authenticated', match: { status: 'open' } }] } } },
    bob,
  );
  expect(readableOnAnyRow(some, 'secret')).toBe(true);
  expect(readableOnAnyRow(some, '_updated')).toBe(true);
});

test('a filter sees a conditionally readable field only on the rows where it may be read', () => {
  const fields = { secret: { read: [{ group: 'authenticated', match: { status: 'open' } }] } };
  const decision = granted({ fields }, bob);
  const parsed = parseQueryFilter([['secret', 'x']], decision.types);
  if (!parsed.ok) throw new Error('refused');
  const meets = (image: Record<string, unknown>): boolean =>
    meetsFilter(decision, parsed.condition, image, { mask: visibleFields(decision, image, 0), nowMs: 0 });
  expect(meets(row({ secret: 'x', status: 'open' }))).toBe(true);
  expect(meets(row({ secret: 'x', status: 'closed' }))).toBe(false);
  const none = parseQueryFilter([['secret[null]', 'true']], decision.types);
  if (!none.ok) throw new Error('refused');
  const closed = row({ secret: 'x', status: 'closed' });
  expect(
    meetsFilter(decision, none.condition, closed, { mask: visibleFields(decision, closed, 0), nowMs: 0 }),
  ).toBe(true);
});

test('in SQL a conditionally readable field is guarded and an unreadable one is absent', () => {
  const fields = {
    secret: { read: [{ group: 'authenticated', match: { status: 'open' } }] },
    publishFrom: { read: [] },
  };
  const decision = granted({ fields }, bob);
  const parameters: unknown[] = [];
  const field = projectedFields(decision, {
    field: (name) => ({ sql: `f_${name}`, kind: 'jsonb' }),
    parameters,
  });
  expect(field('secret')).toEqual({
    kind: 'jsonb',
    sql: '(CASE WHEN (f_status = $1::jsonb) THEN f_secret END)',
  });
  expect(field('status')).toEqual({ kind: 'jsonb', sql: 'f_status' });
  expect(field('publishFrom')).toEqual({ kind: 'absent' });
  expect(parameters).toEqual(['"open"']);
  expect(compileSql(decision.rows, { field, parameters })).toContain('_organisation');
});

test('the condition of all visible rows says what the row by row answer says', () => {
  const decision = granted({ own: { read: [{ group: 'authenticated', match: { status: 'open' } }] } }, bob);
  for (const status of ['open', 'closed']) {
    for (const owner of ['bob', 'eve', null]) {
      for (const home of [ORG_A, ORG_B, null]) {
        const image = row({ status, _owner: owner, _organisation: home });
        expect(evaluate(visibleRows(decision), image)).toBe(sees(decision, image));
      }
    }
  }
});

test('a row that time hid was visible during the span that counts for its before image', () => {
  const match = { publishFrom: { $lte: '$now' }, publishUntil: { $gt: '$now' } };
  const decision = granted({ own: { read: [{ group: 'authenticated', match }] } }, bob);
  const at = (minute: number): number => Date.parse('2026-03-01T12:00:00Z') + minute * 60_000;
  const image = row({ publishFrom: '2026-03-01T12:10:00Z', publishUntil: '2026-03-01T12:20:00Z' });
  expect(decision.usesNow).toBe(true);
  expect(sees(decision, image, at(15))).toBe(true);
  expect(sees(decision, image, at(30))).toBe(false);
  expect(wasVisibleDuring(decision, image, at(0), at(30))).toBe(true);
  expect(wasVisibleDuring(decision, image, at(25), at(30))).toBe(false);
  expect(granted({}, bob).usesNow).toBe(false);
});

test('who made a change is told only to members of the organisation that it was made for', () => {
  expect(seesActor(bob, { organisation: ORG_A })).toBe(true);
  expect(seesActor(bob, { organisation: ORG_B })).toBe(false);
  expect(seesActor(bob, { organisation: null })).toBe(false);
  expect(seesActor(null, { organisation: ORG_A })).toBe(false);
  expect(seesActor({ ...bob, admin: true }, { organisation: null })).toBe(true);
});

test('a removed schema can be read, to judge its last deletes, but not written', () => {
  const view = viewOf({ own: { read: ['authenticated'], update: ['authenticated'] } });
  view.loadState([{ ...schema(properties, 2), removed: true }], 2);
  expect(decideAccess({ view, principal: bob, schema: SCHEMA, action: 'read' }).allowed).toBe(true);
  expect(decideAccess({ view, principal: bob, schema: SCHEMA, action: 'update' }).allowed).toBe(false);
  view.loadState([policy('schema', { version: 2, removed: true })], 3);
  expect(decideAccess({ view, principal: bob, schema: SCHEMA, action: 'read' }).allowed).toBe(false);
});
