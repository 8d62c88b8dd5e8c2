import { randomUUID } from 'node:crypto';
import type {
  Actor,
  Credential,
  LogPosition,
  ObjectMessage,
  PendingEdit,
  Principal,
  StreamMessage,
} from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import type { RightsView } from '@tidewire/policy';
import { ANONYMOUS } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import { PendingEdits } from '../src/conflicts/pending-edits.ts';
import { ReplayRing } from '../src/log/ring.ts';
import type { Peer } from '../src/transports/peer.ts';
import {
  EPOCH,
  ORGANISATION,
  change,
  createTestScheduler,
  image,
  principal,
  uuid,
} from './fan-out-builder.ts';
import type { ImageSpec, SchemaSpec, TestScheduler } from './fan-out-builder.ts';

export const RECORD = uuid('d', 1);
export const READ = '2026-01-01T00:00:00.000Z';
const PROPERTIES = ['title', 'secret', 'maybe', 'status', '__proto__', 'constructor', 'until'];

/** Members read everything; `secret` nobody, `maybe` only while the record is open. */
export const EDITED: SchemaSpec = {
  properties: PROPERTIES,
  authorization: { read: ['authenticated'] },
  propertyRules: {
    secret: { read: [] },
    maybe: { read: [{ group: 'authenticated', match: { status: 'open' } }] },
  },
};

export const alice = principal('alice');
export const bob: Actor = { id: 'bob', name: 'Bob', organisation: ORGANISATION };
export const at = (ms: number): string => new Date(Date.parse(READ) + ms).toISOString();
/** The announcement of {@link RECORD}. */
export function pending(fields: readonly string[], spec: Partial<PendingEdit> = {}): PendingEdit {
  return { type: 'pending', table: 't1', recordId: RECORD, fields: [...fields], updatedAt: READ, ...spec };
}

export interface WriteSpec extends Partial<ObjectMessage> {
  readonly from?: ImageSpec;
  readonly to?: ImageSpec;
  /** Milliseconds after what was read. */
  readonly later?: number;
}

/** An update of {@link RECORD} by {@link bob}. */
export function write(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  { from, to, later = 1, ...spec }: WriteSpec = {},
): ObjectMessage {
  return change(
    image({ properties: before, updated: at(later - 1), ...from }),
    image({ properties: after, updated: at(later), ...to }),
    { actor: bob, ...spec },
  );
}

export const reads = (read: unknown): SchemaSpec => ({ ...EDITED, authorization: { read } as never });

/** An update of the title alone. */
export const title = (a: string, b: string, spec: WriteSpec = {}): ObjectMessage =>
  write({ title: a, status: 'open' }, { title: b, status: 'open' }, spec);
export type Conflict = Extract<StreamMessage, { type: 'conflict' }>;

/** A connection that keeps what it is told. */
export class TestPeer implements Peer {
  readonly id: string;
  readonly reader: Reader;
  open = true;
  readonly told: StreamMessage[] = [];
  /** Called with each message before it is kept. */
  onTold: (message: StreamMessage) => void = () => undefined;

  constructor(id: string, reader: Reader) {
    this.id = id;
    this.reader = reader;
  }

  tell(message: StreamMessage): void {
    if (!this.open) return;
    this.onTold(message);
    // As a client reads it.
    this.told.push(JSON.parse(JSON.stringify(message)) as StreamMessage);
  }

  get conflicts(): readonly Conflict[] {
    return this.told.filter((message) => message.type === 'conflict');
  }
}

/** Pending edits over a log in memory, of which the ring holds everything that is written here. */
export class EditingWorld {
  readonly view: RightsView;
  readonly scheduler: TestScheduler = createTestScheduler();
  readonly errors: unknown[] = [];
  readonly edits: PendingEdits;
  fresh = true;
  position: LogPosition = { epoch: EPOCH, sequence: 0 };
  #peers = 0;

  constructor(view: RightsView, options: { readonly maxEvents?: number; readonly maxEdits?: number } = {}) {
    const { maxEvents = 10_000, ...rest } = options;
    this.view = view;
    const ring = new ReplayRing({ maxEvents, maxBytes: 1 << 30 });
    const isFresh = (): boolean => this.fresh;
    const position = (): LogPosition => this.position;
    this.edits = new PendingEdits({
      // A bus that is not connected: looking into the stored log fails.
      bus: {} as MessageBus,
      ring,
      feed: {
        get fresh() {
          return isFresh();
        },
        get position() {
          return position();
        },
      },
      view: () => view,
      scheduler: this.scheduler,
      logger: { error: (_, fields) => void this.errors.push(fields), debug: () => undefined },
      ...rest,
    });
    this.#ring = ring;
  }

  readonly #ring: ReplayRing;

  /** A connection of a principal, who has to be held by the view only once. */
  peer(who: Principal | null): TestPeer {
    this.#peers += 1;
    return new TestPeer(uuid('e', this.#peers), who === null ? ANONYMOUS : this.#hold(who));
  }

  /** Applies events in one go, and tells of them when `deliver`. */
  apply(messages: readonly ObjectMessage[], deliver = true): void {
    for (const message of messages) {
      this.position = { epoch: EPOCH, sequence: this.position.sequence + 1 };
      const entry = { ...this.position, message };
      this.#ring.push({ ...entry, subject: 'events.x', problem: undefined, bytes: 100 });
      if (deliver) this.edits.onEvent(entry);
    }
  }

  /** Applies events, and runs the turns that follow. */
  write(...messages: readonly ObjectMessage[]): void {
    this.apply(messages);
    this.scheduler.settle();
  }

  /** Lets what waits for promises go on. */
  async rest(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) {
      this.scheduler.settle();
      await new Promise((resolve) => void setImmediate(resolve));
    }
  }

  #hold(who: Principal): Reader {
    const credential: Credential = {
      kind: 'credential',
      id: randomUUID(),
      type: 'token',
      principal: who.id,
      scopes: null,
      expiresAt: null,
      endedAt: null,
      version: 1,
    };
    const held = this.view.hold({ principal: who, credential, position: { sequence: 1 } }, 0);
    if (!held.ok) throw new Error(held.reason);
    return { principalId: who.id, credentialId: credential.id };
  }
}
