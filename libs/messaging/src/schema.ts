/** What a schema must be able to do here: a zod schema can. */
export interface Schema<T> {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: T }
    | { readonly success: false; readonly error: { readonly issues: readonly SchemaIssue[] } };
}

/** What is wrong with a value, and where. */
export interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The issues as text for an error message. Names members, never their values. */
export function formatIssues(issues: readonly SchemaIssue[]): string {
  return issues
    .slice(0, 10)
    .map((issue) => `${issue.path.map(String).join('/') || '(whole)'}: ${issue.message}`)
    .join('; ');
}
