import { ClientError } from '../client-error.ts';
import type { SubscriptionWish } from '../link/link.ts';
import type { RecordQuery } from './records-api.ts';
import { SPARE_ROWS } from './rows.ts';
import { POLL_INTERVAL_MS, REFRESH_MODES, SOURCE_LIMIT } from './source.ts';
import type { DataSourceOptions, RefreshMode, SortTerm } from './source.ts';

/** What a source was asked for, checked, with every default in its place. */
export interface SourceWish {
  readonly mode: RefreshMode;
  readonly pollIntervalMs: number;
  readonly limit: number;
  readonly terms: readonly SortTerm[];
  /** The fields to be shown, where they are fewer than those that are fetched to sort by. */
  readonly shown: ReadonlySet<string> | undefined;
  readonly query: RecordQuery;
  readonly subscription: SubscriptionWish;
}

const SYSTEM: ReadonlySet<string> = new Set(['id', 'createdAt', 'updatedAt']);

/** @throws ClientError VALIDATION_ERROR that names the option and says what it may be. */
export function readSourceOptions(options: DataSourceOptions): SourceWish {
  const { table, fields } = options;
  if (typeof table !== 'string' || table === '') throw refusal('table', 'must be the slug of a table');
  const mode = options.refreshMode === 'none' ? 'static' : (options.refreshMode ?? 'realtime');
  if (!REFRESH_MODES.includes(mode)) {
    throw refusal(
      'refreshMode',
      `must be 'static' (or 'none'), 'poll' or 'realtime', not '${mode as string}'`,
    );
  }
  const terms = readSort(options.sort);
  const sort = terms.map(({ field, direction = 'asc' }) => `${field}:${direction}`).join(',');
  const needed = fields && [...new Set([...fields, ...terms.map(({ field }) => field)])];
  const fetched = needed?.filter((name) => !SYSTEM.has(name));
  const filter = filterText(options.filter);
  const limit = wholeNumber('limit', options.limit ?? SOURCE_LIMIT.default, 1, SOURCE_LIMIT.max);
  const asked = {
    table,
    ...(filter !== undefined && { filter }),
    ...(sort !== '' && { sort }),
    ...(fetched && fetched.length > 0 && { fields: fetched }),
  };
  return {
    mode,
    pollIntervalMs: wholeNumber(
      'pollIntervalMs',
      options.pollIntervalMs ?? POLL_INTERVAL_MS.default,
      POLL_INTERVAL_MS.min,
      86_400_000,
    ),
    limit,
    terms,
    shown: fields && fetched && fetched.length > fields.length ? new Set(fields) : undefined,
    query: { ...asked, limit: Math.min(SOURCE_LIMIT.max, limit + SPARE_ROWS) },
    subscription: asked,
  };
}

function readSort(sort: DataSourceOptions['sort']): readonly SortTerm[] {
  if (sort === undefined) return [];
  if (typeof sort !== 'string') return sort;
  return sort
    .split(',')
    .map((term) => term.trim())
    .filter((term) => term !== '')
    .map((term) => {
      const colon = term.lastIndexOf(':');
      const direction = colon < 0 ? 'asc' : term.slice(colon + 1);
      if (direction !== 'asc' && direction !== 'desc') {
        throw refusal('sort', `reads 'field:asc,other:desc', not '${sort.slice(0, 100)}'`);
      }
      return { field: colon < 0 ? term : term.slice(0, colon), direction };
    });
}

function filterText(filter: DataSourceOptions['filter']): string | undefined {
  if (filter === undefined || filter === '') return undefined;
  if (typeof filter === 'string') return filter;
  return Array.isArray(filter) && filter.length === 0 ? undefined : JSON.stringify(filter);
}

function wholeNumber(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw refusal(name, `must be a whole number from ${min} to ${max}, not ${value}`);
}

function refusal(field: string, problem: string): ClientError {
  const message = `'${field}' ${problem}`;
  return new ClientError('VALIDATION_ERROR', message, { errors: [{ field, message }] });
}
