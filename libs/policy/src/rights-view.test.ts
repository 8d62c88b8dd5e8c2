import type { RightsState } from '@tidewire/contract';
import { expect, test } from 'vitest';
import {
  credential,
  id,
  ORG_A,
  ORG_B,
  organisation,
  policy,
  principal,
  REGISTER,
  register,
  rightsMessage,
  SCHEMA,
  schema,
} from '../test/rights-builder.ts';
import { decideAccess } from './decide-access.ts';
import { entersDecision } from './enters-decision.ts';
import { concernsSubscription, NO_CHANGE } from './rights-change.ts';
import { RightsView } from './rights-view.ts';

const base: RightsState[] = [
  organisation(ORG_A),
  organisation(ORG_B),
  register(),
  schema({ status: { type: 'string' } }),
  policy('register'),
  policy('schema', { authorization: { read: ['managers'] } }),
];

function loaded(options: { recentCapacity?: number } = {}): RightsView {
  const view = new RightsView(options);
  view.loadState(base, 10);
  return view;
}

const bob = principal('bob', ORG_A);
const token = credential(50, 'bob');
const authentication = (sequence = 10, who = bob, what = token) => ({
  principal: who,
  credential: what,
  position: { sequence },
});

test('a policy that is applied counts from that position on, and says whom it concerns', () => {
  const view = loaded();
  const read = () => decideAccess({ view, principal: bob, schema: SCHEMA, action: 'read' });
  expect(read()).toMatchObject({ rows: { op: 'false' } });
  const change = view.apply(
    rightsMessage(policy('schema', { authorization: { read: ['authenticated'] }, version: 2 })),
    11,
  );
  expect(change.schemas).toEqual(new Set([SCHEMA]));
  expect(view.sequence).toBe(11);
  expect(read()).toMatchObject({ rows: { op: 'eq', field: '_organisation' } });
  expect(concernsSubscription(change, { principal: 'bob', schema: SCHEMA })).toBe(true);
  expect(concernsSubscription(change, { principal: 'bob', schema: id(99) })).toBe(false);
});

test('an older or equal version changes nothing, in whatever order states arrive', () => {
  const view = loaded();
  const open = policy('schema', { authorization: { read: ['authenticated'] }, version: 3 });
  view.apply(rightsMessage(open), 11);
  expect(view.apply(rightsMessage(open), 11)).toEqual(NO_CHANGE);
  expect(
    view.apply(rightsMessage(policy('schema', { authorization: { read: [] }, version: 2 })), 12),
  ).toEqual(NO_CHANGE);
  view.loadState(base, 10);
  expect(view.policy(SCHEMA)).toEqual(open);
  expect(view.sequence).toBe(12);
});

test('a change of a register or of its policy concerns its schemas', () => {
  const view = loaded();
  expect(view.apply(rightsMessage(policy('register', { version: 2 })), 11).schemas).toEqual(
    new Set([SCHEMA, REGISTER].slice(0, 1)),
  );
  expect(view.apply(rightsMessage(register(2)), 12).schemas).toEqual(new Set([SCHEMA]));
});

test('what is removed is gone for new subscriptions and kept to judge its last events', () => {
  const view = loaded();
  const removed = { ...schema({ status: { type: 'string' } }, 2), removed: true };
  const change = view.apply(rightsMessage(removed), 11);
  expect(change.gone).toEqual(new Set([SCHEMA]));
  expect(view.schemaBySlug('zaken', 'meldingen')).toBeUndefined();
  expect(view.schemaByTable('meldingen')).toBeUndefined();
  expect(view.schema(SCHEMA)).toEqual(removed);
  expect(view.rules(SCHEMA)).toBeDefined();
});

test('registers, schemas and tables are found by slug', () => {
  const view = loaded();
  expect(view.registerBySlug('zaken')?.id).toBe(REGISTER);
  expect(view.schemaBySlug('zaken', 'meldingen')?.id).toBe(SCHEMA);
  expect(view.schemaByTable('meldingen')?.id).toBe(SCHEMA);
  expect(view.registerBySlug('__proto__')).toBeUndefined();
});

test('a held principal follows the log until it is released as often as it was held', () => {
  const view = loaded();
  view.hold(authentication(), 0);
  view.hold(authentication(), 0);
  const promoted = principal('bob', ORG_A, ['managers'], 2);
  expect(view.apply(rightsMessage(promoted), 11).principals).toEqual(new Set(['bob']));
  expect(view.principal('bob')).toEqual(promoted);
  view.release(authentication());
  expect(view.principal('bob')).toEqual(promoted);
  view.release(authentication());
  expect(view.principal('bob')).toBeUndefined();
  expect(view.apply(rightsMessage(principal('bob', ORG_A, [], 3)), 12)).toEqual(NO_CHANGE);
});

test('an answer that was read before a change that the log already told is corrected', () => {
  const view = loaded();
  view.apply(rightsMessage(principal('bob', ORG_A, ['managers'], 2)), 11);
  expect(view.hold(authentication(10), 0)).toMatchObject({ ok: true, principal: { version: 2 } });
  view.apply(rightsMessage({ ...credential(50, 'bob', null, 2), endedAt: '2026-03-01T12:00:00.000Z' }), 12);
  expect(view.hold(authentication(11), 0)).toEqual({ ok: false, reason: 'ended' });
});

test('an answer that is newer than the log is taken as it is, and the log does not undo it', () => {
  const view = loaded();
  const newer = principal('bob', ORG_A, ['managers'], 5);
  expect(view.hold(authentication(20, newer), 0)).toMatchObject({ ok: true, principal: { version: 5 } });
  view.apply(rightsMessage(principal('bob', ORG_A, [], 4)), 11);
  expect(view.principal('bob')).toEqual(newer);
});

test('what an answer said before the log does is told once when the log does', () => {
  const view = loaded();
  view.hold(authentication(), 0);
  const promoted = principal('bob', ORG_A, ['managers'], 3);
  expect(view.isAhead(authentication(10, promoted))).toBe(true);
  view.hold(authentication(10, promoted), 0);
  expect(view.isAhead(authentication(10, promoted))).toBe(false);
  const between = view.apply(rightsMessage(principal('bob', ORG_A, [], 2)), 11);
  expect(concernsSubscription(between, { principal: 'bob', schema: SCHEMA })).toBe(true);
  expect(view.apply(rightsMessage(promoted), 12).late).toEqual(new Set(['bob']));
  // A reader that starts again repeats what was told.
  expect(view.apply(rightsMessage(promoted), 12)).toEqual(NO_CHANGE);
});

test('a principal that is new to the log is no change for those who came with it', () => {
  const view = loaded();
  view.hold(authentication(), 0);
  expect(view.apply(rightsMessage(bob), 11)).toEqual(NO_CHANGE);
});

test('an answer from before what is remembered has to be asked for again', () => {
  const view = loaded({ recentCapacity: 2 });
  for (let n = 0; n < 5; n += 1) view.apply(rightsMessage(principal(`p${n}`, ORG_A)), 11 + n);
  expect(view.hold(authentication(10), 0)).toEqual({ ok: false, reason: 'stale' });
  expect(view.hold(authentication(13), 0)).toMatchObject({ ok: true });
});

test('an expired or foreign credential and a removed principal are refused', () => {
  const view = loaded();
  const expired = { ...token, expiresAt: '2026-03-01T12:00:00.000Z' };
  const at = Date.parse('2026-03-01T12:00:00.000Z');
  expect(view.hold(authentication(10, bob, expired), at)).toEqual({ ok: false, reason: 'ended' });
  expect(view.hold(authentication(10, bob, expired), at - 1)).toMatchObject({ ok: true });
  expect(view.hold(authentication(10, bob, credential(51, 'eve')), 0)).toEqual({
    ok: false,
    reason: 'ended',
  });
  expect(view.hold(authentication(10, { ...bob, version: 2, removed: true }), 0)).toEqual({
    ok: false,
    reason: 'ended',
  });
});

test('a credential that ends is reported, and so are narrower scopes of a held one', () => {
  const view = loaded();
  view.hold(authentication(), 0);
  const narrowed = view.apply(rightsMessage(credential(50, 'bob', { actions: ['read'] }, 2)), 11);
  expect(narrowed.credentials).toEqual(new Set([id(50)]));
  expect(view.credential(id(50))?.scopes).toEqual({ actions: ['read'] });
  const ended = view.apply(
    rightsMessage({ ...credential(50, 'bob', null, 3), endedAt: '2026-03-01T12:00:00.000Z' }),
    12,
  );
  expect(ended.endedCredentials).toEqual(new Set([id(50)]));
  expect(concernsSubscription(ended, { principal: 'bob', schema: SCHEMA, credential: id(50) })).toBe(true);
});

test('a change of an organisation concerns the held principals below it, before or after', () => {
  const view = loaded();
  view.hold(authentication(), 0);
  view.hold(authentication(10, principal('carol', ORG_B), credential(51, 'carol')), 0);
  expect(view.apply(rightsMessage(organisation(ORG_A, ORG_B, 2)), 11).principals).toEqual(new Set(['bob']));
  expect(view.chainOf(bob)).toEqual([ORG_A, ORG_B]);
  expect(view.apply(rightsMessage(organisation(ORG_B, null, 2)), 12).principals).toEqual(
    new Set(['bob', 'carol']),
  );
});

test('knows which states of the log take part in a decision', () => {
  const view = loaded();
  const asker = { principal: bob, credential: id(50), schema: SCHEMA };
  const enters = (state: RightsState): boolean => entersDecision(view, state, asker);
  expect(
    [policy('schema'), policy('register'), register(), schema({}), bob, token, organisation(ORG_A)].map(
      enters,
    ),
  ).toEqual(Array.from({ length: 7 }, () => true));
  const others = [
    { ...policy('schema'), id: id(99) },
    principal('eve', ORG_A),
    credential(51, 'bob'),
    organisation(ORG_B),
  ];
  expect(others.map(enters)).toEqual([false, false, false, false]);
});
