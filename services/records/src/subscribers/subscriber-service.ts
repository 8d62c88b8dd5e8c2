import { CLIENT_SERVICE_VERSION } from '@tidewire/contract';
import { connectInBackground, openClientChannel, serveClients } from '@tidewire/messaging';
import type { ClientChannel, MessageBus } from '@tidewire/messaging';
import { toTidewireError } from '@tidewire/service-kit';
import type { ServiceDependencies } from '@tidewire/service-kit';
import { readEndpoints } from './read-endpoints.ts';
import type { ReadEndpointOptions } from './read-endpoints.ts';

export interface SubscriberServiceOptions
  extends ReadEndpointOptions, Pick<ServiceDependencies, 'clock' | 'logger'> {
  /** The user is this service's in the account of the subscribers. */
  readonly url: string;
  readonly onAnswered: (kind: string, outcome: string) => void;
}

/** What this service does for subscribers on NATS. */
export interface SubscriberService {
  readonly connected: boolean;
  /** Requests that asked for an answer elsewhere than in an inbox of the asker. */
  readonly foreignInboxes: number;
  /** Takes no more requests and answers those that run. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const USER = 'records-clients';

/**
 * Answers subscribers on NATS as soon as there is a connection into their account, and whenever there is one. Without it the
 * service is as good as ever over HTTP, so nobody is told that it is not ready: log and metrics say it.
 */
export function openSubscriberService(options: SubscriberServiceOptions): SubscriberService {
  const { url, clock, onAnswered } = options;
  const logger = options.logger.child({ target: 'subscribers' });
  const now = (): number => clock.monotonic();
  let channel: ClientChannel | undefined;
  let drain = async (): Promise<void> => undefined;
  const serve = (bus: MessageBus): void => {
    channel = openClientChannel(bus, now);
    drain = serveClients(bus, channel, {
      name: 'records',
      version: CLIENT_SERVICE_VERSION,
      description: 'Reads objects and records, as far as the asker may.',
      endpoints: readEndpoints(options),
      now,
      toError: toTidewireError,
      onAnswered,
    });
    logger.info('subscribers on NATS are answered');
  };
  const background = connectInBackground({ url, user: USER, logger, onConnected: serve });
  return {
    get connected() {
      return background.connected;
    },
    get foreignInboxes() {
      return channel?.foreignInboxes ?? 0;
    },
    drain: () => drain(),
    close: () => background.close(),
  };
}
