import { randomUUID } from 'node:crypto';
import { FEED_GROUPS_BUCKET, GRAPHQL_PATHS, formatSubscriber } from '@tidewire/contract';
import type { FeedGroup, ObjectType, Organisation, Policy, Register } from '@tidewire/contract';
import { configSchema } from '../src/config.ts';
import type { GatewayConfig } from '../src/config.ts';
import { createService } from '../src/service.ts';
import { connectBus, openFeedGroupStore, silentLogger } from '@tidewire/messaging';
import { createLogger, createMetrics } from '@tidewire/service-kit';
import type { Service } from '@tidewire/service-kit';
import {
  FakePlatform,
  SocketClient,
  SubscriberClient,
  organisation,
  person,
  policyOf,
  register,
  schemaOf,
  waitFor,
} from '@tidewire/test-kit';
import type { Person, Row } from '@tidewire/test-kit';
import { GatewayProcess } from './gateway-process.ts';
import { startPoll } from './poll-client.ts';
import type { PendingPoll, PollReply } from './poll-client.ts';
import { SseClient } from './sse-client.ts';

/**
 * One organisation with a register `zaken` and its schema `meldingen`; alice and bob are members, alice of the group
 * `behandelaars`. Whoever may read a member's rows by default reads all of the organisation's.
 */
export class World implements AsyncDisposable {
  readonly platform: FakePlatform;
  readonly organisation: Organisation;
  readonly register: Register;
  readonly schema: ObjectType;
  readonly registerPolicy: Policy;
  readonly policy: Policy;
  readonly alice: Person;
  readonly bob: Person;
  readonly admin: Person;
  readonly #gateways: Service[] = [];
  readonly #processes: GatewayProcess[] = [];
  readonly #subscribers: SubscriberClient[] = [];

  private constructor(platform: FakePlatform) {
    this.platform = platform;
    this.organisation = organisation('gemeente');
    this.register = register('zaken');
    this.schema = schemaOf(this.register, 'meldingen');
    this.registerPolicy = policyOf('register', this.register.id, {});
    this.policy = policyOf('schema', this.schema.id, {});
    this.alice = person('alice', this.organisation, ['behandelaars']);
    this.bob = person('bob', this.organisation, []);
    this.admin = person('admin', this.organisation, [], true);
  }

  static async start(): Promise<World> {
    const platform = await FakePlatform.start();
    const world = new World(platform);
    await platform.set(
      world.organisation,
      world.registerPolicy,
      world.policy,
      world.register,
      world.schema,
      ...[world.alice, world.bob, world.admin].flatMap(({ principal, credential }) => [
        principal,
        credential,
      ]),
    );
    return world;
  }

  /** Starts a gateway and waits until it lets streams in. */
  async gateway(settings: Record<string, string> = {}): Promise<TestGateway> {
    const config: GatewayConfig = configSchema.parse({
      NATS_URL: this.platform.nats.urlFor('fanout-gateway'),
      TIDEWIRE_CLIENTS_NATS_URL: this.platform.nats.urlFor('fanout-gateway-clients'),
      LOG_LEVEL: 'silent',
      TIDEWIRE_DRAIN_MS: '50',
      TIDEWIRE_SSE_HEARTBEAT_MS: '400',
      ...settings,
    });
    const lines: string[] = [];
    const service = createService(config, {
      logger: createLogger({
        service: 'fanout-gateway',
        level: 'debug',
        destination: { write: (line) => void lines.push(line) },
      }),
      metrics: createMetrics('fanout-gateway'),
    });
    this.#gateways.push(service);
    await service.start();
    await waitFor(() => service.ready() === true, { what: 'the gateway is ready' }).catch(
      (error: unknown) => {
        throw new Error(`${String(service.ready())}\n${lines.join('')}`, { cause: error });
      },
    );
    return new TestGateway(service, lines);
  }

  /** Starts a gateway as a process of its own, which can be stopped and continued. */
  async gatewayProcess(settings: Record<string, string> = {}): Promise<GatewayProcess> {
    const gateway = await GatewayProcess.start({
      NATS_URL: this.platform.nats.urlFor('fanout-gateway'),
      TIDEWIRE_CLIENTS_NATS_URL: this.platform.nats.urlFor('fanout-gateway-clients'),
      LOG_LEVEL: 'warn',
      TIDEWIRE_SSE_HEARTBEAT_MS: '400',
      ...settings,
    });
    this.#processes.push(gateway);
    return gateway;
  }

  row(properties: Record<string, unknown> = {}, change: Partial<Row> = {}): Row {
    return {
      uuid: randomUUID(),
      schema: { id: this.schema.id, slug: this.schema.slug },
      register: { id: this.register.id, slug: this.register.slug },
      organisation: this.organisation.id,
      owner: null,
      version: 1,
      properties,
      ...change,
    };
  }

  secret(who: Person): string {
    return this.platform.secretOf(who.credential);
  }

  /** A server of somebody's, on NATS; `credential`: by one with scopes. */
  async subscriber({ principal }: Person, credential: string | null = null): Promise<SubscriberClient> {
    const subscriber = formatSubscriber({ principal: principal.id, credential });
    const { server, user, password } = this.platform.nats.credentialsFor(subscriber);
    const client = await SubscriberClient.open({
      servers: server,
      subscriber,
      credential: { user, pass: password },
    });
    this.#subscribers.push(client);
    return client;
  }

  /** How a group of workers is stored. */
  async groupState(principal: string, group: string): Promise<FeedGroup | undefined> {
    const url = this.platform.nats.urlFor('fanout-gateway');
    await using bus = await connectBus({ url, user: 'fanout-gateway', logger: silentLogger });
    const store = openFeedGroupStore(bus, { bucket: FEED_GROUPS_BUCKET });
    return (await store.read({ address: { principal, credential: null }, group }))?.state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const subscriber of this.#subscribers) await subscriber[Symbol.asyncDispose]();
    for (const gateway of this.#processes) await gateway.kill();
    for (const gateway of this.#gateways) await gateway.stop();
    await this.platform[Symbol.asyncDispose]();
  }
}

type SocketOptions = Parameters<typeof SocketClient.open>[1] & object;

export class TestGateway {
  readonly service: Service;
  /** Everything that it has logged so far, at every level. */
  readonly logLines: readonly string[];

  constructor(service: Service, logLines: readonly string[]) {
    this.service = service;
    this.logLines = logLines;
  }

  url(path: string): string {
    return `${this.service.address ?? ''}${path}`;
  }

  /** Opens a stream; `query` as it stands behind the question mark. */
  async subscribe(
    secret: string | undefined,
    query: string,
    headers: Record<string, string> = {},
  ): Promise<SseClient> {
    const credential: Record<string, string> =
      secret === undefined ? {} : { authorization: `Bearer ${secret}` };
    return await SseClient.open(this.url(`/api/realtime/subscribe?${query}`), { ...credential, ...headers });
  }

  /** Opens one stream of several subscriptions. */
  async several(
    secret: string | undefined,
    subscriptions: readonly object[],
    headers: Record<string, string> = {},
  ): Promise<SseClient> {
    const credential: Record<string, string> =
      secret === undefined ? {} : { authorization: `Bearer ${secret}` };
    const all = { ...credential, ...headers };
    return await SseClient.open(this.url('/api/realtime/subscribe'), all, { subscriptions });
  }

  /** Opens a stream of a GraphQL subscription; `more` as it stands behind the document in the query. */
  async graphql(
    secret: string | undefined,
    document: string,
    more = '',
    headers: Record<string, string> = {},
  ): Promise<SseClient> {
    const credential: Record<string, string> =
      secret === undefined ? {} : { authorization: `Bearer ${secret}` };
    const query = `query=${encodeURIComponent(document)}${more}`;
    return await SseClient.open(this.url(`${GRAPHQL_PATHS.subscriptions}?${query}`), {
      ...credential,
      ...headers,
    });
  }

  /** Opens a socket, or is refused; `path` with its query. */
  async socket(secret: string | undefined, path: string, options: SocketOptions = {}): Promise<SocketClient> {
    const credential: Record<string, string> =
      secret === undefined ? {} : { authorization: `Bearer ${secret}` };
    const { headers, ...rest } = options;
    return await SocketClient.open(this.url(path), { ...rest, headers: { ...credential, ...headers } });
  }

  /** Begins a poll; `query` as it stands behind the question mark. */
  startPoll(secret: string | undefined, query: string, headers: Record<string, string> = {}): PendingPoll {
    const credential: Record<string, string> =
      secret === undefined ? {} : { authorization: `Bearer ${secret}` };
    return startPoll(this.url(`/api/realtime/poll?${query}`), { ...credential, ...headers });
  }

  /** Sends a poll and waits for its answer. */
  async poll(
    secret: string | undefined,
    query: string,
    headers: Record<string, string> = {},
  ): Promise<PollReply> {
    return await this.startPoll(secret, query, headers).reply;
  }

  /** The value of one of the gateway's metrics, by the end of its name and its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(this.url('/metrics'))).text();
    const line = text.split('\n').find((each) => each.startsWith(`tidewire_fanout_gateway_${name} `));
    return Number(line?.split(' ').at(-1) ?? Number.NaN);
  }
}
