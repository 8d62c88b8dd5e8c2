import { NatsSocket, waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPeople } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { RunningAuthz } from '../../test/start-authz.ts';

const LIMIT = 5;
let authz: RunningAuthz;
let alice: string;
beforeAll(async () => {
  authz = await startAuthz({ subscribers: true, config: { TIDEWIRE_FAILED_CONNECTS_PER_ADDRESS: LIMIT } });
  ({ alice } = await createPeople(authz));
});
afterAll(() => authz[Symbol.asyncDispose]());

async function connects(token: string): Promise<boolean> {
  try {
    (await NatsSocket.connect({ port: authz.nats.port, token }))[Symbol.dispose]();
    return true;
  } catch (error) {
    expect(String(error)).toBe('Error: Authorization Violation');
    return false;
  }
}

const linesOf = (phrase: string): number => authz.log().split(`"message":"${phrase}"`).length - 1;

test('a flood of wrong tokens reaches neither the database nor the audit log, and shuts out nobody who was right', async () => {
  expect(await connects(alice)).toBe(true);
  for (let index = 0; index < 60; index += 1) expect(await connects(`tw_guess-${index}`)).toBe(false);
  // Each lookup in the database is one such line.
  expect(linesOf('credential refused')).toBe(LIMIT);
  expect(linesOf('connection to NATS refused')).toBe(LIMIT);
  expect(await connects(alice)).toBe(true);
  authz.clock.advance(60_000);
  const entries = async (): Promise<{ after: { reason: string; count: number } }[]> =>
    (await authz.ask('GET', '/api/audit?kind=connection', ADMIN_TOKEN)).body.entries;
  await waitFor(async () => (authz.clock.advance(1000), (await entries()).length > LIMIT), {
    what: 'the minute is written down',
  });
  const after = (await entries()).map((entry) => entry.after);
  expect(after).toEqual([
    ...Array.from({ length: LIMIT }, () => ({ reason: 'unknown', principal: null, count: 1 })),
    { reason: 'limited', principal: null, count: 60 - LIMIT },
  ]);
  expect(JSON.stringify(await entries())).not.toContain('guess');
  expect(authz.log()).not.toContain('guess');
});

test('many at once from one address are not looked up either', async () => {
  authz.clock.advance(60_000);
  const before = linesOf('credential refused');
  const answers = await Promise.all(Array.from({ length: 300 }, (_, index) => connects(`tw_more-${index}`)));
  expect(answers).not.toContain(true);
  // As many as are decided at once, beyond the limit.
  expect(linesOf('credential refused') - before).toBeLessThanOrEqual(LIMIT + 64);
});

test('a restart of NATS puts everybody out and lets in again whom authz knows', async () => {
  authz.clock.advance(60_000);
  const { body } = await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, {
    principal: 'alice',
    name: 'feed',
  });
  using socket = await NatsSocket.connect({ port: authz.nats.port, token: body.token });
  await authz.nats.restart();
  await socket.untilEnded();
  await waitFor(() => connects(body.token), { what: 'the token lets in again', timeoutMs: 20_000 });
  await authz.ask('DELETE', `/api/auth/tokens/${body.id}`, ADMIN_TOKEN);
  expect(await connects(body.token)).toBe(false);
});
