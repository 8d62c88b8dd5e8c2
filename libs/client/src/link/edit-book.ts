import type { ClientMessage, PendingEdit, RecordConflict, StreamMessage } from '@tidewire/contract';
import type { Clock } from '../runtime.ts';
import type { EditSink } from './link.ts';

type Announcement = Pick<PendingEdit, 'table' | 'recordId' | 'fields'>;

/** One record that is being edited, by however many: to the server it is one edit. */
interface EditedRecord {
  readonly table: string;
  readonly edits: Map<EditSink, readonly string[]>;
  /** The version that the last conflict told of: what was written before it needs not be told again. */
  told: string;
}

/** When an edit is announced again that the server could not follow. Milliseconds. */
const RETRY_MS = 5000;

/** The records that somebody here is editing. */
export class EditBook {
  readonly #clock: Clock;
  readonly #records = new Map<string, EditedRecord>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#records.size;
  }

  /** What a new connection has to be told. */
  get announcements(): readonly PendingEdit[] {
    return [...this.#records].map(announce);
  }

  add({ table, recordId, fields }: Announcement, sink: EditSink): PendingEdit {
    const record = this.#records.get(recordId) ?? { table, edits: new Map<EditSink, string[]>(), told: '' };
    record.edits.set(sink, fields);
    this.#records.set(recordId, record);
    return announce([recordId, record]);
  }

  /** What has to be said: that it is over, or what the others are still editing. */
  remove(recordId: string, sink: EditSink): ClientMessage | undefined {
    const record = this.#records.get(recordId);
    if (record?.edits.delete(sink) !== true) return undefined;
    if (record.edits.size > 0) return announce([recordId, record]);
    this.#records.delete(recordId);
    return { type: 'settled', table: record.table, recordId };
  }

  /** Tells those whose fields were overwritten. What is to be said in answer: they go on, on top of what they were told. */
  conflict(conflict: RecordConflict): PendingEdit | undefined {
    const { recordId, updatedAt } = conflict;
    const record = this.#records.get(recordId);
    if (record === undefined) return undefined;
    record.told = updatedAt;
    for (const [sink, fields] of record.edits) {
      const overwrittenFields = conflict.overwrittenFields.filter((name) => fields.includes(name));
      if (overwrittenFields.length > 0) sink.conflict({ ...conflict, overwrittenFields });
    }
    return this.#records.get(recordId) === record ? announce([recordId, record]) : undefined;
  }

  /** Whether the error was about an edit; one that cannot be followed at the moment is announced again later. */
  refuse(
    { code, detail }: Extract<StreamMessage, { type: 'error' }>,
    say: (edit: PendingEdit) => void,
  ): boolean {
    const recordId = detail?.find(({ field }) => field === 'recordId')?.message;
    if (recordId === undefined) return false;
    if (code === 'SERVICE_UNAVAILABLE') {
      this.#clock.setTimeout(() => {
        const record = this.#records.get(recordId);
        if (record !== undefined) say(announce([recordId, record]));
      }, RETRY_MS);
    }
    return true;
  }
}

/** All fields that anybody edits, since the oldest version that anybody has. */
function announce([recordId, { table, edits, told }]: [string, EditedRecord]): PendingEdit {
  const oldest = [...edits.keys()].map((sink) => sink.updatedAt()).sort()[0] ?? told;
  return {
    type: 'pending',
    table,
    recordId,
    fields: [...new Set([...edits.values()].flat())],
    updatedAt: oldest > told ? oldest : told,
  };
}
