import type { LogPosition, ObjectMessage, RightsState } from '@tidewire/contract';
import type { LogEntry } from '@tidewire/messaging';
import type { RightsView } from '@tidewire/policy';
import { inTransaction } from '@tidewire/service-kit';
import type { Clock, Pool, PoolClient } from '@tidewire/service-kit';
import { writeChanges } from './change-repository-postgres.ts';
import { holdFollowers, readFollowers, removeFollowers } from './follower-repository-postgres.ts';
import type { Followers } from './followers.ts';
import { FoundChanges } from './found-changes.ts';
import type { Hearers } from './found-changes.ts';
import { beginAnew } from './progress-repository-postgres.ts';
import { exchangeSights, forgetSights, writeFirstSights } from './sight-repository-postgres.ts';
import { schemaIds } from './sights.ts';

export interface ChangeStoreOptions {
  readonly pool: Pool;
  readonly clock: Pick<Clock, 'now'>;
  readonly followers: Followers;
  readonly view: () => RightsView;
  /** Called in the transaction that writes what was found, whether that is new or not. */
  readonly onFound: (client: PoolClient, epoch: string, found: FoundChanges) => Promise<void>;
  /** Called in the transaction that says that it is not known what changed. */
  readonly onUnknown: (client: PoolClient, position: LogPosition) => Promise<void>;
  /** Called in the transaction that forgets principals that were removed. */
  readonly onRemoved: (client: PoolClient, principals: readonly string[]) => Promise<void>;
  /** Who is told of each event elsewhere, read in that transaction; absent: nobody. */
  readonly hearers?: ((client: PoolClient) => Promise<Hearers>) | undefined;
}

/** What was written, and for whom it was new. */
export interface WrittenChanges {
  readonly principals: readonly string[];
  readonly found: FoundChanges;
}

/** Followers were added or removed since they were loaded: what was judged is judged again. */
const MOST_ROUNDS = 10;

/** Finds out for whom entries of the log are something new, and writes that down. */
export class ChangeStore {
  readonly #options: ChangeStoreOptions;

  constructor(options: ChangeStoreOptions) {
    this.#options = options;
  }

  /**
   * Deals with entries that the view has applied: when this resolves, what changed is written down for every follower. Says for
   * whom that was new; dealing with the same again finds nothing new.
   *
   * @throws when the database or authz cannot be asked: nothing was written then.
   */
  async write(epoch: string, entries: readonly LogEntry[]): Promise<WrittenChanges> {
    const written = await this.#withFollowers((client) => this.#writeHeld(client, epoch, entries));
    await this.#forgetRemoved(entries);
    return written;
  }

  /**
   * What happened up to a position is not known: everybody has to fetch everything. Says whom to tell; nobody, when somebody
   * else has said so.
   */
  async beginAnew({ epoch, sequence }: LogPosition): Promise<WrittenChanges> {
    return await this.#withFollowers(async (client) => {
      const found = new FoundChanges(await this.#options.hearers?.(client));
      const { followers, view } = this.#options;
      if (!(await beginAnew(client, epoch, sequence))) return { principals: [], found };
      await forgetSights(client);
      const sights = followers.sightsOf(followers.principals(), schemaIds(view()));
      await writeFirstSights(client, { sequence: view().sequence, sights });
      await this.#options.onUnknown(client, { epoch, sequence });
      return { principals: [...followers.principals()], found };
    });
  }

  /** Runs in a transaction during which nobody comes or goes. */
  async #withFollowers<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const { pool, followers } = this.#options;
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      await this.#load();
      const done = await inTransaction(pool, {}, async (client) =>
        followers.isCurrent(await holdFollowers(client)) ? { result: await work(client) } : undefined,
      );
      if (done !== undefined) return done.result;
    }
    throw new Error('followers come and go too quickly');
  }

  async #load(): Promise<void> {
    const { pool, followers } = this.#options;
    const set = await readFollowers(pool);
    if (followers.isCurrent(set.version)) return;
    const gone = await followers.load(set);
    if (gone.length > 0) await inTransaction(pool, {}, (client) => removeFollowers(client, gone));
  }

  async #writeHeld(client: PoolClient, epoch: string, entries: readonly LogEntry[]): Promise<WrittenChanges> {
    const found = new FoundChanges(await this.#options.hearers?.(client));
    for (const { message, sequence } of entries) {
      if (message?.kind === 'object') this.#judge(found, message, sequence);
      else if (message?.kind === 'rights') await this.#compare(client, found, message.state, sequence);
    }
    const principals = await writeChanges(client, epoch, found.list());
    if (found.size > 0) await this.#options.onFound(client, epoch, found);
    return { principals, found };
  }

  async #forgetRemoved(entries: readonly LogEntry[]): Promise<void> {
    const removed = entries.flatMap(({ message }) =>
      message?.kind === 'rights' && message.state.kind === 'principal' && message.state.removed
        ? [message.state.id]
        : [],
    );
    if (removed.length === 0) return;
    await inTransaction(this.#options.pool, {}, async (client) => {
      await removeFollowers(client, removed);
      await this.#options.onRemoved(client, removed);
    });
  }

  #judge(found: FoundChanges, message: ObjectMessage, sequence: number): void {
    const { followers, clock } = this.#options;
    const { classes } = followers;
    if (message.unencodable === true) {
      const { register, schema } = message;
      const collection = { register: register.slug, schema: schema.slug };
      for (const { principalId } of classes.knowing(schema.id)) {
        if (principalId !== null) found.addBatch(principalId, collection, sequence);
      }
      return;
    }
    for (const [{ principalId }, action] of classes.judge(message, clock.now())) {
      if (principalId !== null) found.addEvent(principalId, message, sequence, action);
    }
  }

  /** A change of rights is something new for those who see something else by it. */
  async #compare(
    client: PoolClient,
    found: FoundChanges,
    state: RightsState,
    sequence: number,
  ): Promise<void> {
    const { followers, view } = this.#options;
    const { principals, schemas } = concernedBy(state, view(), followers);
    const sights = followers.sightsOf(principals, schemas);
    for (const { principal, schema: id } of await exchangeSights(client, {
      sequence: view().sequence,
      sights,
    })) {
      const schema = view().schema(id);
      const register = schema && view().register(schema.register);
      if (schema === undefined || register === undefined) continue;
      found.addSight(principal, { register: register.slug, schema: schema.slug }, sequence);
    }
  }
}

interface Concerned {
  readonly principals: Iterable<string>;
  readonly schemas: readonly string[];
}

/** Those whose sight of some schemas may be another by a change of rights. */
function concernedBy(state: RightsState, view: RightsView, followers: Followers): Concerned {
  switch (state.kind) {
    case 'schema':
      return { principals: followers.principals(), schemas: [state.id] };
    case 'register':
      return { principals: followers.principals(), schemas: schemaIds(view, state.id) };
    case 'policy': {
      const schemas = state.target === 'schema' ? [state.id] : schemaIds(view, state.id);
      return { principals: followers.principals(), schemas };
    }
    case 'organisation':
      return { principals: followers.principals(), schemas: schemaIds(view) };
    case 'principal':
      return { principals: followers.has(state.id) ? [state.id] : [], schemas: schemaIds(view) };
    case 'credential':
      return { principals: [], schemas: [] };
  }
}
