import { fieldValue } from '@tidewire/condition';
import { parseTimestamp } from '@tidewire/contract';
import type { ObjectImage } from '@tidewire/contract';
import { sameJson } from '@tidewire/policy';
import type { ObjectEntry } from '../fanout/subscription.ts';

/** An event of a record as edits are held against it: each field is compared once, however many are editing it. */
export class RecordWrite {
  readonly entry: ObjectEntry;
  /** When it was written: milliseconds since 1970. */
  readonly writtenMs: number;
  readonly #differs = new Map<string, boolean>();

  constructor(entry: ObjectEntry) {
    this.entry = entry;
    const { after, time } = entry.message;
    this.writtenMs = after === null ? (parseTimestamp(time) ?? Infinity) : imageMs(after);
  }

  /** Whether an update gave the field another value. Creations and deletions overwrite nothing. */
  differs(field: string): boolean {
    const { action, before, after } = this.entry.message;
    if (action !== 'updated' || before === null || after === null) return false;
    let differs = this.#differs.get(field);
    if (differs === undefined) {
      differs = !sameJson(fieldValue(before, field), fieldValue(after, field));
      this.#differs.set(field, differs);
    }
    return differs;
  }

  /** Whether this write or what it replaced is not later than the given moment: what was read then is known. */
  reaches(readMs: number): boolean {
    const { before } = this.entry.message;
    return this.writtenMs <= readMs || (before !== null && imageMs(before) <= readMs);
  }

  /** Whether it replaced something that is later than the given moment: another write lies between. */
  follows(readMs: number): boolean {
    const { before } = this.entry.message;
    return before !== null && imageMs(before) > readMs;
  }
}

/** A time that cannot be read counts as later than any that was: rather one conflict too many. */
function imageMs(image: ObjectImage): number {
  return parseTimestamp(image._updated) ?? Infinity;
}
