import { constants, deflateRawSync } from 'node:zlib';
import {
  formatChangeMessage,
  formatEventMessage,
  formatHeartbeat,
  formatResyncMessage,
} from './stream-message.ts';
import type { WireFormat } from './wire-format.ts';

/** Final frame of a text message; the second one, of a compressed text message (RFC 6455 5.2, RFC 7692 6). */
const TEXT = 0x81;
const COMPRESSED_TEXT = 0xc1;
const LONGEST_7_BIT = 125;
const LONGEST_16_BIT = 0xffff;
/** Below this a message without a context to refer to hardly becomes smaller. */
const SHORTEST_DEFLATED_BYTES = 1024;
/** What an empty last block leaves at the end, which is not sent (RFC 7692 7.2.1). */
const TAIL_BYTES = 4;

/** A ping without a payload (RFC 6455 5.5.2). */
export const PING_FRAME = Buffer.from([0x89, 0]);

/** The answer to a ping: its own payload, which is at most 125 bytes (RFC 6455 5.5.3). */
export function pongFrame(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x8a, payload.length]), payload]);
}

/** A text message as one frame of a server. Frames can be joined: a buffer of several is several frames. */
export function socketFrame(text: string): Buffer {
  return socketFrameStart(text, 0);
}

/** The beginning of such a frame, of which so many bytes follow in buffers of their own. */
export function socketFrameStart(text: string, restBytes: number): Buffer {
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(headBytes(length + restBytes) + length);
  const start = writeHead(frame, TEXT, length + restBytes);
  frame.write(text, start, 'utf8');
  return frame;
}

/**
 * The same for sockets that agreed on permessage-deflate without context: every message is compressed by itself, so that
 * one frame serves all of them. Short ones are sent as they are.
 */
export function deflatedSocketFrame(text: string): Buffer {
  if (text.length < SHORTEST_DEFLATED_BYTES) return socketFrame(text);
  const deflated = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
  const payload = deflated.subarray(0, deflated.length - TAIL_BYTES);
  const frame = Buffer.allocUnsafe(headBytes(payload.length) + payload.length);
  payload.copy(frame, writeHead(frame, COMPRESSED_TEXT, payload.length));
  return frame;
}

function headBytes(length: number): number {
  if (length <= LONGEST_7_BIT) return 2;
  return length <= LONGEST_16_BIT ? 4 : 10;
}

/** Servers do not mask. Returns where the payload begins. */
function writeHead(frame: Buffer, first: number, length: number): number {
  frame[0] = first;
  if (length <= LONGEST_7_BIT) {
    frame[1] = length;
    return 2;
  }
  if (length <= LONGEST_16_BIT) {
    frame[1] = 126;
    return frame.writeUInt16BE(length, 2);
  }
  frame[1] = 127;
  return frame.writeBigUInt64BE(BigInt(length), 2);
}

function createSocketFormat(frame: (text: string) => Buffer): WireFormat {
  return {
    named: true,
    event: (event, subscription) => frame(formatEventMessage(event, subscription)),
    change: (change, subscription) => frame(formatChangeMessage(change, subscription)),
    position: (position, subscription, nowMs) => frame(formatHeartbeat(position, subscription, nowMs)),
    resync: (resync, subscription) => frame(formatResyncMessage(resync, subscription)),
  };
}

export const SOCKET_FRAMES = createSocketFormat(socketFrame);
export const DEFLATED_SOCKET_FRAMES = createSocketFormat(deflatedSocketFrame);
