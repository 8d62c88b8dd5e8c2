import type { ConnectionInfo } from '@tidewire/contract';

export interface Total {
  readonly name: string;
  readonly count: number;
}

/** How many connections there are of each name, the most first, and in the order of the names where there are as many. */
export function totalsBy(
  connections: readonly ConnectionInfo[],
  nameOf: (connection: ConnectionInfo) => string,
): readonly Total[] {
  const counts = new Map<string, number>();
  for (const connection of connections) {
    const name = nameOf(connection);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .toSorted((one, other) => other.count - one.count || (one.name < other.name ? -1 : 1));
}

const TRANSPORT_NAMES: Readonly<Record<ConnectionInfo['transport'], string>> = {
  'sse': 'Server-Sent Events',
  'poll': 'Long poll',
  'websocket': 'WebSocket',
  'graphql-sse': 'GraphQL over Server-Sent Events',
  'graphql-ws': 'GraphQL over WebSocket',
  'nats': 'NATS',
};

/** A transport as people call it; one that this page has not heard of by its own name. */
export function nameTransport(transport: ConnectionInfo['transport']): string {
  return TRANSPORT_NAMES[transport] ?? transport;
}

/** What a connection is told of, tables by their slugs and everything else by its topic. */
export function interestsOf({
  topics,
  tables,
}: Pick<ConnectionInfo, 'topics' | 'tables'>): readonly string[] {
  const ofTables = new Set(tables);
  // The topic of a table's schema says the same again.
  const others =
    tables.length === 0 ? topics : topics.filter((topic) => !ofTables.has(topic.split('/')[3] ?? ''));
  return [...tables.map((table) => `table ${table}`), ...others];
}
