/** Why a field is null that was asked for: the reader may not read it, or what is stored there is not of its type. */
export type FieldProblem = 'forbidden' | 'unfit';

/** What is said of it beside the null. `key`: what the asker calls the field, its alias where it has one. */
export function describeFieldProblem(
  problem: FieldProblem,
  key: string,
): { readonly code: 'FIELD_FORBIDDEN' | 'INTERNAL_ERROR'; readonly message: string } {
  return problem === 'forbidden'
    ? { code: 'FIELD_FORBIDDEN', message: `You may not read '${key}'` }
    : { code: 'INTERNAL_ERROR', message: `What is stored as '${key}' is not of its type` };
}
