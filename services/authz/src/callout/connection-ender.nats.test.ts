import { NATS_ACCOUNTS } from '@tidewire/contract';
import { connectBus, eachConnection, silentLogger } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import { createLogger, createManualClock, createMetrics } from '@tidewire/service-kit';
import type { Pool } from '@tidewire/service-kit';
import { NatsSocket, waitFor } from '@tidewire/test-kit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createPeople } from '../../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../../test/start-authz.ts';
import type { RunningAuthz } from '../../test/start-authz.ts';
import { createAuthzMetrics } from '../metrics.ts';
import { ConnectionEnder } from './connection-ender.ts';

let authz: RunningAuthz;
let bus: MessageBus;
beforeAll(async () => {
  authz = await startAuthz({ subscribers: true });
  await createPeople(authz);
  bus = await connectBus({
    url: authz.nats.urlFor('authz-callout'),
    user: 'authz-callout',
    logger: silentLogger,
  });
});
afterAll(async () => {
  await bus.close();
  await authz[Symbol.asyncDispose]();
});

const clock = createManualClock(Date.now());
let ender: ConnectionEnder;
beforeEach(() => {
  ender = createEnder(authz.pool);
});
afterEach(() => ender.stop());

function createEnder(pool: Pool): ConnectionEnder {
  return new ConnectionEnder({
    pool,
    bus,
    clock,
    logger: createLogger({ service: 'authz', level: 'silent' }),
    metrics: createAuthzMetrics(createMetrics('authz')),
  });
}

async function createToken(): Promise<{ credential: string; token: string }> {
  const { body } = await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, {
    principal: 'alice',
    name: 'feed',
  });
  return { credential: body.id, token: body.token };
}

const connect = (token: string): Promise<NatsSocket> => NatsSocket.connect({ port: authz.nats.port, token });

async function connectedUsers(): Promise<string[]> {
  const users: string[] = [];
  await eachConnection(bus, { account: NATS_ACCOUNTS.clients, quietMs: 50 }, (page) => {
    users.push(...page.map(({ user }) => user));
  });
  return users;
}

const endInDatabase = (credential: string): Promise<unknown> =>
  authz.pool.query('UPDATE authz.credentials SET ended_at = clock_timestamp() WHERE id = $1', [credential]);

test('ends the connections of one credential and of no other', async () => {
  const [one, other] = [await createToken(), await createToken()];
  using first = await connect(one.token);
  using second = await connect(one.token);
  using third = await connect(other.token);
  ender.end({ principal: 'alice', credential: one.credential });
  await Promise.all([first.untilEnded(), second.untilEnded()]);
  await third.flush();
  expect(third.ended).toBeUndefined();
});

test('finds whom a server was still letting in when the credential ended', async () => {
  const { credential, token } = await createToken();
  ender.end({ principal: 'alice', credential });
  // As if its question had been answered before the end, and the answer had taken until now.
  await waitFor(async () => !(await connectedUsers()).includes(`alice/${credential}`), {
    what: 'the first look',
  });
  using late = await connect(token);
  await late.flush();
  clock.advance(500);
  await late.untilEnded();
  using later = await connect(token);
  await later.flush();
  clock.advance(6000);
  await later.untilEnded();
});

test('compares all connections with the database, and lets users of services be', async () => {
  const [ended, kept] = [await createToken(), await createToken()];
  const { user, password } = authz.nats.credentialsFor('records-clients');
  using service = await NatsSocket.connect({ port: authz.nats.port, user, password });
  using first = await connect(ended.token);
  using second = await connect(kept.token);
  await endInDatabase(ended.credential);
  ender.sweep();
  await first.untilEnded();
  await Promise.all([second.flush(), service.flush()]);
  expect([second.ended, service.ended]).toEqual([undefined, undefined]);
});

test('does it when the database is back, everything that was due', async () => {
  let failures = 0;
  const pool = new Proxy(authz.pool, {
    get: (target, name) => {
      if (name !== 'query' || failures >= 3) return Reflect.get(target, name) as unknown;
      return () => {
        failures += 1;
        return Promise.reject(new Error('away'));
      };
    },
  });
  const impeded = createEnder(pool);
  const { credential, token } = await createToken();
  using socket = await connect(token);
  await endInDatabase(credential);
  impeded.sweep();
  await waitFor(() => (clock.advance(1000), socket.ended), { what: 'it is done in the end' });
  expect(failures).toBe(3);
  impeded.stop();
});
