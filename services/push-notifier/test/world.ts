import { randomUUID } from 'node:crypto';
import { PUSH_PATHS } from '@tidewire/contract';
import type { ObjectType, Organisation, Policy, PushChanges, Register } from '@tidewire/contract';
import { createLogger, createMetrics } from '@tidewire/service-kit';
import type { Service, ServiceDependencies } from '@tidewire/service-kit';
import {
  FakePlatform,
  organisation,
  person,
  policyOf,
  register,
  schemaOf,
  startPostgres,
  waitFor,
} from '@tidewire/test-kit';
import type { Person, Row, TestDatabase } from '@tidewire/test-kit';
import { configSchema } from '../src/config.ts';
import { createService } from '../src/service.ts';
import { PushClient } from './push-client.ts';

/**
 * One organisation with a register `zaken` and its schema `meldingen`, and notifiers with a real NATS and a real PostgreSQL. Rows
 * of the status `intern` are for alice, who is of the group `behandelaars`; bob reads the others. carol is of no organisation of
 * theirs, and reads nothing.
 */
export class PushWorld implements AsyncDisposable {
  readonly platform: FakePlatform;
  readonly database: TestDatabase;
  readonly organisation: Organisation = organisation('gemeente');
  readonly register: Register = register('zaken');
  readonly schema: ObjectType = schemaOf(this.register, 'meldingen');
  readonly policy: Policy = policyOf('schema', this.schema.id, {
    read: [{ group: 'behandelaars' }, { group: 'authenticated', match: { status: 'open' } }],
  });
  readonly alice: Person = person('alice', this.organisation, ['behandelaars']);
  readonly bob: Person = person('bob', this.organisation, []);
  readonly carol: Person = person('carol', organisation('elders'), []);
  readonly admin: Person = person('admin', this.organisation, [], true);
  readonly #notifiers = new Set<Service>();
  readonly #clients: PushClient[] = [];

  private constructor(platform: FakePlatform, database: TestDatabase) {
    this.platform = platform;
    this.database = database;
  }

  static async start(): Promise<PushWorld> {
    const [platform, database] = await Promise.all([
      FakePlatform.start(),
      startPostgres({ services: ['push-notifier'] }),
    ]);
    const world = new PushWorld(platform, database);
    const people = [world.alice, world.bob, world.carol, world.admin];
    await platform.set(
      world.organisation,
      policyOf('register', world.register.id, {}),
      world.policy,
      world.register,
      world.schema,
      ...people.flatMap(({ principal, credential }) => [principal, credential]),
    );
    return world;
  }

  /** Starts a notifier and waits until it is ready. */
  async notifier(
    settings: Record<string, string> = {},
    dependencies: Partial<Pick<ServiceDependencies, 'clock'>> = {},
  ): Promise<TestNotifier> {
    const config = configSchema.parse({
      NATS_URL: this.platform.nats.urlFor('push-notifier'),
      DATABASE_URL: this.database.pushUrl,
      TIDEWIRE_DRAIN_MS: '50',
      ...settings,
    });
    const lines: string[] = [];
    const service = createService(config, {
      logger: createLogger({
        service: 'push-notifier',
        level: 'debug',
        destination: { write: (line) => void lines.push(line) },
      }),
      metrics: createMetrics('push-notifier'),
      ...dependencies,
    });
    this.#notifiers.add(service);
    await service.start();
    await waitFor(() => service.ready() === true, { what: 'the notifier is ready', timeoutMs: 20_000 }).catch(
      (error: unknown) => {
        throw new Error(`${String(service.ready())}\n${lines.join('')}`, { cause: error });
      },
    );
    return new TestNotifier(this, service, lines);
  }

  /** Connects somebody, as a desktop does. */
  async connect({ service }: TestNotifier, { principal, credential }: Person): Promise<PushClient> {
    const client = await PushClient.open(`${service.address ?? ''}${PUSH_PATHS.socket}`);
    this.#clients.push(client);
    client.send(principal.id);
    client.send(this.platform.secretOf(credential));
    await client.untilTold('authenticated');
    return client;
  }

  async stop({ service }: TestNotifier): Promise<void> {
    this.#notifiers.delete(service);
    await service.stop();
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

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client[Symbol.dispose]();
    for (const notifier of this.#notifiers) await notifier.stop();
    this.#notifiers.clear();
    await this.platform[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
  }
}

/** An answer, whatever came. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks at whatever came
  readonly body: any;
}

export class TestNotifier {
  readonly service: Service;
  /** Everything that it has logged so far. */
  readonly logLines: readonly string[];
  readonly #world: PushWorld;

  constructor(world: PushWorld, service: Service, logLines: readonly string[]) {
    this.#world = world;
    this.service = service;
    this.logLines = logLines;
  }

  async ask(
    method: string,
    path: string,
    who?: Person,
    headers: Record<string, string> = {},
    payload?: object,
  ): Promise<Answer> {
    const credential: Record<string, string> =
      who === undefined ? {} : { authorization: `Bearer ${this.#world.platform.secretOf(who.credential)}` };
    const response = await fetch(`${this.service.address ?? ''}${path}`, {
      method,
      headers: { ...credential, ...(payload && { 'content-type': 'application/json' }), ...headers },
      ...(payload && { body: JSON.stringify(payload) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  /** What changed for somebody since a position. */
  async changes(who: Person, since?: string): Promise<PushChanges> {
    const query = since === undefined ? '' : `?since=${since}`;
    const { status, body } = await this.ask('GET', `${PUSH_PATHS.changes}${query}`, who);
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return body as PushChanges;
  }

  /** The topics that changed for somebody since a position, when the log up to `until` was dealt with. */
  async topicsSince(who: Person, since: string, until: string): Promise<readonly string[]> {
    const answer = await waitFor(
      async () => {
        const found = await this.changes(who, since);
        return found.lastEventId >= until && found;
      },
      { what: `everything up to ${until} is dealt with` },
    );
    return answer.changes.map(({ topic }) => topic);
  }

  /** The notifications of somebody. */
  async notifications(who: Person): Promise<readonly { notification_id: number; object_id: string }[]> {
    const { status, body } = await this.ask('GET', PUSH_PATHS.notifications, who);
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return body.ocs.data;
  }
}
