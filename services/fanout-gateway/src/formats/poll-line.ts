import { formatEventId } from '@tidewire/contract';
import type { LogPosition, Resync } from '@tidewire/contract';
import { formatChangeMessage } from './stream-message.ts';
import type { WireFormat } from './wire-format.ts';

/**
 * What a waiting poll is written: lines, one per frame, so that one buffer serves all polls of a class and each of them
 * still takes as many events as it asked for. JSON escapes line ends, so a line is always whole.
 */
export type PollLine =
  | { readonly kind: 'event'; readonly id: string; readonly json: Buffer }
  | { readonly kind: 'position'; readonly id: string }
  | { readonly kind: 'resync'; readonly id: string; readonly json: Buffer };

const KINDS = Object.freeze({ event: '+', position: '=', resync: '!' } as const);
const LINE_END = 10;

export function pollEvent(id: string, json: string): Buffer {
  return line(KINDS.event, id, json);
}

/** Everything up to here was told, or was not for the reader. */
export function pollPosition(position: LogPosition): Buffer {
  return line(KINDS.position, formatEventId(position), '');
}

export function pollResync(resync: Resync): Buffer {
  return line(KINDS.resync, resync.current, JSON.stringify(resync));
}

/** The stream message that a line stands for which says to fetch everything again. */
export function resyncMessageOf({ json }: Extract<PollLine, { kind: 'resync' }>): Buffer {
  return Buffer.concat([RESYNC_START, json.subarray(1)]);
}

const RESYNC_START = Buffer.from('{"type":"resync",');

/** The lines of a buffer, in their order. Buffers are shared and never written into, so each is read once. */
export function readPollLines(bytes: Buffer): readonly PollLine[] {
  const known = linesOf.get(bytes);
  if (known !== undefined) return known;
  const lines: PollLine[] = [];
  let from = 0;
  for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, from)) {
    lines.push(readLine(bytes.subarray(from, end)));
    from = end + 1;
  }
  linesOf.set(bytes, lines);
  return lines;
}

const linesOf = new WeakMap<Buffer, readonly PollLine[]>();

/** `{kind}{id} {json}`; an id has no space. */
function readLine(bytes: Buffer): PollLine {
  const kind = String.fromCodePoint(bytes[0] ?? 0);
  const space = bytes.indexOf(' ');
  const id = bytes.toString('latin1', 1, space);
  const json = bytes.subarray(space + 1);
  switch (kind) {
    case KINDS.position:
      return { kind: 'position', id };
    case KINDS.resync:
      return { kind: 'resync', id, json };
    default:
      return { kind: 'event', id, json };
  }
}

function line(kind: string, id: string, json: string): Buffer {
  return Buffer.from(`${kind}${id} ${json}\n`, 'utf8');
}

export const POLL_LINES: WireFormat = Object.freeze({
  named: false,
  event: ({ id, json }) => pollEvent(id, json),
  change: (change) => pollEvent(change.id, formatChangeMessage(change, '')),
  position: pollPosition,
  resync: pollResync,
} satisfies WireFormat);
