import { randomUUID } from 'node:crypto';
import { NOTIFIER_CLIENT_USER } from '@tidewire/contract';
import type { WebhookOutcome } from '@tidewire/contract';
import { connectInBackground, openFeedSource } from '@tidewire/messaging';
import type { BackgroundBus, FeedSource } from '@tidewire/messaging';
import type { Clock, Logger, Pool } from '@tidewire/service-kit';
import { checkTarget } from '../targets/check-target.ts';
import { createTargetClient } from '../targets/target-client.ts';
import { DeliveryPlaces } from './delivery-places.ts';
import { Trouble } from './trouble.ts';
import type { DeadLetter } from './webhook.ts';
import type { EventSettings } from './webhook-event.ts';
import { HEARTBEAT_MS } from './webhook-feed.ts';
import { WebhookRegistry } from './webhook-registry.ts';
import { WebhookRunners } from './webhook-runners.ts';

export interface WebhooksOptions {
  readonly pool: Pool;
  /** The subscribers' account of NATS, with the notifier's user there; undefined: webhooks are kept, and not delivered. */
  readonly clientsUrl: string | undefined;
  /** Whether addresses of private networks may be posted to. */
  readonly allowPrivate: boolean;
  /** As the gateways have them. */
  readonly events: EventSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: () => number;
  /** How often a quiet feed says where it is, milliseconds; 15 seconds when absent. */
  readonly heartbeatMs?: number;
  /** Told of each attempt that was written down. Must not throw. */
  readonly onAttempt?: (outcome: WebhookOutcome) => void;
  /** Told of each event that was passed over. Must not throw. */
  readonly onDead?: (letter: DeadLetter) => void;
}

/** Requests at once: of this process, to one host, and for one principal. */
const PLACES = Object.freeze({ total: 64, perHost: 8, perPrincipal: 8 });

/** Webhooks of this process: what owners do with them, and their delivery. */
export interface Webhooks {
  readonly registry: WebhookRegistry;
  /** Whether the gateways' NATS is reached. */
  readonly connected: boolean;
  /** Webhooks that are delivered here now. */
  readonly held: number;
  /** Requests that are on their way. */
  readonly underWay: number;
  /** Connects and begins to deliver; waits for neither. */
  start(): void;
  /** Looks for what is due, which it does by itself once a second. */
  wake(): Promise<void>;
  drain(): Promise<void>;
  stop(): Promise<void>;
}

export function createWebhooks(options: WebhooksOptions): Webhooks {
  const { pool, clientsUrl, allowPrivate, events, clock, logger, random = Math.random } = options;
  const places = new DeliveryPlaces(PLACES);
  // A client of its own, with as many places: waiting in there an event would become stale unseen.
  const targets = createTargetClient({
    allowPrivate,
    clock,
    total: PLACES.total,
    perHost: PLACES.perHost,
  });
  let connection: BackgroundBus | undefined;
  let source: FeedSource | undefined;
  let runners: WebhookRunners | undefined;
  const delivery = { pool, targets, places, events, clock, random, logger };
  const registry = new WebhookRegistry({
    ...delivery,
    source: () => source,
    checkUrl: (url) => void checkTarget(url, { allowPrivate }),
    onChanged: () => void runners?.wake(),
  });
  return {
    registry,
    get connected() {
      return source?.connected ?? false;
    },
    get held() {
      return runners?.size ?? 0;
    },
    get underWay() {
      return places.size;
    },
    start() {
      if (clientsUrl === undefined) return;
      connection = connectInBackground({
        url: clientsUrl,
        user: NOTIFIER_CLIENT_USER,
        logger: logger.child({ target: 'feeds' }),
        onConnected: (bus) => {
          source = openFeedSource(bus, { clock });
          runners = new WebhookRunners({
            ...delivery,
            source,
            trouble: new Trouble(random),
            heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
            instance: randomUUID(),
            onAttempt: options.onAttempt ?? (() => undefined),
            onDead: options.onDead ?? (() => undefined),
          });
          runners.start();
          logger.info('webhooks are delivered');
        },
      });
    },
    wake: async () => await runners?.wake(),
    drain: async () => await runners?.drain(),
    async stop() {
      await runners?.stop();
      source?.close();
      await connection?.close();
    },
  };
}
