import { randomUUID } from 'node:crypto';
import type { NewWebhook, Policy, WebhookDelivery, WebhookOutcome, WebhookView } from '@tidewire/contract';
import { NOTIFIER_CLIENT_USER, inboxPrefix } from '@tidewire/contract';
import { createLogger, createPool } from '@tidewire/service-kit';
import type { Pool } from '@tidewire/service-kit';
import {
  FakePlatform,
  NatsSocket,
  createTestClock,
  organisation,
  person,
  policyOf,
  register,
  schemaOf,
  startPostgres,
  waitFor,
} from '@tidewire/test-kit';
import type { Row, TestClock, TestDatabase } from '@tidewire/test-kit';
import type { DeadLetter, WebhookOwner } from '../src/webhooks/webhook.ts';
import { createWebhooks } from '../src/webhooks/webhooks.ts';
import type { Webhooks } from '../src/webhooks/webhooks.ts';
import { GatewayProcess } from './gateway-process.ts';
import { WebhookEndpoint } from './webhook-endpoint.ts';
import type { Received } from './webhook-endpoint.ts';

export const TOPIC = 'register/zaken';
export const EVENTS = Object.freeze({ source: 'https://tidewire.example', typePrefix: 'nl.example' });
export const BOB: WebhookOwner = Object.freeze({ principal: 'bob', credential: null });
export const ALICE: WebhookOwner = Object.freeze({ principal: 'alice', credential: null });

/** One process that delivers webhooks. */
export interface Replica {
  readonly webhooks: Webhooks;
  readonly pool: Pool;
  readonly dead: DeadLetter[];
  readonly outcomes: WebhookOutcome[];
  readonly logLines: string[];
  /** It is gone without having handed anything over. */
  kill(): Promise<void>;
}

/**
 * One organisation with a register `zaken` and its schema `meldingen`. alice is of the group `behandelaars` and reads all rows;
 * bob reads those of the status `open`. Webhooks are delivered by as many replicas as a test wants, whose time a test moves.
 */
export class WebhookWorld implements AsyncDisposable {
  readonly platform: FakePlatform;
  readonly database: TestDatabase;
  readonly endpoint: WebhookEndpoint;
  readonly clock: TestClock = createTestClock();
  readonly organisation = organisation('gemeente');
  readonly register = register('zaken');
  readonly schema = schemaOf(this.register, 'meldingen');
  readonly policy: Policy = policyOf('schema', this.schema.id, {
    read: [{ group: 'behandelaars' }, { group: 'authenticated', match: { status: 'open' } }],
  });
  readonly alice = person('alice', this.organisation, ['behandelaars']);
  readonly bob = person('bob', this.organisation, []);
  readonly #gateways: GatewayProcess[] = [];
  readonly #stops: (() => Promise<void>)[] = [];

  private constructor(platform: FakePlatform, database: TestDatabase, endpoint: WebhookEndpoint) {
    this.platform = platform;
    this.database = database;
    this.endpoint = endpoint;
  }

  static async start(): Promise<WebhookWorld> {
    const [platform, database, endpoint] = await Promise.all([
      FakePlatform.start(),
      startPostgres({ services: ['push-notifier'] }),
      WebhookEndpoint.start(),
    ]);
    const world = new WebhookWorld(platform, database, endpoint);
    const { alice, bob } = world;
    await platform.set(
      world.organisation,
      policyOf('register', world.register.id, {}),
      world.policy,
      world.register,
      world.schema,
      ...[alice, bob].flatMap(({ principal, credential }) => [principal, credential]),
    );
    return world;
  }

  /** A world with one gateway and one replica. */
  static async startWhole(): Promise<{ readonly world: WebhookWorld; readonly replica: Replica }> {
    const world = await WebhookWorld.start();
    try {
      await world.gateway();
      return { world, replica: await world.replica() };
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  async gateway(settings: Record<string, string> = {}): Promise<GatewayProcess> {
    const gateway = await GatewayProcess.start(this.platform, settings);
    this.#gateways.push(gateway);
    return gateway;
  }

  /** All gateways are killed, and one takes their place. */
  async replaceGateways(): Promise<void> {
    for (const gateway of this.#gateways.splice(0)) await gateway[Symbol.asyncDispose]();
    await this.gateway();
  }

  async replica(settings: { readonly heartbeatMs?: number } = {}): Promise<Replica> {
    const logLines: string[] = [];
    const destination = { write: (line: string) => void logLines.push(line) };
    const logger = createLogger({ service: 'push-notifier', level: 'debug', destination });
    const pool = createPool({ databaseUrl: this.database.pushUrl, service: 'push-notifier', logger });
    const dead: DeadLetter[] = [];
    const outcomes: WebhookOutcome[] = [];
    const webhooks = createWebhooks({
      pool,
      clientsUrl: this.platform.nats.urlFor(NOTIFIER_CLIENT_USER),
      allowPrivate: true,
      events: EVENTS,
      clock: this.clock,
      logger,
      random: () => 0,
      ...settings,
      onAttempt: (outcome) => void outcomes.push(outcome),
      onDead: (letter) => void dead.push(letter),
    });
    let ended = false;
    const end = async (stop: () => Promise<void>): Promise<void> => {
      if (ended) return;
      ended = true;
      await stop();
    };
    const replica = {
      webhooks,
      pool,
      dead,
      outcomes,
      logLines,
      kill: () =>
        end(async () => {
          // From here on nothing that it does reaches the database.
          await pool.end();
          await webhooks.stop();
        }),
    };
    this.#stops.push(() =>
      end(async () => {
        await webhooks.stop();
        await pool.end();
      }),
    );
    webhooks.start();
    await waitFor(() => webhooks.connected, { what: 'the replica is connected' });
    return replica;
  }

  /** Registers a webhook of bob's, or another one's, and waits until it is followed. */
  async registered(
    { webhooks }: Replica,
    change: Partial<NewWebhook> = {},
    owner: WebhookOwner = BOB,
  ): Promise<WebhookView & { readonly secret: string }> {
    const webhook = await webhooks.registry.create(owner, {
      name: 'cases',
      url: this.endpoint.url(),
      topics: [TOPIC],
      ...change,
    });
    await webhooks.wake();
    return webhook;
  }

  row(properties: Record<string, unknown> = {}, change: Partial<Row> = {}): Row {
    return {
      uuid: randomUUID(),
      schema: { id: this.schema.id, slug: this.schema.slug },
      register: { id: this.register.id, slug: this.register.slug },
      organisation: this.organisation.id,
      owner: null,
      version: 1,
      properties: { status: 'open', ...properties },
      ...change,
    };
  }

  async created(titel: string, properties: Record<string, unknown> = {}): Promise<Row> {
    return await this.platform.created(this.row({ titel, ...properties }));
  }

  /** What gateways tell the notifier, as it comes. */
  async overhear(): Promise<readonly string[]> {
    const { nats } = this.platform;
    const { password } = nats.credentialsFor(NOTIFIER_CLIENT_USER);
    const inbox = inboxPrefix(NOTIFIER_CLIENT_USER);
    const socket = await NatsSocket.connect({
      port: nats.port,
      user: NOTIFIER_CLIENT_USER,
      password,
      inbox,
    });
    this.#stops.push(async () => socket[Symbol.dispose]());
    const texts: string[] = [];
    socket.handle(`${inbox}.>`, '', ({ data }) => void texts.push(data));
    await socket.flush();
    return texts;
  }

  /** Lets seconds pass until so many requests have come. */
  async passUntil({ webhooks }: Replica, count: number, path = '/hook'): Promise<readonly Received[]> {
    await waitFor(
      async () => {
        if (this.endpoint.at(path).length >= count) return true;
        this.clock.advance(1000);
        await webhooks.wake();
        return false;
      },
      { what: `${count} requests at ${path}`, timeoutMs: 20_000 },
    );
    return this.endpoint.at(path);
  }

  /** Waits until the webhook is as the test wants it. */
  async until(
    { webhooks }: Replica,
    id: string,
    fits: (webhook: WebhookView) => boolean,
    owner: WebhookOwner = BOB,
  ): Promise<WebhookView> {
    let seen: WebhookView | undefined;
    await waitFor(async () => fits((seen = await webhooks.registry.get(owner, id))), {
      what: 'the webhook is so',
      timeoutMs: 15_000,
    }).catch((cause: unknown) => {
      throw new Error(JSON.stringify(seen), { cause });
    });
    return seen as WebhookView;
  }

  /** Its log, the oldest first. */
  async log({ webhooks }: Replica, id: string): Promise<readonly WebhookDelivery[]> {
    const page = await webhooks.registry.deliveries(BOB, id, { limit: 1000, offset: 0 });
    return page.results.toReversed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops) await stop();
    for (const gateway of this.#gateways) await gateway[Symbol.asyncDispose]();
    await this.endpoint[Symbol.asyncDispose]();
    await this.platform[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
  }
}

/** Titles of the objects that were posted, in their order. */
export function titlesOf(
  received: readonly { readonly json: { data?: { object?: { titel?: string } } } }[],
): unknown[] {
  return received.map(({ json }) => json.data?.object?.titel);
}
