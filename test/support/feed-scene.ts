import type { CloudEvent } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { expect } from 'vitest';
import { FeedFollower } from './feed-follower.ts';
import type { Town } from './town.ts';
import { writeSteadily } from './writers.ts';

const WORKERS = 3;

interface Written {
  readonly uuid: string;
  readonly version: number | undefined;
}

/** A subscriber and a group of workers, all of one principal, while somebody writes. */
export class FeedScene implements AsyncDisposable {
  readonly acknowledged: Written[] = [];
  readonly single: FeedFollower;
  readonly workers: readonly FeedFollower[];
  /** In the order in which the workers got them. */
  readonly worked: CloudEvent[] = [];
  readonly #town: Town;
  readonly #stop = new AbortController();
  readonly #writing: Promise<number>;

  private constructor(town: Town, single: FeedFollower, workers: readonly FeedFollower[]) {
    this.#town = town;
    this.single = single;
    this.workers = workers;
    for (const worker of workers) worker.onEvent = (event) => this.worked.push(event);
    this.#writing = writeSteadily({
      api: town.as('alice'),
      collection: town.collection,
      rate: 40,
      signal: this.#stop.signal,
      onAcknowledged: (write) => this.acknowledged.push(write),
    });
  }

  static async open(platform: Platform, town: Town, servers: string | readonly string[]): Promise<FeedScene> {
    const topics = [`register/${town.collection.split('/')[0] ?? ''}`];
    const common = { origin: platform.origin, servers, token: town.tokens.alice, topics };
    const single = await FeedFollower.open(common);
    const workers = [];
    for (let n = 0; n < WORKERS; n += 1) {
      workers.push(await FeedFollower.open({ ...common, group: 'import' }));
    }
    return new FeedScene(town, single, workers);
  }

  /** Milliseconds until the subscriber, and the workers together, have what was written from now on. */
  async recovery(what: string): Promise<readonly [single: number, workers: number]> {
    const began = performance.now();
    const from = this.acknowledged.length;
    const took = async (events: () => readonly CloudEvent[]): Promise<number> => {
      await waitFor(
        () => {
          const later = this.acknowledged.slice(from);
          return later.length > 0 && events().some((event) => later.some((write) => isOf(event, write)));
        },
        { what: `${what}: events flow again`, timeoutMs: 90_000 },
      );
      return Math.round(performance.now() - began);
    };
    return await Promise.all([took(() => this.single.events), took(() => this.worked)]);
  }

  /** Ends the writing; answers with the ids of what is there then. */
  async settle(): Promise<ReadonlySet<string>> {
    this.#stop.abort();
    await this.#writing;
    const path = `/api/objects/${this.#town.collection}?_limit=1000`;
    const { results } = await this.#town.as('alice').send<{ results: { id: string }[] }>('GET', path);
    return new Set(results.map(({ id }) => id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const each of [this.single, ...this.workers]) await each[Symbol.asyncDispose]();
  }
}

/** Waits until everything that was acknowledged was told, and looks at what was told besides. */
export async function expectNothingLost(scene: FeedScene): Promise<void> {
  const { acknowledged, single, workers, worked } = scene;
  const rows = await scene.settle();
  expect(rows.size).toBeGreaterThan(20);
  const lost = (events: readonly CloudEvent[]): readonly Written[] => missing(acknowledged, rows, events);
  await waitFor(() => [single.events, worked].every((events) => lost(events).length === 0), {
    what: 'everything that was acknowledged was told',
    timeoutMs: 60_000,
  }).catch((error: unknown) => {
    const [one, many] = [single.events, worked].map(lost);
    const shown = `${JSON.stringify(one?.slice(0, 5))}, ${JSON.stringify(many?.slice(0, 5))}`;
    throw new Error(`missing ${shown}`, { cause: error });
  });
  expect([single, ...workers].flatMap(({ resyncs }) => resyncs)).toEqual([]);
  for (const events of [single.events, worked]) expectOrder(events);
  const repeats = worked.length - new Set(worked.map(({ id }) => id)).size;
  process.stdout.write(
    `${acknowledged.length} writes; the subscriber had ${single.events.length} events, ` +
      `the workers ${worked.length}, ${repeats} of them again\n`,
  );
}

function isOf({ data }: CloudEvent, { uuid, version }: Written): boolean {
  return data.uuid === uuid && data.version === version;
}

/** Of what is gone by now a replay tells that alone, or nothing where the subscriber had never been told of it. */
function missing(
  writes: readonly Written[],
  rows: ReadonlySet<string>,
  events: readonly CloudEvent[],
): readonly Written[] {
  const told = new Set(events.map(({ data }) => `${data.uuid} ${data.version}`));
  return writes.filter(({ uuid, version }) => rows.has(uuid) && !told.has(`${uuid} ${version}`));
}

/** Of one object nothing comes for the first time after something later, and what comes twice has one id. */
function expectOrder(events: readonly CloudEvent[]): void {
  const newest = new Map<string, number>();
  const ids = new Map<string, string>();
  for (const { id, data } of events) {
    const key = `${data.uuid} ${data.version}`;
    if (ids.has(key)) {
      expect(ids.get(key)).toBe(id);
      continue;
    }
    ids.set(key, id);
    expect(data.version).toBeGreaterThan(newest.get(data.uuid) ?? 0);
    newest.set(data.uuid, data.version ?? 0);
  }
}
