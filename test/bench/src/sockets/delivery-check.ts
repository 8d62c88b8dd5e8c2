import { isDeepStrictEqual } from 'node:util';
import { constants, inflateRawSync } from 'node:zlib';
import { COMPRESSED_TEXT } from './socket-frames.ts';
import { plainMessage } from './socket-orders.ts';
import { fieldsFor, seenAs } from './view-classes.ts';
import type { SeenAs, SocketWrite, ViewClass } from './view-classes.ts';

const LAST_BLOCK = Buffer.from([0, 0, 0xff, 0xff]);

/** A write that the sockets of a class are told of. */
interface Expected {
  readonly write: SocketWrite;
  readonly as: SeenAs;
  /** Its place among the writes of this round. */
  readonly serial: number;
  /** The frame that the first socket of the class got, once it was found to be right. */
  frame: Buffer | undefined;
}

/**
 * What the sockets of one class have to get in this round, in which order. The first frame for a place is read and compared
 * with what the class may see of the write; every other one has to be the same bytes.
 */
export class ClassCheck {
  readonly #viewClass: ViewClass | undefined;
  #expected: readonly Expected[] = [];
  #lastId = '';

  /** Without a class every message is the plain text of its write. */
  constructor(viewClass: ViewClass | undefined) {
    this.#viewClass = viewClass;
  }

  get expected(): number {
    return this.#expected.length;
  }

  expect(writes: readonly SocketWrite[]): void {
    const viewClass = this.#viewClass;
    this.#expected = writes.flatMap((write, serial) => {
      const as = viewClass === undefined ? 'created' : seenAs(viewClass, write);
      return as === undefined ? [] : [{ write, as, serial, frame: undefined }];
    });
  }

  /** Whether a frame is the one for this place, and which write it tells of; otherwise what is wrong with it. */
  take(place: number, first: number, frame: Buffer, start: number): number | string {
    const expected = this.#expected[place];
    if (expected === undefined) return 'more events than there should be';
    if (expected.frame !== undefined) {
      return expected.frame.equals(frame) ? expected.serial : 'an event out of place, or for somebody else';
    }
    const payload = frame.subarray(start);
    const text = (first === COMPRESSED_TEXT ? inflate(payload) : payload).toString('utf8');
    const fault =
      this.#viewClass === undefined ? comparePlain(text, expected) : this.#compare(text, expected);
    if (fault !== undefined) return fault;
    expected.frame = Buffer.from(frame);
    return expected.serial;
  }

  #compare(text: string, { write, as }: Expected): string | undefined {
    const viewClass = this.#viewClass as ViewClass;
    const { recordId, transition, eventId, record, oldRecord } = JSON.parse(text) as Change;
    if (recordId !== write.uuid || transition !== as) return `${transition} where ${as} should be`;
    if (eventId <= this.#lastId) return 'an id that is not after the one before';
    this.#lastId = eventId;
    const seen = as === 'left' ? undefined : fieldsFor(viewClass, write.after);
    const seenBefore = as === 'updated' && write.before ? fieldsFor(viewClass, write.before) : undefined;
    if (!isDeepStrictEqual(ownFields(record), seen)) return 'a record with other fields';
    return isDeepStrictEqual(ownFields(oldRecord), seenBefore)
      ? undefined
      : 'an old record with other fields';
  }
}

/** RFC 7692 7.2.2: an empty last block is left out on the wire. */
function inflate(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, LAST_BLOCK]), { finishFlush: constants.Z_SYNC_FLUSH });
}

interface Image {
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Change {
  readonly recordId: string;
  readonly transition: string;
  readonly eventId: string;
  readonly record?: Image;
  readonly oldRecord?: Image;
}

function comparePlain(text: string, { write }: Expected): string | undefined {
  return text === plainMessage(write) ? undefined : 'another text than was published';
}

/** Fields of the schema; the times of the record itself are not what was written. */
function ownFields(image: Image | undefined): Record<string, unknown> | undefined {
  if (image === undefined) return undefined;
  const { createdAt: _created, updatedAt: _updated, ...fields } = image.fields;
  return fields;
}
