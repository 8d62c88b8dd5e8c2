import type { Topic } from '@tidewire/contract';
import type { EventSelection, EventSubscription } from '@tidewire/graphql';
import type { RightsView } from '@tidewire/policy';
import type { Reader } from '@tidewire/rights';
import type { Interest } from '../fanout/subscription.ts';
import { resolveTable } from './resolve-table.ts';
import { resolveTopics } from './resolve-topics.ts';

/** Topics of the registers face, the name of a table, or a schema of which GraphQL selects something. */
export type Source = readonly Topic[] | string | Pick<EventSubscription, 'schemaId' | 'selection'>;

/** A source as the log calls it. */
export interface ResolvedSource {
  readonly topics: readonly Topic[];
  readonly interests: readonly Interest[];
  /** Slug of the table, on the tables face. */
  readonly table: string | undefined;
  /** What a GraphQL subscription selects. */
  readonly selection: EventSelection | undefined;
}

/** What is wanted, by its names of now. @throws TidewireError NOT_FOUND */
export function resolveSource(view: RightsView, reader: Reader, source: Source): ResolvedSource {
  if (typeof source === 'string') {
    const { topic, interest, table } = resolveTable(view, reader, source);
    return { topics: [topic], interests: [interest], table, selection: undefined };
  }
  if ('selection' in source) {
    const { topic, interest } = resolveTable(view, reader, source.schemaId);
    return { topics: [topic], interests: [interest], table: undefined, selection: source.selection };
  }
  const interests = resolveTopics(view, reader, source);
  return { topics: source, interests, table: undefined, selection: undefined };
}
