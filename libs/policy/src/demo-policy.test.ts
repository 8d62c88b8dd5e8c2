import type { Action, Principal } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { governedView, ORG_A, ORG_B, principal, row, SCHEMA } from '../test/rights-builder.ts';
import { decideAccess } from './decide-access.ts';
import { isVisibleAt, projectRow } from './visibility.ts';
import { checkWrite } from './write-check.ts';

/**
 * The policy of the demonstration, and who may do what under it. Behandelaars read every report of their
 * organisation, other members those that are not confidential; the reporter's address is for behandelaars;
 * members report, the reporter and behandelaars change a report, behandelaars delete it.
 */
const demo = governedView(
  { titel: { type: 'string' }, status: { type: 'string' }, melderEmail: { type: 'string' } },
  {
    authorization: {
      read: ['behandelaars', { group: 'authenticated', match: { status: { $ne: 'vertrouwelijk' } } }],
      update: ['behandelaars'],
      delete: ['behandelaars'],
    },
    properties: { melderEmail: { read: ['behandelaars'] } },
  },
);

const who: Record<string, Principal | null> = {
  alice: principal('alice', ORG_A, ['behandelaars']),
  bob: principal('bob', ORG_A),
  carol: principal('carol', ORG_B, ['behandelaars']),
  admin: { ...principal('admin', null), admin: true },
  anonymous: null,
};

const report = (members: Record<string, unknown>) =>
  row({ titel: 'Lamp', status: 'nieuw', melderEmail: 'x@y', ...members });
const rows: Record<string, Record<string, unknown>> = {
  open: report({}),
  confidential: report({ status: 'vertrouwelijk' }),
  bobs: report({ status: 'vertrouwelijk', _owner: 'bob' }),
  inB: report({ _organisation: ORG_B }),
  bobsInB: report({ _organisation: ORG_B, _owner: 'bob' }),
  homeless: report({ _organisation: null }),
};

function may(name: string, action: Action, rowName: string): boolean {
  const decision = decideAccess({ view: demo, principal: who[name] ?? null, schema: SCHEMA, action });
  const image = rows[rowName] ?? {};
  if (!decision.allowed) return false;
  if (action === 'read') return isVisibleAt(decision, image, 0);
  const before = action === 'create' ? null : image;
  const after = action === 'delete' ? null : { ...image, titel: 'Lantaarn' };
  return checkWrite({ decision, before, after, nowMs: 0 }).ok;
}

const table: readonly (readonly [who: string, action: Action, may: string, mayNot: string])[] = [
  ['alice', 'read', 'open confidential bobs', 'inB bobsInB homeless'],
  ['alice', 'create', 'open confidential', 'inB homeless'],
  ['alice', 'update', 'open confidential bobs', 'inB bobsInB homeless'],
  ['alice', 'delete', 'open confidential bobs', 'inB bobsInB homeless'],
  ['bob', 'read', 'open bobs', 'confidential inB bobsInB homeless'],
  ['bob', 'create', 'open', 'inB bobsInB homeless'],
  ['bob', 'update', 'bobs', 'open confidential inB bobsInB homeless'],
  ['bob', 'delete', 'bobs', 'open confidential inB bobsInB homeless'],
  ['carol', 'read', 'inB bobsInB', 'open confidential bobs homeless'],
  ['carol', 'create', 'inB', 'open homeless'],
  ['carol', 'update', 'inB bobsInB', 'open confidential bobs homeless'],
  ['carol', 'delete', 'inB bobsInB', 'open confidential bobs homeless'],
  ['admin', 'read', 'open confidential bobs inB bobsInB homeless', ''],
  ['admin', 'create', 'open inB homeless', ''],
  ['admin', 'update', 'open confidential bobs inB bobsInB homeless', ''],
  ['admin', 'delete', 'open confidential bobs inB bobsInB homeless', ''],
  ['anonymous', 'read', '', 'open confidential bobs inB bobsInB homeless'],
  ['anonymous', 'create', '', 'open inB homeless'],
  ['anonymous', 'update', '', 'open confidential bobs inB bobsInB homeless'],
  ['anonymous', 'delete', '', 'open confidential bobs inB bobsInB homeless'],
];

const names = (list: string): string[] => list.split(' ').filter((name) => name !== '');

test.each(table)('%s may %s %j and not %j', (name, action, allowed, refused) => {
  expect(names(allowed).filter((rowName) => !may(name, action, rowName))).toEqual([]);
  expect(names(refused).filter((rowName) => may(name, action, rowName))).toEqual([]);
});

test.each([
  ['alice', 'open', 'titel status melderEmail'],
  ['bob', 'open', 'titel status'],
  ['bob', 'bobs', 'titel status'],
  ['carol', 'inB', 'titel status melderEmail'],
  ['admin', 'inB', 'titel status melderEmail'],
])('%s sees of row %s the properties %j', (name, rowName, expected) => {
  const decision = decideAccess({ view: demo, principal: who[name] ?? null, schema: SCHEMA, action: 'read' });
  if (!decision.allowed) throw new Error('denied');
  const seen = Object.keys(projectRow(decision, rows[rowName] ?? {}, 0)).filter(
    (field) => !field.startsWith('_'),
  );
  expect(seen).toEqual(names(expected));
});
