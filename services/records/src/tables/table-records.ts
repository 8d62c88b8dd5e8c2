import {
  TidewireError,
  tableBatchCreateSchema,
  tableBatchDeleteSchema,
  tableBatchPatchSchema,
  tableBatchRestoreSchema,
  tableUpsertSchema,
} from '@tidewire/contract';
import type { TableBatchResult, TableRecord, TableRecordList } from '@tidewire/contract';
import { parseInput } from '@tidewire/service-kit';
import type { PrincipalContext } from '@tidewire/service-kit';
import type { Entries } from '../objects/list-terms.ts';
import type { PresentedObject } from '../objects/object-access.ts';
import type { ObjectReader } from '../objects/object-reader.ts';
import type { ObjectWriter, WriteRequest } from '../objects/object-writer.ts';
import type { BodyPlace } from '../objects/write-scope.ts';
import {
  SYSTEM_NAMES,
  batchPlace,
  idPlace,
  readNewRecord,
  readRecordPatch,
  refuseRepeatedIds,
  toObjectBody,
} from './table-body.ts';
import { parseTableQuery } from './table-query.ts';
import { toRecord, toRecordList } from './table-record.ts';
import { onTablesFace } from './table-refusal.ts';

/** A request on a table, by its slug or the id of its schema. */
export type TableRequest = Omit<WriteRequest, 'placeOf' | 'systemNames'>;

/** A record, and the version that it must still have (`If-Match`). */
export interface RowCondition {
  readonly uuid: string;
  readonly version: number | undefined;
}

/** A record as it was read, with what its answer's headers say. */
export interface FoundRecord {
  readonly record: TableRecord;
  readonly version: number;
  readonly position: string;
}

/**
 * The tables face: the objects of a schema as records of a table. It only translates; reading, writing and rights are those
 * of the registers face. All of a batch is written or nothing, and its refusal names the row.
 */
export class TableRecords {
  readonly #reader: ObjectReader;
  readonly #writer: ObjectWriter;

  constructor(reader: ObjectReader, writer: ObjectWriter) {
    this.#reader = reader;
    this.#writer = writer;
  }

  /** A page of what may be read. `organisation`: an administrator's choice of one. */
  async list(
    who: PrincipalContext | null,
    table: string,
    entries: Entries,
    organisation: string | undefined,
  ): Promise<TableRecordList> {
    return await onTablesFace(async () => {
      const parse: Parameters<ObjectReader['page']>[2]['parse'] = (types) => parseTableQuery(entries, types);
      return toRecordList(await this.#reader.page(who, { table }, { parse, organisation }));
    });
  }

  async get(who: PrincipalContext | null, table: string, id: string): Promise<FoundRecord> {
    return await onTablesFace(async () => {
      const found = await this.#reader.get(who, { table }, id);
      return { record: toRecord(found), version: found.version, position: found.position };
    });
  }

  /** `body`: `{fields}` or the values themselves. */
  async create(request: TableRequest, body: unknown): Promise<TableRecord> {
    return await onTablesFace(async () => {
      const given = readNewRecord(body);
      const write = writeAt(request, () => given.place);
      return only(await this.#writer.create(write, [toObjectBody(given)]));
    });
  }

  /** `body`: `{fields, updatedAt?}` or the values with `updatedAt` beside them; 409 when the record is newer than that. */
  async patch(request: TableRequest, row: RowCondition, body: unknown): Promise<TableRecord> {
    return await onTablesFace(async () => {
      const given = readRecordPatch(body);
      const { uuid, version } = row;
      const change = { uuid, body: { ...toObjectBody(given), version } };
      return only(
        await this.#writer.change(
          writeAt(request, () => given.place),
          'merge',
          [change],
        ),
      );
    });
  }

  async remove(request: TableRequest, row: RowCondition, permanent: boolean): Promise<void> {
    await onTablesFace(() => this.#writer.remove(request, { objects: [row], permanent }));
  }

  async restore(request: TableRequest, uuid: string): Promise<TableRecord> {
    return await onTablesFace(async () => only(await this.#writer.restore(request, [uuid])));
  }

  async createMany(request: TableRequest, body: unknown): Promise<TableBatchResult> {
    return await onTablesFace(async () => {
      const { records, returnRecords = false } = parseInput(tableBatchCreateSchema, body, 'body');
      const bodies = records.map(({ fields }, index) =>
        toObjectBody({ fields, updatedAt: undefined, place: batchPlace(index) }),
      );
      const created = await this.#writer.create(writeAt(request, batchPlace), bodies);
      return { created: created.length, ...withRecords(returnRecords, created) };
    });
  }

  async patchMany(request: TableRequest, body: unknown): Promise<TableBatchResult> {
    return await onTablesFace(async () => {
      const { records, returnRecords = false } = parseInput(tableBatchPatchSchema, body, 'body');
      refuseRepeatedIds(
        records.map(({ id }) => id),
        (index) => `/records/${index}/id`,
      );
      const changes = records.map(({ id, fields, updatedAt }, index) => ({
        uuid: id,
        body: toObjectBody({ fields, updatedAt, place: batchPlace(index) }),
      }));
      const updated = await this.#writer.change(writeAt(request, batchPlace), 'merge', changes);
      return { updated: updated.length, ...withRecords(returnRecords, updated) };
    });
  }

  async removeMany(request: TableRequest, body: unknown): Promise<TableBatchResult> {
    return await onTablesFace(async () => {
      const { ids, permanent = false } = parseInput(tableBatchDeleteSchema, body, 'body');
      refuseRepeatedIds(ids, (index) => `/ids/${index}`);
      const objects = ids.map((uuid) => ({ uuid, version: undefined }));
      await this.#writer.remove(writeAt(request, idPlace), { objects, permanent });
      return { deleted: ids.length };
    });
  }

  async restoreMany(request: TableRequest, body: unknown): Promise<TableBatchResult> {
    return await onTablesFace(async () => {
      const { ids } = parseInput(tableBatchRestoreSchema, body, 'body');
      refuseRepeatedIds(ids, (index) => `/ids/${index}`);
      const restored = await this.#writer.restore(writeAt(request, idPlace), ids);
      return { success: true, restored: restored.length };
    });
  }

  async upsert(request: TableRequest, body: unknown): Promise<TableBatchResult> {
    return await onTablesFace(async () => {
      const given = parseInput(tableUpsertSchema, body, 'body');
      const bodies = given.records.map(({ fields, updatedAt }, index) =>
        toObjectBody({ fields, updatedAt, place: batchPlace(index) }),
      );
      const upsert = { keyFields: keyFieldsOf(given), bodies };
      const { objects, created, updated } = await this.#writer.upsert(writeAt(request, batchPlace), upsert);
      return { created, updated, ...withRecords(given.returnRecords ?? true, objects) };
    });
  }
}

function writeAt(request: TableRequest, placeOf: (index: number) => BodyPlace): WriteRequest {
  return { ...request, placeOf, systemNames: SYSTEM_NAMES };
}

function only([object]: readonly PresentedObject[]): TableRecord {
  if (object === undefined) throw new Error('the write answered nothing');
  return toRecord(object);
}

function withRecords(
  wanted: boolean,
  objects: readonly PresentedObject[],
): Pick<TableBatchResult, 'records'> {
  return wanted ? { records: objects.map(toRecord) } : {};
}

interface KeyFields {
  readonly fieldsToMergeOn?: readonly string[] | undefined;
  readonly matchFields?: readonly string[] | undefined;
}

/** One of the two names; two that differ would leave it to us which is meant. */
function keyFieldsOf({ fieldsToMergeOn, matchFields }: KeyFields): readonly string[] {
  const fields = fieldsToMergeOn ?? matchFields;
  if (fields !== undefined && (fieldsToMergeOn === undefined || matchFields === undefined)) return fields;
  const message = 'must name the fields that identify a record (matchFields is another name of it)';
  throw new TidewireError('VALIDATION_ERROR', 'The body is not valid.', {
    errors: [{ field: '/fieldsToMergeOn', message }],
  });
}
