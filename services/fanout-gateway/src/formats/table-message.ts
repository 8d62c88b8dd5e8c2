import { TABLE_EVENT_OF, formatEventId } from '@tidewire/contract';
import type { LogPosition, ObjectMessage, Transition } from '@tidewire/contract';

/** A change of a record as one kind of reader may see it. */
export interface VisibleRecordChange {
  readonly position: LogPosition;
  readonly message: ObjectMessage;
  readonly transition: Transition;
  /** Slug of the table. */
  readonly table: string;
  /** The permitted fields as JSON members, without the braces. */
  readonly fields: string;
  /** The same of the record before an update, with no field that may not be read on both. */
  readonly oldFields: string;
  /** When the record was made and last written, as JSON members, without the braces. */
  readonly times: string;
  /** The values that the record is sorted by, as a JSON list; empty: no order was asked for, or the record is gone. */
  readonly sortKey: string;
}

/**
 * The change of a record, as the members of its message after type and subscription: `tableChangeSchema` says what comes
 * out. Whoever loses sight of a record is told its id and nothing else, deletions included.
 */
export function formatTableChange(change: VisibleRecordChange): string {
  const { position, message, transition, table, sortKey } = change;
  const id = JSON.stringify(message.uuid);
  return (
    `"event":"${TABLE_EVENT_OF[transition]}","table":${JSON.stringify(table)},"recordId":${id}` +
    `,"eventId":"${formatEventId(position)}","transition":"${transition}"${formatRecords(change, id)}` +
    `,"timestamp":${JSON.stringify(message.time)}${sortKey === '' ? '' : `,"sortKey":${sortKey}`}`
  );
}

function formatRecords({ transition, fields, oldFields, times }: VisibleRecordChange, id: string): string {
  const record = `,"record":{"id":${id},"fields":{${fields}},${times}}`;
  switch (transition) {
    case 'left':
    case 'deleted':
      return '';
    case 'created':
    case 'entered':
      return record;
    case 'updated':
      return `${record},"oldRecord":{"id":${id},"fields":{${oldFields}}}`;
  }
}
