import type { LogPosition } from '@tidewire/contract';
import type { AdmissionOptions } from '@tidewire/rights';
import type { Clock, Logger, Pool, PoolClient } from '@tidewire/service-kit';
import type { FoundChanges } from '../changes/found-changes.ts';
import { createTargetClient } from '../targets/target-client.ts';
import type { TargetRules } from '../targets/target-url.ts';
import { VapidKeyring } from '../vapid/vapid-keyring.ts';
import { mayTell } from './device-owner.ts';
import { createDevicePost } from './device-post.ts';
import type { PostToDevice } from './device-post.ts';
import { DeviceSender } from './device-sender.ts';
import type { Sent } from './device-sender.ts';
import { enqueueAll, enqueueWakeUps, findDeviceOwners } from './wake-up-repository-postgres.ts';
import type { DeadLetter } from './wake-up-repository-postgres.ts';

export interface DevicesOptions extends TargetRules, AdmissionOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly fresh: () => boolean;
  /** Whom push services may turn to. */
  readonly subject: string;
  readonly ttlSeconds: number;
  /** Messages under way to one host. */
  readonly perHost: number;
  readonly onSent: (sent: Sent) => void;
  readonly onDeadLetter: (letter: DeadLetter) => void;
}

/** Those who are reached by Web Push and UnifiedPush: what they are to be told, and its sender. */
export class Devices {
  readonly keyring: VapidKeyring;
  readonly post: PostToDevice;
  readonly #sender: DeviceSender;

  constructor(options: DevicesOptions) {
    const { pool, clock, allowPrivate, perHost, subject, ttlSeconds } = options;
    this.keyring = new VapidKeyring(pool);
    const client = createTargetClient({ allowPrivate, clock, perHost });
    this.post = async (device, message, signal) => {
      const vapid = { ...(await this.keyring.get()), subject };
      return await createDevicePost({ client, vapid, ttlSeconds })(device, message, signal);
    };
    this.#sender = new DeviceSender({
      ...options,
      post: this.post,
      mayTell: (device) => mayTell(options, device),
    });
  }

  start(): void {
    this.#sender.start();
  }

  async stop(): Promise<void> {
    await this.#sender.stop();
  }

  /** Something was written down: whoever is to be told is told now, and not in a second. */
  nudge(): void {
    this.#sender.nudge();
  }

  /** Notes, with what was found, which devices are to be told of it. */
  async note(client: PoolClient, epoch: string, found: FoundChanges): Promise<void> {
    const principals = [...found.principals()];
    const owners = await findDeviceOwners(
      client,
      principals.map(([principal]) => principal),
    );
    const changes = principals
      .filter(([principal]) => owners.has(principal))
      .map(([principal, sequence]) => ({
        principal,
        topics: found.topicsOf(principal),
        position: { epoch, sequence },
      }));
    await enqueueWakeUps(client, changes);
  }

  /** Notes that all are to be told: it is not known what changed. */
  async noteUnknown(client: PoolClient, position: LogPosition): Promise<void> {
    await enqueueAll(client, position);
  }
}
