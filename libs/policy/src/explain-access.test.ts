import type { Row } from '@tidewire/condition';
import { ACTIONS } from '@tidewire/contract';
import type {
  Authorization,
  Match,
  Principal,
  PropertyAuthorization,
  Role,
  Rule,
  Scopes,
} from '@tidewire/contract';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CHILD,
  governedView,
  id,
  ORG_A,
  ORG_B,
  principal,
  REGISTER,
  row,
  SCHEMA,
} from '../test/rights-builder.ts';
import { decideAccess, type AccessRequest } from './decide-access.ts';
import { explainAccess, explainRules } from './explain-access.ts';
import { allowedFields, maskNames } from './property-rights.ts';
import { isVisibleAt, visibleFields } from './visibility.ts';

const PROPERTIES = {
  status: { type: 'string' },
  prio: { type: 'integer' },
  until: { type: 'string', format: 'date-time' },
  secret: { type: 'string' },
  constructor: { type: 'string' },
} as const;
const NOW_MS = Date.parse('2026-03-01T12:00:00.000Z');

const group = fc.constantFrom('g1', 'g2', 'public', 'authenticated', 'admin');
const match = fc.constantFrom<Match>(
  { status: 'open' },
  { status: { $ne: 'open' } },
  { status: { $in: ['new', 'open'] }, prio: { $gte: 2 } },
  { prio: { $lt: 3 } },
  { until: { $gt: '$now' } },
  { secret: '$userId' },
  { _organisation: '$organisation' },
  { _owner: '$userId', status: 'new' },
  { status: { $unknown: 'x' } },
);
const rule: fc.Arbitrary<Rule> = fc.oneof(group, fc.record({ group, match }), fc.record({ group }));
const rules = fc.array(rule, { maxLength: 3 });
const authorization: fc.Arbitrary<Authorization | null> = fc.option(
  fc.record(
    {
      read: rules,
      list: rules,
      create: rules,
      update: rules,
      delete: rules,
      roles: fc.dictionary(
        fc.constantFrom('viewer', 'editor', 'a/b~c'),
        fc.array(group, { minLength: 1, maxLength: 2 }),
      ),
    },
    { requiredKeys: [] },
  ),
);
const propertyRules: fc.Arbitrary<Record<string, PropertyAuthorization>> = fc.dictionary(
  fc.constantFrom('status', 'prio', 'secret', 'constructor', 'gone'),
  fc.record({ read: rules, update: rules }, { requiredKeys: [] }),
  { maxKeys: 3, noNullPrototype: true },
);
const roles = fc.constant<Role[]>([
  { name: 'viewer', actions: ['read', 'list'] },
  { name: 'a/b~c', actions: ['update'] },
]);
const organisation = fc.constantFrom(ORG_A, ORG_B, CHILD);
const somebody: fc.Arbitrary<Principal> = fc
  .record({
    admin: fc.boolean(),
    removed: fc.integer({ max: 19, min: 0 }).map((value) => value === 0),
    organisations: fc.uniqueArray(organisation, { maxLength: 3, minLength: 1 }),
    active: fc.option(organisation, { freq: 8 }),
    groups: fc.array(fc.record({ organisation, group }), { maxLength: 4 }),
    unlikely: fc.integer({ min: 0, max: 7 }),
  })
  .map(({ admin, active, unlikely, ...rest }) => ({
    ...principal('bob', null),
    ...rest,
    admin: admin && unlikely === 0,
    activeOrganisation: active === null ? null : (rest.organisations[unlikely % 4] ?? active),
  }));
const limits: fc.Arbitrary<Scopes> = fc.record(
  {
    actions: fc.uniqueArray(fc.constantFrom(...ACTIONS)),
    topics: fc.array(
      fc.constantFrom(
        'register/zaken',
        'register/zaken/schema/meldingen',
        'register/other',
        `object/${id(1000)}`,
        `organisation/${CHILD}`,
        'malformed',
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
// Most credentials are not limited: a generator that mostly refuses proves little.
const scopes = fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: limits });
const rows: fc.Arbitrary<Row> = fc
  .record(
    {
      _uuid: fc.constantFrom(id(1000), id(1001)),
      _organisation: fc.constantFrom(ORG_A, ORG_B, CHILD, CHILD, null),
      _owner: fc.constantFrom('bob', 'eve', null),
      status: fc.constantFrom('new', 'open', 'done', null),
      prio: fc.constantFrom(1, 2, 3, '2'),
      until: fc.constantFrom('2026-03-01T11:00:00.000Z', '2026-03-01T13:00:00.000Z', 'soon'),
      secret: fc.constantFrom('bob', 'eve'),
      constructor: fc.constantFrom('built'),
    },
    { requiredKeys: ['_organisation', '_uuid', '_owner'] },
  )
  .map(row);

interface Case {
  readonly request: AccessRequest;
  readonly row: Row;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    own: authorization,
    properties: propertyRules,
    registers: authorization,
    roles,
    who: fc.option(somebody, { freq: 6 }),
    scopes,
    action: fc.constantFrom(...ACTIONS, 'read', 'read', 'list'),
    chosen: fc.option(organisation, { nil: undefined, freq: 1 }),
    row: rows,
    schema: fc.integer({ min: 0, max: 30 }).map((value) => (value === 0 ? id(3) : SCHEMA)),
  })
  .map((parts) => ({
    request: {
      view: governedView(
        PROPERTIES,
        { authorization: parts.own, properties: parts.properties },
        { authorization: parts.registers, roles: parts.roles },
      ),
      principal: parts.who,
      schema: parts.schema,
      action: parts.action,
      scopes: parts.scopes,
      ...(parts.chosen !== undefined && { organisation: parts.chosen }),
    },
    row: parts.row,
  }));

test('an explanation says what is decided, on random rules, principals, credentials and rows', () => {
  const seen = { allowed: 0, refused: 0, trimmed: 0 };
  fc.assert(
    fc.property(cases, ({ request, row: image }) => {
      const decision = decideAccess(request);
      const explained = explainAccess(request, image, NOW_MS);
      const visible = decision.allowed && isVisibleAt(decision, image, NOW_MS);
      expect(explained.allowed).toBe(visible);
      const allowed = explained.properties.filter((property) => property.allowed).map(({ name }) => name);
      if (!visible) {
        seen.refused += 1;
        expect(explained.properties).toEqual([]);
        expect(explained.steps.filter(({ outcome }) => outcome === 'stops')).toHaveLength(1);
        expect(explained.steps.at(-1)?.outcome).toBe('stops');
        return;
      }
      seen.allowed += 1;
      const reading = request.action === 'read' || request.action === 'list';
      const [rights, mask] = reading
        ? [decision.reads, visibleFields(decision, image, NOW_MS)]
        : [decision.updates, allowedFields(decision.updates, image, NOW_MS)];
      expect(allowed).toEqual(maskNames(rights, mask));
      if (allowed.length < explained.properties.length) seen.trimmed += 1;
      expect(explained.steps.some(({ outcome }) => outcome === 'allows')).toBe(true);
    }),
    { numRuns: 2000 },
  );
  // A generator that only ever refuses would prove nothing.
  expect(Math.min(seen.allowed, seen.refused, seen.trimmed)).toBeGreaterThan(25);
});

test('a rule that is said to hold on no row never lets one pass, and where all are said to, none does', () => {
  fc.assert(
    fc.property(cases, ({ request, row: image }) => {
      const reach = explainRules(request);
      const never = new Set(
        reach.filter(({ outcome }) => outcome === 'skips').map((step) => JSON.stringify(step.rule)),
      );
      for (const step of explainAccess(request, image, NOW_MS).steps) {
        if (step.step !== 'rule' || step.outcome === 'stops' || step.outcome === 'skips') continue;
        expect(never).not.toContain(JSON.stringify(step.rule));
      }
      const decision = decideAccess({ ...request, scopes: null });
      if (
        request.action !== 'list' &&
        reach.length > 0 &&
        decision.allowed &&
        decision.boundary.op !== 'false'
      ) {
        expect(reach.every(({ outcome }) => outcome === 'skips')).toBe(decision.rows.op === 'false');
      }
    }),
    { numRuns: 1000 },
  );
});

const demo = governedView(
  { titel: { type: 'string' }, status: { type: 'string' }, melderEmail: { type: 'string' } },
  {
    authorization: {
      read: ['behandelaars', { group: 'authenticated', match: { status: { $ne: 'vertrouwelijk' } } }],
    },
    properties: { melderEmail: { read: ['behandelaars'] } },
  },
);
const ask = (who: Principal | null, members: Record<string, unknown>) =>
  explainAccess(
    { view: demo, principal: who, schema: SCHEMA, action: 'read' },
    row({ titel: 'Lamp', status: 'nieuw', melderEmail: 'x@y', ...members }),
    NOW_MS,
  );

test('the rule that lets a row pass is named by its place in the policy', () => {
  const { steps, properties, reason } = ask(principal('bob', ORG_A), {});
  expect(steps.map(({ step, outcome, rule: place }) => [step, outcome, place?.pointer])).toEqual([
    ['administrator', 'skips', undefined],
    ['tenant', 'continues', undefined],
    ['owner', 'skips', undefined],
    ['rule', 'skips', '/authorization/read/0'],
    ['rule', 'allows', '/authorization/read/1'],
  ]);
  expect(reason).toBe("The row matches the rule for 'authenticated'.");
  expect(properties.find(({ name }) => name === 'melderEmail')).toMatchObject({
    allowed: false,
    steps: [
      {
        step: 'property',
        rule: { policy: 'schema', id: SCHEMA, pointer: '/properties/melderEmail/read/0' },
        groups: ['behandelaars'],
      },
    ],
  });
});

test('a rule that does not match says by which fields, and never the value of one', () => {
  const explained = ask(principal('bob', ORG_A), { status: 'vertrouwelijk' });
  expect(explained.allowed).toBe(false);
  expect(explained.steps).toContainEqual(expect.objectContaining({ outcome: 'skips', fields: ['status'] }));
  expect(explained.steps.at(-1)).toMatchObject({ step: 'rule', outcome: 'stops' });
  expect(JSON.stringify(explained)).not.toContain('vertrouwelijk');
});

test('the first thing that stops a row is the reason', () => {
  expect(ask(principal('bob', ORG_B), {}).reason).toContain("'bob' reads rows of");
  expect(ask(principal('bob', null), {}).reason).toBe("'bob' has no active organisation.");
  expect(ask(null, {}).reason).toBe("None of the rules for 'read' lets the row pass.");
  expect(ask(principal('bob', ORG_A), { status: 'vertrouwelijk', _owner: 'bob' }).reason).toBe(
    "'bob' owns the row.",
  );
});

test("rules that come from the register's policy and from roles are named there", () => {
  const view = governedView(
    { titel: { type: 'string' } },
    {},
    {
      authorization: { roles: { viewer: ['lezers', 'g1'] } },
      roles: [{ name: 'viewer', actions: ['read'] }],
    },
  );
  const request = {
    view,
    principal: principal('bob', ORG_A, ['g1']),
    schema: SCHEMA,
    action: 'read',
  } as const;
  const allowing = explainAccess(request, row({}), NOW_MS).steps.find(({ outcome }) => outcome === 'allows');
  expect(allowing?.rule).toEqual({
    policy: 'register',
    id: REGISTER,
    pointer: '/authorization/roles/viewer/1',
  });
});
