import type { Credential } from '@tidewire/contract';
import { RightsView } from '@tidewire/policy';
import { ANONYMOUS } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import { organisation, person, policyOf, register, schemaOf } from '@tidewire/test-kit';
import type { Person } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { requirePage } from './page-access.ts';

const home = organisation('home');
const elsewhere = organisation('elsewhere');
const shop = register('shop');
const orders = schemaOf(shop, 'orders');
const secrets = schemaOf(shop, 'secrets');
const ada = person('ada', home, []);
const carol = person('carol', elsewhere, []);
const lost = person('lost', home, []);
const nomad = { ...lost, principal: { ...lost.principal, activeOrganisation: null } };

function viewWith(...people: readonly Person[]): RightsView {
  const view = new RightsView();
  const policies = [
    policyOf('register', shop.id, {}),
    policyOf('schema', orders.id, {}),
    policyOf('schema', secrets.id, { read: ['directors'], create: ['directors'] }),
  ];
  view.loadState([home, elsewhere, shop, orders, secrets, ...policies], 1);
  for (const { principal, credential } of people) {
    view.hold({ principal, credential, position: { sequence: 1 } }, 0);
  }
  return view;
}

function readerOf({ principal, credential }: Person): Reader {
  return { principalId: principal.id, credentialId: credential.id };
}

function refused(code: string): unknown {
  return expect.objectContaining({ code });
}

test('the same path is another page in another organisation, and its name tells neither', () => {
  const view = viewWith(ada, carol);
  const one = requirePage(view, readerOf(ada), '/dashboard').page;
  const other = requirePage(view, readerOf(carol), '/dashboard').page;
  expect(one.path).toBe(other.path);
  expect(one.key).not.toBe(other.key);
  expect(one.key).toMatch(/^[\w-]{43}$/);
});

test('nobody in particular is on no page', () => {
  expect(() => requirePage(viewWith(), ANONYMOUS, '/dashboard')).toThrow(refused('FORBIDDEN'));
  expect(() => requirePage(viewWith(), readerOf(ada), '/dashboard')).toThrow(refused('FORBIDDEN'));
  expect(() => requirePage(viewWith(nomad), readerOf(nomad), '/dashboard')).toThrow(refused('FORBIDDEN'));
});

test('a table has one page, by whichever of its names, and what is below it follows it', () => {
  const view = viewWith(ada);
  const page = (path: string): string => requirePage(view, readerOf(ada), path).page.path;
  expect(page(`/tables/${orders.table}`)).toBe('/tables/shop-orders');
  expect(page(`/tables/${orders.id}`)).toBe('/tables/shop-orders');
  expect(page(`/tables/${orders.id.toUpperCase()}/42`)).toBe('/tables/shop-orders/42');
  expect(page('/tables')).toBe('/tables');
});

test('a table that may not be known is absent, and so is what is below it', () => {
  const view = viewWith(ada);
  const messageOf = (path: string): string => {
    try {
      return requirePage(view, readerOf(ada), path).page.path;
    } catch (error) {
      expect(error).toEqual(refused('NOT_FOUND'));
      return (error as Error).message;
    }
  };
  expect(messageOf('/tables/shop-secrets')).toBe("There is no table 'shop-secrets'");
  expect(messageOf('/tables/shop-nothing')).toBe("There is no table 'shop-nothing'");
  expect(messageOf('/tables/shop-secrets/1')).toBe("There is no table 'shop-secrets'");
  expect(messageOf('/tables/__proto__')).toBe("There is no table '__proto__'");
});

test('a credential that is limited to topics or to writing sees nobody on other pages', () => {
  const limited = (scopes: Credential['scopes']): Person => ({
    ...ada,
    credential: { ...ada.credential, scopes },
  });
  for (const scopes of [{ topics: [] }, { topics: ['shop.orders'] }, { actions: ['create' as const] }]) {
    const who = limited(scopes);
    expect(() => requirePage(viewWith(who), readerOf(who), '/dashboard')).toThrow(refused('FORBIDDEN'));
  }
  const reading = limited({ actions: ['read'] });
  expect(requirePage(viewWith(reading), readerOf(reading), '/dashboard').page.path).toBe('/dashboard');
});
