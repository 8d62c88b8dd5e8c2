import { isReservedPropertyName } from '@tidewire/contract';
import type { JsonValue, Property } from '@tidewire/contract';
import type { FileRow } from './row-file.ts';

type PropertyType = Property['type'];

/** Which property each column becomes, and how its cells are read. */
export interface InferredSchema {
  readonly properties: Readonly<Record<string, Property>>;
  /** Turns a row of the file into the properties of an object; empty cells are left out. */
  readonly toObject: (row: FileRow) => Record<string, JsonValue>;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** Cells of one column, narrowed as rows are seen. A column that ever holds text is text. */
interface Column {
  readonly property: string;
  types: Set<PropertyType>;
  dates: boolean;
  times: boolean;
}

/**
 * Looks at every row once and decides on one type per column: integer, number, boolean, string (with a date format
 * where every cell has one), or what NDJSON says. Codes with leading zeros stay text.
 */
export async function inferSchema(rows: AsyncIterable<FileRow>): Promise<InferredSchema> {
  const columns = new Map<string, Column>();
  for await (const row of rows) {
    for (const [name, cell] of Object.entries(row)) {
      if (cell === '' || cell === null || cell === undefined) continue;
      const column = columns.get(name) ?? {
        property: propertyName(name),
        types: new Set(),
        dates: true,
        times: true,
      };
      columns.set(name, column);
      column.types.add(typeOf(cell));
      column.dates &&= typeof cell === 'string' && DATE.test(cell);
      column.times &&= typeof cell === 'string' && DATE_TIME.test(cell);
    }
  }
  if (columns.size === 0) throw new Error('the file has no rows');
  const properties = Object.fromEntries(
    [...columns.values()].map((column) => [column.property, property(column)]),
  );
  return { properties, toObject: (row) => toObject(row, columns, properties) };
}

/** A column name as a property: reserved names get a prefix, so that an `id` column survives an import. */
function propertyName(column: string): string {
  return isReservedPropertyName(column) ? `column_${column.replace(/^_+/, '')}` : column;
}

function typeOf(cell: unknown): PropertyType {
  if (typeof cell === 'boolean') return 'boolean';
  if (typeof cell === 'number') return Number.isSafeInteger(cell) ? 'integer' : 'number';
  if (Array.isArray(cell)) return 'array';
  if (typeof cell !== 'string') return 'object';
  if (cell === 'true' || cell === 'false') return 'boolean';
  if (!NUMBER.test(cell)) return 'string';
  const value = Number(cell);
  if (!Number.isFinite(value)) return 'string';
  if (!Number.isInteger(value)) return 'number';
  return Number.isSafeInteger(value) && !/[.eE]/.test(cell) ? 'integer' : 'string';
}

function property(column: Column): Property {
  const [only] = column.types;
  if (column.types.size === 1 && only !== undefined && only !== 'string') return { type: only };
  if ([...column.types].every((type) => type === 'integer' || type === 'number')) return { type: 'number' };
  if (column.types.size > 1) return { type: 'string' };
  if (column.times) return { type: 'string', format: 'date-time' };
  return column.dates ? { type: 'string', format: 'date' } : { type: 'string' };
}

function toObject(
  row: FileRow,
  columns: ReadonlyMap<string, Column>,
  properties: Readonly<Record<string, Property>>,
): Record<string, JsonValue> {
  const entries: [string, JsonValue][] = [];
  for (const [name, cell] of Object.entries(row)) {
    const column = columns.get(name);
    if (column === undefined || cell === '' || cell === null || cell === undefined) continue;
    entries.push([column.property, convert(cell as JsonValue, properties[column.property]?.type)]);
  }
  return Object.fromEntries(entries);
}

function convert(cell: JsonValue, type: PropertyType | undefined): JsonValue {
  if (type === 'string') return typeof cell === 'string' ? cell : JSON.stringify(cell);
  if (typeof cell !== 'string') return cell;
  if (type === 'integer' || type === 'number') return Number(cell);
  if (type === 'boolean') return cell === 'true';
  return cell;
}
