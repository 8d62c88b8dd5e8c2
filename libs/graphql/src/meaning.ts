import type { SystemField } from '@tidewire/contract';
import type { GraphQLField } from 'graphql';
import type { Leaf } from './leaf.ts';

/**
 * What a field of the schema stands for. The schema has no resolvers: who executes it asks what is meant, so that one
 * schema serves queries, mutations and subscriptions.
 */
export type FieldMeaning =
  /** Root fields; the id is the schema's. */
  | {
      readonly kind: 'single' | 'list' | 'create' | 'update' | 'delete' | 'events';
      readonly schemaId: string;
    }
  | { readonly kind: 'property'; readonly name: string; readonly leaf: Leaf }
  | { readonly kind: 'system'; readonly name: SystemField; readonly leaf: Leaf }
  /** The object, or objects, of another schema whose UUID, or UUIDs, the property holds. */
  | {
      readonly kind: 'relation';
      readonly property: string;
      readonly many: boolean;
      readonly schemaId: string;
    }
  /** `_event`: what the change was to the subscriber. */
  | { readonly kind: 'transition' }
  /** `_eventId`: the event's id, which is also the cursor. */
  | { readonly kind: 'event-id' }
  /** `_changed`: names of the fields that an update changed. `names`: of properties, as GraphQL calls them. */
  | { readonly kind: 'changed'; readonly names: ReadonlyMap<string, string> };

const KEY = 'tidewire';

/** For the configuration of a field. */
export function meaning(means: FieldMeaning): { readonly extensions: Readonly<Record<string, unknown>> } {
  return { extensions: { [KEY]: means } };
}

/** What a field stands for; undefined: it is one of those that only hold others, such as `edges` and `pageInfo`. */
export function meaningOf(field: GraphQLField<unknown, unknown>): FieldMeaning | undefined {
  return field.extensions[KEY] as FieldMeaning | undefined;
}
