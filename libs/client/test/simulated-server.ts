import type { StreamMessage, TableRecord } from '@tidewire/contract';
import { ClientError } from '../src/client-error.ts';
import { createCompare } from '../src/sources/compare.ts';
import type { RecordList, RecordQuery, RecordsApi } from '../src/sources/records-api.ts';
import { toRow } from '../src/sources/rows.ts';
import type { LiveRow } from '../src/sources/source.ts';
import type { Handshake } from '../src/transports/transport.ts';
import type { ManualClock } from './manual-clock.ts';

interface LogEntry {
  readonly sequence: number;
  readonly before: TableRecord | undefined;
  readonly after: TableRecord | undefined;
}

/** The order that sources of the simulation ask for. */
export const ORDER = [{ field: 'rank', direction: 'desc' as const }];
const compare = createCompare(ORDER, ['number']);

/** A server with one table, whose rows are visible while they are `open`: the rules of PROTOCOL.md, in memory. */
export class SimulatedServer implements RecordsApi {
  readonly #clock: ManualClock;
  readonly #random: () => number;
  readonly #rows = new Map<string, TableRecord>();
  #log: LogEntry[] = [];
  #epoch = 10;
  #sequence = 0;
  #oldest = 0;
  #ids = 0;
  /** How requests fare. */
  trouble: 'none' | 'down' | 'lost-answers' = 'none';
  refusesWrites = false;
  lists = 0;

  constructor(clock: ManualClock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Which log it is: another one after {@link beginAnew}. */
  get epoch(): number {
    return this.#epoch;
  }

  get head(): string {
    return this.#position(this.#sequence);
  }

  get ids(): readonly string[] {
    return [...this.#rows.keys()];
  }

  /** The rows as a list has them. */
  rows(limit: number): readonly LiveRow[] {
    const visible = [...this.#rows.values()].filter(isOpen).map((record) => toRow(record));
    return visible.toSorted(compare).slice(0, limit);
  }

  write(
    id: string | undefined,
    fields: Readonly<Record<string, unknown>> | undefined,
  ): TableRecord | undefined {
    const before = id === undefined ? undefined : this.#rows.get(id);
    const name = id ?? `row-${String(++this.#ids).padStart(6, '0')}`;
    const after =
      fields === undefined
        ? undefined
        : {
            id: name,
            fields: { ...before?.fields, ...fields },
            createdAt: before?.createdAt ?? this.#stamp(),
            updatedAt: this.#stamp(),
          };
    if (before === undefined && after === undefined) return undefined;
    this.#sequence += 1;
    this.#log.push({ sequence: this.#sequence, before, after });
    if (after === undefined) this.#rows.delete(name);
    else this.#rows.set(name, after);
    return after;
  }

  /** The log forgets its beginning. */
  forget(): void {
    this.#oldest = Math.max(0, this.#sequence - Math.floor(this.#random() * 4));
    this.#log = this.#log.filter(({ sequence }) => sequence > this.#oldest);
  }

  /** The log is another one from now on. */
  beginAnew(): void {
    this.#epoch += 1;
    this.#log = [];
    this.#sequence = 0;
    this.#oldest = 0;
  }

  /** What a stream is told first, and the sequence from which it goes on. */
  open({ subscriptionId, lastEventId }: Handshake): {
    readonly messages: readonly StreamMessage[];
    readonly from: number;
  } {
    const subscribed: Extract<StreamMessage, { type: 'subscribed' }> = {
      type: 'subscribed',
      table: 'rows',
      subscriptionId,
      connectionId: '0d6f2c1b-4a53-4a9d-8f0e-6b1c2d3e4f50',
      sort: 'rank:desc',
      sortTypes: ['number'],
    };
    const from = lastEventId === undefined ? this.#sequence : this.#sequenceOf(lastEventId);
    if (from === undefined) {
      return {
        messages: [subscribed, this.resync(subscriptionId, 'expired')],
        from: this.#sequence,
      };
    }
    const behind = from < this.#sequence;
    return {
      messages: [behind ? subscribed : { ...subscribed, eventId: this.#position(from) }],
      from,
    };
  }

  resync(subscriptionId: string, reason: 'expired' | 'behind'): StreamMessage {
    return {
      type: 'resync',
      reason,
      oldest: this.#position(this.#oldest),
      current: this.head,
      scope: [subscriptionId],
    };
  }

  /** What a stream that is at `from` is told next, up to `to`; undefined when the log does not reach back that far. */
  next(subscriptionId: string, from: number, count: number): readonly [StreamMessage[], number] | undefined {
    if (from < this.#oldest || from > this.#sequence) return undefined;
    const entries = this.#log.filter(({ sequence }) => sequence > from).slice(0, count);
    const to = entries.at(-1)?.sequence ?? from;
    const messages = entries.flatMap((entry) => this.#tell(subscriptionId, entry));
    if (to === this.#sequence) {
      const timestamp = this.#stamp();
      messages.push({ type: 'heartbeat', subscriptionId, eventId: this.#position(to), timestamp });
    }
    return [messages, to];
  }

  async list(query: RecordQuery, _etag: string | undefined, signal: AbortSignal): Promise<RecordList> {
    this.lists += 1;
    await this.#travel(signal);
    const position = this.head;
    await this.#travel(signal);
    const rows = this.rows(1_000_000);
    const records = rows.slice(0, query.limit).map(({ id }) => this.#rows.get(id) as TableRecord);
    await this.#travel(signal);
    return { records, total: rows.length, position, etag: undefined };
  }

  async find(_table: string, id: string): Promise<TableRecord | null> {
    await this.#travel();
    return this.#rows.get(id) ?? null;
  }

  async create(_table: string, fields: object): Promise<TableRecord> {
    return await this.#do(() => this.write(undefined, { ...fields }));
  }

  async change(_table: string, id: string, fields: object, updatedAt: string): Promise<TableRecord> {
    return await this.#do(() => {
      const row = this.#rows.get(id);
      if (row === undefined) throw new ClientError('NOT_FOUND', 'gone', { status: 404 });
      if (row.updatedAt !== updatedAt) throw new ClientError('CONFLICT', 'stale', { status: 409 });
      return this.write(id, { ...fields });
    });
  }

  async remove(_table: string, id: string): Promise<void> {
    await this.#do(() => {
      if (!this.#rows.has(id)) throw new ClientError('NOT_FOUND', 'gone', { status: 404 });
      this.write(id, undefined);
      return {} as TableRecord;
    });
  }

  async #do(act: () => TableRecord | undefined): Promise<TableRecord> {
    await this.#travel();
    if (this.refusesWrites) throw new ClientError('FORBIDDEN', 'no', { status: 403 });
    const written = act();
    if (this.trouble === 'lost-answers') throw lost();
    await this.#travel();
    return written as TableRecord;
  }

  /** Requests and answers take their time, and may not arrive. */
  async #travel(signal?: AbortSignal): Promise<void> {
    if (this.trouble === 'down') throw lost();
    const delay = this.#random() < 0.5 ? 0 : this.#random() * 3000;
    if (delay > 0) await new Promise<void>((resolve) => void this.#clock.setTimeout(resolve, delay));
    if (signal?.aborted === true) throw lost();
  }

  #tell(subscriptionId: string, { sequence, before, after }: LogEntry): StreamMessage[] {
    const [was, is] = [before !== undefined && isOpen(before), after !== undefined && isOpen(after)];
    if (!was && !is) return [];
    const transition =
      is && after !== undefined
        ? was
          ? 'updated'
          : before === undefined
            ? 'created'
            : 'entered'
        : after === undefined
          ? 'deleted'
          : 'left';
    const record = is ? after : undefined;
    return [
      {
        type: 'change',
        event: is ? (was ? 'update' : 'insert') : 'delete',
        table: 'rows',
        recordId: (after ?? before)?.id ?? '',
        subscriptionId,
        eventId: this.#position(sequence),
        transition,
        ...(record !== undefined && { record }),
        timestamp: (after ?? before)?.updatedAt ?? '',
      },
    ];
  }

  #sequenceOf(eventId: string): number | undefined {
    const [, epoch, text] = eventId.split('-');
    const sequence = Number(text);
    if (epoch !== this.#epochText() || sequence < this.#oldest || sequence > this.#sequence) return undefined;
    return sequence;
  }

  #position(sequence: number): string {
    return `evt-${this.#epochText()}-${String(sequence).padStart(12, '0')}`;
  }

  #epochText(): string {
    return `epoch${this.#epoch}x`;
  }

  #ticks = 0;
  /** Later than every stamp before. */
  #stamp(): string {
    return new Date(1_700_000_000_000 + ++this.#ticks).toISOString();
  }
}

function isOpen({ fields }: TableRecord): boolean {
  return fields['open'] === true;
}

function lost(): ClientError {
  return new ClientError('NETWORK', 'no answer', { transient: true });
}
