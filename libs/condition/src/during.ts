import { isVariable, type Condition } from './condition.ts';
import { evaluate, fieldValue, type Row } from './evaluate.ts';
import { parseInstant } from './instant.ts';

/**
 * Whether the row met the condition at any instant from `from` to `to` (epoch milliseconds, both
 * included). Without `$now` that is one evaluation; with it, the ends and every moment at which the answer
 * can flip in between are tried, so a row that was visible for a minute is not forgotten.
 */
export function evaluateDuring(condition: Condition, row: Row, from: number, to: number): boolean {
  if (evaluate(condition, row, { now: to })) return true;
  if (from < to && evaluate(condition, row, { now: from })) return true;
  const moments = new Set<number>();
  collectFlips(condition, row, moments);
  for (const moment of moments) {
    // The answer can differ before, at and after the moment (`lt`, `eq`, `gt`); time has whole milliseconds.
    for (const now of [moment - 1, moment, moment + 1]) {
      if (now > from && now < to && evaluate(condition, row, { now })) return true;
    }
  }
  return false;
}

function collectFlips(condition: Condition, row: Row, moments: Set<number>): void {
  if (condition.op === 'and' || condition.op === 'or') {
    for (const term of condition.terms) collectFlips(term, row, moments);
  } else if ('value' in condition && isVariable(condition.value)) {
    const value = fieldValue(row, condition.field);
    const moment = typeof value === 'string' ? parseInstant(value) : undefined;
    if (moment !== undefined) moments.add(moment);
  }
}
