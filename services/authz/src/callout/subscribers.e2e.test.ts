import { NatsSocket, startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

async function call(method: string, path: string, body?: unknown): Promise<Record<string, string>> {
  const response = await fetch(`${platform.origin}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${platform.adminToken}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect(response.ok, text).toBe(true);
  return text === '' ? {} : (JSON.parse(text) as Record<string, string>);
}

async function createToken(principal: string): Promise<{ id: string; token: string }> {
  const { id = '', token = '' } = await call('POST', '/api/auth/tokens', { principal, name: 'feed' });
  return { id, token };
}

const connect = (token: string): Promise<NatsSocket> =>
  NatsSocket.connect({ port: Number(new URL(platform.natsServer).port), token });
const isLetIn = (token: string): Promise<boolean> =>
  connect(token).then(
    (socket) => (socket[Symbol.dispose](), true),
    () => false,
  );

test('a token that is revoked is out at once, and another one of the same principal stays', async () => {
  await call('POST', '/api/principals', { id: 'ann', name: 'Ann' });
  const [revoked, kept] = [await createToken('ann'), await createToken('ann')];
  using a = await connect(revoked.token);
  using b = await connect(kept.token);
  await call('DELETE', `/api/auth/tokens/${revoked.id}`);
  await a.untilEnded();
  expect(await isLetIn(revoked.token)).toBe(false);
  await b.flush();
  expect(b.ended).toBeUndefined();
});

test('a principal that is removed is out at once with all of its tokens; one that changes stays', async () => {
  await call('POST', '/api/principals', { id: 'ben', name: 'Ben' });
  const tokens = [await createToken('ben'), await createToken('ben')];
  const sockets = await Promise.all(tokens.map(({ token }) => connect(token)));
  await call('PATCH', '/api/principals/ben', { name: 'Benjamin' });
  await Promise.all(sockets.map((socket) => socket.flush()));
  await call('DELETE', '/api/principals/ben');
  await Promise.all(sockets.map((socket) => socket.untilEnded()));
  expect(await isLetIn(tokens[0]?.token ?? '')).toBe(false);
});

test('while authz is killed nobody is let in and nobody is put out; when it is back both happen', async () => {
  await call('POST', '/api/principals', { id: 'cleo', name: 'Cleo' });
  const [ended, kept] = [await createToken('cleo'), await createToken('cleo')];
  using a = await connect(ended.token);
  using b = await connect(kept.token);
  await platform.kill('authz');
  expect(await isLetIn(kept.token)).toBe(false);
  await platform.sql('UPDATE authz.credentials SET ended_at = clock_timestamp() WHERE id = $1', [ended.id]);
  await a.flush();
  await platform.restart('authz', 'SIGKILL');
  await a.untilEnded();
  await waitFor(() => isLetIn(kept.token), { what: 'a token lets in again' });
  await b.flush();
  expect(platform.log('authz')).not.toMatch(/tw_|\bSA[A-Z2-7]{56}\b/);
});
