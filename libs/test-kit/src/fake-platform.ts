import { randomUUID } from 'node:crypto';
import {
  CLIENT_SIDE_PERMISSIONS,
  REQUEST_SUBJECTS,
  SERVICE_PERMISSIONS,
  SIGNAL_SUBJECTS,
  TidewireError,
  authenticateRequestSchema,
  createEpoch,
  formatCatalogueSubject,
  formatEventId,
  formatObjectSubject,
  formatRightsSubject,
  formatSubscriber,
  formatTimestamp,
  principalRequestSchema,
  queueGroup,
  stateRequestSchema,
  subscriberPermissions,
} from '@tidewire/contract';
import type { Credential, LogMessage, ObjectAction, ObjectMessage, RightsState } from '@tidewire/contract';
import { connectBus, encodePayload, openLogWriter, silentLogger } from '@tidewire/messaging';
import type { LogWriter, MessageBus } from '@tidewire/messaging';
import { startNats } from './nats.ts';
import type { TestNats } from './nats.ts';

const BEAT_MS = 50;

/** Id of alice's credential with scopes, where a test makes one. */
export const LIMITED_CREDENTIAL = '5c0de000-0000-4000-8000-000000000001';

/** Users of the server's configuration in place of those whom authz lets in: the same rights. */
const SUBSCRIBERS = Object.fromEntries(
  [
    { principal: 'alice', credential: null },
    { principal: 'bob', credential: null },
    { principal: 'admin', credential: null },
    { principal: 'alice', credential: LIMITED_CREDENTIAL },
  ].map((address) => [formatSubscriber(address), subscriberPermissions(address)]),
);

/** An object as a test writes it: images are made of it. */
export interface Row {
  readonly uuid: string;
  readonly schema: { readonly id: string; readonly slug: string };
  readonly register: { readonly id: string; readonly slug: string };
  readonly organisation: string | null;
  readonly owner: string | null;
  readonly version: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/**
 * What stands around a gateway: a real NATS server with the services' own users, and in place of relay, authz and
 * records the least that answers as they do. The log is written as the relay writes it.
 */
export class FakePlatform implements AsyncDisposable {
  readonly nats: TestNats;
  epoch: string;
  /** Sequence of the newest message. */
  last = 0;
  /** Set to keep authz from answering. */
  authzAway = false;
  /** Runs before authz answers a question about a principal. */
  beforePrincipal: () => Promise<void> = async () => undefined;
  readonly #relay: MessageBus;
  readonly #authz: MessageBus;
  readonly #records: MessageBus;
  readonly #writer: LogWriter;
  readonly #states = new Map<string, RightsState>();
  readonly #secrets = new Map<string, string>();
  #publishing: Promise<unknown> = Promise.resolve();
  #beat: NodeJS.Timeout | undefined;

  private constructor(nats: TestNats, buses: readonly [MessageBus, MessageBus, MessageBus], epoch: string) {
    this.nats = nats;
    [this.#relay, this.#authz, this.#records] = buses;
    this.epoch = epoch;
    this.#writer = openLogWriter(this.#relay, { maxAgeMs: 3_600_000, maxBytes: 256 << 20, replicas: 1 });
  }

  static async start(): Promise<FakePlatform> {
    const nats = await startNats({
      users: SERVICE_PERMISSIONS,
      clients: { ...CLIENT_SIDE_PERMISSIONS, ...SUBSCRIBERS },
    });
    const connect = (user: string): Promise<MessageBus> =>
      connectBus({ url: nats.urlFor(user), user, logger: silentLogger });
    const buses = await Promise.all([connect('relay'), connect('authz'), connect('records')]);
    const platform = new FakePlatform(nats, buses, createEpoch(Date.now()));
    await platform.#writer.create(platform.epoch, 0);
    platform.#answer();
    platform.resumeBeats();
    return platform;
  }

  /** The position of the newest message, as clients write it. */
  get position(): string {
    return formatEventId({ epoch: this.epoch, sequence: this.last });
  }

  id(sequence: number): string {
    return formatEventId({ epoch: this.epoch, sequence });
  }

  pauseBeats(): void {
    clearInterval(this.#beat);
  }

  resumeBeats(): void {
    clearInterval(this.#beat);
    this.#beat = setInterval(() => this.beat(), BEAT_MS);
  }

  beat(): void {
    this.#relay.signal(SIGNAL_SUBJECTS.beat, { head: this.position, sentAt: Date.now(), backlogAgeMs: 0 });
  }

  /** Sets states before any gateway reads them, or changes them: either way they are in the log. */
  async set(...states: readonly RightsState[]): Promise<number> {
    return await this.append(states.map((state) => rightsMessage(state)));
  }

  /** The newest version of a state, changed and published with the next version. */
  async change<State extends RightsState>(state: State, change: Partial<State>): Promise<State> {
    const known = this.#states.get(keyOf(state)) ?? state;
    const next = { ...known, ...change, version: known.version + 1 } as State;
    await this.set(next);
    return next;
  }

  /** A credential's secret, as a client sends it. */
  secretOf(credential: Credential): string {
    return `secret-${credential.id}`;
  }

  async created(row: Row): Promise<Row> {
    await this.append([objectMessage('created', null, row)]);
    return row;
  }

  /** Writes the next version of a row. */
  async updated(row: Row, change: Partial<Row>): Promise<Row> {
    const next = { ...row, ...change, version: row.version + 1 };
    await this.append([objectMessage('updated', row, next)]);
    return next;
  }

  async deleted(row: Row): Promise<void> {
    await this.append([objectMessage('deleted', row, null)]);
  }

  /** An event whose images could not be stored. */
  async createdWithoutImages(row: Row): Promise<void> {
    await this.append([{ ...objectMessage('created', null, row), after: null, unencodable: true }]);
  }

  /** The log loses everything but its newest messages, as it does when it is full or they are old. */
  async forget(keep: number): Promise<void> {
    await this.#writer.startEpoch(this.epoch, this.last - keep);
  }

  /** Publishes messages in one go; resolves with the sequence of the last one. */
  append(messages: readonly LogMessage[]): Promise<number> {
    const result = this.#publishing.then(async () => {
      const events = messages.map((message) => ({
        subject: subjectOf(message),
        outboxId: randomUUID(),
        payload: encodePayload(JSON.stringify(message)),
      }));
      this.last = await this.#writer.publish({ events, epoch: this.epoch, expectedLast: this.last });
      for (const message of messages) if (message.kind === 'rights') this.#keep(message.state);
      return this.last;
    });
    this.#publishing = result.catch(() => undefined);
    return result;
  }

  /** A store was restored: the log goes on under another identity. */
  async startEpoch(): Promise<void> {
    this.epoch = createEpoch(Date.now() + 1);
    this.last += 1000;
    await this.#writer.startEpoch(this.epoch, this.last);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.pauseBeats();
    await Promise.all([this.#relay, this.#authz, this.#records].map((bus) => bus.close()));
    await this.nats[Symbol.asyncDispose]();
  }

  #keep(state: RightsState): void {
    this.#states.set(keyOf(state), state);
    if (state.kind === 'credential') this.#secrets.set(this.secretOf(state), state.id);
  }

  #position(): { epoch: string; sequence: number } {
    return { epoch: this.epoch, sequence: this.last };
  }

  #answer(): void {
    const states = (kinds: readonly RightsState['kind'][]) => ({
      requestSchema: stateRequestSchema,
      handle: async () => {
        if (this.authzAway) throw new TidewireError('SERVICE_UNAVAILABLE', 'away');
        const items = [...this.#states.values()].filter(({ kind }) => kinds.includes(kind));
        return { ok: true, position: this.#position(), items, next: null };
      },
    });
    this.#authz.respond(REQUEST_SUBJECTS.rightsState, {
      queue: queueGroup('authz'),
      ...states(['policy', 'organisation']),
    });
    this.#records.respond(REQUEST_SUBJECTS.catalogueState, {
      queue: queueGroup('records'),
      ...states(['register', 'schema']),
    });
    this.#authz.respond(REQUEST_SUBJECTS.principal, {
      queue: queueGroup('authz'),
      requestSchema: principalRequestSchema,
      handle: async ({ id, credential: wanted }) => {
        await this.beforePrincipal();
        if (this.authzAway) throw new TidewireError('SERVICE_UNAVAILABLE', 'away');
        const principal = this.#states.get(`principal ${id}`);
        const credential = this.#states.get(`credential ${wanted}`);
        const counts = credential?.kind === 'credential' && credential.endedAt === null;
        if (principal?.kind !== 'principal' || principal.removed || (wanted !== undefined && !counts)) {
          throw new TidewireError('NOT_FOUND', `There is no principal '${id}'.`);
        }
        return { ok: true, principal, ...(counts && { credential }), position: this.#position() };
      },
    });
    this.#authz.respond(REQUEST_SUBJECTS.authenticate, {
      queue: queueGroup('authz'),
      requestSchema: authenticateRequestSchema,
      handle: async ({ secret }) => {
        if (this.authzAway) throw new TidewireError('SERVICE_UNAVAILABLE', 'away');
        const credential = this.#states.get(`credential ${this.#secrets.get(secret) ?? ''}`);
        if (credential?.kind !== 'credential' || credential.endedAt !== null) {
          throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
        }
        const principal = this.#states.get(`principal ${credential.principal}`);
        return { ok: true, principal, credential, position: this.#position() };
      },
    });
  }
}

function keyOf(state: RightsState): string {
  return `${state.kind} ${state.id}`;
}

function subjectOf(message: LogMessage): string {
  if (message.kind === 'rights') {
    const { kind, id } = message.state;
    return kind === 'register' || kind === 'schema'
      ? formatCatalogueSubject(kind, id)
      : formatRightsSubject(kind, id);
  }
  return formatObjectSubject({
    organisation: message.organisation,
    register: message.register.slug,
    schema: message.schema.slug,
    uuid: message.uuid,
    action: message.action,
  });
}

const provenance = () => ({
  time: formatTimestamp(Date.now()),
  actor: null,
  correlationId: `request-${Date.now()}`,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
});

export function rightsMessage(state: RightsState): LogMessage {
  return { kind: 'rights', ...provenance(), state };
}

export function objectMessage(action: ObjectAction, before: Row | null, after: Row | null): ObjectMessage {
  const row = after ?? before;
  if (row === null) throw new TypeError('a change has at least one image');
  return {
    kind: 'object',
    action,
    uuid: row.uuid,
    register: row.register,
    schema: row.schema,
    organisation: row.organisation,
    version: action === 'deleted' ? row.version + 1 : row.version,
    ...provenance(),
    before: before === null ? null : image(before),
    after: after === null ? null : image(after),
  };
}

function image(row: Row): NonNullable<ObjectMessage['after']> {
  return {
    ...row.properties,
    _uuid: row.uuid,
    _register: row.register.slug,
    _schema: row.schema.slug,
    _organisation: row.organisation,
    _owner: row.owner,
    _version: row.version,
    _created: '2026-01-01T00:00:00.000Z',
    _updated: formatTimestamp(Date.now()),
  };
}
