import { randomUUID } from 'node:crypto';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Findings } from './findings.ts';
import { FORMS, MatrixWorld } from './matrix-world.ts';
import type { MatrixRow } from './matrix-world.ts';
import { PEOPLE } from './people.ts';
import { FACES, Questions } from './questions.ts';
import { Watch } from './watch.ts';

const DAY_MS = 86_400_000;
const findings = new Findings();
let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({
    settings: {
      TIDEWIRE_ANONYMOUS_STREAMS: 'true',
      TIDEWIRE_MAX_SUBSCRIPTIONS_PER_CONNECTION: '1000',
      TIDEWIRE_SSE_HEARTBEAT_MS: '200',
      // Time passes here as well: what is told of it is not of the table.
      TIDEWIRE_TIME_RULE_RESYNC_MS: String(DAY_MS),
    },
  });
  await runMatrix();
}, 600_000);

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

/** Lets everybody do everything once, each in a lane of its own, and compares. */
async function runMatrix(): Promise<void> {
  const world = await MatrixWorld.build(platform);
  const lanes = PEOPLE.map((person) => new Questions(world, person, findings));
  const everybody = async (act: (lane: Questions) => Promise<void>): Promise<void> => {
    await Promise.all(lanes.map(act));
  };
  const watches = await Promise.all(PEOPLE.map((person) => Watch.open(world, person)));
  await using open = new AsyncDisposableStack();
  for (const watch of watches) open.use(watch);
  const arrived = arrivalOf(world, watches);
  const ids = world.samples.map(({ uuid }) => uuid);

  await world.insert(world.samples);
  const cursor = await arrived('object.created');
  await everybody((lane) => lane.read());
  const [clock] = await platform.sql<{ now: Date }>('select clock_timestamp() as now');
  const since = clock?.now.toISOString() ?? '';
  await platform.sql(
    `update records.objects set properties = properties || '{"note":"changed"}' where uuid = any($1)`,
    [ids],
  );
  await arrived('object.updated');
  await everybody((lane) => lane.pollEvents(cursor));
  await everybody((lane) => lane.pollChanges(since, false));
  await everybody((lane) => lane.update());
  await everybody((lane) => lane.create());
  await removeVictims(world, lanes);
  await platform.sql('delete from records.objects where uuid = any($1)', [ids]);
  const end = await arrived('object.deleted');
  await everybody((lane) => lane.pollChanges(since, true));
  await waitFor(() => watches.every(({ position }) => position >= end), {
    what: 'everybody was told all',
    timeoutMs: 60_000,
  });
  for (const [index, lane] of lanes.entries()) {
    const watch = watches[index];
    if (watch !== undefined) lane.watched(watch);
  }
  expect(watches.flatMap(({ person, faults }) => faults.map((fault) => `${person}: ${fault}`))).toEqual([]);
}

/** Waits until the administrator was told so of every row; answers the place in the log. */
function arrivalOf(world: MatrixWorld, watches: readonly Watch[]): (name: string) => Promise<string> {
  const admin = watches.find(({ person }) => person === 'admin');
  return async (name) => {
    const isTold = ({ uuid }: MatrixRow): boolean => admin?.eventsOf(uuid).includes(name) === true;
    await waitFor(() => world.samples.every(isTold), { what: `${name} of all rows`, timeoutMs: 60_000 });
    return admin?.position ?? '';
  };
}

/** For everybody and on both faces a row of its own to delete. */
async function removeVictims(world: MatrixWorld, lanes: readonly Questions[]): Promise<void> {
  const work = lanes.flatMap((lane) =>
    FACES.map((face) => {
      const victims = new Map(world.samples.map((one) => [one, randomUUID()] as const));
      return { lane, face, victims };
    }),
  );
  const rows = work.flatMap(({ victims }) => [...victims].map(([one, uuid]) => ({ ...one, uuid })));
  await world.insert(rows);
  await Promise.all(work.map(({ lane, face, victims }) => lane.remove(victims, face)));
}

test.each(FORMS.map((form) => [form.name, form] as const))(
  'the rule form "%s" lets everybody do what the table says, and nothing else',
  (_, form) => {
    expect(findings.of(form)).toEqual([]);
  },
);

test('every cell was looked at on every way', () => {
  const rows = FORMS.flatMap((form) => form.rows.map(() => form.secret !== undefined));
  const ways = rows.map((hasSecret) => 17 + (hasSecret ? 4 : 0));
  expect(findings.compared).toBe(ways.reduce((sum, count) => sum + count, 0) * PEOPLE.length);
});
