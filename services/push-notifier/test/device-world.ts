import { randomUUID } from 'node:crypto';
import { createLogger, createPool, inTransaction } from '@tidewire/service-kit';
import type { Pool } from '@tidewire/service-kit';
import { createTestClock, startPostgres, waitFor } from '@tidewire/test-kit';
import type { TestClock, TestDatabase } from '@tidewire/test-kit';
import { createDevicePost } from '../src/devices/device-post.ts';
import type { DevicePostOptions } from '../src/devices/device-post.ts';
import type { Device } from '../src/devices/device.ts';
import { registerDevice } from '../src/devices/device-repository-postgres.ts';
import type { DeviceRegistration } from '../src/devices/device-repository-postgres.ts';
import { DeviceSender } from '../src/devices/device-sender.ts';
import type { DeviceSenderOptions, Sent } from '../src/devices/device-sender.ts';
import { checkSubscription } from '../src/devices/subscription.ts';
import { enqueueWakeUps } from '../src/devices/wake-up-repository-postgres.ts';
import type { DeadLetter, DeviceChange } from '../src/devices/wake-up-repository-postgres.ts';
import { createTargetClient } from '../src/targets/target-client.ts';
import { loadVapidKeys } from '../src/vapid/vapid-keys-postgres.ts';
import type { VapidKeys } from '../src/vapid/vapid-keys-postgres.ts';
import { startPushEndpoint } from './push-endpoint.ts';
import type { PushEndpoint } from './push-endpoint.ts';

export const EPOCH = 'm0000000';
const logger = createLogger({ service: 'test', level: 'silent' });

/** A sender with what it did. */
export interface TestSender extends AsyncDisposable {
  readonly sender: DeviceSender;
  readonly sent: Sent[];
  readonly letters: DeadLetter[];
}

/** A database with followers, a push service on this machine, and time that stands still. */
export class DeviceWorld implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly pool: Pool;
  readonly endpoint: PushEndpoint;
  readonly vapid: VapidKeys;
  readonly clock: TestClock = createTestClock();

  private constructor(database: TestDatabase, pool: Pool, endpoint: PushEndpoint, vapid: VapidKeys) {
    this.database = database;
    this.pool = pool;
    this.endpoint = endpoint;
    this.vapid = vapid;
  }

  static async start(): Promise<DeviceWorld> {
    const database = await startPostgres({ services: ['push-notifier'] });
    const pool = createPool({ databaseUrl: database.pushUrl, service: 'test', logger });
    await pool.query(`INSERT INTO push.followers (principal) VALUES ('alice'), ('bob')`);
    return new DeviceWorld(database, pool, await startPushEndpoint(), await loadVapidKeys(pool));
  }

  /** Registers a device at the endpoint; its host is called `host`. */
  async device(wanted: Partial<DeviceRegistration> & { readonly host?: string } = {}): Promise<Device> {
    const { host, ...registration } = wanted;
    const checked = checkSubscription(this.endpoint.subscribe(host), { allowPrivate: true });
    return (await this.register({ ...checked, ...registration })).device;
  }

  async register(
    registration: Partial<DeviceRegistration> & Pick<DeviceRegistration, 'endpoint' | 'host' | 'keys'>,
  ): Promise<{ readonly device: Device; readonly isNew: boolean }> {
    return await inTransaction(this.pool, {}, (client) =>
      registerDevice(client, {
        principal: 'alice',
        credential: randomUUID(),
        kind: 'web-push',
        name: null,
        topics: ['register/zaken'],
        quietHours: null,
        maxPerHour: 30,
        ...registration,
      }),
    );
  }

  /** Something changed for alice under `register/zaken`, unless it is said otherwise. */
  async change(sequence: number, change: Partial<DeviceChange> = {}): Promise<void> {
    const position = { epoch: EPOCH, sequence };
    await inTransaction(this.pool, {}, (client) =>
      enqueueWakeUps(
        client,
        [{ principal: 'alice', topics: ['register/zaken'], position, ...change }],
        this.clock.now(),
      ),
    );
  }

  sender(options: Partial<DeviceSenderOptions> = {}, post: Partial<DevicePostOptions> = {}): TestSender {
    const [sent, letters]: [Sent[], DeadLetter[]] = [[], []];
    const { pool, clock, vapid } = this;
    const sender = new DeviceSender({
      pool,
      clock,
      logger,
      random: () => 0,
      post: createDevicePost({
        client: createTargetClient({ allowPrivate: true, clock, resolve: async () => ['127.0.0.1'] }),
        vapid: { ...vapid, subject: 'mailto:operator@example.org' },
        ...post,
      }),
      mayTell: async () => 'yes',
      onDeadLetter: (letter) => void letters.push(letter),
      onSent: (one) => void sent.push(one),
      ...options,
    });
    sender.start();
    return { sender, sent, letters, [Symbol.asyncDispose]: () => sender.stop() };
  }

  /** Moves time and waits until the senders have done so many things in all. */
  async until({ sent, sender }: TestSender, count: number, advanceMs = 0): Promise<void> {
    this.clock.advance(advanceMs);
    sender.nudge();
    await waitFor(() => sent.length >= count, { what: `${count} messages are dealt with` });
  }

  /** The rows that wait, with times as milliseconds from the start of the test. */
  async waiting(): Promise<
    { device: string; dueInMs: number; attempt: number; topics: string[] | null; since: string }[]
  > {
    const { rows } = await this.pool.query(
      `SELECT device, (extract(epoch FROM due_at) * 1000 - $1)::float8 AS "dueInMs", attempt, topics,
              since_epoch || '/' || since_sequence AS since
       FROM push.device_wakeups ORDER BY device`,
      [this.clock.now()],
    );
    return rows;
  }

  async devices(): Promise<string[]> {
    const { rows } = await this.pool.query<{ id: string }>('SELECT id FROM push.devices ORDER BY created_at');
    return rows.map(({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endpoint[Symbol.asyncDispose]();
    await this.pool.end();
    await this.database[Symbol.asyncDispose]();
  }
}

/** Runs a statement that the notifier itself may not. */
export async function runAsOwner({ database }: DeviceWorld, sql: string): Promise<void> {
  const pool = createPool({ databaseUrl: database.ownerUrl, service: 'test', logger });
  await pool.query(sql);
  await pool.end();
}
