import type { DataTable } from '@tidewire/contract';
import type { LiveRow } from '@tidewire/client';

/** What values of a column are, by those that are there. */
export type ColumnKind = 'text' | 'number' | 'boolean' | 'date' | 'time' | 'other';

export interface Column {
  readonly field: string;
  readonly label: string;
  readonly kind: ColumnKind;
  /** Of numbers: so many digits after the point has the longest of them. */
  readonly decimals: number;
  /** Members of the record itself cannot be written. */
  readonly writable: boolean;
}

const SYSTEM: ReadonlySet<string> = new Set(['id', 'createdAt', 'updatedAt']);
const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;
/** More digits than this say nothing to readers of a table. */
const MAX_DECIMALS = 6;

type Row = LiveRow<Readonly<Record<string, unknown>>>;

/** A value of a row, of its fields or of the record itself. */
export function valueOf(row: Row, field: string): unknown {
  if (field === 'id' || field === 'createdAt' || field === 'updatedAt') return row[field];
  return Object.hasOwn(row.fields, field) ? row.fields[field] : undefined;
}

/** The fields that have to be fetched; undefined: all. */
export function fetchedFields({ columns, dataSource }: DataTable): readonly string[] | undefined {
  const fields = (dataSource.fields ?? columns?.map(({ field }) => field))?.filter(
    (field) => !SYSTEM.has(field),
  );
  return fields === undefined || fields.length === 0 ? undefined : [...new Set(fields)];
}

/** The columns of a table, with what is known of them by their rows. */
export function columnsOf({ columns, dataSource }: DataTable, rows: readonly Row[]): readonly Column[] {
  const given =
    columns ??
    (dataSource.fields ?? [...new Set(rows.flatMap(({ fields }) => Object.keys(fields)))]).map((field) => ({
      field,
      label: undefined,
    }));
  return given.map(({ field, label }) => {
    const values = rows
      .map((row) => valueOf(row, field))
      .filter((value) => value !== undefined && value !== null);
    const kind = kindOf(values);
    return {
      field,
      label: label ?? wordsOf(field),
      kind,
      decimals: kind === 'number' ? Math.max(0, ...values.map((value) => decimalsOf(value as number))) : 0,
      writable: !SYSTEM.has(field),
    };
  });
}

function kindOf(values: readonly unknown[]): ColumnKind {
  const kinds = new Set(values.map(kindOfValue));
  const [only = 'text'] = kinds;
  if (kinds.size <= 1) return only;
  return kinds.has('other') ? 'other' : 'text';
}

function kindOfValue(value: unknown): ColumnKind {
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value !== 'string') return 'other';
  if (DATE.test(value)) return 'date';
  return TIME.test(value) ? 'time' : 'text';
}

function decimalsOf(value: number): number {
  const digits = /\.(\d+)$/.exec(String(value))?.[1] ?? '';
  return Math.min(MAX_DECIMALS, digits.length);
}

/** `costTotal` and `cost_total` as people say it: `Cost total`. */
export function wordsOf(field: string): string {
  const words = field
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .trim()
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
