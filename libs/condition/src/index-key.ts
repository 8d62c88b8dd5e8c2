import type { Condition, Scalar } from './condition.ts';

/** One field and the values of which a row must have one to meet the condition. */
export interface IndexKey {
  readonly field: string;
  readonly values: readonly Scalar[];
}

/**
 * The equality part by which a condition can be found in an index of (field, value): a row can only meet
 * it if for at least one key its own value of `field` is one of `values`. Undefined: no such part, every
 * row must be tried. An empty list: no row can meet it. A candidate still has to be evaluated in full.
 *
 * Of several conjuncts the most selective is taken: `weigh` says how selective a field is (for instance
 * the number of distinct values in the index; higher is better), fewer values break the tie. An `or` has
 * a key only if every branch has one. Instants have none: one moment has many texts.
 */
export function indexKey(
  condition: Condition,
  weigh: (field: string) => number = () => 0,
): readonly IndexKey[] | undefined {
  switch (condition.op) {
    case 'false':
      return [];
    case 'eq':
      if (condition.type !== undefined || typeof condition.value === 'object') return undefined;
      return [{ field: condition.field, values: [condition.value] }];
    case 'in':
      return condition.type === undefined
        ? [{ field: condition.field, values: condition.values }]
        : undefined;
    case 'and': {
      let best: readonly IndexKey[] | undefined;
      for (const term of condition.terms) {
        const keys = indexKey(term, weigh);
        if (keys !== undefined && (best === undefined || isBetter(keys, best, weigh))) best = keys;
      }
      return best;
    }
    case 'or': {
      const branches = condition.terms.map((term) => indexKey(term, weigh));
      return branches.every((keys) => keys !== undefined) ? mergeByField(branches.flat()) : undefined;
    }
    default:
      return undefined;
  }
}

/** A set of keys is as selective as its least selective field. */
function isBetter(a: readonly IndexKey[], b: readonly IndexKey[], weigh: (field: string) => number): boolean {
  const [left, right] = [weakest(a, weigh), weakest(b, weigh)];
  return left === right ? countValues(a) < countValues(b) : left > right;
}

function weakest(keys: readonly IndexKey[], weigh: (field: string) => number): number {
  return Math.min(...keys.map((key) => weigh(key.field)));
}

function countValues(keys: readonly IndexKey[]): number {
  return keys.reduce((sum, key) => sum + key.values.length, 0);
}

function mergeByField(keys: readonly IndexKey[]): readonly IndexKey[] {
  const byField = new Map<string, Set<Scalar>>();
  for (const { field, values } of keys) {
    const known = byField.get(field) ?? new Set();
    for (const value of values) known.add(value);
    byField.set(field, known);
  }
  return [...byField].map(([field, values]) => ({ field, values: [...values] }));
}
