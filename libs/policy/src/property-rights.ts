import { ALWAYS, evaluate, evaluateDuring, type Condition, type Row } from '@tidewire/condition';
import type { FieldMask, PropertyRights } from './decision.ts';

/** Bitwise operators of JavaScript numbers work on 31 bits and a sign. */
const NUMBER_BITS = 31;

/** The rights on properties from each one's condition, in the schema's order. */
export function propertyRights(
  names: readonly string[],
  conditionOf: (name: string) => Condition,
): PropertyRights {
  const conditions = names.map(conditionOf);
  const always: number[] = [];
  const conditional: number[] = [];
  for (const [index, condition] of conditions.entries()) {
    if (condition.op === 'true') always.push(index);
    else if (condition.op !== 'false') conditional.push(index);
  }
  return { names, conditions, always: maskOfIndexes(names.length, always), conditional };
}

/** Every property on every row. */
export function allProperties(names: readonly string[]): PropertyRights {
  return propertyRights(names, () => ALWAYS);
}

/** The properties allowed on one row at a moment (epoch milliseconds). */
export function allowedFields(rights: PropertyRights, row: Row, nowMs: number): FieldMask {
  return extend(rights, (condition) => evaluate(condition, row, { now: nowMs }));
}

/** The properties allowed on one row at any moment of a span. */
export function allowedFieldsDuring(
  rights: PropertyRights,
  row: Row,
  fromMs: number,
  toMs: number,
): FieldMask {
  return extend(rights, (condition) => evaluateDuring(condition, row, fromMs, toMs));
}

/** Whether a mask has the property of an index. */
export function hasField(mask: FieldMask, index: number): boolean {
  return typeof mask === 'number' ? (mask & (1 << index)) !== 0 : (mask & (1n << BigInt(index))) !== 0n;
}

/** The mask of some properties by name; names that the schema does not have are left out. */
export function maskOf(rights: PropertyRights, names: Iterable<string>): FieldMask {
  const indexes = [...names].map((name) => rights.names.indexOf(name)).filter((index) => index >= 0);
  return maskOfIndexes(rights.names.length, indexes);
}

/** The properties in both masks; of masks of one schema. */
export function intersectMasks(a: FieldMask, b: FieldMask): FieldMask {
  return typeof a === 'number' && typeof b === 'number' ? a & b : BigInt(a) & BigInt(b);
}

/** The names in a mask, in the schema's order. */
export function maskNames(rights: PropertyRights, mask: FieldMask): readonly string[] {
  return rights.names.filter((_, index) => hasField(mask, index));
}

function extend(rights: PropertyRights, allows: (condition: Condition) => boolean): FieldMask {
  let mask = rights.always;
  for (const index of rights.conditional) {
    const condition = rights.conditions[index];
    if (condition === undefined || !allows(condition)) continue;
    mask = typeof mask === 'number' ? mask | (1 << index) : mask | (1n << BigInt(index));
  }
  return mask;
}

function maskOfIndexes(width: number, indexes: readonly number[]): FieldMask {
  if (width > NUMBER_BITS) return indexes.reduce((mask, index) => mask | (1n << BigInt(index)), 0n);
  return indexes.reduce((mask, index) => mask | (1 << index), 0);
}
