import {
  TABLE_SYSTEM_NAMES,
  TidewireError,
  isReservedPropertyName,
  parseTimestamp,
  tableFieldsSchema,
  tableNewRecordSchema,
  tableRecordPatchSchema,
} from '@tidewire/contract';
import { formatPointer, parseInput } from '@tidewire/service-kit';
import { readObjectBody } from '../objects/object-body.ts';
import type { ObjectBody } from '../objects/object-body.ts';
import { faultIn } from '../objects/write-scope.ts';
import type { BodyPlace } from '../objects/write-scope.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Values as they were sent, the condition beside them, and where they stand in the body. */
export interface GivenRecord {
  readonly fields: Fields;
  readonly updatedAt: string | undefined;
  readonly place: BodyPlace;
}

const FLAT: BodyPlace = { row: '', members: '' };
const WRAPPED: BodyPlace = { row: '', members: '/fields' };
/** Names of a record's members that are not its fields. */
export const SYSTEM_NAMES: ReadonlySet<string> = new Set(TABLE_SYSTEM_NAMES);

/** A new record: `{fields}`, or the values themselves. */
export function readNewRecord(body: unknown): GivenRecord {
  if (!isWrapped(body)) {
    return { fields: parseInput(tableFieldsSchema, body, 'body'), updatedAt: undefined, place: FLAT };
  }
  const { fields } = parseInput(tableNewRecordSchema, body, 'body');
  return { fields, updatedAt: undefined, place: WRAPPED };
}

/** A change: `{fields, updatedAt?}`, or the values with `updatedAt` beside them. What else a GET returned is left out. */
export function readRecordPatch(body: unknown): GivenRecord {
  if (isWrapped(body)) {
    const sent = new Map(Object.entries(body));
    for (const name of SYSTEM_NAMES) if (name !== 'updatedAt') sent.delete(name);
    const { fields, updatedAt } = parseInput(tableRecordPatchSchema, Object.fromEntries(sent), 'body');
    return { fields, updatedAt, place: WRAPPED };
  }
  const { updatedAt, ...fields } = parseInput(tableFieldsSchema, body, 'body');
  if (updatedAt !== undefined && typeof updatedAt !== 'string') throw badToken('/updatedAt');
  return { fields, updatedAt, place: FLAT };
}

/** Where the record at an index of a batch stands. */
export function batchPlace(index: number): BodyPlace {
  return { row: `/records/${index}`, members: `/records/${index}/fields` };
}

/** Where an id of a batch stands. */
export function idPlace(index: number): BodyPlace {
  return { row: `/ids/${index}`, members: `/ids/${index}` };
}

/** A property may be named `fields` too; then its values are sent wrapped. */
function isWrapped(body: unknown): body is Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'fields')) return false;
  return tableFieldsSchema.safeParse(new Map(Object.entries(body)).get('fields')).success;
}

/**
 * Values and condition as the writer takes them.
 *
 * @throws TidewireError VALIDATION_ERROR for system fields, for a token that is no time, and for what cannot be stored.
 */
export function toObjectBody({ fields, updatedAt, place }: GivenRecord): ObjectBody {
  for (const name of Object.keys(fields)) {
    if (isReservedPropertyName(name) && name !== '_organisation') throw readonlyField(place, name);
  }
  const updatedMs = updatedAt === undefined ? undefined : parseTimestamp(updatedAt);
  if (updatedAt !== undefined && updatedMs === undefined) throw badToken(`${place.row}/updatedAt`);
  try {
    return { ...readObjectBody(fields, undefined), version: undefined, updatedMs };
  } catch (error) {
    if (!(error instanceof TidewireError)) throw error;
    const errors = error.errors.map((fault) => faultIn(place, fault));
    throw new TidewireError(error.code, error.message, { errors, cause: error });
  }
}

/** @throws TidewireError VALIDATION_ERROR when an id stands in a batch twice: its rows would be written in no order. */
export function refuseRepeatedIds(ids: readonly string[], pointerOf: (index: number) => string): void {
  const seen = new Set<string>();
  for (const [index, id] of ids.entries()) {
    if (seen.has(id)) {
      const errors = [{ field: pointerOf(index), message: 'names a record for the second time' }];
      throw new TidewireError('VALIDATION_ERROR', 'A record is named twice.', { errors });
    }
    seen.add(id);
  }
}

function readonlyField({ members }: BodyPlace, name: string): TidewireError {
  const message = `Cannot write to readonly field '${name}'`;
  const errors = [{ field: `${members}${formatPointer([name])}`, message }];
  return new TidewireError('VALIDATION_ERROR', message, { errors });
}

function badToken(field: string): TidewireError {
  const message = 'must be the updatedAt that was read, such as 2026-04-05T12:00:00.000Z';
  return new TidewireError('VALIDATION_ERROR', `updatedAt ${message}.`, { errors: [{ field, message }] });
}
