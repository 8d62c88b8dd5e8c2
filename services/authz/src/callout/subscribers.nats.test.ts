import { NatsSocket, waitFor } from '@tidewire/test-kit';
import type { NatsSocketOptions } from '@tidewire/test-kit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createPeople, ORGANISATION_A } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { RunningAuthz } from '../../test/start-authz.ts';
import { AUDIENCE, startTestIssuer } from '../../test/test-issuer.ts';

let authz: RunningAuthz;
let alice: string;
beforeAll(async () => {
  authz = await startAuthz({ subscribers: true, config: { TIDEWIRE_FAILED_CONNECTS_PER_ADDRESS: 1000 } });
  ({ alice } = await createPeople(authz));
});
afterAll(() => authz[Symbol.asyncDispose]());

const open: NatsSocket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket[Symbol.dispose]();
});

async function connect(shown: Omit<NatsSocketOptions, 'port'>): Promise<NatsSocket> {
  const socket = await NatsSocket.connect({ port: authz.nats.port, ...shown });
  open.push(socket);
  return socket;
}

/** What a client hears that is not let in. */
const refusalOf = (shown: Omit<NatsSocketOptions, 'port'>): Promise<string> =>
  connect(shown).then(
    () => 'let in',
    (error: unknown) => String(error),
  );

/** A new token of alice. */
async function createToken(more: object = {}): Promise<{ id: string; token: string }> {
  const body = { principal: 'alice', name: 'feed', ...more };
  const answer = await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, body);
  expect(answer.status).toBe(201);
  return answer.body as { id: string; token: string };
}

/** Subjects of these that the server refuses to listen on or to publish to. */
async function refusedOf(
  socket: NatsSocket,
  subjects: { readonly listen?: readonly string[]; readonly publish?: readonly string[] },
): Promise<string[]> {
  const before = socket.refusals.length;
  for (const subject of subjects.listen ?? []) socket.subscribe(subject);
  for (const subject of subjects.publish ?? []) socket.publish(subject);
  await socket.flush();
  return socket.refusals.slice(before).map((text) => /"([^"]+)"/.exec(text)?.[1] ?? text);
}

test('an API token is enough, as the token or as the password of its principal', async () => {
  for (const shown of [{ token: alice }, { user: 'alice', password: alice }, { password: alice }]) {
    const socket = await connect(shown);
    expect(
      await refusedOf(socket, { listen: ['_INBOX.alice.1.2'], publish: ['feed.v1.next.alice'] }),
    ).toEqual([]);
  }
});

test('may ask as itself, listen to its own inbox, and nothing else', async () => {
  const socket = await connect({ token: alice });
  const foreign = {
    listen: ['>', '_INBOX.>', '_INBOX.bob.>', 'feed.v1.next.*', 'events.>', '$SYS.>', '$JS.>'],
    publish: [
      'feed.v1.next.bob',
      'read.v1.list.bob',
      '_INBOX.bob.1',
      '$JS.API.INFO',
      'relay.v1.poke',
      '$SYS.REQ.USER.AUTH',
    ],
  };
  expect(await refusedOf(socket, foreign)).toEqual([...foreign.listen, ...foreign.publish]);
});

test('a token with scopes is addressed by itself, not by its principal', async () => {
  const { id, token } = await createToken({ scopes: { actions: ['read'] } });
  const own = `alice=${id}`;
  for (const shown of [{ token }, { user: own, password: token }, { user: 'alice', password: token }]) {
    const socket = await connect(shown);
    expect(
      await refusedOf(socket, { listen: [`_INBOX.${own}.1`], publish: [`feed.v1.next.${own}`] }),
    ).toEqual([]);
    const wider = { listen: ['_INBOX.alice.1'], publish: ['feed.v1.next.alice', 'read.v1.get.alice'] };
    expect(await refusedOf(socket, wider)).toEqual([...wider.listen, ...wider.publish]);
  }
});

test('an access token of a trusted issuer is enough', async () => {
  await using issuer = await startTestIssuer({ now: () => authz.clock.now() });
  const trusted = {
    slug: 'nats',
    issuer: issuer.url,
    audiences: [AUDIENCE],
    organisations: [ORGANISATION_A],
  };
  expect((await authz.ask('POST', '/api/issuers', ADMIN_TOKEN, trusted)).status).toBe(201);
  const token = await issuer.sign();
  const { body } = await authz.ask('GET', '/api/auth/me', token);
  const socket = await connect({ token });
  expect(await refusedOf(socket, { publish: [`feed.v1.next.${body.principal.id}`] })).toEqual([]);
  expect(await refusalOf({ token: await issuer.sign({ aud: 'another' }) })).toMatch(
    /authorization violation/i,
  );
});

test('the server ends the connection when the token ends', async () => {
  const { token } = await createToken({ expiresAt: new Date(Date.now() + 2500).toISOString() });
  // The clock of this authz stands still: only the server can tell.
  const socket = await connect({ token });
  expect(await socket.untilEnded()).toMatch(/authentication expired/i);
});

test('whatever is wrong is refused with the same words', async () => {
  const expired = await createToken({ expiresAt: new Date(authz.clock.now() + 5000).toISOString() });
  authz.clock.advance(5000);
  const revoked = await createToken();
  await authz.ask('DELETE', `/api/auth/tokens/${revoked.id}`, ADMIN_TOKEN);
  await authz.ask('PUT', '/api/principals/alice/password', ADMIN_TOKEN, {
    password: 'correct horse battery',
  });
  const login = await authz.ask('POST', '/api/auth/login', undefined, {
    username: 'alice',
    password: 'correct horse battery',
  });
  expect(login.status).toBe(204);
  const session = /=([^;]+)/.exec(login.headers.get('set-cookie') ?? '')?.[1] ?? '';
  expect(session).toMatch(/^tw_/);
  const wrong: Record<string, Omit<NatsSocketOptions, 'port'>> = {
    'nothing': {},
    'an unknown token': { token: 'tw_unknown' },
    'an expired token': { token: expired.token },
    'a revoked token': { token: revoked.token },
    'another user name': { user: 'bob', password: alice },
    'a name in another form': { user: 'ALICE', password: alice },
    'the password of a person': { user: 'alice', password: 'correct horse battery' },
    'a session': { token: session },
    'two secrets': { token: alice, password: alice },
    'only a user name': { user: 'alice' },
    'a secret that is too long': { token: `tw_${'x'.repeat(3500)}` },
  };
  const heard = new Map<string, string>();
  for (const [what, shown] of Object.entries(wrong)) heard.set(what, await refusalOf(shown));
  expect(Object.fromEntries(heard)).toEqual(
    Object.fromEntries(Object.keys(wrong).map((what) => [what, 'Error: Authorization Violation'])),
  );
  expect(authz.log()).not.toContain(revoked.token);
  expect(authz.log()).not.toContain(alice);
  expect(authz.log()).not.toContain(session);
  expect(authz.log()).not.toContain('correct horse');
  expect(authz.log()).not.toMatch(/\bSA[A-Z2-7]{56}\b/);
});

test('what ended while no authz was there is found when it starts', async () => {
  const [lasting, ended, removed] = [await createToken(), await createToken(), await createToken()];
  const sockets = await Promise.all([lasting, ended, removed].map(({ token }) => connect({ token })));
  const service = await authz.stopService();
  await authz.pool.query(
    'UPDATE authz.credentials SET ended_at = clock_timestamp() WHERE id = ANY ($1::uuid[])',
    [[ended.id, removed.id]],
  );
  await service.start();
  await Promise.all([sockets[1]?.untilEnded(), sockets[2]?.untilEnded()]);
  await sockets[0]?.flush();
  expect(sockets[0]?.ended).toBeUndefined();
});

test('without authz nobody is let in, and as soon as it is back everybody is', async () => {
  const service = await authz.stopService();
  expect(await refusalOf({ token: alice })).toBe('Error: Authorization Violation');
  await service.start();
  expect(await refusalOf({ token: alice })).toBe('let in');
});

test('several instances share the work', async () => {
  await using beside = await authz.startBeside();
  const accepted = async (address: string | undefined): Promise<number> => {
    const text = await (await fetch(`${address}/metrics`)).text();
    return Number(/nats_connects_total\{outcome="accepted"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  const before = await accepted(authz.service.address);
  await Promise.all(Array.from({ length: 40 }, () => connect({ token: alice })));
  const counts = [(await accepted(authz.service.address)) - before, await accepted(beside.address)];
  expect(counts.reduce((sum, count) => sum + count)).toBe(40);
  expect(Math.min(...counts)).toBeGreaterThan(0);
});

test('a refusal is in the audit log with its true reason and without the secret', async () => {
  const { id, token } = await createToken();
  await authz.ask('DELETE', `/api/auth/tokens/${id}`, ADMIN_TOKEN);
  const newest = async (): Promise<{ kind: string }[]> =>
    (await authz.ask('GET', '/api/audit?kind=connection&order=newest&limit=2', ADMIN_TOKEN)).body.entries;
  await refusalOf({ token });
  await refusalOf({ user: 'bob', password: alice });
  await waitFor(
    async () => {
      authz.clock.advance(1000);
      return JSON.stringify(await newest()).includes('foreign-user');
    },
    { what: 'the refusals are written down' },
  );
  expect(await newest()).toMatchObject([
    {
      kind: 'connection',
      action: 'refused',
      actor: null,
      subject: '127.0.0.1',
      before: null,
      after: { reason: 'foreign-user', principal: 'alice', count: 1 },
    },
    { subject: '127.0.0.1', after: { reason: 'ended', principal: 'alice', count: 1 } },
  ]);
  expect(JSON.stringify(await authz.ask('GET', '/api/audit?kind=connection', ADMIN_TOKEN))).not.toContain(
    'tw_',
  );
});
