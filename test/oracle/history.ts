import { NO_RIGHTS, withRight } from './rights.ts';
import type { Image, Rights, RightsKey, RightsValue, Schema } from './rights.ts';

/** A change of a row at its place in the log. */
export interface Change {
  readonly sequence: number;
  readonly action: 'created' | 'updated' | 'deleted';
  readonly uuid: string;
  readonly schema: Schema;
  readonly version: number;
  readonly before: Image | null;
  readonly after: Image | null;
  readonly actor: { readonly id: string; readonly name: string; readonly organisation: string | null } | null;
  readonly time: string;
  readonly correlationId: string | null;
}

/** A change of rights at its place in the log. */
export interface RightsStep {
  readonly sequence: number;
  readonly key: RightsKey;
  readonly value: RightsValue;
}

/** What happened, in the order of the log: rows, and the rights as they were at each place. */
export class History {
  /** Of the last entry that was taken in. */
  head = 0;
  readonly #changes: Change[] = [];
  readonly #bySequence = new Map<number, Change>();
  readonly #byRow = new Map<string, Change[]>();
  readonly #rights: { readonly after: number; readonly rights: Rights }[] = [{ after: 0, rights: NO_RIGHTS }];

  add(change: Change): void {
    this.#changes.push(change);
    this.#bySequence.set(change.sequence, change);
    const row = this.#byRow.get(change.uuid);
    if (row === undefined) this.#byRow.set(change.uuid, [change]);
    else row.push(change);
  }

  addRights({ sequence, key, value }: RightsStep): void {
    this.#rights.push({ after: sequence, rights: withRight(this.rights, key, value) });
  }

  /** The rights that hold at the head. */
  get rights(): Rights {
    return this.#rights.at(-1)?.rights ?? NO_RIGHTS;
  }

  /** The rights that an event of this place is judged under. */
  rightsAt(sequence: number): Rights {
    let found: Rights | undefined;
    for (let i = this.#rights.length - 1; i >= 0 && found === undefined; i -= 1) {
      const step = this.#rights[i];
      if (step !== undefined && step.after <= sequence) found = step.rights;
    }
    if (found === undefined) throw new Error(`the rights at ${sequence} are forgotten already`);
    return found;
  }

  /** The rights before and after each of their changes behind a place. */
  rightsSince(after: number): { readonly before: Rights; readonly after: Rights }[] {
    return this.#rights.flatMap((step, index) => {
      const last = this.#rights[index - 1];
      return last === undefined || step.after <= after ? [] : [{ before: last.rights, after: step.rights }];
    });
  }

  /** All rights that held from a place until before another. */
  rightsWithin(from: number, before: number): Rights[] {
    const later = this.#rights.filter(({ after }) => after > from && after < before);
    return [this.rightsAt(from), ...later.map(({ rights }) => rights)];
  }

  at(sequence: number): Change | undefined {
    return this.#bySequence.get(sequence);
  }

  /** The changes after a place, up to and including another. */
  between(after: number, upTo: number): Change[] {
    const changes: Change[] = [];
    for (let i = this.#changes.length - 1; i >= 0; i -= 1) {
      const change = this.#changes[i];
      if (change === undefined || change.sequence <= after) break;
      if (change.sequence <= upTo) changes.push(change);
    }
    return changes.reverse();
  }

  /** All remembered changes of a row in their order. */
  of(uuid: string): readonly Change[] {
    return this.#byRow.get(uuid) ?? [];
  }

  /** Forgets what lies up to a place, but for the rights that held there. */
  forget(upTo: number): void {
    let count = 0;
    for (; count < this.#changes.length; count += 1) {
      const change = this.#changes[count];
      if (change === undefined || change.sequence > upTo) break;
      this.#bySequence.delete(change.sequence);
      const row = this.#byRow.get(change.uuid)?.filter(({ sequence }) => sequence > upTo) ?? [];
      if (row.length === 0) this.#byRow.delete(change.uuid);
      else this.#byRow.set(change.uuid, row);
    }
    this.#changes.splice(0, count);
    const keep = this.#rights.findLastIndex(({ after }) => after <= upTo);
    if (keep > 0) this.#rights.splice(0, keep);
  }
}
