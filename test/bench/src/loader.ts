/**
 * The subscribers of the benchmark, in a process of their own. Reads its plan from standard input, says `ready` when
 * every stream is open or every poll waits, checks each delivery, and prints its findings as one line of JSON when the
 * last event arrived, nothing arrived for the plan's patience, or SIGTERM came.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { createAnswerReader } from './answer-reader.ts';
import { LoadTally } from './load-tally.ts';
import { createStreamReader } from './stream-reader.ts';

export interface LoadPlan {
  readonly host: string;
  readonly port: number;
  readonly transport: 'sse' | 'poll';
  /** Address and `query` name what is subscribed to and who asks. */
  readonly subscribers: readonly {
    readonly path: string;
    readonly query: string;
    readonly maySeeSecret: boolean;
  }[];
  /** Events that every subscriber must get. */
  readonly events: number;
  readonly patienceMs: number;
}

type Subscriber = LoadPlan['subscribers'][number];

const CONNECTS_AT_ONCE = 50;
/** Long enough that the last polls have been taken in before anything is written. */
const SETTLE_MS = 500;
/** What `Retry-After` of a refusal says. */
const RETRY_MS = 1000;

const plan = JSON.parse(await text(process.stdin)) as LoadPlan;
const tally = new LoadTally(plan.subscribers.length * plan.events, finish);

function openStream(subscriber: Subscriber): Promise<void> {
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
        if (frame.event === 'resync') tally.resyncs += 1;
        if (frame.event !== 'next' && !(frame.event ?? '').startsWith('object.')) return;
        tally.count(frame, lastId, subscriber.maySeeSecret);
        lastId = frame.id;
      },
    });
    const socket = connectTo(failed, (bytes) => reader.push(bytes));
    request(socket, `${subscriber.path}?${subscriber.query}`, 'text/event-stream');
  });
}

/** Asks for the position, then polls from there for good; open when the first poll that waits was sent. */
function openPoll(subscriber: Subscriber): Promise<void> {
  return new Promise((opened, failed) => {
    let cursor = '';
    const ask = (more: string): void =>
      request(socket, `${subscriber.path}?${subscriber.query}${more}`, 'application/json');
    const askNext = (): void =>
      ask(cursor === '' ? '&timeoutMs=0' : `&limit=1000&timeoutMs=25000&lastEventId=${cursor}`);
    const reader = createAnswerReader({
      onAnswer(status, body) {
        if (status !== 200) {
          tally.refused[status] = (tally.refused[status] ?? 0) + 1;
          setTimeout(askNext, RETRY_MS);
          return;
        }
        const answer = JSON.parse(body) as {
          events: { id: string }[];
          lastEventId: string;
          resync?: unknown;
        };
        if (answer.resync !== undefined) tally.resyncs += 1;
        if (answer.events.length > 0) tally.answers += 1;
        let before = cursor;
        for (const event of answer.events) {
          tally.count({ id: event.id, data: JSON.stringify(event) }, before, subscriber.maySeeSecret);
          before = event.id;
        }
        cursor = answer.lastEventId;
        askNext();
        opened();
      },
    });
    const socket = connectTo(failed, (bytes) => reader.push(bytes));
    askNext();
  });
}

function connectTo(failed: (error: Error) => void, onData: (bytes: Buffer) => void): Socket {
  const socket = connect({ port: plan.port, host: plan.host, noDelay: true });
  socket.on('data', onData);
  socket.on('error', failed);
  socket.on('close', () => {
    tally.closed += 1;
  });
  return socket;
}

function request(socket: Socket, path: string, accept: string): void {
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${plan.host}:${plan.port}\r\naccept: ${accept}\r\n\r\n`);
}

function finish(): void {
  process.stdout.write(`${JSON.stringify(tally.report())}\n`, () => process.exit(0));
}

const open = plan.transport === 'sse' ? openStream : openPoll;
for (let next = 0; next < plan.subscribers.length; next += CONNECTS_AT_ONCE) {
  await Promise.all(plan.subscribers.slice(next, next + CONNECTS_AT_ONCE).map(open));
}
await new Promise((settled) => {
  setTimeout(settled, SETTLE_MS);
});
process.stdout.write('ready\n');
tally.wait();
process.on('SIGTERM', finish);
setInterval(() => {
  if (tally.idleMs() > plan.patienceMs) finish();
}, 200);
