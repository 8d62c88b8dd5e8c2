import { randomUUID } from 'node:crypto';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import { PageVisitor } from '../support/page-visitor.ts';
import { createOrganisation, createPerson } from '../support/people.ts';
import type { Person } from '../support/people.ts';

/** Connections that are tried until the edge has chosen the gateway that is wanted. */
const MOST_ATTEMPTS = 10;

let platform: Platform;
/** A page that people of both organisations may be on: its table is known to everybody. */
let path: string;
/** The names of both gateways, that of the platform's first one first. */
let gateways: readonly string[];
const visitors: PageVisitor[] = [];

beforeAll(async () => {
  platform = await startPlatform({ gateways: 2 });
  const admin = createApi(platform.origin, platform.adminToken);
  const register = `pages-${randomUUID().slice(0, 13)}`;
  const table = `orders-${randomUUID().slice(0, 13)}`;
  await admin.send('POST', '/api/registers', { slug: register });
  await admin.send('POST', '/api/schemas', {
    register,
    slug: 'orders',
    table,
    authorization: { read: ['authenticated'] },
    properties: { title: { type: 'string' } },
  });
  path = `/tables/${table}`;
  const probe = await createPerson(platform, 'probe', { organisation: await createOrganisation(platform) });
  gateways = await Promise.all(
    platform.gateways.map(async ({ url }) => {
      using socket = await probe.connect(url);
      return await findGateway(String(socket.headers['tidewire-connection']));
    }),
  );
});

afterAll(async () => {
  for (const visitor of visitors) visitor[Symbol.dispose]();
  await platform[Symbol.asyncDispose]();
});

/** The gateway that has the connection. Asked of the one that is never killed, past the edge, which goes by turns. */
async function findGateway(connection: string): Promise<string> {
  const admin = createApi(platform.gateways[1]?.url ?? '', platform.adminToken);
  const { connections } = await admin.send<{ connections: { id: string; gateway: string }[] }>(
    'GET',
    '/api/connections?limit=100',
  );
  const found = connections.find(({ id }) => id === connection);
  if (found === undefined) throw new Error(`nobody has the connection ${connection}`);
  return found.gateway;
}

/** A tab of the person on the page, through the edge, which has to choose that gateway. */
async function visit(person: Person, gateway: string): Promise<PageVisitor> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const socket = await person.connect(platform.origin);
    if ((await findGateway(String(socket.headers['tidewire-connection']))) === gateway) {
      const visitor = new PageVisitor(person, socket, { gateway, path });
      visitors.push(visitor);
      return visitor;
    }
    socket[Symbol.dispose]();
  }
  throw new Error(`the edge never chose ${gateway}`);
}

async function allShow(watching: readonly PageVisitor[], people: readonly Person[]): Promise<void> {
  await Promise.all(watching.map((visitor) => visitor.untilShows(people)));
}

function textOf({ socket }: PageVisitor): string {
  return JSON.stringify(socket.messages);
}

test('who was on a gateway that is killed is gone for the others, there again after a reconnect, and never shown to another organisation', async () => {
  const [first = '', second = ''] = gateways;
  const [here, there] = [await createOrganisation(platform), await createOrganisation(platform)];
  const ada = await createPerson(platform, 'ada', { organisation: here });
  const bob = await createPerson(platform, 'bob', { organisation: here });
  const cem = await createPerson(platform, 'cem', { organisation: here });
  const eve = await createPerson(platform, 'eve', { organisation: there });
  const fay = await createPerson(platform, 'fay', { organisation: there });
  const ours = [ada, bob, cem];
  const theirs = [eve, fay];

  const [tab, otherTab] = [await visit(ada, first), await visit(ada, second)];
  const [bobs, cems] = [await visit(bob, first), await visit(cem, second)];
  const [eves, fays] = [await visit(eve, first), await visit(fay, second)];
  await allShow([tab, otherTab, bobs, cems], ours);
  await allShow([eves, fays], theirs);

  // One of two tabs is closed: a page that is left and joined afterwards on that gateway marks the time.
  tab[Symbol.dispose]();
  bobs.socket.send({ type: 'leave', pagePath: path });
  await allShow([otherTab, cems], [ada, cem]);
  bobs.socket.send({ type: 'join', pagePath: path });
  await allShow([otherTab, bobs, cems], ours);
  expect(cems.told('leave', ada)).toBe(0);
  const tabAgain = await visit(ada, first);
  await allShow([tabAgain, otherTab, bobs, cems], ours);

  await platform.kill('fanout-gateway-1');
  await Promise.all(
    [tabAgain, bobs, eves].map(({ socket }) =>
      waitFor(() => socket.closed, { what: 'the edge closes what was on the gateway', timeoutMs: 30_000 }),
    ),
  );
  const evesAgain = await visit(eve, second);
  await allShow([otherTab, cems], [ada, cem]);
  await allShow([fays, evesAgain], theirs);
  // The second leave is that of the kill; the other tab keeps its user there.
  expect([cems.told('leave', bob), cems.told('leave', ada)]).toEqual([2, 0]);

  const [lastTab, bobsAgain] = [await visit(ada, second), await visit(bob, second)];
  await allShow([otherTab, lastTab, cems, bobsAgain], ours);
  await allShow([fays, evesAgain], theirs);
  otherTab[Symbol.dispose]();
  lastTab[Symbol.dispose]();
  await allShow([cems, bobsAgain], [bob, cem]);
  expect(cems.told('leave', ada)).toBe(1);

  for (const visitor of visitors) {
    const strangers = theirs.includes(visitor.person) ? ours : theirs;
    for (const { id, name } of strangers) {
      expect(textOf(visitor)).not.toContain(id);
      expect(textOf(visitor)).not.toContain(name);
    }
    expect(visitor.socket.of('error')).toEqual([]);
  }
});
