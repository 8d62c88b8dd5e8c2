import { issuerSchema } from '@tidewire/contract';
import type { IssuerClaims } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { placeSubject } from './claim-mapping.ts';

const A = '7f3b2a10-0000-4000-8000-00000000000a';
const B = '7f3b2a10-0000-4000-8000-00000000000b';
const issuer = (claims: IssuerClaims, organisations: readonly string[] = [A]) =>
  issuerSchema.parse({
    id: '2c9d7b1e-6f0a-4b3c-8d5e-1a2b3c4d5e6f',
    slug: 'a',
    issuer: 'https://a.example',
    audiences: ['api'],
    organisations,
    jwksUri: null,
    algorithms: ['RS256'],
    clockSkewMs: 0,
    maxTokenAgeMs: null,
    claims,
    provisioning: 'create',
    version: 1,
  });
const groups = (claim: string) => ({
  groups: { claim, map: { handler: { organisation: A, group: 'handlers' } } },
});
const HANDLERS = [{ organisation: A, group: 'handlers' }];

test.each([
  ['a text', 'groups', { groups: 'handler' }, HANDLERS],
  ['a list of texts', 'groups', { groups: ['x', 'handler', 'handler'] }, HANDLERS],
  ['a nested claim', '/realm_access/roles', { realm_access: { roles: ['handler'] } }, HANDLERS],
  [
    'a claim called like an address',
    'https://a.example/groups',
    { 'https://a.example/groups': 'handler' },
    HANDLERS,
  ],
  ['a pointer with escapes', '/a~1b/c~0d', { 'a/b': { 'c~d': 'handler' } }, HANDLERS],
  ['other letters', 'groups', { groups: 'Handler' }, []],
  ['the name of the group instead of the value that is mapped', 'groups', { groups: 'handlers' }, []],
  ['an object', 'groups', { groups: { handler: true } }, []],
  ['what every object has', 'groups', { groups: ['constructor', '__proto__', 'toString'] }, []],
  ['a claim that every object has', 'constructor', {}, []],
  ['a pointer into a list', '/groups/0', { groups: ['handler'] }, []],
  ['no claim', 'groups', {}, []],
])('%s gives what is mapped and nothing else', (_what, claim, claims, expected) => {
  expect(placeSubject(issuer(groups(claim)), claims).groups).toEqual(expected);
});

test('what leads outside the organisations of the issuer gives nothing', () => {
  const claims = {
    organisation: { claim: 'org', map: { a: A, b: B } },
    groups: { claim: 'groups', map: { boss: { organisation: B, group: 'bosses' } } },
  };
  expect(placeSubject(issuer(claims), { org: ['a', 'b', B], groups: 'boss' })).toEqual({
    name: undefined,
    organisations: [A],
    groups: [],
  });
});

test('a group places in its organisation', () => {
  expect(placeSubject(issuer(groups('groups'), [A, B]), { groups: 'handler' }).organisations).toEqual([A]);
});

test('without a claim for it an issuer of one organisation places everybody there, one of several nobody', () => {
  expect(placeSubject(issuer({}), {}).organisations).toEqual([A]);
  expect(placeSubject(issuer({}, [A, B]), {}).organisations).toEqual([]);
  const byClaim = { organisation: { claim: 'org', map: { a: A } } };
  expect(placeSubject(issuer(byClaim), {}).organisations).toEqual([]);
});

test.each(['admin', 'public', 'authenticated'])('no map can give the group %s', (group) => {
  const claims = { groups: { claim: 'groups', map: { x: { organisation: A, group } } } };
  expect(() => issuer(claims)).toThrow(/reserved/);
});

test.each([
  ['Ann', 'Ann'],
  ['', undefined],
  ['a\u0000b', undefined],
  ['x'.repeat(201), undefined],
  [['Ann'], undefined],
])('a name that is %j is read as %j', (given, expected) => {
  expect(placeSubject(issuer({ name: 'name' }), { name: given }).name).toBe(expected);
});
