import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

test('names metrics after the service and lists them for the reference', async () => {
  const metrics = createMetrics('fanout-gateway');
  metrics
    .counter({ name: 'frames_total', help: 'Frames.', labels: ['transport'] })
    .inc({ transport: 'sse' }, 3);
  metrics.gauge({ name: 'connections', help: 'Connections.', collect: (gauge) => gauge.set(5) });
  expect(metrics.list()).toEqual([
    { name: 'tidewire_fanout_gateway_connections', type: 'gauge', help: 'Connections.', labels: [] },
    { name: 'tidewire_fanout_gateway_frames_total', type: 'counter', help: 'Frames.', labels: ['transport'] },
  ]);
  const text = await metrics.text();
  expect(text).toContain('tidewire_fanout_gateway_frames_total{transport="sse"} 3');
  expect(text).toContain('tidewire_fanout_gateway_connections 5');
});

test('keeps the metrics of two services in one process apart', async () => {
  const [a, b] = [createMetrics('records'), createMetrics('records')];
  a.counter({ name: 'writes_total', help: 'Writes.' }).inc();
  b.counter({ name: 'writes_total', help: 'Writes.' });
  expect(await b.text()).toContain('tidewire_records_writes_total 0');
});

test('reads totals that are counted elsewhere at each scrape, and adds nothing to them', async () => {
  const metrics = createMetrics('relay');
  let published = 7;
  metrics.counter({
    name: 'published_total',
    help: 'Published.',
    labels: ['kind'],
    collect: (total) => total.inc({ kind: 'object' }, published),
  });
  expect(await metrics.text()).toContain('tidewire_relay_published_total{kind="object"} 7');
  published = 9;
  const text = await metrics.text();
  expect(text).toContain('tidewire_relay_published_total{kind="object"} 9');
  expect(text).toContain('# TYPE tidewire_relay_published_total counter');
});
