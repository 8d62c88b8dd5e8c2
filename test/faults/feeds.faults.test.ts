import { EVENTS_STREAM } from '@tidewire/contract';
import { createAccountKey } from '@tidewire/messaging';
import { startNatsCluster, startPlatform } from '@tidewire/test-kit';
import { test } from 'vitest';
import { FeedScene, expectNothingLost } from '../support/feed-scene.ts';
import { buildTown } from '../support/town.ts';

const ROUNDS = Number(process.env['TIDEWIRE_TEST_ROUNDS'] ?? 2);
const VICTIMS = ['fanout-gateway-1', 'authz', 'nats', 'fanout-gateway-2', 'relay'] as const;
const ALL = { publish: ['>'], subscribe: ['>'] };

function print(title: string, rows: readonly (readonly [string, readonly number[]])[]): void {
  for (const [name, [single, workers]] of rows) {
    process.stdout.write(`${title} ${name.padEnd(18)} subscriber ${single} ms, workers ${workers} ms\n`);
  }
}

test(`feeds lose nothing while gateways, authz, NATS and the relay are each killed ${ROUNDS} times`, async () => {
  await using platform = await startPlatform({ gateways: 2 });
  const town = await buildTown(platform.origin, platform.adminToken);
  await using scene = await FeedScene.open(platform, town, platform.natsServer);
  const recoveries: (readonly [string, readonly number[]])[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const victim of VICTIMS) {
      await platform.kill(victim);
      const recovering =
        victim.startsWith('fanout') || victim === 'authz' ? scene.recovery(victim) : undefined;
      if (recovering !== undefined) recoveries.push([victim, await recovering]);
      const began = performance.now();
      await platform.restart(victim, 'SIGKILL');
      const downMs = Math.round(performance.now() - began);
      if (recovering !== undefined) continue;
      // Nothing can be told without it: counted from when it is killed, what its start took included.
      recoveries.push([victim, (await scene.recovery(victim)).map((ms) => ms + downMs)]);
    }
  }
  print('killed', recoveries);
  await expectNothingLost(scene);
});

test('feeds lose nothing while the leader of the log is killed in a cluster of three, with who is connected to it', async () => {
  const key = createAccountKey();
  await using cluster = await startNatsCluster({
    users: { operator: undefined },
    clients: { 'clients-operator': ALL },
    system: { 'system-operator': ALL },
    calloutIssuer: key.publicKey,
  });
  await using platform = await startPlatform({
    gateways: 2,
    settings: {
      NATS_URL: cluster.url,
      TIDEWIRE_LOG_REPLICAS: '3',
      TIDEWIRE_CLIENTS_NATS_URL: cluster.urlFor('clients-operator'),
      TIDEWIRE_CALLOUT_NATS_URL: cluster.urlFor('system-operator'),
      TIDEWIRE_CALLOUT_SEED: key.seed,
    },
  });
  const town = await buildTown(platform.origin, platform.adminToken);
  const servers = cluster.url.split(',').map((url) => url.replace(/\/\/[^@]*@/, '//'));
  await using scene = await FeedScene.open(platform, town, servers);
  const recoveries: (readonly [string, readonly number[]])[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const leader = await cluster.leaderOf(EVENTS_STREAM);
    await cluster.kill(leader);
    recoveries.push([`server ${leader}`, await scene.recovery('the leader of the log')]);
    await cluster.restart(leader);
    await cluster.untilReady();
  }
  print('killed', recoveries);
  await expectNothingLost(scene);
});
