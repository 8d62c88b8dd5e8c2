import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { AUDIT, compareLogWithAudit } from '../support/audit-trail.ts';
import { expectSameRows, startFollowers } from '../support/followers.ts';
import { writeSqlSteadily } from '../support/sql-writer.ts';
import { buildTown } from '../support/town.ts';
import { writeSteadily } from '../support/writers.ts';

const ROUNDS = Number(process.env['TIDEWIRE_TEST_ROUNDS'] ?? 5);
const VICTIMS = ['relay', 'fanout-gateway-1', 'nats', 'postgres', 'fanout-gateway-2'] as const;

/** The end of each service's log, for whoever has to find out why a round failed. */
function lastWords(platform: Platform): string {
  return (['relay', 'authz', 'records', 'fanout-gateway-1'] as const)
    .map((name) => `${name} said last: ${platform.log(name).trimEnd().split('\n').slice(-2).join('\n')}`)
    .join('\n');
}

test(`nothing is lost while relay, gateways, NATS and PostgreSQL are each killed ${ROUNDS} times`, async () => {
  await using platform = await startPlatform({ gateways: 2 });
  await platform.sql(AUDIT);
  const town = await buildTown(platform.origin, platform.adminToken);
  const followers = await startFollowers(platform, town, 20);
  await waitFor(() => followers.every(({ follower }) => follower.isOpen), { what: 'streams open' });
  const stop = new AbortController();
  const acknowledged: { readonly uuid: string; readonly version: number | undefined }[] = [];
  const writing = [
    writeSteadily({
      api: town.as('alice'),
      collection: town.collection,
      rate: 40,
      signal: stop.signal,
      onAcknowledged: (write) => acknowledged.push(write),
    }),
    writeSqlSteadily({
      databaseUrl: platform.ownerUrl,
      schemaId: town.schemaId,
      organisation: town.organisations.a,
      rate: 40,
      signal: stop.signal,
    }),
  ];
  const watched = followers[0]?.follower;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const victim of VICTIMS) {
      const before = watched?.events.length ?? 0;
      await platform.restart(victim, 'SIGKILL').catch((error: unknown) => {
        throw new Error(`${victim} did not come back; ${lastWords(platform)}`, { cause: error });
      });
      await waitFor(() => (watched?.events.length ?? 0) > before + 20, {
        what: `events flow again after ${victim} was killed`,
        timeoutMs: 60_000,
      });
    }
  }
  stop.abort();
  await Promise.all(writing);
  await waitFor(async () => (await platform.sql('select 1 from outbox.rows limit 1')).length === 0, {
    what: 'the outbox is empty',
    timeoutMs: 60_000,
  });
  await compareLogWithAudit(platform);
  const known = await platform.sql<{ key: string }>(
    `select uuid || ' ' || version as key from audit.changes`,
  );
  const keys = new Set(known.map(({ key }) => key));
  const lost = acknowledged.filter(
    ({ uuid, version }) => version !== undefined && !keys.has(`${uuid} ${version}`),
  );
  expect(lost, 'every acknowledged write is committed').toEqual([]);
  await expectSameRows(town, followers);
});
