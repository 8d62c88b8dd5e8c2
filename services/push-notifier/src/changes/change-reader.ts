import { PUSH_LIMITS, formatEventId, formatTimestamp, parseTopic } from '@tidewire/contract';
import type { LogPosition, PushChanges } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { identify, knowsSchema, unavailable } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import { inTransaction } from '@tidewire/service-kit';
import type { Pool, PoolClient } from '@tidewire/service-kit';
import { readChanges, readNotifications, dismissNotifications } from './change-repository-postgres.ts';
import type { StoredChange } from './change-repository-postgres.ts';
import { addFollower } from './follower-repository-postgres.ts';
import { readProgress } from './progress-repository-postgres.ts';
import { writeFirstSights } from './sight-repository-postgres.ts';
import { schemaIds, sightsOf } from './sights.ts';

export interface ChangeReaderOptions {
  readonly pool: Pool;
  readonly view: () => RightsView;
  /** Whether rights are level with the log. */
  readonly fresh: () => boolean;
  /** Up to where everything was dealt with. */
  readonly readDone: () => Promise<number>;
}

/** What followers are told when they ask. */
export class ChangeReader {
  readonly #options: ChangeReaderOptions;

  constructor(options: ChangeReaderOptions) {
    this.#options = options;
  }

  /** From now on it is written down what changes for this principal, if it was not already. It is held in the view. */
  async follow(id: string): Promise<void> {
    await inTransaction(this.#options.pool, {}, (client) => this.followWith(client, id));
  }

  /** The same in a transaction with something else. */
  async followWith(client: PoolClient, id: string): Promise<void> {
    const view = this.#options.view();
    const principal = view.principal(id);
    if (principal === undefined) throw unavailable('It is not known at the moment who asks');
    if (!(await addFollower(client, id))) return;
    const sights = sightsOf(view, principal, schemaIds(view));
    await writeFirstSights(client, { sequence: view.sequence, sights });
  }

  /**
   * What changed for a reader after a position; undefined: all that is remembered. `lastEventId` is what everything was dealt with
   * up to: what came after it is told now and again the next time, and nothing is passed over.
   *
   * @throws TidewireError SERVICE_UNAVAILABLE while rights are not level with the log, or it is not known how far it was read.
   */
  async read(reader: Reader & { principalId: string }, since: LogPosition | undefined): Promise<PushChanges> {
    const { pool, readDone } = this.#options;
    this.#requireFresh();
    await this.follow(reader.principalId);
    // In this order: whatever was dealt with up to there is written down.
    const acknowledged = await readDone();
    const progress = await readProgress(pool);
    if (progress === undefined) throw unavailable('It is not known yet what changed');
    const { epoch } = progress;
    const done = Math.max(acknowledged, progress.done);
    const resync = since !== undefined && (since.epoch !== epoch || since.sequence < progress.since);
    const after = since === undefined || resync ? -1 : since.sequence;
    const most = PUSH_LIMITS.changes;
    const rows = await readChanges(pool, reader.principalId, { epoch, sequence: after }, most + 1);
    const more = rows.length > most;
    const page = rows.slice(0, most);
    const end = more ? Math.min(done, page.at(-1)?.sequence ?? done) : done;
    const changes = page
      .filter((row) => this.#mayTell(reader, row))
      .map(({ topic, sequence, changedAt }) => ({
        topic,
        eventId: formatEventId({ epoch, sequence }),
        time: formatTimestamp(changedAt.getTime()),
      }));
    const lastEventId = formatEventId({ epoch, sequence: Math.max(end, after, 0) });
    return { changes, lastEventId, more, resync };
  }

  /** What changed and was not dealt with as a notification, the newest first. @throws as {@link read} */
  async readNotifications(reader: Reader & { principalId: string }): Promise<readonly StoredChange[]> {
    this.#requireFresh();
    await this.follow(reader.principalId);
    const rows = await readNotifications(this.#options.pool, reader.principalId, PUSH_LIMITS.changes);
    return rows.filter((row) => this.#mayTell(reader, row));
  }

  /** Deals with one notification, or with all (null). False when there is none of that id. */
  async dismiss({ principalId }: { principalId: string }, notification: string | null): Promise<boolean> {
    return await dismissNotifications(this.#options.pool, principalId, notification);
  }

  #requireFresh(): void {
    if (!this.#options.fresh()) throw unavailable('It is not known at the moment what changed');
  }

  /** What was found for the principal may be more than its limited credential is for. */
  #mayTell(reader: Reader, { topic }: Pick<StoredChange, 'topic'>): boolean {
    const view = this.#options.view();
    const identity = identify(view, reader);
    if (identity === undefined) return false;
    if (identity.scopes === null) return true;
    const parsed = parseTopic(topic);
    if (parsed?.kind !== 'schema') return false;
    const schema = view.schemaBySlug(parsed.register, parsed.schema);
    return schema !== undefined && knowsSchema(view, reader, schema.id);
  }
}
