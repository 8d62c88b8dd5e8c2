/** One SSE frame. `event` is undefined for comments and positions. */
export interface Frame {
  readonly id: string;
  readonly event: string | undefined;
  readonly data: string;
}

interface StreamListener {
  readonly onOpen: (status: number) => void;
  readonly onFrame: (frame: Frame) => void;
}

const CR = 13;
const LF = 10;

/**
 * Reads a chunked HTTP/1.1 answer of SSE frames from the bytes of a socket, split anywhere. It is the benchmark's own,
 * so that the loader costs less than what it measures.
 */
export function createStreamReader(listener: StreamListener): { readonly push: (bytes: Buffer) => void } {
  let head = '';
  let state: 'head' | 'size' | 'body' | 'body-end' = 'head';
  let size = '';
  let left = 0;
  let text = '';

  const pushHead = (bytes: Buffer, from: number): number => {
    head += bytes.toString('latin1', from);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return bytes.length;
    listener.onOpen(Number(head.slice(9, 12)));
    const rest = head.length - end - 4;
    state = 'size';
    return bytes.length - rest;
  };
  const pushText = (more: string): void => {
    text += more;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      listener.onFrame(parseFrame(text.slice(0, end)));
      text = text.slice(end + 2);
    }
  };
  return {
    push(bytes) {
      let at = state === 'head' ? pushHead(bytes, 0) : 0;
      while (at < bytes.length) {
        if (state === 'size') {
          const byte = bytes[at] ?? 0;
          at += 1;
          if (byte === LF) {
            left = Number.parseInt(size, 16);
            size = '';
            state = 'body';
          } else if (byte !== CR) size += String.fromCodePoint(byte);
        } else if (state === 'body') {
          const end = Math.min(bytes.length, at + left);
          // Frames are JSON and may hold any character; the benchmark's rows are ASCII.
          pushText(bytes.toString('latin1', at, end));
          left -= end - at;
          at = end;
          if (left === 0) state = 'body-end';
        } else {
          if (bytes[at] === LF) state = 'size';
          at += 1;
        }
      }
    },
  };
}

function parseFrame(frame: string): Frame {
  let id = '';
  let event: string | undefined;
  let data = '';
  for (const line of frame.split('\n')) {
    if (line.startsWith('id: ')) id = line.slice(4);
    else if (line.startsWith('event: ')) event = line.slice(7);
    else if (line.startsWith('data: ')) data = line.slice(6);
  }
  return { id, event, data };
}
