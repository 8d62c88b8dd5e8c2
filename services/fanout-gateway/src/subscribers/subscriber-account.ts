import { CLIENT_SERVICE_VERSION, queueGroup } from '@tidewire/contract';
import { connectInBackground, openClientChannel, serveClients } from '@tidewire/messaging';
import type { BackgroundBus, ClientChannel, MessageBus } from '@tidewire/messaging';
import { toTidewireError } from '@tidewire/service-kit';
import type { Clock, Logger } from '@tidewire/service-kit';
import type { Feeds } from '../feeds/feeds.ts';
import type { Gateway } from '../gateway.ts';
import { readEndpoints } from './read-endpoints.ts';

export interface SubscriberAccountOptions {
  /** The subscribers' account of NATS, with this service's user there; undefined: there is nothing to do. */
  readonly url: string | undefined;
  readonly gateway: Pick<Gateway, 'openFeeds' | 'admissions' | 'rights' | 'opener' | 'explainer' | 'metrics'>;
  readonly maxTopics: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const USER = 'fanout-gateway-clients';

/**
 * What this gateway is to subscribers on NATS, who are in an account apart: a second connection, and what is answered on
 * it. Streams over HTTP need none of it, so nobody waits for it.
 */
export class SubscriberAccount {
  readonly #options: SubscriberAccountOptions;
  #connection: BackgroundBus | undefined;
  #feeds: Feeds | undefined;
  #stopReading = async (): Promise<void> => undefined;

  constructor(options: SubscriberAccountOptions) {
    this.#options = options;
  }

  /** Connects, and tries until that is done. */
  start(): void {
    const { url, gateway, logger } = this.#options;
    if (url === undefined) return;
    this.#connection = connectInBackground({
      url,
      user: USER,
      logger: logger.child({ target: 'subscribers' }),
      onStatus: (status) =>
        gateway.metrics.subscribersConnected.set(status === 'connected' || status === 'reconnected' ? 1 : 0),
      onConnected: (bus) => this.#serve(bus),
    });
  }

  /** Takes no reads any more, and answers those that run. */
  async drain(): Promise<void> {
    await this.#stopReading();
  }

  /** Takes no requests any more; those that are streams are ended by whoever ends all streams. */
  async stop(): Promise<void> {
    await Promise.all([this.#feeds?.stop(), this.#stopReading()]);
    await this.#connection?.close();
  }

  #serve(bus: MessageBus): void {
    const { gateway, clock, logger } = this.#options;
    const channel = openClientChannel(bus, () => clock.monotonic());
    this.#feeds = gateway.openFeeds(channel);
    this.#feeds.start();
    this.#stopReading = this.#answerReads(bus, channel);
    logger.info('subscribers on NATS are answered');
  }

  #answerReads(bus: MessageBus, channel: ClientChannel): () => Promise<void> {
    const { gateway, maxTopics, clock } = this.#options;
    const { admissions, rights, opener, explainer, metrics } = gateway;
    return serveClients(bus, channel, {
      name: 'fanout-gateway',
      version: CLIENT_SERVICE_VERSION,
      description: 'Feeds of events; lists topics and explains what is told, as far as the asker may know.',
      endpoints: readEndpoints({
        admissions: admissions.subscribers,
        view: () => rights.view,
        requireReady: () => opener.requireReady(),
        explainer,
        maxTopics,
      }),
      others: [{ kind: 'feed', queue: queueGroup('feed') }],
      now: () => clock.monotonic(),
      toError: toTidewireError,
      onAnswered: (kind, outcome) => metrics.subscriberRequests.inc({ kind, outcome }),
    });
  }
}
