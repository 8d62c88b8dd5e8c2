import { waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { createApi } from '../../../support/api.ts';
import { nowUs } from '../bench-town.ts';
import type { BenchTown } from '../bench-town.ts';
import { percentile, printRow } from '../print.ts';
import { readProcessFigures } from '../process-figures.ts';
import { openFeeds } from './bench-feeds.ts';

export interface FeedBench {
  readonly platform: Platform;
  readonly town: BenchTown;
  readonly feeds: number;
  readonly events: number;
  readonly rounds: number;
  readonly write: () => Promise<void>;
  /** The same events to as many streams over SSE: CPU seconds per million deliveries. */
  readonly measureSse: () => Promise<number>;
}

const ascending = (one: number, other: number): number => one - other;

/** What feeds over NATS cost beside streams over SSE, and how soon a right that was taken away is gone from them. */
export async function compareFeeds(bench: FeedBench): Promise<void> {
  await compareCost(bench);
  await measureRights(bench);
}

async function compareCost(bench: FeedBench): Promise<void> {
  const { platform, feeds, rounds } = bench;
  console.log(`\n${feeds} feeds over NATS against as many streams over SSE, one view class`);
  printRow(['', 'CPU s/M', 'times', 'p50 ms', 'p99 ms', '']);
  for (let round = 0; round < Math.min(rounds, 3); round += 1) {
    await platform.restart('fanout-gateway-1', 'SIGTERM');
    const sse = await bench.measureSse();
    printRow(['SSE', sse.toFixed(2)]);
    await platform.restart('fanout-gateway-1', 'SIGTERM');
    const { cost, latenciesMs, fault } = await measureFeeds(bench);
    printRow([
      'feeds',
      cost.toFixed(2),
      (cost / sse).toFixed(2),
      percentile(latenciesMs, 0.5),
      percentile(latenciesMs, 0.99),
      fault,
    ]);
  }
}

async function measureFeeds({ platform, town, feeds, events, write }: FeedBench): Promise<{
  readonly cost: number;
  readonly latenciesMs: readonly number[];
  readonly fault: string;
}> {
  const latenciesMs: number[] = [];
  const { token = '' } = town.readers[0] ?? {};
  const topic = `register/${town.register}/schema/items`;
  await using opened = await openFeeds(platform, {
    token,
    topic,
    count: feeds,
    onMessage: ({ body }) => {
      const sentUs: unknown = body.data?.object?.sentUs;
      if (typeof sentUs === 'number') latenciesMs.push((nowUs() - sentUs) / 1000);
    },
  });
  const pid = platform.gateways[0]?.pid ?? 0;
  const before = readProcessFigures(pid)?.cpuSeconds ?? Number.NaN;
  await write();
  const wanted = events * feeds;
  await waitFor(() => latenciesMs.length >= wanted, { what: 'all are told', timeoutMs: 30_000 }).catch(
    () => undefined,
  );
  const cpuSeconds = (readProcessFigures(pid)?.cpuSeconds ?? Number.NaN) - before;
  const inOrder = opened.feeds.every(({ events: told }) =>
    told.every(({ id }, index) => id > (told[index - 1]?.id ?? '')),
  );
  const fault = latenciesMs.length === wanted ? '' : `${wanted - latenciesMs.length} missing `;
  return {
    cost: (cpuSeconds / latenciesMs.length) * 1_000_000,
    latenciesMs: latenciesMs.toSorted(ascending),
    fault: fault + (inOrder ? '' : 'out of order') || 'all right',
  };
}

async function measureRights({ platform, town, feeds, rounds }: FeedBench): Promise<void> {
  console.log(`\nRights taken away from ${feeds} feeds: milliseconds from the answer of the call`);
  printRow(['', 'rounds', 'p50', 'p99', '']);
  const narrowed: number[] = [];
  const ended: number[] = [];
  const topic = `register/${town.register}/schema/items`;
  const policy = `/api/policies/schema/${town.schemaId}`;
  const admin = createApi(platform.origin, platform.adminToken);
  const reader = createApi(platform.origin, town.readers[0]?.token);
  const { principal } = await reader.send<{ principal: { id: string } }>('GET', '/api/auth/me');
  const { authorization, properties } = await admin.send('GET', policy);
  for (let round = 0; round < rounds; round += 1) {
    const entry = await admin.send<{ id: string; token: string }>('POST', '/api/auth/tokens', {
      principal: principal.id,
      name: 'feeds',
    });
    const told: number[] = [];
    await using opened = await openFeeds(platform, {
      token: entry.token,
      topic,
      count: feeds,
      onMessage: ({ body }) => {
        if (body.type === 'resync') told.push(nowUs());
      },
    });
    await admin.send('PUT', policy, { authorization: { read: ['nobody-there'] }, properties });
    const narrowedAt = nowUs();
    await waitFor(() => told.length >= feeds, { what: 'all are told', timeoutMs: 10_000 });
    narrowed.push(...told.map((at) => Math.max(0, at - narrowedAt) / 1000));
    await admin.send('PUT', policy, { authorization, properties });
    await waitFor(() => told.length >= 2 * feeds, { what: 'all are told again', timeoutMs: 10_000 });
    const closed = opened.clients.map(async ({ connection }) => {
      await connection.closed();
      return nowUs();
    });
    await admin.ask('DELETE', `/api/auth/tokens/${entry.id}`);
    const endedAt = nowUs();
    ended.push(...(await Promise.all(closed)).map((at) => Math.max(0, at - endedAt) / 1000));
  }
  for (const [name, figures] of [
    ['a policy is tightened: told', narrowed],
    ['a token is ended: disconnected', ended],
  ] as const) {
    const sorted = figures.toSorted(ascending);
    printRow([name, rounds, percentile(sorted, 0.5), percentile(sorted, 0.99), 'all right']);
  }
}
