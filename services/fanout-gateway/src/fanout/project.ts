import { fieldValue } from '@tidewire/condition';
import { SYSTEM_FIELDS } from '@tidewire/contract';
import type { JsonValue, ObjectImage, SystemField } from '@tidewire/contract';
import { hasField, intersectMasks, sameJson } from '@tidewire/policy';
import type { FieldMask } from '@tidewire/policy';
import type { SortTerm } from './subscription.ts';

/**
 * The members of one event's images as JSON texts, each made once and put together for every set of visible fields.
 * `names` are the schema's properties: bit i of a mask is the i-th. What the schema does not know is in no text.
 */
export class MemberTexts {
  readonly #names: readonly string[];
  readonly #before: ObjectImage | null;
  readonly #after: ObjectImage | null;
  /** By index of the property; undefined: the image does not have it. */
  readonly #properties: (string | undefined)[];
  /** The properties whose value differs, in the schema's order. */
  readonly #changes: { readonly index: number; readonly text: string }[];
  #system: string | undefined;
  #times: string | undefined;
  /** By index of the property, its value alone; made when one is first asked for. */
  readonly #values: (string | undefined)[] = [];
  /** Like `#properties`, of the before image; made when it is first asked for. */
  #older: (string | undefined)[] | undefined;

  constructor(names: readonly string[], before: ObjectImage | null, after: ObjectImage | null) {
    this.#names = names;
    this.#before = before;
    this.#after = after;
    this.#properties = memberTexts(names, after);
    this.#changes = before === null || after === null ? [] : findChanges(names, before, after);
  }

  /** The object: `id`, the system members, and the properties in the mask. */
  object(visible: FieldMask): string {
    this.#system ??= this.#after === null ? '' : systemTexts(this.#after);
    const properties = this.properties(visible);
    return properties === '' ? this.#system : `${this.#system},${properties}`;
  }

  /** The properties in the mask, without any system member. */
  properties(visible: FieldMask): string {
    return joinMembers(this.#properties, visible);
  }

  /** The times of a record of a table: everybody who sees the record sees them. */
  recordTimes(): string {
    return (this.#times ??= `"createdAt":${this.systemText('_created')},"updatedAt":${this.systemText('_updated')}`);
  }

  /** The properties before the change that are in both masks. */
  olderProperties(before: FieldMask, after: FieldMask): string {
    this.#older ??= memberTexts(this.#names, this.#before);
    return joinMembers(this.#older, intersectMasks(before, after));
  }

  /** The value of one property; null where the object has none. */
  value(index: number): JsonValue {
    const name = this.#names[index];
    return name === undefined || this.#after === null
      ? null
      : ((fieldValue(this.#after, name) ?? null) as JsonValue);
  }

  /** The same as text. */
  valueText(index: number): string {
    return (this.#values[index] ??= JSON.stringify(this.value(index)));
  }

  /** A system member as text. */
  systemText(name: SystemField): string {
    return jsonText(this.#after?.[name]);
  }

  /** Names of what changed among the properties that may be read on both images. */
  changedNames(before: FieldMask, after: FieldMask): readonly string[] {
    const both = intersectMasks(before, after);
    return this.#changes.flatMap(({ index }) => (hasField(both, index) ? [this.#names[index] ?? ''] : []));
  }

  /** The values of the object that an order goes by, as a JSON list; null where one may not be read. */
  sortKey(terms: readonly SortTerm[], visible: FieldMask): string {
    const image = this.#after;
    if (image === null) return '';
    const values = terms.map(({ field }) => {
      const index = this.#names.indexOf(field);
      return index === -1 || hasField(visible, index) ? jsonText(fieldValue(image, field)) : 'null';
    });
    return `[${values.join(',')}]`;
  }

  /** What changed among the properties that may be read on both images. */
  changed(before: FieldMask, after: FieldMask): string {
    const both = intersectMasks(before, after);
    let text = '';
    for (const change of this.#changes) {
      if (hasField(both, change.index)) text += text === '' ? change.text : `,${change.text}`;
    }
    return text;
  }
}

function memberTexts(names: readonly string[], image: ObjectImage | null): (string | undefined)[] {
  return names.map((name) => (image === null ? undefined : memberText(name, image)));
}

function joinMembers(members: readonly (string | undefined)[], visible: FieldMask): string {
  let text = '';
  for (const [index, member] of members.entries()) {
    if (member !== undefined && hasField(visible, index)) text += text === '' ? member : `,${member}`;
  }
  return text;
}

function memberText(name: string, image: ObjectImage): string | undefined {
  if (!Object.hasOwn(image, name)) return undefined;
  return `${JSON.stringify(name)}:${jsonText(image[name])}`;
}

function systemTexts(image: ObjectImage): string {
  let text = `"id":${jsonText(image._uuid)}`;
  for (const name of SYSTEM_FIELDS) text += `,"${name}":${jsonText(image[name])}`;
  return text;
}

function findChanges(
  names: readonly string[],
  before: ObjectImage,
  after: ObjectImage,
): { index: number; text: string }[] {
  const changes: { index: number; text: string }[] = [];
  for (const [index, name] of names.entries()) {
    const [older, newer] = [fieldValue(before, name), fieldValue(after, name)];
    if (sameJson(older, newer)) continue;
    const values = `{"old":${jsonText(older)},"new":${jsonText(newer)}}`;
    changes.push({ index, text: `${JSON.stringify(name)}:${values}` });
  }
  return changes;
}

/** Absent is null, as everywhere. */
function jsonText(value: unknown): string {
  return JSON.stringify(value ?? null);
}
