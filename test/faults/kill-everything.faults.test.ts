import { connectBus, readLog, readLogInfo, silentLogger } from '@tidewire/messaging';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { Follower } from '../support/follower.ts';
import { writeSqlSteadily } from '../support/sql-writer.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';
import { writeSteadily } from '../support/writers.ts';

const ROUNDS = Number(process.env['TIDEWIRE_TEST_ROUNDS'] ?? 5);
const VICTIMS = ['relay', 'fanout-gateway-1', 'nats', 'postgres', 'fanout-gateway-2'] as const;

/** Every committed change, written by a trigger of the test in the writer's own transaction. */
const AUDIT = `
  create schema audit;
  create table audit.changes (uuid uuid, version bigint, action text, primary key (uuid, version));
  create function audit.note() returns trigger language plpgsql security definer as $$
  begin
    if tg_op = 'DELETE' then
      insert into audit.changes select uuid, version, 'deleted' from records.tombstones where uuid = old.uuid;
      return null;
    end if;
    insert into audit.changes values (new.uuid, new.version, case tg_op when 'INSERT' then 'created' else 'updated' end);
    return null;
  end $$;
  create trigger zz_audit after insert or update or delete on records.objects for each row execute function audit.note();
`;

/** The end of each service's log, for whoever has to find out why a round failed. */
function lastWords(platform: Platform): string {
  return (['relay', 'authz', 'records', 'fanout-gateway-1'] as const)
    .map((name) => `${name} said last: ${platform.log(name).trimEnd().split('\n').slice(-2).join('\n')}`)
    .join('\n');
}

async function followersOf(platform: Platform, town: Town): Promise<{ name: string; follower: Follower }[]> {
  const names = ['admin', 'alice', 'bob', 'carol'] as const;
  const list = [];
  for (let index = 0; index < 20; index += 1) {
    const name = names[index % names.length] ?? 'bob';
    const follower = await Follower.start({
      bases: () => platform.gateways.map(({ url }) => url),
      api: platform.origin,
      collection: town.collection,
      token: town.tokens[name],
    });
    list.push({ name, follower });
  }
  return list;
}

async function compareLogWithAudit(platform: Platform): Promise<void> {
  const committed = await platform.sql<{ uuid: string; version: string; action: string }>(
    'select uuid, version, action from audit.changes',
  );
  const bus = await connectBus({ url: platform.natsUrl('records'), user: 'records', logger: silentLogger });
  try {
    const info = await readLogInfo(bus);
    const published: string[] = [];
    const lastVersions = new Map<string, number>();
    for await (const { message } of readLog(bus, {
      epoch: info.epoch,
      from: info.first - 1,
      to: info.last,
    })) {
      if (message?.kind !== 'object') continue;
      published.push(`${message.uuid} ${message.version} ${message.action}`);
      expect(message.version).toBeGreaterThan(lastVersions.get(message.uuid) ?? 0);
      lastVersions.set(message.uuid, message.version);
    }
    expect(new Set(published).size, 'no change twice').toBe(published.length);
    expect(published.toSorted()).toEqual(
      committed.map(({ uuid, version, action }) => `${uuid} ${version} ${action}`).toSorted(),
    );
  } finally {
    await bus.close();
  }
}

test(`nothing is lost while relay, gateways, NATS and PostgreSQL are each killed ${ROUNDS} times`, async () => {
  await using platform = await startPlatform({ gateways: 2 });
  await platform.sql(AUDIT);
  const town = await buildTown(platform.origin, platform.adminToken);
  const followers = await followersOf(platform, town);
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

async function expectSameRows(
  town: Town,
  followers: readonly { name: string; follower: Follower }[],
): Promise<void> {
  const path = `/api/objects/${town.collection}`;
  await town.as('alice').send('POST', path, { titel: 'last of a', status: 'nieuw' });
  await town.as('carol').send('POST', path, { titel: 'last of b', status: 'nieuw' });
  for (const { name, follower } of followers) {
    // The administrator sees both, and the second one is the last.
    const last = name === 'carol' || name === 'admin' ? 'last of b' : 'last of a';
    await waitFor(() => [...follower.rows.values()].some((row) => row['titel'] === last), {
      what: `${name} has the last row`,
      timeoutMs: 60_000,
    });
    const listed = await town
      .as(name as 'alice')
      .send<{ results: { id: string }[] }>('GET', `${path}?_limit=1000`);
    expect(follower.rows, name).toEqual(new Map(listed.results.map((row) => [row.id, row])));
    expect(follower.faults, name).toEqual([]);
    await follower[Symbol.asyncDispose]();
  }
}
