import { EVENTS_STREAM } from '@tidewire/contract';
import { startNatsCluster, startPlatform, waitFor } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { AUDIT, compareLogWithAudit } from '../support/audit-trail.ts';
import { expectSameRows, startFollowers } from '../support/followers.ts';
import { buildTown } from '../support/town.ts';
import { writeSteadily } from '../support/writers.ts';

const ROUNDS = Number(process.env['TIDEWIRE_TEST_ROUNDS'] ?? 3);

test(`nothing is lost while the server that leads the log is killed ${ROUNDS} times in a cluster of three`, async () => {
  await using cluster = await startNatsCluster({ users: { operator: undefined } });
  await using platform = await startPlatform({
    gateways: 2,
    settings: { NATS_URL: cluster.url, TIDEWIRE_LOG_REPLICAS: '3' },
  });
  await platform.sql(AUDIT);
  const town = await buildTown(platform.origin, platform.adminToken);
  const followers = await startFollowers(platform, town, 8);
  await waitFor(() => followers.every(({ follower }) => follower.isOpen), { what: 'streams open' });
  const stop = new AbortController();
  const writing = writeSteadily({
    api: town.as('alice'),
    collection: town.collection,
    rate: 40,
    signal: stop.signal,
    onAcknowledged: () => undefined,
  });
  const count = (): number =>
    Math.min(...followers.slice(0, 3).map(({ follower }) => follower.events.length));
  await waitFor(() => count() > 20, { what: 'events flow', timeoutMs: 30_000 });
  const pauses: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const leader = await cluster.leaderOf(EVENTS_STREAM);
    await cluster.kill(leader);
    const began = performance.now();
    const before = count();
    // What was on its way when the server died is not what shows that somebody else leads.
    await waitFor(() => count() > before + 60, {
      what: 'events flow again after the leader of the log was killed',
      timeoutMs: 90_000,
    });
    pauses.push(Math.round(performance.now() - began));
    expect(await cluster.leaderOf(EVENTS_STREAM)).not.toBe(leader);
    await cluster.restart(leader);
    await cluster.untilReady();
  }
  stop.abort();
  await writing;
  process.stdout.write(`events flowed again after ${pauses.join(', ')} ms\n`);
  await waitFor(async () => (await platform.sql('select 1 from outbox.rows limit 1')).length === 0, {
    what: 'the outbox is empty',
    timeoutMs: 60_000,
  });
  await compareLogWithAudit(platform);
  await expectSameRows(town, followers);
});
