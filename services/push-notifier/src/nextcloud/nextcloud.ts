import type { PoolClient } from '@tidewire/service-kit';
import type { WrittenChanges } from '../changes/change-store.ts';
import type { Hearers } from '../changes/found-changes.ts';
import type { LogFollower } from '../log/rights-log.ts';
import { NextcloudRelay } from './nextcloud-relay.ts';
import { NextcloudUsers } from './nextcloud-users.ts';
import type { NextcloudUsersOptions } from './nextcloud-users.ts';
import { RedisPublisher } from './redis-publisher.ts';
import type { PublisherCounters, RedisPublisherOptions } from './redis-publisher.ts';

/** An existing Nextcloud, whose own notify_push delivers to its own clients what it is told by way of its Redis. */
export interface Nextcloud {
  readonly users: NextcloudUsers;
  readonly counters: PublisherCounters;
  readonly log: LogFollower;
  readonly hearers: (client: PoolClient) => Promise<Hearers>;
  /** Waits for nothing. */
  readonly tell: (written: WrittenChanges) => void;
  start(): void;
  stop(): Promise<void>;
}

/** Without an address there is none. */
export function createNextcloud({
  url,
  ...options
}: NextcloudUsersOptions & Omit<RedisPublisherOptions, 'url'> & { readonly url: string | undefined }):
  Nextcloud | undefined {
  if (url === undefined) return undefined;
  const publisher = new RedisPublisher({ url, ...options });
  const relay = new NextcloudRelay(publisher);
  return {
    users: new NextcloudUsers(options),
    get counters() {
      return publisher.counters;
    },
    log: relay.log,
    hearers: (client) => relay.hearers(client),
    tell: (written) => relay.tell(written),
    start: () => publisher.start(),
    stop: () => publisher.stop(),
  };
}
