import type { DeletedRecord, TableRecord, TableRecordList } from '@tidewire/contract';
import type { PresentedObject } from '../objects/object-access.ts';
import type { ReadPage } from '../objects/object-reader.ts';

/** An object that its reader may see, in the words of the tables face. */
export function toRecord({ object, writers }: PresentedObject): TableRecord {
  const fields = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(object))
    if (name !== 'id' && !name.startsWith('_')) fields[name] = value;
  return {
    id: String(object['_uuid']),
    fields,
    createdAt: String(object['_created']),
    updatedAt: String(object['_updated']),
    ...writers,
  };
}

/** What a poll says of a record that is gone. */
function toDeleted({ object }: PresentedObject): DeletedRecord {
  return { id: String(object['_uuid']), updatedAt: String(object['_updated']), deleted: true };
}

/** A page of them. */
export function toRecordList({ request, objects, total, position, poll }: ReadPage): TableRecordList {
  const { page, limit, offset } = request;
  return {
    records: objects.map((one) => (one.deleted === true ? toDeleted(one) : toRecord(one))),
    pagination: {
      page,
      limit,
      offset,
      total,
      totalPages: Math.ceil(total / limit),
      hasNextPage: offset + objects.length < total,
      hasPreviousPage: offset > 0,
    },
    ...(poll === undefined ? {} : { more: poll.more }),
    ...(poll?.resync === undefined ? {} : { resync: { reason: poll.resync } }),
    position,
    ...(poll === undefined ? {} : { next: poll.next }),
  };
}
