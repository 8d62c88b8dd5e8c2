/** What a server sends, without masks, fragments and extensions but one: a frame is a message. */
export interface FrameListener {
  /** `frame` is valid during the call only; its payload begins at `start`. */
  readonly onFrame: (first: number, frame: Buffer, start: number) => void;
}

const PING = 0x89;
const MASKED_PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
/** First bytes of frames: a text, and a compressed one. */
export const TEXT = 0x81;
export const COMPRESSED_TEXT = 0xc1;

/** Takes the whole frames from the front of the bytes and returns how many bytes they were. */
export function readFrames(bytes: Buffer, { onFrame }: FrameListener): number {
  let at = 0;
  while (bytes.length - at >= 2) {
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
    if (start > bytes.length) break;
    const length =
      short < 126
        ? short
        : short === 126
          ? bytes.readUInt16BE(at + 2)
          : Number(bytes.readBigUInt64BE(at + 2));
    const end = start + length;
    if (end > bytes.length) break;
    onFrame(bytes[at] ?? 0, bytes.subarray(at, end), start - at);
    at = end;
  }
  return at;
}

/** What a client has to answer to a frame, if anything. */
export function answerTo(first: number): Buffer | undefined {
  return first === PING ? MASKED_PONG : undefined;
}

/** The request that opens a WebSocket. The key is the one of RFC 6455 1.3: nobody here could be deceived by it. */
export function upgradeRequest(host: string, path: string, deflate: boolean): string {
  return [
    `GET ${path} HTTP/1.1`,
    `host: ${host}`,
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(deflate
      ? [
          'sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover',
        ]
      : []),
    '\r\n',
  ].join('\r\n');
}
