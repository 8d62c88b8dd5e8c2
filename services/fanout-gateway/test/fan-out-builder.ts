import { ALWAYS } from '@tidewire/condition';
import type {
  Authorization,
  ObjectImage,
  ObjectMessage,
  Policy,
  Principal,
  Property,
  PropertyAuthorization,
  Scopes,
} from '@tidewire/contract';
import { RightsView, decideAccess } from '@tidewire/policy';
import type { Decision } from '@tidewire/policy';
import { createManualClock } from '@tidewire/service-kit';
import type { ManualClock } from '@tidewire/service-kit';
import type { Connection, Sink } from '../src/delivery/connection.ts';
import type { Scheduler } from '../src/delivery/scheduler.ts';
import { FanOut } from '../src/fanout/fan-out.ts';
import type { FanOutOptions } from '../src/fanout/fan-out.ts';
import type { ObjectEntry, Subscription, SubscriptionRequest } from '../src/fanout/subscription.ts';

/** For tests only: ids, rights, events, and sinks that can be read. */
export const EPOCH = '0abcdefg';
export const SOURCE = 'https://example.test';
export const TYPE_PREFIX = 'nl.conduction.openregister';

/** The n-th UUID of a kind; the kind is one hexadecimal digit. */
export function uuid(kind: string, n: number): string {
  return `${kind.repeat(8)}-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

export const REGISTER = uuid('a', 1);
export const SCHEMA = uuid('b', 1);
export const ORGANISATION = uuid('c', 1);
export const OTHER_ORGANISATION = uuid('c', 2);

export interface SchemaSpec {
  readonly id?: string;
  readonly register?: string;
  readonly properties: readonly string[];
  readonly authorization?: Authorization;
  readonly propertyRules?: Readonly<Record<string, PropertyAuthorization>>;
  readonly version?: number;
}

/** Rights for some schemas of two organisations. */
export function createRights(...schemas: readonly SchemaSpec[]): RightsView {
  const view = new RightsView();
  for (const id of [ORGANISATION, OTHER_ORGANISATION]) {
    const slug = `org-${id.slice(-1)}`;
    view.loadState(
      [{ kind: 'organisation', id, slug, name: slug, parent: null, version: 1, removed: false }],
      1,
    );
  }
  for (const schema of schemas) addSchema(view, schema);
  return view;
}

/** Adds a schema and its policy, or replaces them when the version is higher. */
export function addSchema(view: RightsView, spec: SchemaSpec): void {
  const { id = SCHEMA, register = REGISTER, version = 1 } = spec;
  const properties = Object.fromEntries(
    spec.properties.map((name) => [name, TYPES[name] ?? { type: 'string' as const }]),
  );
  const named = { title: '', description: '', version, removed: false };
  const policy = (target: 'register' | 'schema', of: string): Policy => ({
    kind: 'policy',
    target,
    id: of,
    version,
    authorization: target === 'schema' ? (spec.authorization ?? { read: ['public'] }) : null,
    properties: target === 'schema' ? (spec.propertyRules ?? {}) : {},
    roles: [],
    removed: false,
  });
  view.loadState(
    [
      { kind: 'register', id: register, slug: 'people', ...named },
      {
        kind: 'schema',
        id,
        slug: `s${id.slice(-1)}`,
        register,
        table: `t${id.slice(-1)}`,
        properties,
        required: [],
        ...named,
      },
      policy('register', register),
      policy('schema', id),
    ],
    version,
  );
}

const TYPES: Readonly<Record<string, Property>> = {
  amount: { type: 'number' },
  until: { type: 'string', format: 'date-time' },
};

export function principal(
  id: string,
  spec: Partial<Principal> & { readonly group?: readonly string[] } = {},
): Principal {
  const { group = [], ...rest } = spec;
  const organisation = spec.activeOrganisation ?? ORGANISATION;
  return {
    kind: 'principal',
    id,
    name: id,
    admin: false,
    organisations: [organisation],
    activeOrganisation: organisation,
    groups: group.map((name) => ({ organisation, group: name })),
    version: 1,
    removed: false,
    ...rest,
  };
}

export function decide(view: RightsView, who: Principal | null, schema = SCHEMA, scopes?: Scopes): Decision {
  return decideAccess({ view, principal: who, schema, action: 'read', ...(scopes && { scopes }) });
}

/** A request to see all of a schema that the principal may see. */
export function request(
  view: RightsView,
  who: Principal,
  spec: Partial<SubscriptionRequest> = {},
): SubscriptionRequest {
  return {
    topics: [{ kind: 'schema', schemaId: SCHEMA }],
    decisionFor: ({ schemaId }) => decide(view, who, schemaId),
    filter: ALWAYS,
    fields: undefined,
    events: undefined,
    actorOrganisations: who.admin ? 'all' : who.organisations,
    ...spec,
  };
}

export interface ImageSpec {
  readonly uuid?: string;
  readonly organisation?: string | null;
  readonly owner?: string | null;
  readonly version?: number;
  readonly updated?: string;
  readonly schema?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

export function image(spec: ImageSpec = {}): ObjectImage {
  const system = {
    _uuid: spec.uuid ?? uuid('d', 1),
    _register: 'people',
    _schema: `s${(spec.schema ?? SCHEMA).slice(-1)}`,
    _organisation: spec.organisation === undefined ? ORGANISATION : spec.organisation,
    _owner: spec.owner ?? null,
    _version: spec.version ?? 1,
    _created: '2026-01-01T00:00:00.000Z',
    _updated: spec.updated ?? '2026-01-01T00:00:00.000Z',
  };
  // As JSON.parse makes it, so that `__proto__` is a member like any other.
  return JSON.parse(
    `{${membersOf({ ...system })}${separator(spec)}${membersOf(spec.properties ?? {})}}`,
  ) as ObjectImage;
}

function membersOf(members: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(members).slice(1, -1);
}

function separator({ properties }: ImageSpec): string {
  return properties === undefined || Object.keys(properties).length === 0 ? '' : ',';
}

/** The event that leads from one image to the other; its action follows from which of them is there. */
export function change(
  before: ObjectImage | null,
  after: ObjectImage | null,
  spec: Partial<ObjectMessage> = {},
): ObjectMessage {
  const known = after ?? before;
  const schema = spec.schema ?? { id: SCHEMA, slug: known?._schema ?? 's1' };
  return {
    kind: 'object',
    action: before === null ? 'created' : after === null ? 'deleted' : 'updated',
    uuid: known?._uuid ?? uuid('d', 1),
    register: { id: REGISTER, slug: 'people' },
    schema,
    organisation: known?._organisation ?? null,
    version: known?._version ?? 1,
    time: '2026-01-01T00:00:00.000Z',
    actor: { id: 'writer', name: 'Writer', organisation: ORGANISATION },
    correlationId: 'c-1',
    traceparent: 'secret-trace',
    before,
    after,
    ...spec,
  };
}

export function entry(sequence: number, message: ObjectMessage, epoch = EPOCH): ObjectEntry {
  return { epoch, sequence, message };
}

/** Time that stands still, and turns that come when they are asked for. */
export interface TestScheduler extends ManualClock, Scheduler {
  /** Runs the turns that are due now, not those that they bring about. Returns whether there were any. */
  turn(): boolean;
  /** Runs turns until none is due. */
  settle(): void;
}

export function createTestScheduler(): TestScheduler {
  let due: (() => void)[] = [];
  const turn = (): boolean => {
    const now = due;
    due = [];
    for (const run of now) run();
    return now.length > 0;
  };
  return {
    ...createManualClock(),
    setImmediate: (run) => void due.push(run),
    turn,
    settle: () => {
      while (turn());
    },
  };
}

/** One message of a stream, as a client reads it. `data` is parsed; a heartbeat has no event. */
export interface ReadMessage {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: unknown;
}

/** A socket in memory. Drains by itself unless it is told to keep what it is given. */
export class TestSink implements Sink {
  readonly written: Buffer[] = [];
  stalled = false;
  queued = 0;
  resets = 0;
  refuses = false;

  write(bytes: Buffer): void {
    if (this.refuses) throw new Error('write after end');
    this.written.push(bytes);
    if (this.stalled) this.queued += bytes.length;
  }

  queuedBytes(): number {
    return this.queued;
  }

  reset(): void {
    this.resets += 1;
  }

  /** Everything that was written, chunk by chunk and message by message. */
  messages(): ReadMessage[] {
    return readStream(Buffer.concat(this.written));
  }

  /** Messages that are events of objects. */
  events(): ReadMessage[] {
    return this.messages().filter(({ event }) => event?.startsWith('object.') === true);
  }
}

/** Reads a chunked SSE stream as a client does; throws when a chunk or a message is not whole. */
export function readStream(bytes: Buffer): ReadMessage[] {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const length = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16);
    const body = bytes.subarray(lineEnd + 2, lineEnd + 2 + length);
    if (
      body.length !== length ||
      bytes.subarray(lineEnd + 2 + length, lineEnd + 4 + length).toString() !== '\r\n'
    ) {
      throw new Error('broken chunk');
    }
    text += body.toString('utf8');
    at = lineEnd + 4 + length;
  }
  if (text !== '' && !text.endsWith('\n\n')) throw new Error('broken message');
  return text.split('\n\n').slice(0, -1).map(readMessage);
}

function readMessage(text: string): ReadMessage {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
  }
  const data = fields.get('data');
  return {
    id: fields.get('id'),
    event: fields.get('event'),
    data: data === undefined ? undefined : JSON.parse(data),
  };
}

export interface TestFanOut {
  readonly fanOut: FanOut;
  readonly scheduler: TestScheduler;
  readonly failures: unknown[];
  /** Adds a connection with one subscription. */
  readonly open: (
    who: Principal,
    wish: SubscriptionRequest,
    tick?: 0 | 1,
  ) => { readonly sink: TestSink; readonly connection: Connection; readonly subscription: Subscription };
  /** Publishes and lets everything be written. */
  readonly publish: (...entries: readonly ObjectEntry[]) => void;
}

export function createTestFanOut(options: Partial<FanOutOptions> = {}): TestFanOut {
  const scheduler = (options.scheduler as TestScheduler | undefined) ?? createTestScheduler();
  const failures: unknown[] = [];
  const fanOut: FanOut = new FanOut({
    scheduler,
    events: { source: SOURCE, typePrefix: TYPE_PREFIX },
    start: { epoch: EPOCH, sequence: 0 },
    oldest: () => ({ epoch: EPOCH, sequence: 0 }),
    fresh: () => true,
    joinWindowMs: 20,
    sliceSize: 1000,
    heartbeatIntervalMs: 15_000,
    timeRuleResyncMs: 60_000,
    budget: { maxQueuedBytes: 1024 * 1024, maxQueuedEvents: 10_000, stallMs: 30_000 },
    scanLimits: { perProcess: 2000, perPrincipal: 200 },
    onFailure: (error) => failures.push(error),
    onNoRoom: (connection) => fanOut.removeConnection(connection),
    ...options,
  });
  let connections = 0;
  return {
    fanOut,
    scheduler,
    failures,
    open: (who, wish, tick = 0) => {
      const sink = new TestSink();
      const id = `k${(connections += 1)}`;
      const connection = fanOut.addConnection({
        id,
        principalId: who.id,
        sink,
        wire: 'sse',
        subscription: '',
        tick,
      });
      return { sink, connection, subscription: fanOut.subscribe(connection, wish) };
    },
    publish: (...entries) => {
      for (const each of entries) fanOut.publish(each);
      scheduler.settle();
    },
  };
}
