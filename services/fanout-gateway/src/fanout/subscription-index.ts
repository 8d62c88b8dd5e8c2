import { fieldValue } from '@tidewire/condition';
import type { Scalar } from '@tidewire/condition';
import type { ObjectImage } from '@tidewire/contract';
import { viewClassKey } from '@tidewire/policy';
import type { Granted } from '@tidewire/policy';
import { takeOut } from './take-out.ts';
import type { ViewClass } from './view-class.ts';

/** Classes by one field's values. */
interface FieldIndex {
  readonly byValue: Map<unknown, ViewClass[]>;
  /** Entries in all lists. */
  size: number;
}

/** The classes of one schema: by key for those who join, by what they look for to find the candidates of an event. */
export class SchemaClasses {
  readonly #byKey = new Map<string, ViewClass>();
  readonly #byField = new Map<string, FieldIndex>();
  readonly #scanned: ViewClass[] = [];
  /** One decision for all classes with the same rights, whatever their filters: it is the larger part of a class. */
  readonly #rights = new Map<string, { readonly decision: Granted; classes: number }>();

  get size(): number {
    return this.#byKey.size;
  }

  all(): IterableIterator<ViewClass> {
    return this.#byKey.values();
  }

  find(key: string): ViewClass | undefined {
    return this.#byKey.get(key);
  }

  /**
   * How well a field divides the classes here: the fewer share a value, the fewer are tried in vain. A field that
   * nobody uses yet is the best, so that one whose value is the same for all is given up after its first use.
   */
  weigh(field: string): number {
    const index = this.#byField.get(field);
    return index === undefined ? 0 : -index.size / index.byValue.size;
  }

  /** A decision that says the same; it must not be asked whose it is. */
  share(decision: Granted): Granted {
    return this.#rights.get(rightsKey(decision))?.decision ?? decision;
  }

  add(viewClass: ViewClass): void {
    const rights = rightsKey(viewClass.decision);
    const known = this.#rights.get(rights);
    if (known === undefined) this.#rights.set(rights, { decision: viewClass.decision, classes: 1 });
    else known.classes += 1;
    this.#byKey.set(viewClass.key, viewClass);
    const { indexKeys } = viewClass;
    if (indexKeys === undefined) this.#scanned.push(viewClass);
    for (const { field, values } of indexKeys ?? []) {
      for (const value of values) this.#addEntry(field, value, viewClass);
    }
  }

  remove(viewClass: ViewClass): void {
    const rights = rightsKey(viewClass.decision);
    const known = this.#rights.get(rights);
    if (known !== undefined && (known.classes -= 1) === 0) this.#rights.delete(rights);
    this.#byKey.delete(viewClass.key);
    const { indexKeys } = viewClass;
    if (indexKeys === undefined) takeOut(this.#scanned, viewClass);
    for (const { field, values } of indexKeys ?? []) {
      for (const value of values) this.#removeEntry(field, value, viewClass);
    }
  }

  /**
   * Visits every class that could see one of the images, each once per `stamp` (which is never used twice). They are
   * candidates only: each is still judged in full.
   */
  forEachCandidate(
    images: { readonly before: ObjectImage | null; readonly after: ObjectImage | null },
    stamp: number,
    visit: (viewClass: ViewClass) => void,
  ): void {
    const { before, after } = images;
    for (const [field, { byValue }] of this.#byField) {
      const newer = after === null ? null : fieldValue(after, field);
      const older = before === null ? null : fieldValue(before, field);
      visitOnce(byValue.get(newer), stamp, visit);
      if (older !== newer) visitOnce(byValue.get(older), stamp, visit);
    }
    visitOnce(this.#scanned, stamp, visit);
  }

  #addEntry(field: string, value: Scalar, viewClass: ViewClass): void {
    let index = this.#byField.get(field);
    if (index === undefined) this.#byField.set(field, (index = { byValue: new Map(), size: 0 }));
    const list = index.byValue.get(value);
    if (list === undefined) index.byValue.set(value, [viewClass]);
    else list.push(viewClass);
    index.size += 1;
  }

  #removeEntry(field: string, value: Scalar, viewClass: ViewClass): void {
    const index = this.#byField.get(field);
    const list = index?.byValue.get(value);
    if (index === undefined || list === undefined || !takeOut(list, viewClass)) return;
    index.size -= 1;
    if (list.length === 0) index.byValue.delete(value);
    if (index.byValue.size === 0) this.#byField.delete(field);
  }
}

/** Everything that a class reads of a decision. */
function rightsKey(decision: Granted): string {
  return viewClassKey({ decision, face: 'registers', wire: 'rights' });
}

function visitOnce(
  classes: readonly ViewClass[] | undefined,
  stamp: number,
  visit: (viewClass: ViewClass) => void,
): void {
  if (classes === undefined) return;
  for (const viewClass of classes) {
    if (viewClass.stamp === stamp) continue;
    viewClass.stamp = stamp;
    visit(viewClass);
  }
}
