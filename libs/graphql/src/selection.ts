import type { ObjectAction } from '@tidewire/contract';
import type { FieldMeaning } from './meaning.ts';

/** One member of what a subscription is told. */
export interface SelectedField {
  /** As the client calls it. */
  readonly key: string;
  readonly means:
    | Extract<FieldMeaning, { kind: 'property' | 'system' | 'transition' | 'event-id' | 'changed' }>
    | { readonly kind: 'typename'; readonly text: string };
}

/** What a subscription selects of each event: with equal keys, equal bytes. */
export interface EventSelection {
  /** Equal for selections that read alike. */
  readonly key: string;
  /** As the client calls the subscription's one root field. */
  readonly response: string;
  /** In the order in which they are told; no key twice. */
  readonly fields: readonly SelectedField[];
}

/**
 * A filter by the names that properties and system members have in the log: a value, or `{operator: value}`, per field;
 * `_and` and `_or` hold lists of filters. Plain JSON.
 */
export type FieldFilter = Readonly<Record<string, unknown>>;

/** A subscription that was read: to which schema, and what of it. */
export interface EventSubscription {
  readonly schemaId: string;
  readonly selection: EventSelection;
  readonly filter: FieldFilter | undefined;
  /** Undefined: all of them. */
  readonly actions: readonly ObjectAction[] | undefined;
}
