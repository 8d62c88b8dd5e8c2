import type { ErrorCode, TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { pollEvent, pollPosition, pollResync } from '../formats/poll-line.ts';
import { PollSink } from './poll-sink.ts';
import type { PollAnswer } from './poll-sink.ts';

const id = (sequence: number): string => `evt-0abcdefg-${String(sequence).padStart(12, '0')}`;
const event = (sequence: number, size = 1): Buffer =>
  pollEvent(id(sequence), JSON.stringify({ n: sequence, filling: 'x'.repeat(size) }));
const resync = { reason: 'time', oldest: id(1), current: id(9) } as const;

interface Poll {
  readonly sink: PollSink;
  readonly answers: PollAnswer[];
  readonly errors: TidewireError[];
  readonly peer: { queued: number; resets: number };
}

function openPoll(limits = { maxEvents: 3, maxBytes: 1000 }, position: string | undefined = id(4)): Poll {
  const answers: PollAnswer[] = [];
  const errors: TidewireError[] = [];
  const peer = {
    queued: 0,
    resets: 0,
    gone: false,
    onGone: () => undefined,
    queuedBytes: () => peer.queued,
    reset: (): void => void (peer.resets += 1),
  };
  const sink = new PollSink(peer, {
    member: 'events',
    limits,
    send: (answer) => answers.push(answer),
  });
  sink.begin({ answered: () => undefined, failed: (error) => errors.push(error) }, position);
  return { sink, answers, errors, peer };
}

const bodies = ({ answers }: Poll): string[] => answers.map(({ body }) => body.toString());

test('the first frames are the answer, in exactly these bytes, and nothing comes after it', () => {
  const poll = openPoll();
  poll.sink.write(Buffer.concat([event(5), event(7)]));
  poll.sink.write(event(8));
  poll.sink.finish();
  poll.sink.resync(resync);
  poll.sink.end('DRAINING', 'x');
  expect(bodies(poll)).toEqual([
    `{"events":[{"n":5,"filling":"x"},{"n":7,"filling":"x"}],"lastEventId":"${id(7)}","more":false}`,
  ]);
  expect(poll.errors).toEqual([]);
});

test('takes as many as it asked for, and says from where the others follow', () => {
  const many = Buffer.concat([event(5), event(6), event(7), event(8)]);
  for (const [maxEvents, last, more] of [
    [3, 7, true],
    [1, 5, true],
    [4, 8, false],
  ] as const) {
    const poll = openPoll({ maxEvents, maxBytes: 1000 });
    poll.sink.write(many);
    const body = JSON.parse(bodies(poll)[0] ?? '');
    expect([body.events.length, body.lastEventId, body.more]).toEqual([maxEvents, id(last), more]);
  }
});

test('is bounded in bytes, but never answers with nothing for it', () => {
  const poll = openPoll({ maxEvents: 10, maxBytes: 1000 });
  poll.sink.write(Buffer.concat([event(5, 600), event(6, 600)]));
  expect(JSON.parse(bodies(poll)[0] ?? '')).toMatchObject({ lastEventId: id(5), more: true });
  const large = openPoll({ maxEvents: 10, maxBytes: 1000 });
  large.sink.write(event(5, 5000));
  expect(JSON.parse(bodies(large)[0] ?? '')).toMatchObject({ lastEventId: id(5), more: false });
});

test('a position moves the cursor of a poll that nothing happens for', () => {
  const poll = openPoll();
  poll.sink.write(pollPosition({ epoch: '0abcdefg', sequence: 6 }));
  expect(poll.answers).toEqual([]);
  poll.sink.finish();
  expect(bodies(poll)).toEqual([`{"events":[],"lastEventId":"${id(6)}","more":false}`]);
});

test('a resync stands alone, wherever it comes among events', () => {
  const poll = openPoll();
  poll.sink.write(Buffer.concat([event(5), pollResync(resync), event(10)]));
  expect(bodies(poll)).toEqual([
    `{"events":[],"lastEventId":"${id(9)}","more":false,"resync":${JSON.stringify(resync)}}`,
  ]);
});

test.each<[ErrorCode, number]>([
  ['CREDENTIAL_ENDED', 401],
  ['GONE', 410],
  ['TOO_MANY_SUBSCRIPTIONS', 429],
  ['SERVICE_UNAVAILABLE', 503],
])('%s ends the wait with %i', (code, status) => {
  const poll = openPoll();
  poll.sink.end(code, 'why');
  expect(poll.answers).toEqual([]);
  expect(poll.errors.map((error) => [error.code, error.status])).toEqual([[code, status]]);
});

test.each<ErrorCode>(['DRAINING', 'CONNECTION_AGED'])('%s ends the wait with the cursor', (code) => {
  const poll = openPoll();
  poll.sink.end(code, 'why');
  expect(bodies(poll)).toEqual([`{"events":[],"lastEventId":"${id(4)}","more":false}`]);
});

test('without a cursor to give back a poll that cannot be answered is told to come again', () => {
  const open = (): Poll => {
    const poll = openPoll();
    poll.sink.begin({ answered: () => undefined, failed: (error) => poll.errors.push(error) }, undefined);
    return poll;
  };
  const [late, drained] = [open(), open()];
  late.sink.finish();
  drained.sink.end('DRAINING', 'why');
  expect(
    [...late.errors, ...drained.errors].map(({ code, retryAfterSeconds }) => [code, retryAfterSeconds]),
  ).toEqual([
    ['SERVICE_UNAVAILABLE', 1],
    ['DRAINING', 1],
  ]);
});

test('what waits in the socket for a credential that ended does not reach its reader', () => {
  const poll = openPoll();
  expect(poll.sink.queuedBytes()).toBe(0);
  poll.sink.write(event(5));
  poll.sink.end('CREDENTIAL_ENDED', 'why');
  expect(poll.peer.resets).toBe(0);
  poll.peer.queued = 100;
  poll.sink.end('CREDENTIAL_ENDED', 'why');
  expect(poll.peer.resets).toBe(1);
});
