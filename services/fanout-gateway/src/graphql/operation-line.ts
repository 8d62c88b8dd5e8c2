import type { Resync } from '@tidewire/contract';
import { readPollLines } from '../formats/poll-line.ts';
import type { PollLine } from '../formats/poll-line.ts';

/**
 * What one line that many operations share tells each of them. A result is `start` and `rest`: `rest` are the shared bytes
 * but for the bracket that opens them, and `start` puts the event's id in their place, which is the cursor.
 */
export type OperationLine = ResultLine | Exclude<PollLine, { kind: 'event' | 'resync' }> | ResyncLine;

export interface ResultLine {
  readonly kind: 'result';
  readonly start: string;
  readonly rest: Buffer;
}

interface ResyncLine {
  readonly kind: 'resync';
  readonly resync: Resync;
}

/** The lines of a buffer, in their order. Buffers are shared and never written into, so each is read once. */
export function readOperationLines(bytes: Buffer): readonly OperationLine[] {
  let lines = linesOf.get(bytes);
  if (lines === undefined) linesOf.set(bytes, (lines = readPollLines(bytes).map(readLine)));
  return lines;
}

const linesOf = new WeakMap<Buffer, readonly OperationLine[]>();

function readLine(line: PollLine): OperationLine {
  switch (line.kind) {
    case 'position':
      return line;
    case 'resync':
      return { kind: 'resync', resync: JSON.parse(line.json.toString()) as Resync };
    case 'event':
      // A result always has `data`, and no extensions of its own (`formats/graphql-result.ts`).
      return {
        kind: 'result',
        start: `{"extensions":{"eventId":"${line.id}"},`,
        rest: line.json.subarray(1),
      };
  }
}
