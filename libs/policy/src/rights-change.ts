/** What one message of the log changed in the rights view; ids only. Empty sets: nothing that matters. */
export interface RightsChange {
  /** Schemas for which any decision may differ now. */
  readonly schemas: ReadonlySet<string>;
  /** Held principals for whom any decision may differ now. */
  readonly principals: ReadonlySet<string>;
  /** Credentials that ended, held or not; their connections end. */
  readonly endedCredentials: ReadonlySet<string>;
  /** Held credentials whose scopes or expiry changed without ending them. */
  readonly credentials: ReadonlySet<string>;
  /**
   * Held principals of whom an answer had said before what the log says now. No decision differs by it, but what was judged
   * before that answer came was judged by the rights before.
   */
  readonly late: ReadonlySet<string>;
  /** Registers and schemas that were removed: subscriptions to them end with `GONE`. */
  readonly gone: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** A message that changed no right. */
export const NO_CHANGE: RightsChange = Object.freeze({
  schemas: NONE,
  principals: NONE,
  endedCredentials: NONE,
  credentials: NONE,
  late: NONE,
  gone: NONE,
});

/** Whether a subscription of this principal (null: anonymous) and schema must be judged anew. */
export function concernsSubscription(
  change: RightsChange,
  subscription: {
    readonly principal: string | null;
    readonly schema: string;
    readonly credential?: string | null;
  },
): boolean {
  const { principal, schema, credential } = subscription;
  return (
    change.schemas.has(schema) ||
    (principal !== null && (change.principals.has(principal) || change.late.has(principal))) ||
    (credential !== null &&
      credential !== undefined &&
      (change.credentials.has(credential) || change.endedCredentials.has(credential)))
  );
}
