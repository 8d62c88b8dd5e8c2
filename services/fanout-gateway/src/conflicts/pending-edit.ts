import { unknownField } from '@tidewire/condition';
import { TidewireError, parseTimestamp } from '@tidewire/contract';
import type { PendingEdit } from '@tidewire/contract';
import { readableOnAnyRow } from '@tidewire/policy';
import type { Decision, RightsView } from '@tidewire/policy';
import { decideRead } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import { resolveTable } from '../rights/resolve-table.ts';
import type { Peer } from '../transports/peer.ts';

/** What a client said that it is editing, in the words of the log. */
export interface ReadEdit {
  readonly schemaId: string;
  /** Slug of the table. */
  readonly table: string;
  readonly recordId: string;
  /** Properties, each once, in the schema's order. */
  readonly fields: readonly string[];
  /** When the record that was read had been written: milliseconds since 1970. */
  readonly readMs: number;
}

/**
 * `looking`: what happened since the record was read is being looked up. `live`: nothing is left to look at before the next
 * event. `due`: an event came and is looked at in this process's next turn.
 */
export type EditState = 'looking' | 'live' | 'due';

/** An edit of one connection that is being followed. */
export interface Edit extends ReadEdit {
  readonly peer: Peer;
  /** The log that the positions below are of. */
  readonly epoch: string;
  /** Nothing up to here is of interest any more: it is older than what was read, or it was looked at. */
  from: number;
  state: EditState;
  /** The first write of the record that is later than what was read; 1 where that cannot be known. */
  firstNewer: number | undefined;
  /** Settled, replaced, or its connection ended. */
  over: boolean;
}

/**
 * Reads an announcement. Whether the record is there, and for this reader, is not looked at: whoever announces learns
 * nothing of it.
 *
 * @throws TidewireError NOT_FOUND for the table, UNKNOWN_FIELD for fields, each in the same words for what is absent and
 * for what this reader may not see; VALIDATION_ERROR for an `updatedAt` that is no timestamp.
 */
export function readEdit(view: RightsView, reader: Reader, edit: PendingEdit): ReadEdit {
  const { table, interest } = resolveTable(view, reader, edit.table);
  // A table is a schema: its interest is never of another kind.
  const schemaId = interest.kind === 'schema' ? interest.schemaId : '';
  const fields = readFields(decideRead(view, reader, schemaId), new Set(edit.fields));
  const readMs = parseTimestamp(edit.updatedAt);
  if (readMs === undefined) {
    const message = "'updatedAt' must be the timestamp that the record had when it was read";
    throw new TidewireError('VALIDATION_ERROR', message, { errors: [{ field: 'updatedAt', message }] });
  }
  return { schemaId, table, recordId: edit.recordId, fields, readMs };
}

/** The schema's own names, so that those of a client are not kept. System members are nobody's to edit. */
function readFields(decision: Decision, wanted: ReadonlySet<string>): readonly string[] {
  const readable = decision.allowed
    ? decision.reads.names.filter((name) => wanted.has(name) && readableOnAnyRow(decision, name))
    : [];
  const problems = [...wanted].filter((field) => !readable.includes(field)).map(unknownField);
  if (problems.length === 0) return readable;
  throw new TidewireError('UNKNOWN_FIELD', problems.map(({ message }) => message).join('; '), {
    errors: problems.map(({ field, message }) => ({ field, message })),
  });
}
