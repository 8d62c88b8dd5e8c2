import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { pollEvent, pollPosition, pollResync } from '../formats/poll-line.ts';
import { GraphqlSocketPeer } from './graphql-socket-peer.ts';
import { GraphqlStreamPeer } from './graphql-stream-peer.ts';
import { OperationLane } from './operation-lane.ts';
import type { OperationPeer } from './operation-peer.ts';

const nothing = (): void => {};

/** A connection that takes notes. `turns`: how often what was held back left. */
function createConnection() {
  const written: Buffer[] = [];
  const state = { corked: 0, turns: 0 };
  const socket = {
    writableLength: 0,
    destroyed: false,
    write: (bytes: Buffer) => {
      written.push(bytes);
      if (state.corked === 0) state.turns += 1;
    },
    cork: () => (state.corked += 1),
    uncork: () => {
      state.corked -= 1;
      if (state.corked === 0) state.turns += 1;
    },
  } as unknown as Socket;
  return { socket, written, state };
}

/** The JSON texts of unmasked frames. */
function readFrames(bytes: Buffer): unknown[] {
  const messages: unknown[] = [];
  for (let at = 0; at < bytes.length;) {
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const start = at + (short === 126 ? 4 : 2);
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short;
    messages.push(JSON.parse(bytes.toString('utf8', start, start + length)));
    at = start + length;
  }
  return messages;
}

/** The data of `next` in a chunked body. */
function readChunks(bytes: Buffer): unknown[] {
  const messages: unknown[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\r\n', at);
    const length = Number.parseInt(bytes.toString('latin1', at, end), 16);
    const text = bytes.toString('utf8', end + 2, end + 2 + length);
    expect(bytes.toString('latin1', end + 2 + length, end + 4 + length)).toBe('\r\n');
    expect(text).toMatch(/^event: next\ndata: .*\n\n$/);
    messages.push(JSON.parse(text.slice('event: next\ndata: '.length)));
    at = end + 4 + length;
  }
  return messages;
}

test.each<[string, (socket: Socket) => OperationPeer, (bytes: Buffer) => unknown[], object]>([
  [
    'a WebSocket',
    (socket) => {
      const peer = new GraphqlSocketPeer(nothing);
      peer.begin({} as WebSocket, socket);
      return peer;
    },
    readFrames,
    { type: 'next' },
  ],
  [
    'a stream',
    (socket) => {
      const peer = GraphqlStreamPeer.create({ socket } as unknown as ServerResponse);
      if (peer === undefined) throw new Error('the client has gone');
      return peer;
    },
    readChunks,
    {},
  ],
])(
  'results on %s are whole around the bytes that all operations share, and leave in one go',
  (_name, open, read, extra) => {
    const { socket, written, state } = createConnection();
    const peer = open(socket);
    const long = 'ü'.repeat(300);
    const bytes = Buffer.concat([
      pollEvent('evt-1', '{"data":{"a":{"b":1}}}'),
      pollEvent('evt-2', `{"data":{"a":{"b":"${long}"}},"errors":[]}`),
    ]);
    for (const id of ['one', '"two"\n']) new OperationLane(peer, id, nothing).write(bytes);
    expect(state.turns).toBe(2);
    const isShared = ({ buffer, byteOffset }: Buffer): boolean =>
      buffer === bytes.buffer &&
      byteOffset > bytes.byteOffset &&
      byteOffset < bytes.byteOffset + bytes.length;
    expect(written.filter(isShared)).toHaveLength(4);
    const result = (id: string, eventId: string, more: object): object => ({
      ...extra,
      id,
      payload: { extensions: { eventId }, ...more },
    });
    expect(read(Buffer.concat(written))).toEqual(
      ['one', '"two"\n'].flatMap((id) => [
        result(id, 'evt-1', { data: { a: { b: 1 } } }),
        result(id, 'evt-2', { data: { a: { b: long } }, errors: [] }),
      ]),
    );
  },
);

test('what is no result is told to the operation, and nothing any more once it is over', () => {
  const told: unknown[] = [];
  const note =
    (name: string) =>
    (...values: unknown[]): void =>
      void told.push([name, ...values]);
  const peer = {
    cork: nothing,
    uncork: nothing,
    result: note('result'),
    position: note('position'),
    next: note('next'),
    refuse: note('refuse'),
  } as unknown as OperationPeer;
  const ended: string[] = [];
  const lane = new OperationLane(peer, 'a', ({ id }) => void ended.push(id));
  const resync = { reason: 'time', oldest: 'evt-1', current: 'evt-9' } as const;
  lane.write(Buffer.concat([pollResync(resync), pollPosition({ epoch: '0abcdefg', sequence: 9 })]));
  lane.end('GONE', 'deleted');
  lane.write(pollEvent('evt-1', '{"data":{}}'));
  lane.resync(resync);
  lane.end('GONE', 'deleted');
  expect(told).toEqual([
    ['next', 'a', { data: null, extensions: { resync } }],
    ['position', 'a', 'evt-0abcdefg-000000000009'],
    ['refuse', 'a', [{ message: 'deleted', extensions: { code: 'GONE' } }]],
  ]);
  expect(ended).toEqual(['a']);
});
