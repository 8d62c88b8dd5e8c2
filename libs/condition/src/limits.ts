import { refuse } from './problem.ts';

/** What one filter may cost: conditions, values in all of them together, and length of its text. */
export const FILTER_LIMITS = Object.freeze({ terms: 20, values: 100, bytes: 4096, depth: 8 });

/** Counts what one filter uses and refuses what is too much; one per filter. */
export class FilterBudget {
  #terms = 0;
  #values = 0;

  /** Takes one condition with so many values. */
  spend(field: string, values: number): void {
    this.#terms += 1;
    this.#values += values;
    if (this.#terms > FILTER_LIMITS.terms) {
      refuse(field, `A filter has at most ${FILTER_LIMITS.terms} conditions`);
    }
    if (this.#values > FILTER_LIMITS.values)
      refuse(field, `A filter has at most ${FILTER_LIMITS.values} values`);
  }
}

/** Refuses a filter text that is too long, before anything reads it. */
export function requireLength(field: string, text: string): void {
  if (text.length > FILTER_LIMITS.bytes || new TextEncoder().encode(text).length > FILTER_LIMITS.bytes) {
    refuse(field, `A filter has at most ${FILTER_LIMITS.bytes} bytes`);
  }
}
