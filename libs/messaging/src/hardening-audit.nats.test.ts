import { randomUUID } from 'node:crypto';
import { CONNECTIONS_BUCKET, EVENTS_STREAM, SERVICE_PERMISSIONS, SIGNAL_SUBJECTS } from '@tidewire/contract';
import { startNats, waitFor } from '@tidewire/test-kit';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { processClock } from './clock.ts';
import { openLeases } from './leases.ts';
import { openLogWriter } from './log-writer.ts';
import { silentLogger } from './logger.ts';
import { connectBus } from './message-bus.ts';
import { EPOCH, createEvent } from '../test/test-log.ts';

const users = Object.fromEntries(
  Object.entries(SERVICE_PERMISSIONS).map(([name, { publish, subscribe }]) => [
    name,
    { publish: [...publish], subscribe: [...subscribe] },
  ]),
);
const settings = { maxAgeMs: 3_600_000, maxBytes: 64 * 1024 * 1024, replicas: 1 };

/** Publishes, and waits until the server has refused each of it. */
async function expectRefusals(connection: NatsConnection, subjects: readonly string[]): Promise<void> {
  const refused: string[] = [];
  void (async () => {
    for await (const status of connection.status())
      if (status.type === 'error') refused.push(status.error.message);
  })();
  for (const subject of subjects) connection.publish(subject, '{}');
  await connection.flush();
  await waitFor(() => subjects.every((subject) => refused.join('\n').includes(`"${subject}"`)), {
    what: `every one of ${subjects.join(' ')} is refused`,
  });
}

test.each(['records', 'authz', 'fanout-gateway'] as const)(
  'the user of %s can neither write, shorten nor silence the log, nor speak for its relay',
  async (name) => {
    await using nats = await startNats({ users });
    await using relay = await connectBus({ url: nats.urlFor('relay'), user: 'relay', logger: silentLogger });
    const writer = openLogWriter(relay, settings);
    await writer.create(EPOCH, 0);
    await writer.publish({ events: [createEvent()], epoch: EPOCH, expectedLast: 0 });
    const subjects = [
      `events.none.hr.people.${randomUUID()}.created`,
      `authz.policy.${randomUUID()}`,
      `authz.credential.${randomUUID()}`,
      `catalogue.schema.${randomUUID()}`,
      `$JS.API.STREAM.PURGE.${EVENTS_STREAM}`,
      `$JS.API.STREAM.DELETE.${EVENTS_STREAM}`,
      `$JS.API.STREAM.UPDATE.${EVENTS_STREAM}`,
      `$JS.API.STREAM.MSG.DELETE.${EVENTS_STREAM}`,
      `$JS.API.STREAM.CREATE.COPY`,
      SIGNAL_SUBJECTS.beat,
    ];
    const { server, user, password } = nats.credentialsFor(name);
    const connection = await connect({ servers: server, user, pass: password });
    await expectRefusals(connection, subjects);
    await connection.close();
    expect((await writer.find())?.last).toBe(1);
  },
);

test('nothing that decides is answered by a replica that may lag: no direct reads of log and leases', async () => {
  await using nats = await startNats({ users: { ...users, operator: undefined } });
  await using relay = await connectBus({ url: nats.urlFor('relay'), user: 'relay', logger: silentLogger });
  await openLogWriter(relay, settings).create(EPOCH, 0);
  await using gateway = await connectBus({
    url: nats.urlFor('fanout-gateway'),
    user: 'fanout-gateway',
    logger: silentLogger,
  });
  const leases = await openLeases(gateway, {
    bucket: CONNECTIONS_BUCKET,
    instance: 'gateway-a',
    clock: processClock,
  });
  const { server, user, password } = nats.credentialsFor('operator');
  const operator = await connect({ servers: server, user, pass: password });
  for (const stream of [EVENTS_STREAM, `KV_${CONNECTIONS_BUCKET}`]) {
    const reply = await operator.request(`$JS.API.STREAM.INFO.${stream}`);
    const { config } = reply.json<{ config: { allow_direct?: boolean; mirror_direct?: boolean } }>();
    expect([config.allow_direct ?? false, config.mirror_direct ?? false]).toEqual([false, false]);
  }
  await leases.close();
  await operator.close();
});
