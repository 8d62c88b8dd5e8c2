/** Who may ask for the GraphQL schema itself, as far as it is shown to them. */
export const INTROSPECTION = ['all', 'signed-in', 'off'] as const;
export type Introspection = (typeof INTROSPECTION)[number];
