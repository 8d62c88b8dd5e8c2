import { compare } from '@tidewire/condition';
import type { Authorization, Principal, Scopes } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { governedView, id, ORG_A, ORG_B, principal, SCHEMA } from '../test/rights-builder.ts';
import { decideAccess } from './decide-access.ts';
import type { Granted } from './decision.ts';
import { viewClassKey, type ViewClass } from './view-class-key.ts';

function decide(
  who: Principal | null,
  authorization: Authorization | null = null,
  scopes: Scopes | null = null,
): Granted {
  const view = governedView(
    { status: { type: 'string' }, secret: { type: 'string' } },
    { authorization, properties: { secret: { read: ['managers'] } } },
  );
  const decision = decideAccess({ view, principal: who, schema: SCHEMA, action: 'read', scopes });
  if (!decision.allowed) throw new Error('denied');
  return decision;
}

const bob = principal('bob', ORG_A);
const base: ViewClass = { decision: decide(bob), face: 'registers', wire: 'sse' };
const key = (change: Partial<ViewClass>): string => viewClassKey({ ...base, ...change });

test('principals who see the same share a class, whoever they are', () => {
  expect(key({ decision: decide(principal('eve', ORG_A)) })).toBe(key({}));
  expect(key({ decision: decide(principal('eve', ORG_A, ['unrelated'])) })).toBe(key({}));
  expect(key({})).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

const onlyMine: Authorization = { read: [{ group: 'authenticated', match: { status: '$userId' } }] };

test('everything that changes a byte changes the key', () => {
  const keys = [
    key({}),
    key({ decision: decide(principal('bob', ORG_B)) }),
    key({ decision: decide(principal('bob', ORG_A, ['managers'])) }),
    key({ decision: decide({ ...bob, admin: true }) }),
    key({
      decision: decide(
        bob,
        { read: ['authenticated', { group: 'public' }] },
        { topics: [`object/${id(5)}`] },
      ),
    }),
    key({ decision: decide(bob, onlyMine) }),
    key({ decision: decide(principal('eve', ORG_A), onlyMine) }),
    key({ decision: decide(null, { read: ['public'] }) }),
    key({ filter: compare('eq', 'status', 'a') }),
    key({ filter: compare('eq', 'status', 'b') }),
    key({ topics: compare('eq', '_uuid', id(7)) }),
    key({ fields: ['status'] }),
    key({ fields: [] }),
    key({ events: ['object.created'] }),
    key({ face: 'tables' }),
    key({ wire: 'web-socket' }),
    key({ subscriptionId: 's1' }),
    key({ subscriptionId: '' }),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test('the order in which fields and events were asked for does not', () => {
  expect(key({ fields: ['a', 'b', 'a'] })).toBe(key({ fields: ['b', 'a'] }));
  expect(key({ events: ['a', 'b'] })).toBe(key({ events: ['b', 'a'] }));
});

test('a hostile value gives nobody the key of another class', () => {
  const hostile = '"],["wire","tables","sse"],["subscription",null]]';
  expect(key({ subscriptionId: hostile })).not.toBe(key({ face: 'tables' }));
  expect(key({ fields: ['a","b'] })).not.toBe(key({ fields: ['a', 'b'] }));
  expect(key({ fields: ['a', 'b'] })).not.toBe(key({ fields: ['a,b'] }));
});

test('two moments give one key where a rule uses the time', () => {
  const view = governedView(
    { from: { type: 'string', format: 'date-time' } },
    { authorization: { read: [{ group: 'authenticated', match: { from: { $lte: '$now' } } }] } },
  );
  const ask = () => {
    const decision = decideAccess({ view, principal: bob, schema: SCHEMA, action: 'read' });
    return decision.allowed ? viewClassKey({ ...base, decision }) : 'denied';
  };
  expect(ask()).toBe(ask());
});
