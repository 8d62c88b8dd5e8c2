import { ALWAYS } from '@tidewire/condition';
import type {
  Policy,
  PreviewPolicyRequest,
  PreviewProfile,
  PrincipalPreview,
  Rule,
} from '@tidewire/contract';
import { decideAccess, projectRow } from '@tidewire/policy';
import type { RightsView } from '@tidewire/policy';
import { createManualClock } from '@tidewire/service-kit';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../../test/database.ts';
import type { RecordsTestDatabase } from '../../test/database.ts';
import { ORGANISATION, OTHER_ORGANISATION, REGISTER, SCHEMA, viewWith } from '../../test/rights.ts';
import { createObjectRepository } from '../objects/object-repository-postgres.ts';
import type { ObjectRepository, StatementContext } from '../objects/object-repository.ts';
import type { Turn } from '../rights/judgement.ts';
import { viewWithPolicy } from './compared-rights.ts';
import { PolicyPreview } from './policy-preview.ts';
import type { Preview } from './policy-preview.ts';
import { createPreviewSource } from './preview-source-postgres.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const TIMES = ['2026-03-01T11:59:59.999Z', '2026-03-01T12:00:01Z', undefined];

let database: RecordsTestDatabase;
let repository: ObjectRepository;
beforeAll(async () => {
  database = await openTestDatabase();
  repository = createObjectRepository(database.records);
  const { records } = database;
  await records.query(`insert into records.registers (id, slug) values ($1, 'zaken')`, [REGISTER]);
  await records.query(
    `insert into records.schemas (id, register_id, slug, table_slug) values ($1, $2, 'dingen', 'dingen')`,
    [SCHEMA, REGISTER],
  );
  const owners = ['ann', 'bob', 'kim', 'eve', null];
  for (let row = 0; row < 90; row++) {
    const values = {
      status: ['a', 'b', null, undefined][row % 4],
      level: [1, 2, '2', undefined, 3][row % 5],
      open: row % 3 === 0 ? row % 2 === 0 : undefined,
      moment: TIMES[row % 3],
    };
    await records.query(
      `insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties)
       values (gen_random_uuid(), $1, $2, $3, $4, $5)`,
      [
        REGISTER,
        SCHEMA,
        [ORGANISATION, OTHER_ORGANISATION, null][row % 7 > 4 ? 2 : row % 2],
        owners[row % 5],
        values,
      ],
    );
  }
});
afterAll(() => database[Symbol.asyncDispose]());

const group = (name: string, organisation = ORGANISATION) => ({ organisation, group: name });
/** Several with the same rights, somebody below, somebody who is nowhere, and everybody. */
const PROFILES: readonly PreviewProfile[] = [
  { activeOrganisation: null, groups: [], principals: [null] },
  { activeOrganisation: ORGANISATION, groups: [], principals: ['ann', 'bob', 'zoe'] },
  { activeOrganisation: ORGANISATION, groups: [group('managers')], principals: ['mia'] },
  {
    activeOrganisation: OTHER_ORGANISATION,
    groups: [group('managers'), group('night', OTHER_ORGANISATION)],
    principals: ['kim', 'kay'],
  },
  { activeOrganisation: null, groups: [group('managers')], principals: ['eve'] },
];

const rule: fc.Arbitrary<Rule> = fc.oneof(
  fc.constantFrom('managers', 'night', 'public', 'authenticated'),
  fc.record({
    group: fc.constantFrom('public', 'authenticated', 'managers'),
    match: fc.constantFrom<Exclude<Rule, string>['match'] & object>(
      { status: 'a' },
      { status: { $ne: 'a' } },
      { level: { $gte: 2 } },
      { level: { $exists: false }, status: 'b' },
      { _owner: '$userId' },
      { _owner: { $in: ['ann', 'bob', '$userId'] } },
      { _organisation: '$organisation' },
      { moment: { $lt: '$now' } },
      { open: true },
    ),
  }),
);
const rules = fc.option(fc.array(rule, { maxLength: 3 }), { nil: undefined });
const content = fc.record({ read: rules, list: rules, status: rules, level: rules }).map((given) => ({
  authorization: { ...(given.read && { read: given.read }), ...(given.list && { list: given.list }) },
  properties: {
    ...(given.status && { status: { read: given.status } }),
    ...(given.level && { level: { read: given.level } }),
  },
}));

/** The rights under a policy, one organisation below the other. */
function viewUnder(policy: Partial<Pick<Policy, 'authorization' | 'properties'>>): RightsView {
  const view = viewWith({ authorization: policy.authorization ?? {}, properties: policy.properties ?? {} });
  const below = view.organisation(OTHER_ORGANISATION);
  if (below !== undefined) view.loadState([{ ...below, parent: ORGANISATION, version: 2 }], 2);
  return view;
}

function requestFor(given: Partial<PreviewPolicyRequest>): PreviewPolicyRequest {
  return {
    target: 'schema',
    id: SCHEMA,
    authorization: null,
    properties: {},
    roles: [],
    action: 'list',
    profiles: [...PROFILES],
    ...given,
  };
}

/** A preview of which `spentMs` are over before the rows are asked. */
async function previewOf(view: RightsView, request: PreviewPolicyRequest, spentMs = 0): Promise<Preview> {
  const clock = createManualClock(NOW_MS);
  const turn = { view, principal: null, concerned: [], nowMs: NOW_MS, confirm: async () => undefined };
  const judge = async <Result>(_who: null, attempt: (turn: Turn) => Promise<Result>): Promise<Result> => {
    clock.advance(spentMs);
    return await attempt(turn as unknown as Turn);
  };
  const judgement = { judge } as ConstructorParameters<typeof PolicyPreview>[0]['judgement'];
  return await new PolicyPreview({ judgement, source: createPreviewSource(database.records), clock }).preview(
    request,
  );
}

type Seen = ReadonlyMap<string, ReadonlySet<string>>;

/** What a list holds, by the statement that lists are made by. */
async function listed(view: RightsView, profile: PreviewProfile, id: string | null): Promise<Seen> {
  const { activeOrganisation, groups } = profile;
  const organisations = activeOrganisation === null ? [] : [activeOrganisation];
  const state = { kind: 'principal', name: '', admin: false, version: 1, removed: false } as const;
  const principal = id === null ? null : { ...state, id, organisations, activeOrganisation, groups };
  const decision = decideAccess({ view, principal, schema: SCHEMA, action: 'list' });
  if (!decision.allowed) return new Map();
  const context: StatementContext = {
    place: { register: REGISTER, schema: SCHEMA, registerSlug: 'zaken', schemaSlug: 'dingen' },
    concerned: [],
    tenants: null,
    nowMs: NOW_MS,
  };
  const { images } = await repository.list(context, {
    decision,
    filter: ALWAYS,
    search: undefined,
    order: [],
    limit: 1000,
    offset: 0,
    maxBytes: 10_000_000,
  });
  return new Map(
    (images ?? []).map((image) => [image._uuid, new Set(Object.keys(projectRow(decision, image, NOW_MS)))]),
  );
}

function gained(before: Seen, after: Seen): { rows: string[]; properties: string[] } {
  const names = [...after].flatMap(([uuid, members]) => [...members.difference(before.get(uuid) ?? members)]);
  const rows = [...after.keys()].filter((uuid) => !before.has(uuid));
  return { rows: rows.toSorted(), properties: [...new Set(names)].toSorted() };
}

function expectSide(said: PrincipalPreview['gains'], rows: readonly string[]): void {
  expect(said.rows).toBe(rows.length);
  expect(said.sample).toEqual(rows.slice(0, 10).map((uuid) => ({ table: 'dingen', uuid })));
}

test('says exactly what lists gain and lose under another policy, whatever the rules, also of own rows', async () => {
  let changes = 0;
  await fc.assert(
    fc.asyncProperty(content, content, async (from, to) => {
      const request = requestFor(to);
      const before = viewUnder(from);
      const after = viewUnder(to);
      const said = await previewOf(before, request);
      let unchanged = 0;
      for (const profile of PROFILES) {
        for (const id of profile.principals) {
          const [old, now] = [await listed(before, profile, id), await listed(after, profile, id)];
          const [gains, loses] = [gained(old, now), gained(now, old)];
          const mine = said.principals.find(({ principal }) => principal === id);
          const changed = [gains, loses].some((side) => side.rows.length + side.properties.length > 0);
          expect(mine !== undefined, String(id)).toBe(changed);
          if (!changed) unchanged += 1;
          if (mine === undefined) continue;
          changes += 1;
          expectSide(mine.gains, gains.rows);
          expectSide(mine.loses, loses.rows);
          expect(mine.properties).toEqual({ gains: gains.properties, loses: loses.properties });
        }
      }
      expect([said.unchanged, said.truncated]).toEqual([unchanged, false]);
    }),
    { numRuns: 60 },
  );
  expect(changes).toBeGreaterThan(60);
}, 120_000);

test('leaves the rights that are in force as they are', async () => {
  const view = viewUnder({ authorization: { read: ['managers'] } });
  const request = requestFor({ authorization: { read: ['public'] } });
  expect(viewWithPolicy(view, request).policy(SCHEMA)?.authorization).toEqual({ read: ['public'] });
  await previewOf(view, request);
  expect(view.policy(SCHEMA)?.authorization).toEqual({ read: ['managers'] });
});

test('a schema with rules of its own does not change with those of its register', async () => {
  const request = requestFor({ target: 'register', id: REGISTER, authorization: { read: [] } });
  const own = await previewOf(viewUnder({ authorization: { read: ['public'] } }), request);
  expect(own).toEqual({ principals: [], unchanged: 8, truncated: false });
  const inherited = await previewOf(viewUnder({}), request);
  expect(inherited.principals.map(({ principal }) => principal)).toEqual([
    'ann',
    'bob',
    'zoe',
    'mia',
    'kim',
    'kay',
  ]);
});

test('finds no register or schema that there is not', async () => {
  const id = '10000000-0000-4000-8000-00000000dead';
  for (const target of ['register', 'schema'] as const) {
    await expect(previewOf(viewUnder({}), requestFor({ target, id }))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  }
});

test('says that it is not complete when the time is over, and counts nobody of whom nothing is known', async () => {
  const request = requestFor({ authorization: { read: [] } });
  const blocker = new Client({ connectionString: database.urls.ownerUrl });
  await blocker.connect();
  try {
    // Nothing can be counted: the statement is given up when its share of the time is over.
    await blocker.query('BEGIN; LOCK TABLE records.objects IN ACCESS EXCLUSIVE MODE');
    const said = await previewOf(viewUnder({}), request, 4_900);
    expect(said).toMatchObject({ principals: [], truncated: true });
    // Whom no rule concerns, without a look at the rows.
    expect(said.unchanged).toBe(2);
    expect(await previewOf(viewUnder({}), request, 6_000)).toEqual(said);
  } finally {
    await blocker.end();
  }
  expect((await previewOf(viewUnder({}), request)).truncated).toBe(false);
});
