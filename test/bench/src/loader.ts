/**
 * The subscribers of the benchmark, in a process of their own. Reads its plan from standard input, says `ready` when
 * every stream is open, checks each delivery, and prints its findings as one line of JSON when the last event arrived,
 * nothing arrived for the plan's patience, or SIGTERM came.
 */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { createStreamReader } from './stream-reader.ts';

export interface LoadPlan {
  readonly host: string;
  readonly port: number;
  readonly subscribers: readonly { readonly path: string; readonly maySeeSecret: boolean }[];
  /** Events that every subscriber must get. */
  readonly events: number;
  readonly patienceMs: number;
}

export interface LoadReport {
  readonly deliveries: number;
  readonly expected: number;
  readonly outOfOrder: number;
  readonly wrongProjection: number;
  readonly resyncs: number;
  readonly closed: number;
  readonly seconds: number;
  /** Sorted, milliseconds from the writer's clock reading to the last byte of the frame. A sample of at most 20,000. */
  readonly latenciesMs: readonly number[];
}

const MAX_SAMPLES = 20_000;
const CONNECTS_AT_ONCE = 50;

const plan = JSON.parse(await text(process.stdin)) as LoadPlan;
const expected = plan.subscribers.length * plan.events;
const latenciesMs: number[] = [];
let deliveries = 0;
let outOfOrder = 0;
let wrongProjection = 0;
let resyncs = 0;
let closed = 0;
let firstAt = 0;
let lastAt = performance.now();

function openStream(subscriber: LoadPlan['subscribers'][number]): Promise<void> {
  return new Promise((opened, failed) => {
    let lastId = '';
    let isOpen = false;
    const reader = createStreamReader({
      onOpen(status) {
        if (status !== 200) failed(new Error(`the stream was refused with ${status}`));
      },
      onFrame(frame) {
        if (!isOpen) {
          isOpen = true;
          opened();
        }
        if (frame.event === 'resync') resyncs += 1;
        if (frame.event === undefined || !frame.event.startsWith('object.')) return;
        lastAt = performance.now();
        if (deliveries === 0) firstAt = lastAt;
        deliveries += 1;
        if (frame.id <= lastId) outOfOrder += 1;
        lastId = frame.id;
        if (frame.data.includes('"secret":') !== subscriber.maySeeSecret) wrongProjection += 1;
        sampleLatency(frame.data);
        if (deliveries === expected) finish();
      },
    });
    const socket = connect(plan.port, plan.host, () => {
      socket.write(
        `GET ${subscriber.path} HTTP/1.1\r\nhost: ${plan.host}:${plan.port}\r\naccept: text/event-stream\r\n\r\n`,
      );
    });
    socket.on('data', (bytes) => reader.push(bytes));
    socket.on('error', failed);
    socket.on('close', () => {
      closed += 1;
    });
  });
}

function sampleLatency(data: string): void {
  if (latenciesMs.length >= MAX_SAMPLES) return;
  const found = /"sentUs":(\d+)/.exec(data);
  if (found !== null)
    latenciesMs.push(Number(process.hrtime.bigint() / 1000n) / 1000 - Number(found[1]) / 1000);
}

function finish(): void {
  const report: LoadReport = {
    deliveries,
    expected,
    outOfOrder,
    wrongProjection,
    resyncs,
    closed,
    seconds: Math.max(0.001, (lastAt - firstAt) / 1000),
    latenciesMs: latenciesMs.toSorted((a, b) => a - b),
  };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}

for (let next = 0; next < plan.subscribers.length; next += CONNECTS_AT_ONCE) {
  await Promise.all(plan.subscribers.slice(next, next + CONNECTS_AT_ONCE).map(openStream));
}
process.stdout.write('ready\n');
lastAt = performance.now();
process.on('SIGTERM', finish);
setInterval(() => {
  if (performance.now() - lastAt > plan.patienceMs) finish();
}, 200);
