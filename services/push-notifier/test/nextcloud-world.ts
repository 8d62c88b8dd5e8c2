import { NEXTCLOUD_CHANNELS, NEXTCLOUD_PATH } from '@tidewire/contract';
import { systemClock } from '@tidewire/service-kit';
import type { Clock } from '@tidewire/service-kit';
import { startRedis, waitFor } from '@tidewire/test-kit';
import type { Person, TestRedis } from '@tidewire/test-kit';
import { createClient } from '@redis/client';
import { PushWorld } from './world.ts';
import type { TestNotifier } from './world.ts';

/** Who publishes, and may do nothing else. */
const PUBLISHER = 'user tidewire on >marked-secret resetchannels &notify_* -@all +publish';
/** The same, shut out. */
export const SHUT_OUT: readonly string[] = [PUBLISHER.replace(' on ', ' off ')];

/** What came on the channels: the name of the channel and the text as it was published. */
export type Heard = readonly [channel: string, text: string];

type Client = ReturnType<typeof createTestClient>;

/** The Redis of a Nextcloud, and in place of its notify_push somebody who writes down what comes on its channels. */
export class NextcloudRedis implements AsyncDisposable {
  readonly server: TestRedis;
  readonly heard: Heard[] = [];
  readonly #listener: Client;
  readonly #administrator: Client;

  private constructor(server: TestRedis) {
    this.server = server;
    [this.#listener, this.#administrator] = [createTestClient(server), createTestClient(server)];
    for (const client of [this.#listener, this.#administrator]) client.on('error', () => undefined);
  }

  static async start(): Promise<NextcloudRedis> {
    const redis = new NextcloudRedis(await startRedis({ config: [PUBLISHER] }));
    await Promise.all([redis.#listener.connect(), redis.#administrator.connect()]);
    await redis.#listener.subscribe(Object.values(NEXTCLOUD_CHANNELS), (text, channel) => {
      redis.heard.push([channel, text]);
    });
    return redis;
  }

  /** As who publishes. */
  get url(): string {
    return this.server.url.replace('//', '//tidewire:marked-secret@');
  }

  /** Starts it again and lets the publisher in when somebody listens, so that nothing passes unheard. */
  async restart(): Promise<void> {
    await this.server.restart(SHUT_OUT);
    await this.untilListened();
    await this.setPublisher('on');
  }

  /** Changes what the publisher may do, as ACL SETUSER takes it. */
  async setPublisher(...rules: string[]): Promise<void> {
    await waitFor(() => this.#administrator.isReady, { what: 'the administrator is connected' });
    await this.#administrator.aclSetUser('tidewire', rules);
  }

  /** Ends the connections of the publisher. */
  async disconnect(): Promise<void> {
    await this.#administrator.sendCommand(['CLIENT', 'KILL', 'USER', 'tidewire']);
  }

  /** How many connections there were since it was started. */
  async connections(): Promise<number> {
    const found = /total_connections_received:(\d+)/.exec(await this.#administrator.info('stats'));
    return Number(found?.[1]);
  }

  /** Nobody listens any more. */
  async deafen(): Promise<void> {
    await this.#listener.unsubscribe();
  }

  /** Waits until the channels have a listener. */
  async untilListened(): Promise<void> {
    await waitFor(() => this.#administrator.isReady, { what: 'the administrator is connected' });
    await waitFor(
      async () => {
        const counts = await this.#administrator.pubSubNumSub(Object.values(NEXTCLOUD_CHANNELS));
        return Object.values(counts).every((count) => count === 1);
      },
      { what: 'somebody listens on the channels' },
    );
  }

  /** What came for a user, with the text of `notify_custom` as an object. */
  of(user: string): readonly object[] {
    return this.heard
      .map(([channel, text]) => ({ channel, ...(JSON.parse(text) as { user: string }) }))
      .filter((message) => message.user === user);
  }

  /** How often a user was told to look. */
  notified(user: string): number {
    const text = JSON.stringify({ user });
    return this.heard.filter(
      ([channel, said]) => channel === NEXTCLOUD_CHANNELS.notification && said === text,
    ).length;
  }

  async untilNotified(user: string, count = 1): Promise<void> {
    await waitFor(() => this.notified(user) >= count, { what: `${user} is notified`, timeoutMs: 20_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.thaw();
    this.#listener.destroy();
    this.#administrator.destroy();
    await this.server[Symbol.asyncDispose]();
  }
}

function createTestClient({ url }: TestRedis) {
  return createClient({ url, socket: { reconnectStrategy: 5 } });
}

/** Notifiers that pass on to a Nextcloud. */
export class NextcloudWorld implements AsyncDisposable {
  readonly push: PushWorld;
  readonly redis: NextcloudRedis;
  #aheadMs = 0;

  private constructor(push: PushWorld, redis: NextcloudRedis) {
    this.push = push;
    this.redis = redis;
  }

  static async start(): Promise<NextcloudWorld> {
    return new NextcloudWorld(...(await Promise.all([PushWorld.start(), NextcloudRedis.start()])));
  }

  async notifier(url = this.redis.url): Promise<TestNotifier> {
    const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + this.#aheadMs };
    return await this.push.notifier({ TIDEWIRE_NEXTCLOUD_REDIS_URL: url }, { clock });
  }

  /** Time jumps, for all notifiers; resolves when this one is ready again. */
  async pass(ms: number, { service }: TestNotifier): Promise<void> {
    this.#aheadMs += ms;
    await waitFor(() => service.ready() === true, { what: 'the notifier is ready again' });
  }

  /** Has somebody told in the Nextcloud. */
  async switchOn(notifier: TestNotifier, who: Person, user: string): Promise<void> {
    const path = NEXTCLOUD_PATH.replace('{principal}', who.principal.id);
    const { status, body } = await notifier.ask('PUT', path, this.push.admin, {}, { user });
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.redis.server.thaw();
    await this.push[Symbol.asyncDispose]();
    await this.redis[Symbol.asyncDispose]();
  }
}
