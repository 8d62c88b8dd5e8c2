import type { Condition } from './condition.ts';

/** What is wrong with one field of a client's filter or of a rule, in words fit for the client. */
export interface ConditionProblem {
  readonly field: string;
  readonly message: string;
  /** Set when the field is absent or unreadable (the same to the client: `UNKNOWN_FIELD`). */
  readonly unknownField?: true;
}

/** A client's filter, understood; or everything that is wrong with it. */
export type ParsedFilter =
  | { readonly ok: true; readonly condition: Condition }
  | { readonly ok: false; readonly problems: readonly ConditionProblem[] };

/** The same words for a field that does not exist and one the principal may read nowhere. */
export function unknownField(field: string): ConditionProblem {
  return { field, message: `Unknown field '${field}'`, unknownField: true };
}

/** Thrown inside the parsers and turned into a problem at their door. */
export class FilterError extends Error {
  readonly problem: ConditionProblem;

  constructor(problem: ConditionProblem) {
    super(problem.message);
    this.name = 'FilterError';
    this.problem = problem;
  }
}

/** Refuses a filter for a reason tied to one field. */
export function refuse(field: string, message: string): never {
  throw new FilterError({ field, message });
}

/** Runs one parsing step; a refusal goes to `problems` and gives undefined. */
export function collectProblem<T>(problems: ConditionProblem[], step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    problems.push(error.problem);
    return undefined;
  }
}
