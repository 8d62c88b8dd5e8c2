import { SIGNAL_SUBJECTS, pushChangedSchema } from '@tidewire/contract';
import type { ObjectMessage, PushAction, PushBody } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import type { RightsChange, RightsView } from '@tidewire/policy';
import { identify, knowsSchema } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import type { Clock, Timer } from '@tidewire/service-kit';
import type { LogFollower } from '../log/rights-log.ts';
import { batchBody, eventBody, messageNames } from '../push-body.ts';
import { ReaderClasses } from '../readers/reader-classes.ts';
import { Backlog } from './backlog.ts';

/** Somebody who is connected. */
export interface Listener extends Reader {
  /** Whether something was sent that it has not taken. */
  readonly holdsUnsent: boolean;
  /** Sends a message of a name with a body, now. */
  tell(name: string, body: PushBody): void;
  /** Says, not too often, that there are notifications. */
  remind(): void;
  end(): void;
}

export interface LiveWakeUpsOptions {
  readonly bus: MessageBus;
  readonly clock: Pick<Clock, 'now' | 'setInterval'>;
  readonly view: () => RightsView;
  /** Whether rights are level with the log: nobody is told anything otherwise. */
  readonly fresh: () => boolean;
}

const SETTLE_MS = 100;
/** Events that wait for rights that are level; more of them are told as "something of the collection". */
const MOST_WAITING = 10_000;

/**
 * Tells those who are connected what changed, as soon as the log says so. What is stored for them is told by those who stored it,
 * once it is there to be fetched.
 */
export class LiveWakeUps {
  readonly #options: LiveWakeUpsOptions;
  readonly #classes: ReaderClasses<Listener>;
  readonly #backlog = new Backlog(MOST_WAITING);
  readonly #off: (() => void)[] = [];
  #timer: Timer | undefined;

  constructor(options: LiveWakeUpsOptions) {
    this.#options = options;
    this.#classes = new ReaderClasses(options.view);
  }

  readonly log: LogFollower = {
    onEntry: ({ message }, change) => {
      this.#classes.rightsChanged(change);
      this.#cutUnsent(change);
      for (const id of change.endedCredentials) this.#endWhere(({ credentialId }) => credentialId === id);
      if (message.kind === 'object') this.#take(message);
      else if (message.state.kind === 'principal' && message.state.removed) {
        for (const listener of this.#classes.ofPrincipal(message.state.id)) listener.end();
      }
    },
    // Whoever is connected was admitted to rights that are not kept up to date any more.
    onLoaded: () => {
      this.#classes.reset();
      this.#backlog.clear();
      this.#endWhere(() => true);
    },
  };

  start(): void {
    const { bus, clock } = this.#options;
    this.#off.push(
      bus.onSignal(SIGNAL_SUBJECTS.pushChanged, (payload) => this.#changed(payload)),
      // What others stored meanwhile was not heard of here.
      bus.onStatus((status) => {
        if (status === 'reconnected') for (const listener of this.#classes.all()) listener.remind();
      }),
    );
    this.#timer = clock.setInterval(() => this.#settle(), SETTLE_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    for (const off of this.#off) off();
  }

  /** Tells somebody from now on. */
  add(listener: Listener): void {
    this.#classes.add(listener);
  }

  remove(listener: Listener): void {
    this.#classes.remove(listener);
  }

  /** What somebody was sent by other rights, and has not taken, is not for it any more: it comes back, and asks what changed. */
  #cutUnsent({ schemas, principals, credentials }: RightsChange): void {
    if (schemas.size + principals.size + credentials.size === 0) return;
    this.#endWhere(
      (listener) =>
        listener.holdsUnsent &&
        (schemas.size > 0 ||
          principals.has(listener.principalId ?? '') ||
          credentials.has(listener.credentialId ?? '')),
    );
  }

  #take(message: ObjectMessage): void {
    if (this.#classes.size === 0) return;
    this.#backlog.push(message);
    this.#settle();
  }

  #settle(): void {
    if (this.#backlog.empty || !this.#options.fresh()) return;
    const { events, collections } = this.#backlog.take();
    for (const { id, register, schema } of collections) this.#tellBatch(id, { register, schema });
    for (const event of events) this.#tell(event);
  }

  #tell(message: ObjectMessage): void {
    const { register, schema } = message;
    if (message.unencodable === true) {
      this.#tellBatch(schema.id, { register: register.slug, schema: schema.slug });
      return;
    }
    const hints = new Map<PushAction, Hint>();
    for (const [listener, action] of this.#classes.judge(message, this.#options.clock.now())) {
      const hint = hints.get(action) ?? hintOf(eventBody(message, action));
      hints.set(action, hint);
      tell(listener, hint);
    }
  }

  #tellBatch(schemaId: string, collection: { register: string; schema: string }): void {
    const hint = hintOf(batchBody(collection));
    for (const listener of this.#classes.knowing(schemaId)) tell(listener, hint);
  }

  #changed(payload: unknown): void {
    const { principals, collection } = pushChangedSchema.parse(payload);
    for (const principal of principals) {
      for (const listener of this.#classes.ofPrincipal(principal)) {
        if (collection !== undefined && this.#mayHear(listener, collection)) {
          tell(listener, hintOf(batchBody(collection)));
        }
        listener.remind();
      }
    }
  }

  /** What the principal sees of it was changed; a limited credential of it may be for something else. */
  #mayHear(listener: Listener, { register, schema }: { register: string; schema: string }): boolean {
    const view = this.#options.view();
    if (!this.#options.fresh()) return false;
    const identity = identify(view, listener);
    if (identity === undefined) return false;
    if (identity.scopes === null) return true;
    const found = view.schemaBySlug(register, schema);
    return found !== undefined && knowsSchema(view, listener, found.id);
  }

  #endWhere(isMeant: (listener: Listener) => boolean): void {
    for (const listener of this.#classes.all()) if (isMeant(listener)) listener.end();
  }
}

interface Hint {
  readonly body: PushBody;
  /** Those of the messages that bring it. */
  readonly names: readonly string[];
}

function hintOf(body: PushBody): Hint {
  return { body, names: messageNames(body) };
}

function tell(listener: Listener, { body, names }: Hint): void {
  for (const name of names) listener.tell(name, body);
}
