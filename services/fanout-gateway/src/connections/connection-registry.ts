import { formatTimestamp, formatTopic } from '@tidewire/contract';
import type {
  ConnectionFilter,
  ConnectionInfo,
  ConnectionsReply,
  ConnectionsRequest,
} from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import type { StreamKeeper } from '../transports/stream-keeper.ts';
import type { Stream, Streams } from '../transports/stream.ts';

export interface ConnectionRegistryOptions {
  readonly keeper: Pick<StreamKeeper, 'streams' | 'end'>;
  readonly view: () => RightsView;
  /** This gateway's name among all. */
  readonly instance: string;
}

type Listing = Extract<ConnectionsRequest, { action: 'list' }>;
type ListReply = Extract<ConnectionsReply, { action: 'list' }>;
type Choice = Extract<ConnectionsRequest, { action: 'end' }>['filter'];

/** Bytes of one answer, well below what the bus carries; one connection always fits. */
const MAX_ANSWER_BYTES = 512 * 1024;

/** The connections of this gateway as operators see them: the streams and the polls that wait. */
export class ConnectionRegistry {
  readonly #options: ConnectionRegistryOptions;

  constructor(options: ConnectionRegistryOptions) {
    this.#options = options;
  }

  /** A page in the order of the ids. */
  list({ filter, after, limit }: Listing): ListReply {
    const matching = this.#choose(filter);
    const behind = matching
      .filter(({ id }) => after === null || id > after)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    const connections: ConnectionInfo[] = [];
    let bytes = 0;
    for (const stream of behind.slice(0, limit)) {
      const connection = this.#describe(stream);
      bytes += Buffer.byteLength(JSON.stringify(connection));
      if (connections.length > 0 && bytes > MAX_ANSWER_BYTES) break;
      connections.push(connection);
    }
    return {
      action: 'list',
      gateway: this.#options.instance,
      connections,
      total: matching.length,
      more: connections.length < behind.length,
    };
  }

  /** Ends what matches, and says how many that were. */
  end(filter: Choice): number {
    const matching = this.#choose(filter);
    for (const stream of matching) this.#options.keeper.end(stream, 'CONNECTION_ENDED');
    return matching.length;
  }

  #choose({ id, ...filter }: Choice): Stream[] {
    const candidates = candidatesFor(this.#options.keeper.streams, id, filter);
    return [...candidates].filter((stream) => stream.host === undefined && this.#matches(stream, filter));
  }

  #matches(stream: Stream, filter: ConnectionFilter): boolean {
    const { principal, credential, organisation, address } = filter;
    if (principal !== undefined && stream.reader.principalId !== principal) return false;
    if (credential !== undefined && stream.reader.credentialId !== credential) return false;
    if (address !== undefined && stream.address !== address) return false;
    return organisation === undefined || this.#organisationOf(stream) === organisation;
  }

  #organisationOf({ reader }: Stream): string | null {
    const { principalId } = reader;
    return principalId === null
      ? null
      : (this.#options.view().principal(principalId)?.activeOrganisation ?? null);
  }

  #describe(stream: Stream): ConnectionInfo {
    const parts = [...(stream.lanes ?? [stream])];
    return {
      id: stream.id,
      principal: stream.reader.principalId,
      credential: stream.reader.credentialId,
      organisation: this.#organisationOf(stream),
      address: stream.address,
      transport: stream.transport,
      topics: [...new Set(parts.flatMap(({ topics }) => topics.map(formatTopic)))],
      tables: [...new Set(parts.flatMap(({ table }) => table ?? []))],
      since: formatTimestamp(stream.since),
      gateway: this.#options.instance,
    };
  }
}

/** The smallest set that is known to hold all that can match. */
function candidatesFor(
  streams: Streams,
  id: string | undefined,
  { principal, credential }: ConnectionFilter,
): Iterable<Stream> {
  if (id !== undefined) {
    const stream = streams.find(id);
    return stream === undefined ? [] : [stream];
  }
  if (credential !== undefined) return streams.ofCredential(credential);
  return principal === undefined ? streams.connections() : streams.ofPrincipal(principal);
}
