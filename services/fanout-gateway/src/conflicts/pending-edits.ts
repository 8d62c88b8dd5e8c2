import { SOCKET_LIMITS, TidewireError } from '@tidewire/contract';
import type { PendingEdit } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import type { RightsView } from '@tidewire/policy';
import type { Logger } from '@tidewire/service-kit';
import type { Scheduler } from '../delivery/scheduler.ts';
import type { ObjectEntry } from '../fanout/subscription.ts';
import type { LogFeed } from '../log/log-feed.ts';
import type { ReplayRing } from '../log/ring.ts';
import type { Peer } from '../transports/peer.ts';
import { findConflict } from './conflict.ts';
import { EditIndex } from './edit-index.ts';
import { LookBack } from './look-back.ts';
import type { Past } from './look-back.ts';
import { readEdit } from './pending-edit.ts';
import type { Edit, ReadEdit } from './pending-edit.ts';
import type { RecordWrite } from './record-write.ts';

export interface PendingEditsOptions {
  readonly bus: MessageBus;
  readonly ring: ReplayRing;
  readonly feed: Pick<LogFeed, 'fresh' | 'position'>;
  readonly view: () => RightsView;
  readonly scheduler: Pick<Scheduler, 'now' | 'monotonic' | 'setTimeout' | 'setImmediate'>;
  readonly logger: Pick<Logger, 'error' | 'debug'>;
  /** Edits that this process follows at once. */
  readonly maxEdits?: number;
}

/** Some 500 bytes each. */
const MOST_EDITS = 50_000;

/**
 * What connections are editing, and who is told `conflict` when somebody else's write overwrites it. Each write is judged
 * once per edit, by the rights at the moment at which it is told: those found by looking back when an edit is announced,
 * and from there on those that the log brings.
 */
export class PendingEdits {
  readonly #options: PendingEditsOptions;
  readonly #edits = new EditIndex();
  readonly #lookBack: LookBack;
  readonly #due = new Set<Edit>();
  #told = 0;

  constructor(options: PendingEditsOptions) {
    this.#options = options;
    this.#lookBack = new LookBack({
      ...options,
      onFound: (edit, past) => this.#found(edit, past),
      onFailed: (edit, error) => this.#giveUp(edit, error),
    });
  }

  /** Edits that are followed now. */
  get size(): number {
    return this.#edits.size;
  }

  /** Conflicts that were told. */
  get told(): number {
    return this.#told;
  }

  /**
   * Follows what a connection is editing from what its client read on; replaces what it announced of the record before.
   *
   * @throws TidewireError NOT_FOUND, UNKNOWN_FIELD, VALIDATION_ERROR; TOO_MANY_SUBSCRIPTIONS for one record too many on
   * this connection; SERVICE_UNAVAILABLE while this process is behind, or follows as much as it can. Nothing changes then.
   */
  announce(peer: Peer, announced: PendingEdit): void {
    const { feed, view } = this.#options;
    if (!feed.fresh) throw unavailable('This server is not level with the event log');
    const read = readEdit(view(), peer.reader, announced);
    if (!peer.open) return;
    const before = this.#edits.find(peer, read.schemaId, read.recordId);
    if (before === undefined) this.#requireRoom(peer);
    else this.#forget(before);
    const { epoch, sequence } = feed.position;
    const from = before === undefined ? 0 : continueFrom(before, read, sequence);
    const edit: Edit = { ...read, peer, epoch, from, state: 'looking', firstNewer: undefined, over: false };
    this.#edits.add(edit);
    this.#look(edit);
  }

  /** The edit was saved or given up. What is not followed is settled already. */
  settle(peer: Peer, table: string, recordId: string): void {
    // Not looked up among the tables: it may be gone, or hidden from this reader by now.
    for (const edit of this.#edits.ofPeer(peer)) {
      if (edit.recordId !== recordId) continue;
      if (edit.table === table || edit.schemaId === table.toLowerCase()) this.#forget(edit);
    }
  }

  /** Whether anything that the connection is editing is followed. */
  isEditing(peer: Peer): boolean {
    return this.#edits.ofPeer(peer).size > 0;
  }

  /** The connection ended. */
  left(peer: Peer): void {
    for (const edit of this.#edits.ofPeer(peer)) this.#forget(edit);
  }

  /**
   * The next event of an object. Costs one look-up where nobody edits it. Judged in a turn of its own: when several events
   * are applied at once, nothing may leave before the rights among them are.
   */
  onEvent(entry: ObjectEntry): void {
    const edits = this.#edits.ofRecord(entry.message.uuid);
    if (edits === undefined) return;
    for (const edit of edits) {
      if (edit.schemaId !== entry.message.schema.id || edit.epoch !== entry.epoch) continue;
      if (edit.state === 'looking') this.#lookBack.note(edit, entry);
      if (edit.state !== 'live' || entry.sequence <= edit.from) continue;
      edit.state = 'due';
      edit.from = entry.sequence - 1;
      if (this.#due.size === 0) this.#options.scheduler.setImmediate(() => this.#turn());
      this.#due.add(edit);
    }
  }

  /**
   * Events were applied without {@link onEvent}: every edit is looked up again from where it was. To be called before this
   * process is level with the log again.
   */
  behind(): void {
    this.#lookBack.behind();
    for (const edit of this.#edits.all()) {
      if (edit.state !== 'looking') this.#lookLater(edit);
    }
  }

  stop(): void {
    this.#due.clear();
    this.#lookBack.stop();
  }

  #requireRoom(peer: Peer): void {
    const { maxPendingRecords } = SOCKET_LIMITS;
    if (this.#edits.ofPeer(peer).size >= maxPendingRecords) {
      throw new TidewireError(
        'TOO_MANY_SUBSCRIPTIONS',
        `At most ${maxPendingRecords} records can be pending on a connection`,
      );
    }
    const { maxEdits = MOST_EDITS } = this.#options;
    if (this.#edits.size >= maxEdits) throw unavailable('This server follows as many edits as it can');
  }

  #forget(edit: Edit): void {
    this.#edits.remove(edit);
    this.#lookBack.forget(edit);
  }

  #turn(): void {
    const due = [...this.#due];
    this.#due.clear();
    for (const edit of due) {
      if (edit.over || edit.state !== 'due') continue;
      this.#look(edit);
    }
  }

  #look(edit: Edit): void {
    if (!this.#options.feed.fresh || !this.#lookBack.now(edit)) this.#lookLater(edit);
  }

  #lookLater(edit: Edit): void {
    edit.state = 'looking';
    this.#lookBack.later(edit);
  }

  #found(edit: Edit, { writes, gap, to }: Past): void {
    // What came live is told write by write, what was looked up in one.
    const parts = edit.state === 'due' ? writes.map((write) => [write]) : [writes];
    edit.from = to;
    edit.state = 'live';
    edit.firstNewer ??= gap ? 1 : writes[0]?.entry.sequence;
    const newest = writes.at(-1);
    if (newest === undefined) return;
    for (const part of parts) this.#tell(edit, { writes: part, newest, gap });
  }

  #tell(edit: Edit, found: { writes: readonly RecordWrite[]; newest: RecordWrite; gap: boolean }): void {
    const { view, scheduler } = this.#options;
    if (edit.over || !edit.peer.open) return;
    try {
      const conflict = findConflict({ edit, ...found, view: view(), nowMs: scheduler.now() });
      if (conflict === undefined) return;
      this.#told += 1;
      edit.peer.tell(conflict);
    } catch (error) {
      this.#options.logger.error('conflict could not be judged', { schema: edit.schemaId, error });
      this.#drop(edit);
    }
  }

  #giveUp(edit: Edit, error: unknown): void {
    this.#options.logger.debug('past of a record could not be read', { schema: edit.schemaId, error });
    this.#drop(edit);
  }

  /** Says that an edit is not followed: its client may announce it again. */
  #drop(edit: Edit): void {
    if (edit.over) return;
    this.#forget(edit);
    const { recordId, table } = edit;
    edit.peer.tell({
      type: 'error',
      code: 'SERVICE_UNAVAILABLE',
      message: `What is pending of record '${recordId}' in '${table}' is not followed: announce it again`,
      detail: [{ field: 'recordId', message: recordId }],
    });
  }
}

/** Where to look from when an edit is announced again: what was found not to be later than what was read stays so. */
function continueFrom(before: Edit, read: ReadEdit, sequence: number): number {
  if (before.state === 'looking' || read.readMs < before.readMs) return 0;
  if (before.firstNewer !== undefined) return before.firstNewer - 1;
  return before.state === 'due' ? before.from : sequence;
}

function unavailable(message: string): TidewireError {
  return new TidewireError('SERVICE_UNAVAILABLE', message, { retryAfterSeconds: 1 });
}
